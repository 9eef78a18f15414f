"""Causes of waiting: by hand, against a minute-by-minute reference, and against the truth of the article world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.calendars import HOUR, Calendar
from mkmine.catalogue.departments import department
from mkmine.catalogue.samples import make_article
from mkmine.catalogue.truth import true_waiting
from mkmine.discovery import find_pools
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.performance.causes import CAUSES, _latest, _weight_above, split_waiting, usual_pause
from mkmine.simulation import simulate

ALWAYS = Calendar.always()
OFFICE = Calendar.parse({"Mon-Fri": "09:00-18:00"})
MORNINGS = Calendar.parse({"Mon-Fri": "09:00-13:00"})


def split(log: EventLog, *, office: Calendar = ALWAYS, hours: dict[str, Calendar] | None = None) -> dict[str, float]:
    """Return the hours of all waits by cause, without those that are 0."""
    calendars = [(hours or {}).get(name, office) for name in log.resources]
    found = split_waiting(log, find_pools(log), office=office, hours=calendars).sum(axis=0) / HOUR
    return {cause: float(value) for cause, value in zip(CAUSES, found, strict=True) if value}


def test_work_that_came_later_waits_behind_work_that_came_before(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 1, "x"), ("1", "B", 1, 5, "y"), ("2", "A", 1, 2, "x"), ("2", "B", 5, 6, "y")])
    assert split(log) == {"contention": 3}


def test_work_that_is_overtaken_waits_for_its_priority(make_log: Callable[..., EventLog]) -> None:
    log = make_log(
        [
            *(("1", "A", 0, 1, "x"), ("1", "B", 1, 5, "y")),
            *(("2", "A", 1, 2, "x"), ("2", "B", 7, 8, "y")),
            *(("3", "A", 2, 3, "x"), ("3", "B", 5, 7, "y")),
        ]
    )
    # Case 2 waits three hours behind case 1, and two while case 3 is done, which came after it.
    assert split(log) == {"contention": 3 + 2, "prioritisation": 2}


def test_nobody_on_duty(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 10, 14, "x"), ("1", "B", 33, 34, "y")])
    assert split(log, office=OFFICE, hours={"y": MORNINGS}) == {"unavailability": 4}


def test_whoever_is_free_waits_for_something_outside(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 1, "x"), ("1", "B", 4, 5, "y")])
    assert split(log) == {"outside": 3}


def test_an_activity_of_nobody_waits_outside(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "A", 0, 1, "x"), ("1", "B", 4, 5, None)])
    assert split(log) == {"outside": 3}


def test_a_free_colleague_cannot_be_blamed(make_log: Callable[..., EventLog]) -> None:
    log = make_log(
        [
            *(("1", "A", 0, 1, "x"), ("1", "B", 1, 9, "y")),
            *(("2", "A", 1, 2, "x"), ("2", "B", 9, 10, "y")),
            *(("3", "A", 10, 11, "x"), ("3", "B", 11, 12, "z")),
        ]
    )
    # While y was busy z, who also does B, was free for case 2.
    assert split(log) == {"unidentifiable": 7}


def test_work_collected_into_batches(make_log: Callable[..., EventLog]) -> None:
    rows = []
    for batch in range(6):
        begin = 24 * batch
        for place, ready in enumerate((1, 3, 5)):
            case = f"{batch}.{place}"
            rows += [(case, "A", begin + ready - 1, begin + ready, "x"), (case, "B", begin + 8, begin + 9, "y")]
    found = split(make_log(rows))
    # Until the last of the three is ready they wait for the batch, then (3 h each) for whatever lets it begin.
    assert found == {"batching": 6 * (4 + 2), "outside": 6 * 3 * 3}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40), st.data())
def test_weight_above_a_bound(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    values, weights = np.array(rows, dtype=np.int64).T
    asked = data.draw(st.lists(st.tuples(st.integers(0, len(rows)), st.integers(-2, 11)), min_size=1, max_size=20))
    place, bound = np.array(asked, dtype=np.int64).T
    expected = [int(weights[:p][values[:p] > b].sum()) for p, b in asked]
    assert _weight_above(values, weights, place, bound).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(-5, 5)), max_size=30))
def test_latest_of_overlapping_spans(spans: list[tuple[int, int, int]]) -> None:
    expected = [max([v for a, b, v in spans if a <= i < b], default=np.iinfo(np.int64).min) for i in range(31)]
    begin, end, values = np.array(spans, dtype=np.int64).reshape(-1, 3).T
    assert _latest(begin, end, values, 31).tolist() == expected


@given(st.integers(0, 10_000))
def test_causes_are_not_negative_and_add_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    log = _random_log(rng)
    hours = [MORNINGS if rng.random() < 0.3 else OFFICE for _ in log.resources]
    found = split_waiting(log, find_pools(log), office=OFFICE, hours=hours)
    assert found.min(initial=0) >= 0
    assert found.sum(axis=1).tolist() == OFFICE.working_time(enabled_times(log), log.start).tolist()


def _random_log(rng: np.random.Generator) -> EventLog:
    n = int(rng.integers(5, 40))
    start = pd.Timestamp("2025-03-03", tz="UTC") + pd.to_timedelta(rng.integers(0, 10 * 24 * 60, n), unit="min")
    frame = pd.DataFrame(
        {
            "case": rng.integers(0, 6, n).astype(str),
            "activity": rng.choice(list("ABC"), n),
            "start": start,
            "end": start + pd.to_timedelta(rng.integers(0, 600, n), unit="min"),
            "resource": rng.choice(["x", "y", "z", None], n),
        }
    )
    return EventLog.from_pandas(frame, start="start", resource="resource")


@pytest.mark.parametrize("seed", [0, 1, 8])
def test_what_departments_wait_for_outside(seed: int) -> None:
    # Their people are busy half of the time, so that about half of all delays end unseen.
    model = department(seed)
    log = simulate(model, weeks=52, seed=seed)
    truth = true_waiting(model, log, seed=seed)
    people = {person.name: model.calendar(person.calendar, person.absences) for person in model.people}
    seen, known = replace(log, enabled=None), log.position > 0
    hours = [people[name] for name in log.resources]
    found = split_waiting(seen, find_pools(seen), office=model.calendar(model.office), hours=hours)[known]
    true = truth[known]["outside_h"].sum() / truth[known]["waiting_h"].sum()
    outside = found[:, [CAUSES.index("outside"), CAUSES.index("batching")]].sum() / found.sum()
    assert outside == pytest.approx(true, abs=0.04)


def test_how_long_a_pause_is(make_log: Callable[..., EventLog]) -> None:
    def minutes(length: float, **more: Any) -> float:
        log = make_log([(str(n), "A", 10 * n, 10 * n + length / 60, "x") for n in range(5)], **more)
        return usual_pause(log, office=ALWAYS.timeline(int(log.start.min()), int(log.end.max()) + 1)) / 60_000_000

    assert [minutes(length) for length in (2, 100, 500)] == [1, 10, 30]
    assert minutes(2, timestamps="estimated") == 30


@pytest.mark.parametrize("recorded", [True, False])
def test_the_article_world_within_five_points(recorded: bool) -> None:
    made = make_article()
    log, model = made.whole, made.model
    truth = true_waiting(model, log, seed=made.seed)
    people = {person.name: model.calendar(person.calendar, person.absences) for person in model.people}
    seen = log if recorded else replace(log, enabled=None)
    found = split_waiting(
        seen, find_pools(seen), office=model.calendar(model.office), hours=[people[name] for name in log.resources]
    )
    known = np.ones(len(log), dtype=np.bool_) if recorded else log.position > 0
    shares = dict(zip(CAUSES, found[known].sum(axis=0) / found[known].sum(), strict=True))
    true = truth[known][["outside_h", "unavailability_h", "contention_h"]].sum() / truth[known]["waiting_h"].sum()
    assert shares["outside"] + shares["batching"] == pytest.approx(true["outside_h"], abs=0.05)
    assert shares["unavailability"] == pytest.approx(true["unavailability_h"], abs=0.05)
    # The world's truth does not tell contention from priority.
    assert shares["contention"] + shares["prioritisation"] == pytest.approx(true["contention_h"], abs=0.05)
