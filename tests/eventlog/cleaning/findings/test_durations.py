from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.findings.durations import fences
from mkmine.eventlog.cleaning.quality import Finding

Office = Callable[..., pd.DataFrame]
Logged = Callable[..., EventLog]
Found = Callable[[EventLog], dict[str, Finding]]


def test_far_too_long_and_too_short_work_is_found(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    design = frame.index[frame["activity"] == "Publication"]
    frame.loc[design[:3], "end"] += pd.Timedelta(days=30)
    frame.loc[design[3:5], "end"] = frame.loc[design[3:5], "start"] + pd.Timedelta(milliseconds=200)
    assert findings(logged(frame))["outliers"].count == 5


def test_a_second_kind_of_work_is_no_outlier(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    design = frame.index[frame["activity"] == "Publication"]
    frame.loc[design[:30], "end"] += pd.Timedelta(days=30)
    assert "outliers" not in findings(logged(frame))


def test_the_fences_leave_log_normal_times_alone() -> None:
    values = np.random.default_rng(6).lognormal(10, 1.2, 100_000)
    low, high = fences(values, np.zeros(len(values), dtype=np.int64), 1)
    assert ((values < low) | (values > high)).sum() <= 1
    # Quartiles of exp(N(10, 1.2)) are exp(10 ± 0.6745 * 1.2); the fence lies three of their distances further.
    assert np.log(high[0]) == pytest.approx(10 + 0.6745 * 1.2 * 7, rel=0.01)


def test_cases_far_too_long_are_found(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    frame.loc[(frame["case"] == "T-7") & (frame["activity"] == "Publication"), ["start", "end"]] += pd.Timedelta(
        days=300
    )
    found = findings(logged(frame))["long_cases"]
    assert (found.count, found.examples) == (1, ("T-7",))
