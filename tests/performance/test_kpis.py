"""Key figures, outcomes and targets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import Calendar
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.performance import kpis
from mkmine.sources import read

ALWAYS = Calendar.always()


def campaigns(**columns: Any) -> EventLog:
    """Twelve campaigns, one begun a week, each of two days; further columns by case."""
    base = pd.Timestamp("2025-01-06 09:00", tz="UTC")
    rows = []
    for i in range(12):
        at = base + pd.Timedelta(weeks=i)
        rows.append({"case": f"c{i:02d}", "activity": "Plan", "start": at, "end": at + pd.Timedelta(hours=4)})
        rows.append(
            {"case": f"c{i:02d}", "activity": "Run", "start": at + pd.Timedelta(days=1),
             "end": at + pd.Timedelta(days=2)}
        )  # fmt: skip
    told = pd.DataFrame(columns, index=[f"c{i:02d}" for i in range(12)])
    return EventLog.from_pandas(pd.DataFrame(rows), start="start", case_attributes=told)


def value(log: EventLog, name: str, **options: Any) -> float:
    table = kpis(log, calendar=ALWAYS, **options).table.set_index("kpi")
    return float(table.at[name, "value"])


def test_outcomes_are_ratios_of_sums() -> None:
    log = campaigns(
        cost=[100.0] * 12, leads=[10.0, 30.0] * 6, customers=[1.0, 3.0] * 6, revenue=[150.0] * 12, clv=[5.0, 7.0] * 6,
        churn=[0.0, 1.0] * 6,
    )  # fmt: skip
    assert value(log, "cost_per_case") == 100
    assert value(log, "leads_per_case") == 20
    assert value(log, "conversion") == pytest.approx(24 / 240)
    assert value(log, "cost_per_lead") == pytest.approx(1_200 / 240)
    assert value(log, "cac") == pytest.approx(1_200 / 24)
    assert value(log, "roi") == pytest.approx(0.5)
    assert value(log, "clv") == 6
    assert value(log, "churn") == pytest.approx(6 / 24)
    months = (log.observed[1] - log.observed[0]) / 86_400e6 / (365.25 / 12)
    assert value(log, "leads_per_month") == pytest.approx(240 / months)
    assert value(log, "throughput_per_month") == pytest.approx(12 / months)
    assert value(log, "cycle_mean_h") == pytest.approx(48)
    assert value(log, "cycle_median_h") == pytest.approx(48)


def test_what_is_not_known_does_not_count() -> None:
    log = campaigns(cost=[100.0, np.nan] * 6, leads=[10.0] * 12)
    assert value(log, "cost_per_case") == 100
    # Leads whose cost is not known are not divided by.
    assert value(log, "cost_per_lead") == 10
    found = kpis(log, calendar=ALWAYS)
    assert found.table.set_index("kpi").at["cost_per_lead", "cases"] == 6
    assert "cac" not in set(found.table["kpi"])


def test_columns_can_be_named() -> None:
    log = campaigns(**{"Рекламные деньги": [50.0] * 12, "Заявки": [5.0] * 12})
    found = kpis(log, columns={"cost": "Рекламные деньги"}, calendar=ALWAYS)
    assert found.columns == {"cost": "Рекламные деньги", "leads": "Заявки"}
    assert found.table.set_index("kpi").at["cost_per_lead", "value"] == 10


def test_due_dates_are_kept_until_their_end() -> None:
    # The first ends on 8 January, 09:00.
    due = [pd.Timestamp("2025-01-08") + pd.Timedelta(weeks=i) - pd.Timedelta(days=i % 2) for i in range(12)]
    assert value(campaigns(due=due), "on_time_share") == 0.5
    assert value(campaigns(due=[str(day.date()) for day in due]), "on_time_share") == 0.5


def test_verdicts_go_by_the_interval() -> None:
    rng = np.random.default_rng(1)
    log = campaigns(leads=(20 + rng.normal(size=12)).tolist(), cost=(100 + rng.normal(size=12)).tolist())
    targets = {"leads_per_case": 15, "cost_per_lead": "<= 3", "cost_per_case": 100, "cycle_p85_h": 40, "roi": 1}
    told = kpis(log, targets, calendar=ALWAYS).table.set_index("kpi")["verdict"]
    assert told["leads_per_case"] == "met"
    assert told["cost_per_lead"] == "missed"
    assert told["cost_per_case"] == "open"
    assert told["cycle_p85_h"] == "missed"
    assert told["roi"] == "unknown"
    assert told["rework_share"] == ""


def test_a_period_that_has_not_begun_is_not_told(make_log: Callable[..., EventLog]) -> None:
    """Work in hand when the observation ends, at a midnight, is none of the month that begins then."""
    hours = 29 * 24
    rows = [("1", "A", 0, 5), *((one, "A", 0, hours, None, True) for one in "23")]
    due = pd.DataFrame({"due": ["2025-03-20", "2025-03-20", "2025-05-01"]}, index=list("123"))
    log = make_log(rows, completed=pd.Series({"2": False, "3": False}), case_attributes=due)
    assert log._local(np.array([log.observed[1]]))[0] == pd.Timestamp("2025-04-01", tz=log.time_zone)
    found = kpis(log, period="month", calendar=ALWAYS).segments
    assert set(found["month"]) == {"2025-03-01"}
    # Nobody knows of the third yet whether it is late.
    assert found.set_index("kpi").at["on_time_share", "cases"] == 2


def test_what_adds_up_is_not_less_than_nothing() -> None:
    found = kpis(campaigns(), period="week", calendar=ALWAYS).segments
    assert (found.loc[found["kpi"] == "throughput_per_month", "low"].dropna() >= 0).all()


def test_any_column_can_be_a_target() -> None:
    log = campaigns(Охват=[1_000.0] * 12)
    table = kpis(log, {"Охват": ">= 900", "Охват_per_month": "1 000".replace(" ", "")}, calendar=ALWAYS).table
    rows = table.set_index("kpi")
    assert rows.at["Охват", "value"] == 1_000
    assert rows.at["Охват_per_month", "value"] > 4_000
    assert rows.at["Охват_per_month", "verdict"] == "met"


def test_segments_and_periods() -> None:
    log = campaigns(team=["red", "blue"] * 6, leads=[10.0, 30.0] * 6)
    found = kpis(log, by="team", period="month", calendar=ALWAYS).segments
    leads = found[found["kpi"] == "leads_per_case"]
    assert leads[["team", "month"]].drop_duplicates().shape[0] == len(leads) == 6
    assert set(leads.loc[leads["team"] == "red", "value"]) == {10.0}
    assert set(leads["month"]) == {"2025-01-01", "2025-02-01", "2025-03-01"}
    # What is completed in the parts of a month adds up to it.
    done = found[found["kpi"] == "throughput_per_month"].groupby("month")["cases"].sum()
    assert done.sum() == 12


def test_the_sample(root: Path) -> None:
    found = kpis(read(root / "data" / "article" / "tracker.csv"), {"on_time_share": "90%"}, by="Направление")
    row = found.table.set_index("kpi").loc["on_time_share"]
    assert 0.4 < row["low"] < row["value"] < row["high"] < 0.7 or row["verdict"] == "missed"
    assert found.columns == {"due": "due"}
    assert found.segments["Направление"].nunique() > 1
    json.dumps(found.to_dict())
    assert "on_time_share" in repr(found)
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"targets": {"laeds": 3}}, UnknownNameError, "leads"),
        ({"targets": {"roi": "a lot"}}, DataError, "a lot"),
        ({"targets": {"roi": True}}, DataError, "True"),
        ({"targets": {"team": 1}}, DataError, "numbers"),
        ({"by": "taem"}, UnknownNameError, "team"),
        ({"period": "year"}, UnknownNameError, "quarter"),
        ({"columns": {"costs": "leads"}}, UnknownNameError, "cost"),
        ({"columns": {"cost": "Leads"}}, UnknownNameError, "leads"),
        ({"columns": {"cost": "team"}}, DataError, "team"),
        ({"columns": {"due": "leads"}}, DataError, "times"),
    ],
)
def test_mistakes_are_told(options: dict[str, Any], error: type[Exception], says: str) -> None:
    log = campaigns(team=["red", "blue"] * 6, leads=[10.0, 30.0] * 6)
    with pytest.raises(error, match=says):
        kpis(log, calendar=ALWAYS, **options)
