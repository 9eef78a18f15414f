from __future__ import annotations

from collections.abc import Callable

import pytest

from mkmine.eventlog import EventLog
from mkmine.eventlog.statuses import status_kind, status_kinds, tells_statuses, waiting_stays


@pytest.mark.parametrize(
    "name",
    [
        "В очереди",
        "Queued / Awaiting Assignment",
        "Accepted / Assigned",
        "Backlog",
        "To do",
        "Новая",
        "Ожидает согласования",
        "Waiting for review",
        "Ждёт копирайтера",
        "Готово к проверке",
    ],
)
def test_names_of_queues(name: str) -> None:
    assert status_kind(name) == "queue"


@pytest.mark.parametrize(
    "name",
    [
        "Ожидание клиента",
        "Ожидает согласования заказчиком",
        "Accepted / Wait - User",
        "Waiting for vendor",
        "Accepted / Wait",
        "On hold",
        "Отложено",
        "Решена",
        "Закрыта",
        "Completed / Resolved",
        "Done",
        "Готово",
    ],
)
def test_names_of_waits_that_no_colleague_ends(name: str) -> None:
    assert status_kind(name) == "outside"


@pytest.mark.parametrize(
    "name", ["В работе", "In progress", "Копирайтинг", "Согласование", "Review", "Закрытие", "Решение"]
)
def test_names_of_work(name: str) -> None:
    assert status_kind(name) == "work"


def test_only_logs_of_statuses_have_waiting_stays(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "New", 0, 2, "x"), ("1", "Work", 2, 5, "x"), ("1", "Done", 5, 6, "x")])
    assert tells_statuses(log)
    assert waiting_stays(log).tolist() == [True, False, True]
    gaps = make_log([("1", "New", 0, 2, "x"), ("1", "Work", 3, 5, "x")])
    assert status_kinds(gaps) == ("work", "work")
    assert not waiting_stays(gaps).any()
