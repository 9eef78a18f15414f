from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mkmine as mk
from mkmine.discovery import organisation
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog

DATA = Path(__file__).resolve().parents[2] / "data" / "article"


@pytest.fixture(scope="module")
def article() -> EventLog:
    return mk.read(DATA / "tracker.csv")


def made(rows: list[tuple[str, str, str, str]], **options: object) -> EventLog:
    frame = pd.DataFrame(rows, columns=["case", "activity", "resource", "end"])
    frame["end"] = pd.to_datetime(frame["end"])
    return EventLog.from_pandas(frame, resource="resource", **options)  # type: ignore[arg-type]


def day(n: int) -> str:
    return f"{pd.Timestamp('2025-01-06') + pd.Timedelta(days=n):%Y-%m-%d}"


def test_roles_found_are_those_of_the_article_world(article: EventLog) -> None:
    """What people do tells their roles: the names recorded by the tracker are looked at only to call them."""
    found = organisation(article)
    assert (found.people["role"] == found.people["recorded"]).all()
    assert found.people["stability"].min() > 0.9
    nameless = EventLog.from_pandas(
        article.to_pandas().drop(columns=["role", "round"]), resource="resource", start="start"
    )
    again = organisation(nameless).people.set_index("person")["role"]
    recorded = found.people.set_index("person")["recorded"]
    pairs = pd.crosstab(again, recorded.loc[again.index])
    assert ((pairs > 0).sum(axis=0) == 1).all()
    assert ((pairs > 0).sum(axis=1) == 1).all()


def test_people_who_do_alike_by_chance_are_told_by_their_stability() -> None:
    rng = np.random.default_rng(1)
    rows = []
    for case in range(60):
        people = ["A", "B"] if rng.random() < 0.5 else ["B", "A"]
        rows.append((f"c{case}", "write", people[0], day(case)))
        rows.append((f"c{case}", "check", "C", day(case)))
    found = organisation(made(rows))
    roles = found.people.set_index("person")["role"]
    assert roles["A"] == roles["B"] != roles["C"]
    pair = found.together.set_index(["first", "second"])["share"]
    assert pair["A", "B"] == 1.0
    assert pair["A", "C"] == 0.0


def test_ping_pong_counts_stays_not_events() -> None:
    rows = [
        ("c1", "w", "A", "2025-01-06 09:00"),
        ("c1", "w", "A", "2025-01-06 10:00"),
        ("c1", "x", "B", "2025-01-06 11:00"),
        ("c1", "w", "A", "2025-01-06 12:00"),
        ("c1", "x", "C", "2025-01-06 13:00"),
        ("c2", "w", "A", "2025-01-06 09:00"),
        ("c2", "x", "B", "2025-01-06 10:00"),
    ]
    table = organisation(made(rows, calendar=mk.Calendar.always())).ping_pong
    assert table[["first", "second", "count", "cases"]].values.tolist() == [["A", "B", 1, 1]]
    assert table["share"].tolist() == [0.5]
    assert table["hours"].tolist() == [2.0]


def test_who_covers_is_who_does_more_while_somebody_is_away() -> None:
    rows = []
    for n in range(120):
        away = 40 <= n < 60
        who = ("A" if n % 2 else "B") if not away else ("C" if n % 4 else "B")
        rows += [(f"c{n}", "design", who, day(n)), (f"c{n}", "print", "C", day(n))]
    table = organisation(made(rows)).cover.set_index(["absent", "by"])
    assert table.loc[("A", "C"), "supported"]
    assert table.loc[("A", "C"), "share"] == pytest.approx(0.75, abs=0.05)
    assert table.loc[("A", "C"), "usual"] == 0.0
    assert not table.loc[("A", "B"), "supported"]
    assert table.loc[("A", "C"), "days"] >= 20


def test_departments_are_an_attribute_a_recorded_role_or_a_found_one(article: EventLog) -> None:
    frame = article.to_pandas().drop(columns=["role", "round"])
    frame["department"] = np.where(frame["activity"].str.contains("Дизайн"), "design", "words")
    log = EventLog.from_pandas(frame, resource="resource", start="start", attributes=["department"])
    cut = organisation(log, department="department")
    assert set(map(tuple, cut.departments[["from", "to"]].values)) == {("words", "design"), ("design", "words")}
    assert cut.per_case == cut.departments["count"].sum() / log.n_cases
    assert organisation(log).department == "found role"
    assert organisation(article).department == "role"
    with pytest.raises(UnknownNameError, match="departmnt"):
        organisation(log, department="departmnt")


def test_workload_adds_up(article: EventLog) -> None:
    load = organisation(article).workload
    assert load["instances"].sum() == (article.resource >= 0).sum()
    assert (load["week"].dt.day_of_week == 0).all()


def test_one_seed_one_result(article: EventLog) -> None:
    assert organisation(article, seed=4).to_dict() == organisation(article, seed=4).to_dict()


def test_a_log_without_people_is_refused() -> None:
    frame = pd.DataFrame({"case": ["a", "a"], "activity": ["x", "y"], "end": pd.to_datetime(["2025-01-06"] * 2)})
    with pytest.raises(DataError, match="names nobody"):
        organisation(EventLog.from_pandas(frame))
