"""Everything a report tells about, with the words and units it tells it in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from mkmine.language import Translator, column_unit
from mkmine.report.blocks import Column, Table
from mkmine.report.lettering import clean
from mkmine.report.retelling import retell
from mkmine.simulation.experiments.wording import verdict_sentence

if TYPE_CHECKING:
    import pandas as pd

    from mkmine.conformance import Conformance
    from mkmine.discovery import Difference, Drift, ProcessMap
    from mkmine.eventlog import EventLog, Provenance
    from mkmine.performance import Diagnosis, FlowMetrics, Forecast
    from mkmine.simulation import Experiment, Validation
    from mkmine.targets import Target

__all__ = ["Cell", "Findings", "finite", "tabulate"]

Kind = Literal["text", "count", "hours", "percent", "number"]
Cell = tuple[str, str, Kind] | tuple[str, Callable[[Any], str], Kind]
_LONGEST_NAME: Final = 120


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The results of one study: the log and what was found in it; what was not asked for is None."""

    t: Translator
    log: EventLog
    as_is: ProcessMap
    shown: ProcessMap
    diagnosis: Diagnosis
    flow: FlowMetrics
    drift: Drift
    forecast: Forecast | None = None
    difference: Difference | None = None
    target: Target | None = None
    conformance: Conformance | None = None
    experiment: Experiment | None = None
    validation: Validation | None = None

    @cached_property
    def day(self) -> float:
        """Length of a working day in hours, by the calendar that times were measured with."""
        return self.as_is.calendar.hours_per_day or 8.0

    def hours(self, value: float | None, *, signed: bool = False) -> str:
        """Write working hours in minutes, hours or working days of this calendar."""
        return self.t.hours(value, day=self.day, signed=signed)

    def working_hours(self, value: float) -> str:
        """Write a sum of working hours in whole hours, in words."""
        return self.t.plural("{n} working hour", "{n} working hours", round(value))

    def calendar_days(self, wall_hours: float) -> str:
        """Write hours of the clock as calendar days, or as hours where they are few."""
        t = self.t
        if abs(wall_hours) < 48:
            return t.number(wall_hours, digits=1) + "\u00a0" + t("h")
        days = t.number(wall_hours / 24 if finite(wall_hours) else None, digits=1)
        return days + "\u00a0" + t("calendar days")

    def told(self, text: object) -> str:
        """Say in the language of the report what another room said in English; as it is, where untranslated."""
        message = "" if text is None or text != text else str(text)
        return retell(message, self.t) if message else ""

    def _step(self, filtered: str) -> str:
        """Say a step of the history, which is written as "action: detail [count]"."""
        action, _, rest = filtered.partition(": ")
        detail, bracket, count = rest.rpartition(" [")
        if not bracket:
            return ": ".join(self.told(part) for part in (action, rest) if part)
        return f"{self.told(action)}: {self.told(detail)} [{count}"

    def quoted(self, name: object) -> str:
        """Put a name in the quotation marks of the language."""
        text = clean(name)
        short = text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
        if self.t.language == "ru":
            # Quotation marks inside quotation marks are of the other kind.
            return "«" + short.replace("«", "„").replace("»", "“") + "»"
        return f"“{short}”"

    def cases(self, n: float) -> str:
        """Write a number of cases."""
        return self.t.plural("{n} case", "{n} cases", int(n))

    def window(self, provenance: Provenance) -> str:
        """Write the days that a result covers."""
        return " – ".join(self._days(provenance))

    def _days(self, provenance: Provenance) -> tuple[str, str]:
        first, last = (self.t.date(datetime.fromisoformat(day)) for day in provenance.window)
        return first, last

    def verdict(self, row: Mapping[Any, Any]) -> str:
        """Say what one row of the what-if answers says."""
        assert self.experiment is not None
        strain = self.experiment.strain_of(str(row["scenario"]))
        return verdict_sentence(row, self.t, day=self.day, strain=strain)

    def source(self, provenance: Provenance) -> str:
        """Return the foot of a figure or a table."""
        told = replace(
            provenance,
            window=self._days(provenance),
            method=self.told(provenance.method),
            filters=tuple(map(self._step, provenance.filters)),
        )
        return told.sentence(self.t)


def finite(value: Any) -> bool:
    """Tell whether a cell holds a finite number."""
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def tabulate(
    findings: Findings,
    frame: pd.DataFrame,
    *,
    name: str,
    title: str,
    columns: Sequence[Cell],
    foot: str,
    limit: int = 15,
    note: str = "",
    data: pd.DataFrame | None = None,
) -> Table:
    """Write a frame as a table of a report.

    Each column is (title, field or function of the row, kind). The CSV beside the report holds the whole frame, or
    `data` where that is more.
    """
    cells = [
        [(row[field] if isinstance(field, str) else field(row)) for row in frame.head(limit).to_dict("records")]
        for _, field, _ in columns
    ]
    written = [_column(findings, values, kind) for values, (_, _, kind) in zip(cells, columns, strict=True)]
    rows = list(zip(*written, strict=True))
    return Table(
        name=name,
        title=title,
        columns=tuple(Column(title=heading, numeric=kind != "text") for heading, _, kind in columns),
        rows=tuple(rows),
        foot=foot,
        data=frame if data is None else data,
        note=note,
        omitted=(len(frame) if data is None else len(data)) - len(rows),
    )


def _column(findings: Findings, values: Sequence[Any], kind: Kind) -> list[str]:
    """Write the cells of a column; times in one unit, so that they can be compared."""
    if kind != "hours":
        return [_written(findings, value, kind) for value in values]
    unit = column_unit([float(value) for value in values if finite(value)], findings.t, day=findings.day)
    return [
        unit.write(float(value), findings.t) if finite(value) else _written(findings, value, kind) for value in values
    ]


def _written(findings: Findings, value: Any, kind: Kind) -> str:
    t = findings.t
    if isinstance(value, str) or kind == "text":
        missing = value is None or value != value or value == ""
        text = t.number(None) if missing else str(value)
        return text if len(text) <= 2 * _LONGEST_NAME else text[: 2 * _LONGEST_NAME - 1] + "…"
    if not finite(value):
        return t.number(None)
    if kind == "percent":
        return t.percent(float(value), digits=1 if 0 < abs(float(value)) < 0.1 else 0)
    return t.number(float(value), digits=0 if kind == "count" else 2)
