"""Key figures of a process and its business outcomes, by segment and period, held against targets.

Every figure but the percentiles is a ratio of sums over completed cases (leads by months, cost by customers), so that
segments and periods add up, and its interval comes from drawing cases again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, Calendar
from mkmine.discovery.process_map import records
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statistics import Survival
from mkmine.eventlog.summaries import case_table, running_end
from mkmine.performance.resamples import Resamples

__all__ = ["Kpis", "kpis"]

Floats = NDArray[np.float64]
Period = Literal["week", "month", "quarter"]
Better = Literal["more", "less"]

METHOD = "key figures of completed cases; block bootstrap over cases"
MONTH: Final = 365.25 / 12 * DAY
# What cases may tell, with the words by which its column is found: whole words of its name.
INGREDIENTS: Final[dict[str, str]] = {
    "due": r"due|due.?date|deadline|срок|дедлайн|план\w* дата",
    "cost": r"costs?|spend|budget|затраты|стоимость|бюджет|расход\w*",
    "leads": r"leads?|лид\w*|заявк\w*",
    "customers": r"customers?|conversions?|deals?|orders?|продаж\w*|сделк\w*|покупател\w*|клиент\w*",
    "revenue": r"revenue|income|выручка|доход\w*",
    "clv": r"clv|ltv|clv.*|ltv.*",
    "churned": r"churn\w*|отток\w*|ушедш\w*",
}
SEGMENTS: Final = 50
# A column of text is one of dates if so much of what it holds are dates.
MOSTLY: Final = 0.5


@dataclass(frozen=True)
class _Figure:
    """A ratio of sums: what is added up, by what it is divided ("" for the number of cases), and which way is good."""

    over: str
    by: str
    better: Better


FIGURES: Final[dict[str, _Figure]] = {
    "on_time_share": _Figure("on_time", "due", "more"),
    "throughput_per_month": _Figure("", "months", "more"),
    "cycle_mean_h": _Figure("cycle_h", "", "less"),
    "rework_share": _Figure("reworked", "", "less"),
    "cost_per_case": _Figure("cost", "", "less"),
    "leads_per_month": _Figure("leads", "months", "more"),
    "leads_per_case": _Figure("leads", "", "more"),
    "conversion": _Figure("customers", "leads", "more"),
    "cost_per_lead": _Figure("cost", "leads", "less"),
    "cac": _Figure("cost", "customers", "less"),
    "clv": _Figure("clv", "", "more"),
    "roi": _Figure("profit", "cost", "more"),
    "churn": _Figure("churned", "customers", "less"),
}
PERCENTILES: Final = {"cycle_median_h": 0.5, "cycle_p85_h": 0.85}
_TARGET = re.compile(r"\s*(>=|<=|≥|≤|>|<)?\s*(-?[\d.,]+)\s*(%)?\s*")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Kpis:
    """Key figures.

    Attributes
    ----------
    table
        One row per figure: kpi, value, low and high (95 % interval; NaN for percentiles), cases (that tell it), better
        ("more" or "less"), target, and verdict: "met" or "missed" where the whole interval lies on one side of the
        target, "open" where it holds the target ("met" and "missed" of percentiles go by the value), "" without one.
    segments
        The same by segment and period: the columns asked for first. Empty where none was.
    columns
        Which column of the cases each ingredient was taken from.
    """

    table: pd.DataFrame
    segments: pd.DataFrame
    columns: Mapping[str, str]
    provenance: Provenance = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "table": records(self.table),
            "segments": records(self.segments),
            "columns": dict(self.columns),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        lines = [f"Key figures of {self.provenance.cases:,} cases"]
        for row in records(self.table):
            between = "" if row["low"] is None else f" ({row['low']:,.4g} to {row['high']:,.4g})"
            aim = "" if not row["verdict"] else f"; target {row['target']:,.4g}: {row['verdict']}"
            value = "unknown" if row["value"] is None else f"{row['value']:,.4g}"
            lines.append(f"  {row['kpi']}: {value}{between}{aim}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        told = "".join(f"<p>{escape(f'{name}: {column}')}</p>" for name, column in self.columns.items())
        more = html_table(self.segments) if len(self.segments) else ""
        return html_table(self.table, repr(self).splitlines()[0]) + more + told


def kpis(
    log: EventLog,
    targets: Mapping[str, float | str] | None = None,
    *,
    by: str | None = None,
    period: Period | None = None,
    columns: Mapping[str, str] | None = None,
    calendar: Calendar | None = None,
    seed: int = 0,
) -> Kpis:
    """Work out key figures of a log and hold them against targets, by segment and period.

    What the process tells: on_time_share (by due dates; open cases past theirs are late), throughput_per_month,
    cycle_mean_h, cycle_median_h, cycle_p85_h (working hours; percentiles by Kaplan and Meier), rework_share. What
    columns of the cases tell, where they are there: cost_per_case, leads_per_month, leads_per_case, conversion
    (customers by leads), cost_per_lead, cac (cost by customers), clv (mean), roi ((revenue - cost) / cost), churn
    (churned by customers). Any other column of numbers can be asked for by its name (its mean) or with `_per_month`
    behind it (its sum by months).

    `targets` gives goals: `{"leads_per_month": 40, "cac": 1500}`, or with their direction, `{"Охват_per_month":
    ">= 1000", "on_time_share": "90%"}`. `by` is a column of the cases, `period` "week", "month" or "quarter" of
    completion. `columns` says which column is what (`{"cost": "Бюджет"}`) where the names do not.

    Raises `UnknownNameError` for an unknown figure or column and `DataError` if a target or a column cannot be read.
    """
    chosen = _columns(log, columns or {})
    facts = _facts(log, chosen, calendar or log.working_calendar())
    wanted = {name: _target(log, name, goal) for name, goal in (targets or {}).items()}
    known = [name for name, one in FIGURES.items() if {one.over, one.by} <= facts.keys()]
    names = [*known, *PERCENTILES, *(name for name in wanted if name not in (*known, *PERCENTILES))]
    for name in names:
        _extra(log, name, facts)
    asked = _Question(log=log, facts=facts, names=names, wanted=wanted, seed=seed)
    table = asked.answer(_Part(cases=np.ones(log.n_cases, dtype=np.bool_), first=log.observed[0], last=log.observed[1]))
    rows = [{**labels, **row} for labels, part in _segments(log, by, period) for row in asked.answer(part)]
    heads = [one for one in (by, period) if one is not None]
    columns_told = ["kpi", "value", "low", "high", "cases", "better", "target", "verdict"]
    return Kpis(
        table=pd.DataFrame(table, columns=columns_told),
        segments=pd.DataFrame(rows, columns=[*heads, *columns_told]),
        columns=chosen,
        provenance=log.provenance(METHOD, seed=seed),
    )


def _columns(log: EventLog, given: Mapping[str, str]) -> dict[str, str]:
    """Return the column of each ingredient that there is."""
    frame = log.case_attributes
    out: dict[str, str] = {}
    for name, column in given.items():
        if name not in INGREDIENTS:
            raise UnknownNameError.of(kind="ingredient", name=str(name), known=list(INGREDIENTS), where="columns")
        if column not in frame:
            raise UnknownNameError.of(kind="column", name=str(column), known=list(frame.columns), where="the cases")
        out[name] = column
    for name, words in INGREDIENTS.items():
        if name not in out:
            found = [
                column
                for column in frame.columns
                if re.fullmatch(words, str(column).strip(), re.IGNORECASE) and _fits(frame[column], name)
            ]
            # Of two columns of one name nobody knows which is meant.
            if len(found) == 1:
                out[name] = str(found[0])
    return out


def _fits(column: pd.Series, name: str) -> bool:
    if name == "due":
        return bool(_times(column).notna().mean() >= MOSTLY)
    return bool(pd.api.types.is_numeric_dtype(column.dtype))


def _times(column: pd.Series) -> pd.Series:
    """Return a column as times: text as ISO 8601 dates, what is none missing."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    if pd.api.types.is_numeric_dtype(column.dtype):
        return pd.Series(pd.NaT, index=column.index)
    return pd.to_datetime(column.astype(object), format="ISO8601", errors="coerce")


