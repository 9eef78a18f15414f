"""How a log stands beside what is published about processes of its kind.

A survey that gives shares of answers supports a place in them ("more rounds than at least 42 % of the answers"); one
that gives a single mean supports no more than a comparison with it. Surveys ask teams what is usual with them, so the
mean or the median of a log stands for its team. They tell days and do not say which: days of the calendar are compared,
and days of work are shown beside them.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import DAY, HOUR
from mkmine.catalogue.blueprint import blueprint, published
from mkmine.catalogue.reference import load
from mkmine.discovery.process_map import records
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.provenance import Provenance

__all__ = ["Benchmark", "benchmark", "measured"]

METHOD: Final = "completed cases against published figures"
TEAMS: Final = "Answers of surveys are teams, not cases: the usual value of the log stands for its team."
_OTHERWISE: Final = {"less": "less than published", "more": "more than published", "alike": "as published"}
# Figures about the same step: whoever has one of them can be held against all.
_ABOUT_APPROVAL: Final = ("approval_days", "approval_versions", "review_rounds")
COLUMNS: Final = (
    "figure", "step", "value", "low", "high", "value_working_days", "unit", "cases", "published", "below", "above",
    "verdict", "source",
)  # fmt: skip

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Benchmark:
    """A log beside published figures.

    Attributes
    ----------
    process
        Name of the process of the catalogue.
    table
        One row per figure: figure, step (of the log), value (mean of the completed cases; median where shares of
        answers are about a time) with low and high (95 % interval of a mean; NaN for a median), value_working_days
        (times only), unit, cases, published (as text), below and above (at least such shares of the answers are
        smaller and larger than the value; NaN where no distribution is published), verdict ("less", "more", "alike",
        or "placed" where below and above say it), and source.
    notes
        What cannot be said, and why.
    """

    process: str
    table: pd.DataFrame
    notes: tuple[str, ...]
    provenance: Provenance = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "process": self.process,
            "table": records(self.table),
            "notes": list(self.notes),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        lines = [f"{self.process}: {self.provenance.cases:,} cases beside published figures"]
        for row in records(self.table):
            lines.append(
                f"  {row['step']}: {row['value']:.3g} {row['unit']}; published {row['published']}: {told(row)}"
            )
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>{self.table.to_html(escape=True, index=False)}"


def told(row: Mapping[str, Any]) -> str:
    """Return the verdict of a row in words."""
    if row["verdict"] == "placed":
        sides = {"more": row["below"], "less": row["above"]}
        parts = [f"{word} than at least {share:.0%} of the answers" for word, share in sides.items() if share]
        return ", ".join(parts)
    return f"{_OTHERWISE[row['verdict']]} (no distribution is published)"


def benchmark(log: EventLog, process: str, *, aliases: Mapping[str, str] | None = None) -> Benchmark:
    """Hold a log against what is published about a process of the catalogue, e.g. `benchmark(log, "article")`.

    Needed is the step that approves (for an e-mail also the sending), called in the log as in the catalogue, in Russian
    or English, or by `aliases`, names of the log and what they are called there: `{"OK": "Approval of the text"}`.

    Raises `UnknownNameError` if there is no such process, or an alias names what is not there, and `DataError` if the
    log has no such step or no completed case with it.
    """
    steps = _steps(process)
    places = _places(log, process, steps, aliases or {})
    rows, notes = [], []
    for figure, (step, _) in steps.items():
        if step not in places:
            notes.append(f'The log has no "{step}", and what is published about it is left out.')
            continue
        values, working = measured(log, figure, places[step])
        if not len(values):
            raise DataError(f'no completed case of the log has "{places[step]}"; there is nothing to compare')
        rows.append(_row(figure, places[step], values, working, log))
    notes += _notes(log, rows)
    name = load(process).name
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return Benchmark(process=name, table=table, notes=tuple(notes), provenance=log.provenance(METHOD))


def _steps(process: str) -> dict[str, tuple[str, str]]:
    """Return the figures that speak of a process, each with its step in English and Russian."""
    values = blueprint(process)
    named: dict[str, str] = {}
    for one in (values, *values["variants"].values()):
        named |= one.get("figures", {})
    if "approval_days" in named:
        named = dict.fromkeys(_ABOUT_APPROVAL, named["approval_days"]) | named
    english, other = (load(process, language=language).target.activities for language in ("en", "ru"))
    return {figure: (step, other[english.index(step)]) for figure, step in named.items()}


def _places(
    log: EventLog, process: str, steps: Mapping[str, tuple[str, str]], aliases: Mapping[str, str]
) -> dict[str, str]:
    """Return what the steps are called in the log, by their English names."""
    both = {name: pair[0] for pair in steps.values() for name in pair}
    for name, step in aliases.items():
        if name not in log.activities:
            raise UnknownNameError.of(kind="activity", name=str(name), known=log.activities, where="aliases")
        if step not in both:
            raise UnknownNameError.of(kind="step", name=str(step), known=list(both), where=f'"{process}"')
    found = {both[name]: name for name in both if name in log.activities}
    found |= {both[step]: name for name, step in aliases.items()}
    if not found:
        wanted = ", ".join(f'"{name}"' for name in both)
        listed = ", ".join(f'"{name}"' for name in log.activities[:10])
        last, step = log.activities[-1], next(iter(both.values()))
        raise DataError(
            f"the log has no {wanted}; name the activity that approves, such as "
            f'aliases={{"{last}": "{step}"}} or --alias "{last}={step}" (activities: {listed})'
        )
    return found


def measured(log: EventLog, figure: str, step: str) -> tuple[Floats, Floats]:
    """Return what a published figure measures, for each completed case with the step, and in days of work.

    Days are of 24 hours; days of work are hours of the log's working calendar by those of its usual day. What has no
    days is the same in both.
    """
    rows = np.flatnonzero(log.activity == log.activities.index(step))
    cases, times = np.unique(log.case_of[rows], return_counts=True)
    enabled = log.start if log.enabled is None else log.enabled
    first, last = np.full(log.n_cases, np.iinfo(np.int64).max), np.zeros(log.n_cases, dtype=np.int64)
    np.minimum.at(first, log.case_of[rows], enabled[rows])
    np.maximum.at(last, log.case_of[rows], log.end[rows])
    if figure.startswith("email"):
        first = np.minimum.reduceat(enabled, log.offsets[:-1])
    over = log.completed[cases]
    if "outcome" in log.case_attributes:
        over = over & (log.case_attributes["outcome"].to_numpy()[cases] != "cancelled")
    kept = cases[over]
    if published()["figures"][figure]["unit"] != "days":
        counts = times[over].astype(np.float64)
        return counts, counts
    calendar = log.working_calendar()
    hours = calendar.working_time(first[kept], last[kept]) / HOUR
    return (last[kept] - first[kept]) / DAY, hours / (calendar.hours_per_day or 8.0)


def _row(figure: str, step: str, values: Floats, working: Floats, log: EventLog) -> dict[str, Any]:
    said = published()["figures"][figure]
    timed = said["unit"] == "days"
    answers = said.get("at_least") or said.get("over")
    typical = np.median if timed and answers else np.mean
    value = float(typical(values))
    half = float("nan") if typical is np.median else 1.96 * float(np.std(values, ddof=1 if len(values) > 1 else 0))
    half /= np.sqrt(len(values))
    below = above = float("nan")
    if answers:
        below, above = _place(answers, value, strictly="over" in said)
        text = ", ".join(f"{n} or more: {share:.0%}" for n, share in answers.items() if share < 1)
        text = text.replace(" or more", "") if "over" in said else text
        text = f"over {text}" if "over" in said else text
    else:
        low, high = _range(figure)
        text = f"{low:g}" if low == high else f"{low:g}-{high:g}"
    return {
        "figure": figure, "step": step, "value": value, "low": value - half, "high": value + half,
        "value_working_days": float(typical(working)) if timed else float("nan"), "unit": said["unit"],
        "cases": len(values), "published": text, "below": below, "above": above,
        "verdict": _verdict(figure, value, half), "source": said["source"],
    }  # fmt: skip


def _range(figure: str) -> tuple[float, float]:
    said = published()["figures"][figure]
    return said.get("low", said.get("mean")), said.get("high", said.get("mean"))


def _verdict(figure: str, value: float, half: float) -> str:
    low, high = _range(figure)
    if low is None:
        return "placed"
    return "less" if value + half < low else "more" if value - half > high else "alike"


def _place(answers: Mapping[int, float], value: float, *, strictly: bool) -> tuple[float, float]:
    """Return which shares of the answers are certainly smaller and certainly larger than a value.

    `answers` says which share has n or more (`strictly`: more than n). Between two published numbers nothing is known.
    """
    reached = [share for n, share in answers.items() if (value > n if strictly else value >= n)]
    beyond = [share for n, share in answers.items() if (value <= n if strictly else value < n)]
    return 1 - min(reached, default=1.0), max(beyond, default=0.0)


def _notes(log: EventLog, rows: list[dict[str, Any]]) -> list[str]:
    notes = []
    still = int((~log.completed).sum())
    if still:
        notes.append(f"Open cases are left out ({still}): those that take long are more often among them.")
    timed = [row for row in rows if row["unit"] == "days"]
    if timed:
        days = ", ".join(f"{row['value_working_days']:.3g}" for row in timed)
        notes.append(f"Days are of the calendar, as surveys do not say which days they mean. In working days: {days}.")
        for row in timed:
            other = _verdict(row["figure"], row["value_working_days"], row["high"] - row["value"])
            if other != row["verdict"]:
                notes.append(
                    f"Counted in working days, a mean of {row['value_working_days']:.3g} would be {_OTHERWISE[other]}."
                )
    if any(row["verdict"] == "placed" for row in rows):
        notes.append(TEAMS)
    return notes
