"""What is doubtful in a log: findings with counts, examples, advice and the repair that mends them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from textwrap import indent
from typing import Any

import pandas as pd

from mkmine.errors import UnknownNameError
from mkmine.eventlog.cleaning.findings import clocks, completeness, durations, names, order
from mkmine.eventlog.cleaning.findings.finding import KINDS, Finding, View
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Provenance

__all__ = ["CHECKS", "Finding", "Quality", "quality"]

CHECKS: tuple[Callable[[View], Finding | None], ...] = (
    completeness.quarantined,
    completeness.missing_people,
    completeness.missing_values,
    completeness.single,
    completeness.open_cases,
    completeness.cut_at_start,
    completeness.cut_at_end,
    completeness.crowded,
    completeness.gaps,
    order.repeats,
    order.ties,
    order.bulk,
    order.corrections,
    order.overlaps,
    order.before_start,
    order.after_end,
    order.instant,
    clocks.midnight,
    clocks.rounded,
    clocks.days_off,
    clocks.far_away,
    clocks.shifted_clock,
    clocks.other_clock,
    names.similar_names,
    names.mistyped,
    names.similar_people,
    names.lost_letters,
    names.one_time_names,
    names.renamed,
    durations.outliers,
    durations.long_cases,
    durations.forgotten,
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Quality:
    """The findings on a log, the largest share first."""

    findings: tuple[Finding, ...]
    provenance: Provenance = field(repr=False)

    def __getitem__(self, kind: str) -> Finding:
        """Return the finding of this kind. Raises `UnknownNameError` if the log has none, or there is no such kind."""
        for one in self.findings:
            if one.kind == kind:
                return one
        if kind in KINDS:
            raise UnknownNameError(f'this log has no finding "{kind}"; ask first: if "{kind}" in found')
        raise UnknownNameError.of(kind="finding", name=kind, known=KINDS)

    def __contains__(self, kind: object) -> bool:
        return any(one.kind == kind for one in self.findings)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per finding."""
        columns = ["kind", "what", "count", "of", "share", "examples", "advice", "repair"]
        return pd.DataFrame([one.to_dict() for one in self.findings], columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"findings": [one.to_dict() for one in self.findings], "provenance": self.provenance.to_dict()}

    def __repr__(self) -> str:
        if not self.findings:
            return "Quality: nothing doubtful found"
        lines = [f"Quality: {len(self.findings)} finding{'s' if len(self.findings) > 1 else ''}"]
        return "\n".join([*lines, *(indent(repr(one), "  ") for one in self.findings)])

    def _repr_html_(self) -> str:
        if not self.findings:
            return f"<p>{escape(repr(self))}</p>"
        rows = "".join(
            f"<tr><td>{escape(one.what)}</td><td>{one.count:,} of {one.of:,} ({one.share:.1%})</td>"
            f"<td>{escape('; '.join(one.examples))}</td><td>{escape(one.advice)}</td>"
            f"<td><code>{escape(one.repair)}</code></td></tr>"
            for one in self.findings
        )
        heads = "".join(f"<th>{head}</th>" for head in ("finding", "count", "examples", "advice", "repair"))
        return f"<table><tr>{heads}</tr>{rows}</table>"


def quality(log: EventLog) -> Quality:
    """Look for what is doubtful in a log; nothing is changed.

    Every check has its threshold in its module under `findings`; a clean log has none or few findings.
    """
    view = View(log)
    found = [finding for check in CHECKS if (finding := check(view)) is not None]
    found.sort(key=lambda one: -one.share)
    return Quality(findings=tuple(found), provenance=log.provenance("data quality checks"))