def _facts(log: EventLog, columns: Mapping[str, str], calendar: Calendar) -> dict[str, Floats]:
    """Return what each case adds to each sum, (m,); NaN where it does not count."""
    cases = case_table(log, calendar=calendar)
    done = log.completed & ~log.cancelled
    counted = np.where(done, 1.0, np.nan)
    facts: dict[str, Floats] = {
        "": counted,
        "months": counted,
        "cycle_h": cases["cycle_h"].to_numpy(dtype=np.float64) * counted,
        "reworked": np.where(cases["reworked"].to_numpy(dtype=np.float64) > 0, 1.0, 0.0) * counted,
    }
    for name, column in columns.items():
        values = log.case_attributes[column]
        if name == "due":
            facts |= _on_time(log, values, done, column)
        else:
            if not pd.api.types.is_numeric_dtype(values.dtype):
                raise DataError(f'column "{column}" ({name}) does not hold numbers; convert it before reading the log')
            facts[name] = values.to_numpy(dtype=np.float64, na_value=np.nan) * counted
    if {"revenue", "cost"} <= facts.keys():
        facts["profit"] = facts["revenue"] - facts["cost"]
    facts["_lasting"] = np.where(log.cancelled, np.nan, cases["cycle_h"].to_numpy(dtype=np.float64))
    facts["_done"] = done.astype(np.float64)
    return facts


