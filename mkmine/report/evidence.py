"""What shows that a place is a bottleneck, and that a lever is worth trying, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mkmine.report.findings import Findings, finite

if TYPE_CHECKING:
    from mkmine.performance import Lever

__all__ = ["evidence", "lever_sentence"]


def evidence(findings: Findings, row: Mapping[Any, Any]) -> str:
    """Tell the evidence of a row of `Diagnosis.bottlenecks`; empty where there is none."""
    known = row["evidence"]
    if not isinstance(known, Mapping):
        return ""
    parts = _rework(findings, known) if row["kind"] == "rework" else _queue(findings, known, role=row["role"])
    return "; ".join(part for part in parts if part)


def lever_sentence(findings: Findings, lever: Lever) -> str:
    """Tell a lever with its evidence, or, where that is of a kind not known here, with its own reason."""
    t, known, name = findings.t, lever.evidence, findings.quoted(lever.name)
    if lever.kind == "staff" and finite(known.get("contention_h")) and finite(known.get("utilisation")):
        return t(
            "one more person in the role {role}: its work waits {hours} while its people are on duty, and they are "
            "busy {share} of the time",
            role=name,
            hours=findings.working_hours(known["contention_h"]),
            share=t.percent(known["utilisation"]),
        )
    if lever.kind == "rework" and finite(known.get("returns")) and finite(known.get("hours")):
        return t(
            "fewer returns after {activity}: {returns} to {target} cost {hours}",
            activity=name,
            returns=t.plural("{n} return", "{n} returns", int(known["returns"])),
            target=findings.quoted(known.get("target", "")),
            hours=findings.working_hours(known["hours"]),
        )
    if lever.kind == "wait" and finite(known.get("hours")):
        return t(
            "a shorter wait before {activity}: cases wait {hours} there",
            activity=name,
            hours=findings.working_hours(known["hours"]),
        )
    return f"{name}: {findings.told(lever.reason)}"


def _queue(findings: Findings, known: Mapping[str, Any], *, role: Any) -> list[str]:
    t = findings.t
    parts = []
    if finite(known.get("median_h")):
        parts.append(
            t(
                "waits {median} at the median, 85% up to {p85}",
                median=findings.hours(known["median_h"]),
                p85=findings.hours(known.get("p85_h")),
            )
        )
    if isinstance(role, str) and finite(known.get("people")) and finite(known.get("utilisation")):
        people = t.plural("{n} person", "{n} people", int(known["people"]))
        busy = t.percent(known["utilisation"])
        parts.append(t("{role}: {people}, busy {share}", role=role, people=people, share=busy))
    return parts


def _rework(findings: Findings, known: Mapping[str, Any]) -> list[str]:
    t = findings.t
    if not finite(known.get("returns")):
        return []
    returns = t.plural("{n} return", "{n} returns", int(known["returns"]))
    parts = [t("{returns} to {target}", returns=returns, target=findings.quoted(known.get("target", "")))]
    if finite(known.get("probability")):
        parts.append(t("in {share} of executions", share=t.percent(known["probability"])))
    if finite(known.get("mean_h")):
        parts.append(t("each costs {duration} on average", duration=findings.hours(known["mean_h"])))
    return parts
