from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import Calendar
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning import filters
from mkmine.eventlog.cleaning.filters import keep_attribute
from mkmine.eventlog.cleaning.quality import Finding

Office = Callable[..., pd.DataFrame]
Logged = Callable[..., EventLog]
Found = Callable[[EventLog], dict[str, Finding]]


@pytest.mark.parametrize("seed", range(5))
def test_a_tidy_office_has_no_findings(office: Office, logged: Logged, findings: Found, seed: int) -> None:
    assert findings(logged(office(seed=seed))) == {}


def test_missing_people_are_found_but_not_those_of_outside_waits(
    office: Office, logged: Logged, findings: Found
) -> None:
    frame = office()
    frame.loc[frame["activity"] == "Design", "resource"] = None
    assert "missing_people" not in findings(logged(frame))
    frame.loc[frame.index[:60], "resource"] = None
    found = findings(logged(frame))["missing_people"]
    assert found.count == (frame.loc[frame.index[:60], "activity"] != "Design").sum()


def test_empty_cells_are_found_where_the_column_is_filled_in_otherwise(
    office: Office, logged: Logged, findings: Found
) -> None:
    frame = office()
    frame["channel"] = np.where(frame["activity"] == "Design", None, "blog")
    frame["effort"] = 1.5
    log = logged(frame, attributes=["channel", "effort"])
    assert "missing_values" not in findings(log)
    frame.loc[frame.index[:100:2], "channel"] = None
    frame.loc[frame.index[:200:2], "effort"] = np.nan
    facts = pd.DataFrame({"client": ["x"] * 280 + [None] * 20}, index=frame["case"].unique())
    found = findings(logged(frame, attributes=["channel", "effort"], case_attributes=facts))["missing_values"]
    assert found.examples == ("effort (100)", f"channel ({found.count - 120})", "client (20)")
    assert found.count == 100 + 40 + 20


def test_cases_that_began_before_the_export_are_found(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    cut = frame[frame["start"] >= "2025-05-05"]
    found = findings(logged(cut))
    assert set(found) >= {"cut_start"}
    first = cut.sort_values("start").groupby("case").first()
    assert found["cut_start"].count <= (first["activity"] != "Request").sum()
    assert found["cut_start"].share > 0.2
    assert set(found["cut_start"].examples) <= set(first.index[first["activity"] != "Request"])
    mended = eval(found["cut_start"].repair, vars(filters) | {"log": logged(cut)})
    assert "cut_start" not in findings(mended)
    assert mended.n_cases > 0.5 * len(first)


def test_cases_that_were_not_over_are_found(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    cut = frame[frame["end"] < "2025-06-02"]
    log = logged(cut)
    assert findings(log)["cut_end"].count >= 5
    mended = eval(findings(log)["cut_end"].repair, vars(filters) | {"log": log})
    assert "cut_end" not in findings(mended)
    done = cut.groupby("case")["activity"].apply(lambda steps: "Publication" in set(steps))
    assert "cut_end" not in findings(logged(cut, completed=done))


def test_a_log_cut_out_by_its_end_is_crowded(office: Office, logged: Logged, findings: Found) -> None:
    frame = office(2000)
    start = frame.groupby("case")["start"].transform("min")
    late = frame[(start >= "2025-07-01") | (frame["case"].isin([f"T-{n}" for n in range(20)]))]
    found = findings(logged(late))["crowded"]
    assert "last fifth" in found.what
    assert found.share > 0.6
    full = eval(found.repair, vars(filters) | {"log": logged(late)})
    assert full.n_cases / logged(late).n_cases == pytest.approx(found.share, abs=0.05)


def test_silent_weeks_are_found(office: Office, logged: Logged, findings: Found) -> None:
    frame = office(900)
    silent = frame["end"].between("2025-06-02", "2025-06-09") | frame["start"].between("2025-06-02", "2025-06-09")
    found = findings(logged(frame[~silent]))["gaps"]
    assert (found.count, found.examples) == (5, ("2025-05-31 – 2025-06-08",))
    away = Calendar.parse({"Mon-Fri": "09:00-18:00"}, time_zone="Europe/Moscow", holidays="RU")
    closed = away.without([(pd.Timestamp("2025-06-01").date(), pd.Timestamp("2025-06-08").date())])
    assert "gaps" not in findings(logged(frame[~silent], calendar=closed))


def test_public_holidays_are_no_gap(office: Office, logged: Logged, findings: Found) -> None:
    # The office closes on the first and the eighth days of May, and works in between.
    frame = office(3000)
    assert "gaps" not in findings(logged(frame))


def test_a_filtered_log_is_checked_as_it_is(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    frame["channel"] = np.where(frame.index % 2 == 0, "blog", "smm")
    log = keep_attribute(logged(frame, attributes=["channel"]), "channel", "blog", of="instances")
    assert "missing_values" not in findings(log)