def _on_time(log: EventLog, due: pd.Series, done: NDArray[np.bool_], column: str) -> dict[str, Floats]:
    due = _times(due)
    if not due.notna().any():
        raise DataError(f'column "{column}" (due) does not hold times; convert it before reading the log')
    zoned = due if due.dt.tz is not None else due.dt.tz_localize(log.time_zone, ambiguous=True, nonexistent="NaT")
    moments = zoned.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
    known = ~np.isnat(moments)
    # A date without a time is kept until its end.
    local = zoned.dt.tz_convert(log.time_zone)
    limit = moments.astype(np.int64) + np.where((local == local.dt.normalize()).to_numpy(), DAY, 0)
    ended = running_end(log)[log.offsets[1:] - 1]
    late = np.where(done, ended > limit, log.observed[1] > limit)
    decided = known & ~log.cancelled & (done | late)
    return {"due": np.where(decided, 1.0, np.nan), "on_time": np.where(decided, 1.0 - late, np.nan)}


def _extra(log: EventLog, name: str, facts: dict[str, Floats]) -> None:
    """Add the facts of a figure that is a column of the cases."""
    if name in FIGURES or name in PERCENTILES:
        return
    column = _column_of(log, name)
    values = log.case_attributes[column]
    if not pd.api.types.is_numeric_dtype(values.dtype):
        raise DataError(f'column "{column}" does not hold numbers; convert it before reading the log')
    facts[f"column {column}"] = values.to_numpy(dtype=np.float64, na_value=np.nan) * facts[""]


def _column_of(log: EventLog, name: str) -> str:
    frame = log.case_attributes
    for column in (name, name.removesuffix("_per_month")):
        if column in frame:
            return column
    known = [*FIGURES, *PERCENTILES, *map(str, frame.columns)]
    raise UnknownNameError.of(kind="key figure", name=str(name), known=known, where="targets")


def _figure(name: str, log_facts: Mapping[str, Floats]) -> _Figure:
    if name in FIGURES:
        return FIGURES[name]
    column = name if f"column {name}" in log_facts else name.removesuffix("_per_month")
    return _Figure(f"column {column}", "months" if column != name else "", "more")


def _target(log: EventLog, name: str, goal: float | str) -> tuple[float, Better | None]:
    """Read a target: a number, or text such as ">= 40" or "90%"."""
    if name not in FIGURES and name not in PERCENTILES:
        _column_of(log, name)
    if isinstance(goal, bool) or not isinstance(goal, int | float | str):
        raise DataError(f'the target of "{name}" is {goal!r}; give a number, or text such as ">= 40"')
    if not isinstance(goal, str):
        if not np.isfinite(goal):
            raise DataError(f'the target of "{name}" is {goal!r}; give a finite number')
        return float(goal), None
    found = _TARGET.fullmatch(goal)
    try:
        assert found is not None
        value = float(found[2].replace(",", "."))
    except (AssertionError, ValueError):
        raise DataError(f'the target of "{name}" is {goal!r}; write a number, ">= 40" or "<= 12,5"') from None
    direction: Better | None = None if found[1] is None else "more" if found[1][0] in ">≥" else "less"
    return value / 100 if found[3] else value, direction


@dataclass(frozen=True, eq=False, kw_only=True)
class _Part:
    """Some cases, and the time in which they were completed, µs."""

    cases: NDArray[np.bool_]
    first: int
    last: int


@dataclass(frozen=True, eq=False, kw_only=True)
class _Question:
    """What is asked of every part of a log."""

    log: EventLog
    facts: Mapping[str, Floats]
    names: list[str]
    wanted: Mapping[str, tuple[float, Better | None]]
    seed: int

    def answer(self, part: _Part) -> list[dict[str, Any]]:
        """Return the figures of a part."""
        ended = running_end(self.log)[self.log.offsets[1:] - 1]
        of_cases = Resamples.of(self.log, seed=self.seed, cases=np.flatnonzero(part.cases))
        in_time = Resamples.in_time(ended, first=part.first, last=part.last, seed=self.seed)
        months = (part.last - part.first) / MONTH
        out = []
        for name in self.names:
            target, direction = self.wanted.get(name, (float("nan"), None))
            low = high = float("nan")
            if name in PERCENTILES:
                value, number = _percentile(self.facts, part.cases, PERCENTILES[name])
                better: Better = direction or "less"
            else:
                one = _figure(name, self.facts)
                resamples = in_time if one.by == "months" else of_cases
                value, low, high, number = _ratio(one, self.facts, part.cases, months, resamples)
                better = direction or one.better
            row = {"kpi": name, "value": value, "low": low, "high": high, "cases": number, "better": better}
            out.append({**row, "target": target, "verdict": _verdict(value, low, high, target, better)})
        return out


