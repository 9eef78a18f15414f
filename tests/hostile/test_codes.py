"""Codes stand in the smallest type that holds them: whatever is made of them is as if they stood in 64 bits."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mkmine
from mkmine.eventlog import EventLog, summaries

# Around what 7 and 8 bits hold: people, roles, activities.
SIZES = [(127, 127, 127), (128, 128, 128), (129, 129, 255), (130, 3, 256), (257, 255, 257)]


def log_of(people: int, roles: int, activities: int) -> EventLog:
    dice = np.random.default_rng(0)
    rows, n = [], 100
    for case in range(n):
        at = pd.Timestamp("2025-03-03 09:00", tz="UTC") + pd.Timedelta(hours=2 * case)
        for step in range(6):
            code = (
                (case * 6 + step) % activities if case < 50 or dice.random() < 0.7 else int(dice.integers(activities))
            )
            who = (case * 6 + step) % people
            end = at + pd.Timedelta(minutes=int(dice.integers(5, 200)))
            rows.append((f"c{case:03d}", f"a{code:03d}", at, end, f"p{who:03d}", f"r{who % roles:03d}"))
            at = end + pd.Timedelta(minutes=int(dice.integers(0, 300)))
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end", "resource", "role"])
    return EventLog.from_pandas(frame, start="start", resource="resource", role="role")


def widened(log: EventLog) -> EventLog:
    return replace(
        log,
        activity=log.activity.astype(np.int64),
        resource=log.resource.astype(np.int64),
        role=log.role.astype(np.int64),
    )


def plain(result: Any) -> str:
    """Return a result as text without the hash of its log, which the types of the codes enter."""
    if isinstance(result, pd.DataFrame):
        return result.to_csv()
    told = json.dumps(result.to_dict(), default=str, sort_keys=True) if hasattr(result, "to_dict") else repr(result)
    return re.sub(r"\b[0-9a-f]{8}(?:[0-9a-f]{8})?\b", "", told)


MADE: dict[str, Callable[[EventLog], Any]] = {
    "discover": mkmine.discover,
    "diagnose": mkmine.diagnose,
    "calibrate": mkmine.calibrate,
    "simulate": lambda log: mkmine.simulate(mkmine.calibrate(log), seed=1, cases=50).to_pandas(),
    "quality": lambda log: log.quality(),
    "summarise": mkmine.summarise,
    "activity rounds": summaries.activity_rounds,
    "batches": summaries.batches,
    "case table": summaries.case_table,
    "edge matrix": summaries.edge_matrix,
    "overlap": summaries.case_overlap,
    "pseudonymise": lambda log: mkmine.pseudonymise(log, key="0123456789abcdef-secret", roles=True).to_pandas(),
    "duplicates": lambda log: mkmine.repairs.drop_duplicates(log).to_pandas(),
    "frame": lambda log: log.to_pandas(),
}


@pytest.mark.parametrize("form", ["numpy", "numba"])
@pytest.mark.parametrize(("people", "roles", "activities"), SIZES)
def test_narrow_codes_give_what_wide_ones_give(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, people: int, roles: int, activities: int, form: str
) -> None:
    pytest.importorskip("numba" if form == "numba" else "numpy")
    monkeypatch.setenv("MKMINE_KERNELS", form)
    log = log_of(people, roles, activities)
    assert (len(log.resources), len(log.roles), len(log.activities)) == (people, roles, activities)
    wide = widened(log)
    for name, make in MADE.items():
        assert plain(make(log)) == plain(make(wide)), name
    handed = Counter(
        (one.resource, next_.resource)
        for _, case in log.to_pandas().groupby("case")
        for one, next_ in zip(case.itertuples(), case[1:].itertuples(), strict=False)
    )
    assert dict(summaries.hand_overs(log).counts) == handed
    assert EventLog.open(log.save(tmp_path / "log.parquet")).content_hash == log.content_hash


def test_the_report_of_narrow_codes_is_that_of_wide_ones(tmp_path: Path) -> None:
    log = log_of(129, 129, 9)
    found = []
    for one in (log, widened(log)):
        path = tmp_path / "report.html"
        mkmine.report(one).save(path)
        found.append(re.sub(r"\b[0-9a-f]{8,16}\b", "", path.read_text(encoding="utf-8")))
    assert found[0] == found[1]
