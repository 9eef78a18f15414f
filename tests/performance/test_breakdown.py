"""Causes of waiting as a table: against the truth, in logs of statuses and of completions, and their intervals."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkmine.calendars import HOUR, Calendar
from mkmine.catalogue.samples import ArticleSample, make_article
from mkmine.catalogue.truth import true_waiting
from mkmine.errors import UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.statuses import waiting_stays
from mkmine.performance import Causes, waiting_causes
from mkmine.performance.breakdown import ESTIMATED, FEW, NOBODY, STATUSES
from mkmine.performance.causes import CAUSES
from mkmine.sources import read

ALWAYS = Calendar.always()
OUTSIDE, AWAY, BUSY = ("batching", "outside"), ("unavailability",), ("contention", "prioritisation")


@pytest.fixture(scope="module")
def made() -> ArticleSample:
    return make_article()


@pytest.fixture(scope="module")
def found(made: ArticleSample) -> Causes:
    return waiting_causes(made.observed)


def shares(causes: Causes) -> dict[str, float]:
    return dict(zip(causes.total["cause"], causes.total["share"], strict=True))


def true_shares(made: ArticleSample) -> dict[str, float]:
    """Return the shares of the instances that were seen from enabled to start."""
    truth = true_waiting(made.model, made.whole, seed=made.seed)
    first, last = made.observed.observed
    assert made.whole.enabled is not None
    seen = truth[(made.whole.enabled >= first) & (made.whole.start <= last)]
    return {
        name: seen[f"{name}_h"].sum() / seen["waiting_h"].sum() for name in ("outside", "unavailability", "contention")
    }


def test_inferred_hours_within_ten_points_of_the_truth(made: ArticleSample, found: Causes) -> None:
    told, true = shares(found), true_shares(made)
    assert sum(told[name] for name in OUTSIDE) == pytest.approx(true["outside"], abs=0.1)
    assert told["unavailability"] == pytest.approx(true["unavailability"], abs=0.1)
    assert sum(told[name] for name in BUSY) == pytest.approx(true["contention"], abs=0.1)
    assert told["unidentifiable"] < 0.02


def test_no_role_is_unidentifiable_because_somebody_left(found: Causes) -> None:
    rows = found.table.set_index("activity")
    writing = rows.loc["Написание текста"]
    assert writing["unidentifiable"] < 0.1 * writing["waiting_h"]


def test_the_export_of_its_tracker_within_thirteen_points(made: ArticleSample, root: Path) -> None:
    # One day in five is moved on at its end, waits look like work and work like waits: more seems to wait outside.
    told, true = shares(waiting_causes(read(root / "data" / "article" / "tracker.csv"))), true_shares(made)
    assert sum(told[name] for name in OUTSIDE) == pytest.approx(true["outside"], abs=0.125)
    assert told["unavailability"] == pytest.approx(true["unavailability"], abs=0.1)
    assert sum(told[name] for name in BUSY) == pytest.approx(true["contention"], abs=0.1)


def test_tables_add_up(found: Causes) -> None:
    total = found.table.iloc[-1]
    assert total["activity"] == "total"
    assert total["waiting_h"] == pytest.approx(found.hours.sum())
    assert [total[name] for name in CAUSES] == pytest.approx(found.total["hours"].tolist())
    assert found.table["waiting_h"].iloc[:-1].is_monotonic_decreasing
    by_activity = found.shares.groupby("activity")["share"].sum()
    assert by_activity[by_activity > 0].to_numpy() == pytest.approx(1)
    known = found.shares.dropna(subset=["low"])
    assert ((known["low"] <= known["share"]) & (known["share"] <= known["high"])).all()
    assert found.roles["hours"].sum() <= found.hours.sum() + 1e-6


def test_what_it_hangs_on(found: Causes) -> None:
    rows = found.sensitivity
    assert rows[list(CAUSES)].sum(axis=1).to_numpy() == pytest.approx(1)
    assert rows.loc[0, list(CAUSES)].tolist() == pytest.approx(found.total["share"].tolist())
    # If everybody were there in all office hours, nobody would be waited for.
    assert rows.set_index("value").at["office hours", "unavailability"] == 0
    shorter, longer = rows[rows["setting"] == "pause"]["outside"]
    assert longer <= shorter


def test_one_seed_one_result(made: ArticleSample, found: Causes) -> None:
    again = waiting_causes(made.observed, sensitivity=False)
    pd.testing.assert_frame_equal(again.total, found.total)
    assert len(again.sensitivity) == 0


def test_completions_are_split_by_estimated_starts(make_log: Callable[..., EventLog]) -> None:
    rows = [(str(i), name, at, at, who) for i in range(40) for name, at, who in
            (("A", 24 * i + 1, "x"), ("B", 24 * i + 5, "y"))]  # fmt: skip
    found = waiting_causes(make_log(rows, timestamps="completed"), calendar=ALWAYS)
    assert ESTIMATED in found.notes
    assert found.log.timestamps == "estimated"
    assert len(found.hours) == len(rows)


def status_rows() -> list[tuple[object, ...]]:
    """Ten tickets: an hour in the queue while y is busy with another, three of work, a pause for the client."""
    rows: list[tuple[object, ...]] = []
    for i in range(10):
        at = 10.0 * i
        rows += [
            (f"a{i}", "In progress", at, at + 3, "y"),
            (f"a{i}", "Done", at + 3, at + 3, "y"),
            (f"b{i}", "Queued", at + 2, at + 3, "z"),
            (f"b{i}", "In progress", at + 3, at + 6, "y"),
            (f"b{i}", "Waiting for client", at + 6, at + 8, "y"),
            (f"b{i}", "In progress", at + 8, at + 9, "y"),
        ]
    return rows


def test_a_queue_waits_for_those_of_the_next_status(make_log: Callable[..., EventLog]) -> None:
    found = waiting_causes(make_log(status_rows()), calendar=ALWAYS)
    assert STATUSES in found.notes
    rows = found.table.set_index("activity")
    # y is busy with the ticket before, whoever the queue was assigned to; nobody works while the client is waited for.
    assert rows.at["Queued", "contention"] == pytest.approx(10)
    assert rows.at["Waiting for client", "outside"] == pytest.approx(20)
    assert found.total["hours"].sum() == pytest.approx(30)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_causes_of_any_log_add_up_to_its_waits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["In progress", "Queued", "Waiting for client", "Review"]
    rows = []
    for case in range(int(rng.integers(1, 9))):
        # Each status lasts until the next.
        moments = np.sort(rng.integers(0, 40 * 24 * 60, int(rng.integers(2, 9))))
        for begin, end in pairwise(moments.tolist()):
            person = [None, "x", "y"][rng.integers(3)]
            rows.append((str(case), names[rng.integers(4)], begin, end, person))
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end", "resource"])
    for name in ("start", "end"):
        frame[name] = pd.Timestamp("2025-03-03", tz="UTC") + pd.to_timedelta(frame[name], unit="min")
    log = EventLog.from_pandas(frame, start="start", resource="resource")
    found = waiting_causes(log, calendar=ALWAYS)
    assert found.hours.min(initial=0) >= 0
    stays = waiting_stays(log)
    assert found.hours[~stays].sum() == 0
    assert found.hours.sum() * HOUR == pytest.approx((log.end - log.start)[stays].sum())


def test_without_people_nothing_can_be_told(make_log: Callable[..., EventLog]) -> None:
    found = waiting_causes(make_log([("1", "A", 0, 1), ("1", "B", 3, 4)]), calendar=ALWAYS)
    assert set(found.notes) == {NOBODY, FEW}
    assert found.share("unidentifiable") == 1


def test_no_waiting_at_all(make_log: Callable[..., EventLog]) -> None:
    found = waiting_causes(make_log([("1", "A", 0, 1, "x")]), calendar=ALWAYS)
    assert found.total["hours"].sum() == 0
    assert found.total["share"].isna().all()
    json.dumps(found.to_dict())
    assert "0 working hours" in repr(found)


def test_a_misspelt_cause(found: Causes) -> None:
    assert found.share("outside") == pytest.approx(shares(found)["outside"])
    with pytest.raises(UnknownNameError, match="contention"):
        found.share("contentoin")


def test_it_prints_and_converts_safely(make_log: Callable[..., EventLog]) -> None:
    found = waiting_causes(make_log([("1", "<b>A", 0, 1, "<x>"), ("1", "<b>B", 3, 4, "<x>")]), calendar=ALWAYS)
    assert "<b>A" not in found._repr_html_()
    assert found.to_pandas() is not found.table
    assert json.loads(json.dumps(found.to_dict()))["table"][0]["activity"] == "<b>B"
    assert np.isclose(found.hours.sum() * HOUR, found.total["hours"].sum() * HOUR)