def _percentile(facts: Mapping[str, Floats], mask: NDArray[np.bool_], share: float) -> tuple[float, int]:
    chosen = mask & np.isfinite(facts["_lasting"])
    if not chosen.any():
        return float("nan"), 0
    return Survival(facts["_lasting"][chosen], facts["_done"][chosen] > 0).quantile(share), int(chosen.sum())


def _ratio(
    one: _Figure, facts: Mapping[str, Floats], mask: NDArray[np.bool_], months: float, resamples: Resamples
) -> tuple[float, float, float, int]:
    nothing = np.full(len(mask), np.nan)
    over, by = facts.get(one.over, nothing), facts.get(one.by, nothing)
    rows = np.flatnonzero(mask & np.isfinite(over) & np.isfinite(by))
    nan = float("nan")
    if not len(rows):
        return nan, nan, nan, 0
    total, drawn = resamples.sums(rows, np.column_stack((over[rows], by[rows])))
    if one.by == "months":
        if months <= 0:
            return nan, nan, nan, len(rows)
        value, spread = total[0] / months, drawn[:, 0] / months
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            value, spread = (total[0] / total[1] if total[1] else np.nan), drawn[:, 0] / drawn[:, 1]
    if one.over in ("on_time", "reworked"):
        low, high = resamples.share_interval(np.array([value]), spread[:, None])
    else:
        low, high = resamples.interval(np.array([value]), spread[:, None])
        # What only adds up cannot be less than nothing, however few cases tell it.
        low = np.maximum(low, 0.0) if min(over[rows].min(), by[rows].min()) >= 0 else low
    return float(value), float(low[0]), float(high[0]), len(rows)


def _verdict(value: float, low: float, high: float, target: float, better: Better) -> str:
    if np.isnan(target):
        return ""
    if np.isnan(value):
        return "unknown"
    ends = (value, value) if np.isnan(low) or np.isnan(high) else (low, high)
    good = [one >= target if better == "more" else one <= target for one in ends]
    return "met" if all(good) else "open" if any(good) else "missed"


def _segments(log: EventLog, by: str | None, period: Period | None) -> list[tuple[dict[str, Any], _Part]]:
    """Return every segment and period that has cases, in order, with its labels."""
    if by is None and period is None:
        return []
    if period not in (None, "week", "month", "quarter"):
        raise UnknownNameError.of(kind="period", name=str(period), known=["week", "month", "quarter"])
    groups: list[tuple[dict[str, Any], NDArray[np.bool_]]] = [({}, np.ones(log.n_cases, dtype=np.bool_))]
    if by is not None:
        if by not in log.case_attributes:
            known = list(map(str, log.case_attributes.columns))
            raise UnknownNameError.of(kind="column", name=str(by), known=known, where="the cases")
        values = log.case_attributes[by]
        kinds = sorted(values.dropna().unique().tolist(), key=str)
        if len(kinds) > SEGMENTS:
            raise DataError(f'column "{by}" has {len(kinds):,} values; segments need {SEGMENTS} at most')
        groups = [({by: kind}, (values == kind).fillna(False).to_numpy(dtype=np.bool_)) for kind in kinds]
    first, last = log.observed
    if period is None:
        return [(labels, _Part(cases=mask, first=first, last=last)) for labels, mask in groups]
    # Work that goes on when the observation ends belongs to its last period, not to the one that begins then.
    ends = np.minimum(running_end(log)[log.offsets[1:] - 1], last - 1)
    ended = pd.Series(log._local(ends)).dt.tz_localize(None)
    stretches = ended.dt.to_period({"week": "W-SUN", "month": "M", "quarter": "Q"}[period])
    out = []
    for labels, mask in groups:
        for one in sorted(stretches.unique()):
            chosen = mask & (stretches == one).to_numpy()
            begin, end = (_moment(day, log.time_zone) for day in (one.start_time, (one + 1).start_time))
            # Of a period that the observation cuts only what was seen counts.
            part = _Part(cases=chosen, first=max(begin, first), last=min(end, last))
            if chosen.any():
                out.append(({**labels, period: one.start_time.date().isoformat()}, part))
    return out


def _moment(day: pd.Timestamp, time_zone: str) -> int:
    return int(day.tz_localize(time_zone, ambiguous=True, nonexistent="shift_forward").value // 1000)
