"""The messy history can be read back: exactly where nothing was made messy, and counted where it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mkmine.calendars import DAY
from mkmine.catalogue import article
from mkmine.catalogue.article_tracker import article_mapping, article_mess
from mkmine.catalogue.mess import CLEAN, Mess, tracker_history
from mkmine.catalogue.samples import ArticleSample
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.simulation import simulate
from mkmine.trackers import activity_log

SECOND = 1_000_000
KEYS = ["case", "activity", "round"]
TIMES = ["enabled", "start", "end"]


def frame(log: EventLog) -> pd.DataFrame:
    """Return the instances with times in µs and their number."""
    assert log.enabled is not None
    times = {"enabled": log.enabled, "start": log.start, "end": log.end}
    return log.to_pandas().assign(**times, number=np.arange(len(log)))


def joined(true: EventLog, read: EventLog) -> pd.DataFrame:
    """Return true and read instances side by side."""
    both = frame(true).merge(frame(read), on=KEYS, how="outer", suffixes=("", "_read"), indicator=True)
    return both.assign(ongoing=both["ongoing"].fillna(True).astype(bool))


@pytest.fixture(scope="module")
def world() -> tuple[EventLog, EventLog, int]:
    """Thirty weeks of the world: the whole log, what was observed of it, and until when (a midnight)."""
    whole = simulate(article.article_world(), seed=5, weeks=30)
    taken = int(np.quantile(whole.end, 0.8)) // DAY * DAY
    return whole, as_observed(whole, (int(whole.start.min()), taken)), taken


def test_a_clean_tracker_is_read_back_to_the_second(world: tuple[EventLog, EventLog, int]) -> None:
    whole, observed, taken = world
    mapping = article_mapping(article.article_world())
    export, report = tracker_history(whole, mapping, seed=5, taken_at=taken, mess=CLEAN)
    assert report.counts() == {}
    assert not report.touched.any()
    both = joined(observed, activity_log(export, mapping=mapping, time_zone=whole.time_zone))
    # What takes less than a minute looks like a slip, and is collapsed.
    brief = both["end"] - both["start"] < 60 * SECOND
    assert (both["_merge"] == "both")[~brief].all()
    both = both[both["_merge"] == "both"]
    done = ~both["ongoing"] & (both["activity"] != article.PUBLICATION)
    for column in TIMES:
        late = (both[column] - both[f"{column}_read"]).abs()
        assert (late[done] <= 60 * SECOND).all(), column
        assert (late[done] <= SECOND).mean() > 0.999, column
    published = both[both["activity"] == article.PUBLICATION]
    # The tracker knows of a publication only that it happened.
    assert ((published["end"] - published["end_read"]).abs() <= SECOND)[~published["ongoing"]].all()
    same = (both["resource"] == both["resource_read"]) | (both["resource"].isna() & both["resource_read"].isna())
    assert same[~both["ongoing"]].all()


@settings(max_examples=8)
@given(
    seed=st.integers(0, 10_000),
    rates=st.tuples(*[st.sampled_from([0.0, 0.02, 0.1, 0.5])] * 5),
)
def test_untouched_instances_survive_any_mess(
    world: tuple[EventLog, EventLog, int], seed: int, rates: tuple[float, ...]
) -> None:
    whole, observed, taken = world
    mapping = article_mapping(article.article_world())
    names = ("skipped_queue", "skipped_work", "bulk_days", "misclicks", "forgotten")
    mess = Mess(**dict(zip(names, rates, strict=True)))
    export, report = tracker_history(whole, mapping, seed=seed, taken_at=taken, mess=mess)
    log = activity_log(export, mapping=mapping, time_zone=whole.time_zone)
    assert not any(step.action == "found gaps" for step in log.history)
    touched = set(frame(whole)[KEYS][report.touched].itertuples(index=False, name=None))
    # A lost round renumbers the later ones of its case: compare the cases that lost none.
    lost = set(report.moves.loc[report.moves["kind"] == "skipped work", "issue"])
    both = joined(observed, log)
    clean = ~both["case"].isin(lost) & ~pd.Series(
        [key in touched for key in both[KEYS].itertuples(index=False, name=None)], index=both.index
    )
    brief = both["end"] - both["start"] < 60 * SECOND
    assert (both["_merge"] == "both")[clean & ~brief].mean() > 0.995
    rows = clean & (both["_merge"] == "both") & ~both["ongoing"]
    rows &= both["activity"] != article.PUBLICATION
    for column in TIMES:
        assert ((both[column] - both[f"{column}_read"]).abs()[rows] <= 60 * SECOND).mean() > 0.995, column


@pytest.mark.parametrize(
    ("kind", "mess", "action"),
    [
        (
            "misclick",
            Mess(skipped_queue=0, skipped_work=0, bulk_days=0, misclicks=0.1, forgotten=0),
            "collapse passages",
        ),
        ("bulk move", Mess(skipped_queue=0, skipped_work=0, bulk_days=1, misclicks=0, forgotten=0), "flag bulk moves"),
        (
            "skipped work",
            Mess(skipped_queue=0, skipped_work=0.1, bulk_days=0, misclicks=0, forgotten=0),
            "left out waits",
        ),
    ],
)
def test_the_reader_counts_what_the_mess_put_in(
    world: tuple[EventLog, EventLog, int], kind: str, mess: Mess, action: str
) -> None:
    whole, _, taken = world
    mapping = article_mapping(article.article_world())

    def told(how: Mess) -> tuple[int, int]:
        export, report = tracker_history(whole, mapping, seed=3, taken_at=taken, mess=how)
        log = activity_log(export, mapping=mapping, time_zone=whole.time_zone)
        return report.counts().get(kind, 0), sum(one.touched or 0 for one in log.history if one.action == action)

    clean, messy = told(CLEAN), told(mess)
    assert clean[0] == 0
    assert messy[0] > 50
    assert messy[1] - clean[1] == pytest.approx(messy[0], rel=0.06)


def test_the_sample_has_every_kind_of_mess(made: ArticleSample) -> None:
    counts = made.mess.counts(set(made.export.issues["issue"]))
    kinds = {"bulk move", "forgotten closing", "misclick", "skipped queue", "skipped work"}
    assert kinds | {"move by the deleted user", "old name of a status"} == set(counts)
    statuses = set(made.export.changes["new"])
    assert "Копирайтинг" in statuses
    assert "Написание текста" in statuses
    assert article.LEFT not in set(made.export.changes["author"])


def test_a_rate_of_zero_makes_no_mess_of_its_kind(world: tuple[EventLog, EventLog, int]) -> None:
    whole, _, taken = world
    mapping = article_mapping(article.article_world())
    mess = replace(article_mess(), misclicks=0.0, renamed=None)
    _, report = tracker_history(whole, mapping, seed=5, taken_at=taken, mess=mess)
    assert "misclick" not in report.counts()
    assert "old name of a status" not in report.counts()
