"""Logs and strategies that the tests of the summaries share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from mkmine.eventlog import EventLog

START = pd.Timestamp("2025-03-03", tz="UTC")
# Case number, activity, start and length (hours), person; zero lengths, ties and overlaps are frequent.
Event = tuple[int, str, int, int, str | None]
PEOPLE = ("Anna", "Boris", None)

events = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from("ABCD"),
        st.integers(0, 30),
        st.sampled_from([0, 0, 1, 2, 5, 40]),
        st.sampled_from(PEOPLE),
    ),
    min_size=1,
    max_size=30,
)


def log_of(
    drawn: list[Event],
    *,
    completions: bool = False,
    open_cases: bool = False,
    time_zone: str = "Europe/Moscow",
    prefix: str = "c",
) -> EventLog:
    """Build a log; with `open_cases` every third case is open, and its last instance ongoing."""
    frame = pd.DataFrame(drawn, columns=["case", "activity", "start", "length", "resource"])
    frame["end"] = START + pd.to_timedelta(frame["start"] + frame["length"], unit="h")
    frame["start"] = START + pd.to_timedelta(frame["start"], unit="h")
    frame["resource"] = frame["resource"].astype(object)
    frame["case"] = prefix + frame["case"].astype(str)
    still = frame["case"].str[-1].isin(["0", "3"]) if open_cases else pd.Series(False, index=frame.index)
    last = frame.groupby("case")["end"].transform("max")
    frame["ongoing"] = still & (frame["end"] == last)
    completed = ~still.groupby(frame["case"]).any()
    return EventLog.from_pandas(
        frame,
        start=None if completions else "start",
        resource="resource",
        ongoing="ongoing",
        completed=completed,
        time_zone=time_zone,
    )


def parts_of(log: EventLog, part: NDArray[np.int64]) -> list[EventLog]:
    """Cut a log: case c goes to part `part[c]`."""
    return [log.keep_cases(part == one, action="filter part") for one in np.unique(part)]


@contextmanager
def kernels(form: str) -> Iterator[None]:
    """Use the plain (`numpy`) or the compiled (`numba`) form of every pass."""
    if form == "numba":
        pytest.importorskip("numba")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MKMINE_KERNELS", form)
        yield
