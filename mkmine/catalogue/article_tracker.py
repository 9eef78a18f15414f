"""The tracker of the article world: its statuses, and what its issues are called."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from mkmine.calendars import HOUR, from_us
from mkmine.catalogue.article import (
    AGENCY,
    APPROVAL,
    BRIEF,
    DESIGN,
    FINAL,
    LEFT,
    LEGAL,
    PUBLICATION,
    TASK,
    TIME_ZONE,
    WRITING,
)
from mkmine.catalogue.mess import Mess
from mkmine.eventlog import EventLog
from mkmine.simulation.model import SimulationModel
from mkmine.streams import Streams
from mkmine.trackers import StatusMapping, StatusRule

__all__ = ["REQUESTERS", "article_mapping", "article_mess", "issue_details"]

FORMER_WRITING = "Копирайтинг"
RENAMED = datetime(2025, 2, 2, 21, tzinfo=UTC)
REQUESTERS = ("Пётр Лагутин", "Ольга Синельникова", "Виктор Ямщиков", "Эльвира Касаткина", "Денис Пуговкин")

_TYPES = (("Статья", 0.6), ("Кейс", 0.15), ("Новость", 0.15), ("Лонгрид", 0.1))
_PRIORITIES = (("Средний", 0.7), ("Высокий", 0.2), ("Низкий", 0.1))
_AREAS = ("Доставка", "Склад", "Аналитика", "Личный кабинет", "Партнёры")
_TOPICS = (
    "как сократить сроки поставки", "пять ошибок при выборе тарифа", "что изменилось в личном кабинете",
    "как считать окупаемость", "чек-лист перед запуском", "как мы ускорили обработку заказов", "итоги квартала",
    "как подготовиться к сезону", "разбор вопросов клиентов", "как настроить отчёты", "опыт регионального партнёра",
    "как выбрать упаковку", "что показывает аналитика возвратов", "как работать с претензиями", "обзор обновлений",
)  # fmt: skip


def article_mapping(model: SimulationModel) -> StatusMapping:
    """Return what the statuses of the article tracker mean, in the order in which an issue meets them."""
    rules = {
        "Новая": StatusRule(kind="queue", activity=TASK),
        TASK: StatusRule(kind="work"),
        "Ждёт маркетолога": StatusRule(kind="queue", activity=BRIEF),
        BRIEF: StatusRule(kind="work"),
        "Ждёт копирайтера": StatusRule(kind="queue", activity=WRITING),
        WRITING: StatusRule(kind="work", aliases=(FORMER_WRITING,)),
        "Ждёт согласования": StatusRule(kind="queue", activity=APPROVAL),
        APPROVAL: StatusRule(kind="work"),
        "У юристов": StatusRule(kind="outside", activity=LEGAL),
        "Ждёт дизайнера": StatusRule(kind="queue", activity=DESIGN),
        DESIGN: StatusRule(kind="work"),
        "У агентства": StatusRule(kind="outside", activity=AGENCY),
        "Ждёт финального согласования": StatusRule(kind="queue", activity=FINAL),
        FINAL: StatusRule(kind="work"),
        "Готово к публикации": StatusRule(kind="queue", activity=PUBLICATION),
        "Опубликовано": StatusRule(kind="done", activity=PUBLICATION),
        "Отменено": StatusRule(kind="cancelled"),
    }
    roles = {person.name: person.roles[0] for person in model.people if person.name != LEFT}
    statuses = {
        name: rule.model_copy(update={"role": model.activities[rule.activity or name].role})
        if rule.kind in ("work", "done")
        else rule
        for name, rule in rules.items()
    }
    return StatusMapping(
        name=model.name,
        statuses=statuses,
        people={**roles, "Deleted user 1": next(p.roles[0] for p in model.people if p.name == LEFT)},
        time_zone=TIME_ZONE,
        calendar=model.calendar(model.office).to_dict(),
    )


def article_mess() -> Mess:
    """Return the mess of the article tracker."""
    return Mess(renamed=(FORMER_WRITING, WRITING, RENAMED), deleted=LEFT)


def issue_details(model: SimulationModel, log: EventLog, *, seed: int) -> pd.DataFrame:
    """Return title, type, priority, area, requester and deadline of each case of the whole log, indexed by case id.

    Type, priority and area have no influence on anything in this world; the deadline orders the queues.
    """
    draws = Streams(seed).generator("article", "details").random((log.n_cases, 5))
    kinds, priorities = (_chosen(table, draws[:, k]) for k, table in ((0, _TYPES), (1, _PRIORITIES)))
    areas, topics, requesters = (
        np.array(names, dtype=object)[(draws[:, k] * len(names)).astype(int)]
        for k, names in ((2, _AREAS), (3, _TOPICS), (4, REQUESTERS))
    )
    arrivals = (log.start if log.enabled is None else log.enabled)[log.offsets[:-1]]
    due = np.zeros(log.n_cases, dtype=np.int64)
    if model.due is not None:
        hours = model.due.ppf(Streams(seed).uniform("due", size=log.n_cases))
        due = model.calendar(model.office).add(arrivals, np.rint(hours * HOUR).astype(np.int64))
    return pd.DataFrame(
        {
            "title": [f"{area}: {topic}" for area, topic in zip(areas, topics, strict=True)],
            "type": kinds,
            "priority": priorities,
            "area": areas,
            "requester": requesters,
            "due": [from_us(int(moment), model.time_zone).date().isoformat() for moment in due],
        },
        index=log.case_ids,
    )


def _chosen(table: tuple[tuple[str, float], ...], draws: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[str]:
    edges = np.cumsum([share for _, share in table])
    names = [name for name, _ in table]
    return [names[min(int(k), len(names) - 1)] for k in np.searchsorted(edges, draws, side="right")]
