"""The first page of the report: what was found, in sentences made of the numbers, and the key figures."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, Final

from mkmine.performance.waiting import is_planned
from mkmine.report.blocks import Block, Bullets, Heading, KeyFigure, KeyFigures, Note, Text
from mkmine.report.findings import Findings, finite
from mkmine.report.terms import grade_sentence
from mkmine.report.units import day_sentence
from mkmine.report.whatif import base_against_log
from mkmine.simulation.validation.wording import band_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["headline", "summary"]

MOSTLY_WORK: Final = 0.8  # flow efficiency from which waits are no headline


def summary(findings: Findings) -> list[Block]:
    """Return the executive summary: scope, main loss, key figures, findings one by one."""
    t = findings.t
    blocks: list[Block] = [Heading(text=t("Summary"), anchor="summary")]
    blocks.append(Text(paragraphs=(headline(findings),), lead=True))
    blocks.append(key_figures(findings))
    blocks.append(Text(paragraphs=(day_sentence(findings.as_is.calendar, t),)))
    points = [
        *(_waits(findings) if _little_waiting(findings) else [*_waits(findings)[1:], *_flow(findings)]),
        *_rework(findings),
        *_conformance(findings),
        *_answers(findings),
    ]
    if points:
        blocks.append(Bullets(items=tuple(points)))
    if findings.validation is not None:
        trusted = findings.validation.grade == "good"
        told = f"{grade_sentence(findings.validation.grade, t)} {band_text(findings.validation, t)}".strip()
        blocks.append(Note(kind="info" if trusted else "warning", text=told))
    return [*blocks, *base_against_log(findings)]


def headline(findings: Findings) -> str:
    """Say where most time is lost; where there is little or no waiting to speak of, how long cases take."""
    waits, efficiency = _waits(findings), findings.diagnosis.cases.get("flow_efficiency")
    if waits and not _little_waiting(findings):
        return waits[0]
    lines = _duration(findings)
    if finite(efficiency):
        lines.append(findings.t("Work takes {share} of the cycle time.", share=findings.t.percent(efficiency)))
    return " ".join(lines)


def key_figures(findings: Findings) -> KeyFigures:
    """Return the figures that every reader asks for first."""
    t, values = findings.t, findings.diagnosis.cases
    items = [
        KeyFigure(
            label=t("Cycle time, median"),
            value=findings.hours(values.get("cycle_median_h")),
            note=t(
                "{days} from start to end", days=findings.calendar_days(float(values.get("cycle_wall_median_h", "nan")))
            ),
        ),
        KeyFigure(label=t("Cycle time, 85th percentile"), value=findings.hours(values.get("cycle_p85_h"))),
        KeyFigure(
            label=t("Throughput"),
            value=t.number(values.get("throughput_per_week"), digits=1),
            note=t("completed cases per week"),
        ),
        KeyFigure(
            label=t("Flow efficiency"),
            value=t.percent(values.get("flow_efficiency")),
            note=t("share of the cycle time spent on work"),
        ),
        KeyFigure(
            label=t("Cases with rework"),
            value=t.percent(values.get("rework_share")),
            note=t("of the completed ones came back to work already done"),
        ),
    ]
    gap = findings.conformance
    if gap is not None:
        compared = t.number(gap.cases - gap.unknown_cases)
        note = t("{fitting} of {cases} follow it exactly", fitting=t.number(gap.fitting_cases), cases=compared)
        items.append(KeyFigure(label=t("Fitness to TO-BE"), value=t.number(gap.fitness, digits=2), note=note))
    shown = tuple(item for item in items if item.value != t.number(None))
    return KeyFigures(items=shown, foot=findings.source(findings.diagnosis.provenance))


def scope(findings: Findings) -> str:
    """Say what was examined: cases, activities, the window, what is still open."""
    t, log = findings.t, findings.log
    first = t(
        "The log holds {cases} and {instances}, {window}.",
        cases=findings.cases(log.n_cases),
        instances=t.plural("{n} executed activity", "{n} executed activities", log.n_instances),
        window=findings.window(findings.as_is.provenance),
    )
    unfinished = int((~log.completed).sum())
    if not unfinished:
        return first
    return f"{first} " + t.plural(
        "{n} case is still open: it is counted as unfinished, not dropped.",
        "{n} cases are still open: they are counted as unfinished, not dropped.",
        unfinished,
    )


def _duration(findings: Findings) -> list[str]:
    t, values = findings.t, findings.diagnosis.cases
    if not finite(values.get("cycle_median_h")):
        return []
    sentences = [
        t(
            "Half of the cases take up to {median}, 85 of 100 take up to {p85}, counted in working time.",
            median=findings.hours(values["cycle_median_h"]),
            p85=findings.hours(values.get("cycle_p85_h")),
        )
    ]
    cancelled = int(values.get("cancelled", 0))
    if cancelled:
        sentences.append(
            t.plural(
                "{n} case was cancelled; cycle times and throughput are without it.",
                "{n} cases were cancelled; cycle times and throughput are without them.",
                cancelled,
            )
        )
    return sentences


def _waits(findings: Findings) -> list[str]:
    t = findings.t
    rows = findings.diagnosis.waiting
    rows = rows[(rows["waiting_total_h"] > 0) & ~rows["activity"].isin(_planned(findings))]
    rows = rows.sort_values("waiting_total_h", ascending=False, kind="stable")
    sentences = []
    for place, row in enumerate(rows.head(2).to_dict("records")):
        values = {
            "activity": findings.quoted(row["activity"]),
            "hours": findings.working_hours(row["waiting_total_h"]),
            "share": t.percent(row["share"]),
            "median": findings.hours(row["waiting_median_h"]),
        }
        sentences.append(_wait(findings, values, first=place == 0))
    return sentences


def _planned(findings: Findings) -> list[str]:
    """Return the activities in which cases wait outside for a day that a plan has set: no time is lost there."""
    lost = findings.diagnosis.bottlenecks
    outside = lost[lost["kind"] == "outside"].to_dict("records")
    return [str(row["where"]) for row in outside if is_planned(str(row["where"]), str(row["role"]))]


def _wait(findings: Findings, values: Mapping[str, str], *, first: bool) -> str:
    t = findings.t
    if findings.log.timestamps == "completed":
        if first:
            return t(
                "Most time passes before {activity} is completed: {hours}, {share} of all time between completions, "
                "{median} at the median.",
                **values,
            )
        return t(
            "Next is the time before {activity} is completed: {hours}, {share} of all, {median} at the median.",
            **values,
        )
    if first:
        return t(
            "Most time is lost waiting before {activity}: {hours}, {share} of all waiting, {median} at the median.",
            **values,
        )
    return t(
        "The second source of delay is the wait before {activity}: {hours}, {share} of all waiting, {median} at the "
        "median.",
        **values,
    )


def _little_waiting(findings: Findings) -> bool:
    efficiency = findings.diagnosis.cases.get("flow_efficiency")
    return finite(efficiency) and float(efficiency or 0.0) >= MOSTLY_WORK


def _flow(findings: Findings) -> list[str]:
    t, efficiency = findings.t, findings.diagnosis.cases.get("flow_efficiency")
    lines = _duration(findings) if _waits(findings) else []
    if finite(efficiency) and findings.log.timestamps != "completed":
        lines.append(t("Work takes {share} of the cycle time; the rest is waiting.", share=t.percent(efficiency)))
    return lines


def _rework(findings: Findings) -> list[str]:
    t, frame = findings.t, findings.diagnosis.rework
    first = frame[(frame["round"] == 1) & (frame["returned"] > 0)]
    if first.empty:
        return []
    row: dict[Hashable, Any] = first.sort_values("returned", ascending=False, kind="stable").iloc[0].to_dict()
    return [
        t(
            "{share} of the completed cases came back to work that was already done. After the first round of "
            "{activity}, {probability} come back (95% interval: {low} to {high}).",
            share=t.percent(findings.diagnosis.cases.get("rework_share")),
            activity=findings.quoted(row["activity"]),
            probability=t.percent(row["probability"]),
            low=t.percent(row["low"]),
            high=t.percent(row["high"]),
        )
    ]


def _conformance(findings: Findings) -> list[str]:
    t, gap = findings.t, findings.conformance
    if gap is None:
        return []
    lines = [
        t(
            "{fitting} of {cases} cases follow the TO-BE process exactly; the mean fitness is {fitness} (1 is a "
            "perfect match).",
            fitting=t.number(gap.fitting_cases),
            cases=t.number(gap.cases - gap.unknown_cases),
            fitness=t.number(gap.fitness, digits=2),
        )
    ]
    # As the table of deviations counts them: what was done elsewhere than drawn is not left out there and extra here.
    path = gap.costs[gap.costs["kind"].isin(["skipped", "extra", "repeated"])]
    deviations = path.sort_values("cases", ascending=False, kind="stable")
    never = deviations["activity"].isin(gap.only_in_target) & (deviations["kind"] == "skipped")
    if len(deviations) and never.iloc[0]:
        names = ", ".join(findings.quoted(name) for name in deviations.loc[never, "activity"])
        lines.append(
            t("In TO-BE, but never in the log: {names}. It is either not recorded or not done at all.", names=names)
        )
    if not never.all():
        lead = t("The most frequent of the other deviations") if lines[1:] else t("The most frequent deviation")
        lines.append(_deviation(findings, deviations[~never].iloc[0], lead))
    return lines


def _deviation(findings: Findings, row: pd.Series, lead: str) -> str:
    t = findings.t
    values = {
        "lead": lead,
        "activity": findings.quoted(row["activity"]),
        "cases": findings.cases(row["cases"]),
        "share": t.percent(row["share"]),
    }
    if row["kind"] == "skipped":
        return t("{lead}: {activity} is skipped in {cases} ({share}).", **values)
    if row["kind"] == "repeated":
        return t("{lead}: {activity} is repeated beyond TO-BE in {cases} ({share}).", **values)
    return t("{lead}: {activity}, which TO-BE does not provide for, in {cases} ({share}).", **values)


def _answers(findings: Findings) -> list[str]:
    answer = findings.experiment
    if answer is None:
        return []
    rows = answer.answers[answer.answers["kpi"] == "cycle_mean_h"].to_dict("records")
    return [f"{findings.quoted(row['scenario'])}: {findings.verdict(row)}." for row in rows]
