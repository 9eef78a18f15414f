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
    """Tell a lever with its evidence, or, where that is of a kind not known here, with its own reason; and its gain."""
    told = _lever(findings, lever)
    if not finite(lever.gain_h):
        return told
    t, hours = findings.t, findings.hours
    gain = {"gain": hours(lever.gain_h), "low": hours(lever.low_h), "high": hours(lever.high_h)}
    if lever.kind == "rework":
        return told + t("; perhaps at least {gain} less per case, an estimate until it is simulated", gain=gain["gain"])
    if finite(lever.low_h) and finite(lever.high_h):
        return told + t("; perhaps {gain} less per case ({low} to {high}), an estimate until it is simulated", **gain)
    return told + t("; perhaps {gain} less per case, an estimate until it is simulated", gain=gain["gain"])


def _lever(findings: Findings, lever: Lever) -> str:
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
            "fewer returns after {activity}: {returns} to {target} cost {hours}, without what others wait for the "
            "repeated work",
            activity=name,
            returns=t.plural("{n} return", "{n} returns", int(known["returns"])),
            target=findings.quoted(known.get("target", "")),
            hours=findings.working_hours(known["hours"]),
        )
    if lever.kind == "wait" and {"low_hours", "high_hours"} <= known.keys():
        return t(
            "a shorter wait before {activity}: cases wait {low} to {high} there, as far as completions tell",
            activity=name,
            low=findings.working_hours(known["low_hours"]),
            high=findings.working_hours(known["high_hours"]),
        )
    if lever.kind == "wait" and finite(known.get("hours")):
        return t(
            "a shorter wait before {activity}: cases wait {hours} there",
            activity=name,
            hours=findings.working_hours(known["hours"]),
        )
    return _rarer(findings, lever) or f"{name}: {findings.told(lever.reason)}"


def _rarer(findings: Findings, lever: Lever) -> str:
    """Tell a lever of the kinds that need no more than a template; empty for any other."""
    t, known, name = findings.t, lever.evidence, findings.quoted(lever.name)
    if lever.kind == "remove" and {"instances", "passed", "hours"} <= known.keys():
        return t(
            "doing without {activity}: {share} of its {n} executions pass, and it takes {hours}",
            activity=name,
            share=t.percent(known["passed"]),
            n=t.number(known["instances"]),
            hours=findings.working_hours(known["hours"]),
        )
    if lever.kind == "batch" and {"hours", "size"} <= known.keys():
        return t(
            "smaller batches in {activity}: cases wait {hours} until batches of {size} are complete",
            activity=name,
            hours=findings.working_hours(known["hours"]),
            size=t.number(known["size"], digits=1),
        )
    if lever.kind == "hours" and {"hours", "days"} <= known.keys():
        return t(
            "the people of the role {role} there on {days}, for as many hours as now: its work waits {hours} for them "
            "to come",
            role=name,
            days=t.plural("{n} day a week", "{n} days a week", int(known["days"])),
            hours=findings.working_hours(known["hours"]),
        )
    if lever.kind == "skill" and {"person", "role", "utilisation", "taken_hours_per_week"} <= known.keys():
        return t(
            "{person} ({own}) also doing the work of the role {role}, whose people are busy {share} of the time; up to "
            "{hours} a week are then missing in the role {own}",
            hours=findings.working_hours(known["taken_hours_per_week"]),
            person=known["person"],
            own=known["role"],
            role=name,
            share=t.percent(known["utilisation"]),
        )
    if lever.kind == "wip_limit" and {"wip", "limit"} <= known.keys():
        return t(
            "at most {limit} cases at a time: on average {wip} are under way, and mostly wait in queues",
            limit=t.number(known["limit"], digits=0),
            wip=t.number(known["wip"], digits=0),
        )
    return ""


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
