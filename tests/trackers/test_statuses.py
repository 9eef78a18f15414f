"""The mapping of statuses: kept as YAML, checked, and guessed with reasons."""

from __future__ import annotations

from pathlib import Path

import pytest

from mkmine.calendars import Calendar
from mkmine.errors import DataError
from mkmine.trackers import StatusMapping, StatusRule
from mkmine.trackers.statuses import guess_rule


def test_a_saved_mapping_is_the_same_when_read(tmp_path: Path) -> None:
    calendar = Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Europe/Moscow", holidays="RU")
    mapping = StatusMapping(
        statuses={"Ждёт": StatusRule(kind="queue"), "Текст": StatusRule(kind="work", aliases=("Копирайтинг",))},
        people={"Анна": "Копирайтер"},
        time_zone="Europe/Moscow",
        calendar=calendar.to_dict(),
    )
    again = StatusMapping.load(mapping.save(tmp_path / "mapping.yaml"))
    assert again == mapping
    assert again.office() == calendar
    assert again.canonical()["Копирайтинг"] == "Текст"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("statuses:\n  A: {kind: wrok}", "statuses → A → kind"),
        ("statuses:\n  A: {kind: work, aliases: [B]}\n  B: {kind: done}", "alias of"),
        ("statuses:\n  A: {kind: queue, activity: C}\n  B: {kind: work}", "no other status has"),
        ("time_zone: Europe/Moskow", "Europe/Moscow"),
        ("calendar: {weekly: {Mon: nine}}", "not an interval"),
        ("stauses: {}", "stauses"),
        ("misclick_seconds: -5", "misclick_seconds"),
        ("- a\n- b", "mapping"),
        ("a: [", "YAML"),
    ],
)
def test_mistakes_in_a_mapping_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        StatusMapping.load(path)


@pytest.mark.parametrize(
    ("status", "category", "kind"),
    [
        ("Ждёт согласования", None, "queue"),
        ("Очередь на дизайн", None, "queue"),
        ("Готово к публикации", None, "queue"),
        ("Готово", None, "done"),
        ("Опубликовано", None, "done"),
        ("Отменено", "done", "cancelled"),
        ("To Do", None, "queue"),
        ("Backlog", None, "queue"),
        ("Waiting for customer", None, "outside"),
        ("У агентства", None, "outside"),
        ("Дизайн", None, "work"),
        ("In Progress", "indeterminate", "work"),
        ("Waiting for review", "indeterminate", "queue"),
        ("Under review", "new", "queue"),
        ("已完成", "done", "done"),
        ("Согласование текста", None, "work"),
        ("Won't do", None, "cancelled"),
    ],
)
def test_the_guess_follows_category_and_words(status: str, category: str | None, kind: str) -> None:
    rule = guess_rule(status, category=category, final=False)
    assert rule.kind == kind
    assert rule.why
