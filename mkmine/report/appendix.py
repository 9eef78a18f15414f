"""What the numbers rest on: the data, what was set aside, how everything was measured."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mkmine.eventlog.cleaning.changes import REPAIRED
from mkmine.eventlog.cleaning.quality import quality
from mkmine.performance.diagnosis import STATUS_LOG
from mkmine.report.blocks import Block, Bullets, Heading, Note, Text
from mkmine.report.findings import Cell, Findings, tabulate
from mkmine.report.summary import scope

__all__ = ["data", "method"]


def data(findings: Findings) -> list[Block]:
    """Return the chapter on the data: scope, what was done to them, what was set aside."""
    t, log = findings.t, findings.log
    blocks: list[Block] = [
        Heading(text=t("Data and their quality"), anchor="data"),
        Text(paragraphs=(scope(findings),)),
    ]
    if log.history:
        steps = pd.DataFrame(
            [
                {"step": n, "action": s.action, "detail": s.detail, "touched": s.touched}
                for n, s in enumerate(log.history, 1)
            ]
        )
        columns: list[Cell] = [
            (t("No."), "step", "count"),
            (t("Action"), lambda row: findings.told(row["action"]), "text"),
            (t("Detail"), lambda row: findings.told(row["detail"]), "text"),
            (t("Touched"), "touched", "count"),
        ]
        blocks.append(
            tabulate(
                findings,
                steps,
                name="history",
                title=t("What was done to the data"),
                columns=columns,
                foot=findings.source(findings.as_is.provenance),
                limit=40,
            )
        )
    return [*blocks, *_quarantine(findings), *_doubts(findings)]


def method(findings: Findings) -> list[Block]:
    """Return the appendix on method and provenance."""
    t = findings.t
    items = [
        t(
            "Working time follows this calendar: {calendar}.",
            calendar=findings.told(findings.as_is.calendar.describe()),
        ),
        _wait(findings),
        t("Percentiles interpolate linearly between observations; shares have Wilson’s 95% intervals."),
        t("Cases still open are kept and marked; their unfinished activities are in no statistics of durations."),
        t("Differences between groups of cases are associations, not proof of causes."),
    ]
    if findings.conformance is not None:
        items.append(t("Fitness comes from optimal alignments of each case with the TO-BE model."))
    if findings.experiment is not None:
        items.append(
            t(
                "What-if answers are paired differences over replications under common random numbers; an interval "
                "that includes zero is called noise."
            )
        )
    rows = pd.DataFrame([_provenance(findings, title, one) for title, one in _sources(findings)])
    columns: list[Cell] = [
        (t("Result"), "result", "text"),
        (t("Log"), "log", "text"),
        (t("Content hash"), "hash", "text"),
        (t("Cases"), "cases", "count"),
        (t("Window"), "window", "text"),
        (t("Method"), lambda row: findings.told(row["method"]), "text"),
    ]
    table = tabulate(
        findings,
        rows,
        name="provenance",
        title=t("Where every number comes from"),
        columns=columns,
        foot=findings.source(findings.as_is.provenance),
    )
    return [Heading(text=t("Method and provenance"), anchor="method"), Bullets(items=tuple(items)), table]


def _wait(findings: Findings) -> str:
    t, log = findings.t, findings.log
    if log.timestamps == "completed":
        return t(
            "The log holds completions only: a wait is the working time from the completion before, with the work in "
            "it."
        )
    if STATUS_LOG in findings.diagnosis.notes:
        return t("The log tells statuses: a wait is the working time in the statuses whose names say so.")
    if log.enabled is not None:
        return t("A wait is the working time from the recorded moment at which an activity could begin to its start.")
    return t(
        "A wait is the working time to the start of an activity from the latest end, before it, of another activity of "
        "the same case."
    )


def _quarantine(findings: Findings) -> list[Block]:
    t, aside = findings.t, findings.log.quarantine
    if not len(aside):
        return [Note(kind="info", text=t("No rows were set aside."))]
    reasons = aside["reason"].astype(str)
    repaired = int(reasons.isin(REPAIRED).sum())
    notes: list[Block] = []
    if unusable := len(aside) - repaired:
        text = t.plural(
            "{n} row could not be used and was set aside; it is in no figure of this report.",
            "{n} rows could not be used and were set aside; they are in no figure of this report.",
            unusable,
        )
        notes.append(Note(kind="warning", text=text))
    if repaired:
        text = t.plural(
            "{n} row could be read, but a repair of the data took it out; it is in no figure of this report.",
            "{n} rows could be read, but repairs of the data took them out; they are in no figure of this report.",
            repaired,
        )
        notes.append(Note(kind="info", text=text))
    # A reason may go on with the value that was met: rows are counted by what stands before it.
    counts = reasons.str.split(": ").str[0].value_counts(sort=True).rename_axis("reason").reset_index(name="rows")
    counts["what"] = [t("taken out by a repair") if one in REPAIRED else t("not usable") for one in counts["reason"]]
    columns: list[Cell] = [
        (t("Reason"), lambda row: findings.told(row["reason"]), "text"),
        (t("What happened"), "what", "text"),
        (t("Rows"), "rows", "count"),
    ]
    table = tabulate(
        findings,
        counts,
        name="quarantine",
        title=t("Rows set aside, by reason"),
        columns=columns,
        foot=findings.source(findings.as_is.provenance),
    )
    return [*notes, table]


def _doubts(findings: Findings) -> list[Block]:
    t, checked = findings.t, quality(findings.log)
    if not checked.findings:
        return []
    columns: list[Cell] = [
        (t("What is doubtful"), lambda row: findings.told(row["what"]), "text"),
        (t("Count"), "count", "count"),
        (t("Share"), "share", "percent"),
        (t("Examples"), lambda row: "; ".join(findings.told(one) for one in row["examples"]), "text"),
        (t("What it means"), lambda row: findings.told(row["advice"]), "text"),
    ]
    table = tabulate(
        findings,
        checked.to_pandas(),
        name="quality",
        title=t("What is doubtful in the data"),
        columns=columns,
        foot=findings.source(checked.provenance),
    )
    return [table]


def _sources(findings: Findings) -> list[tuple[str, Any]]:
    t = findings.t
    named = (
        (t("Process map"), findings.as_is),
        (t("Diagnosis"), findings.diagnosis),
        (t("AS-IS against TO-BE"), findings.conformance),
        (t("What if"), findings.experiment),
        (t("Backtest"), findings.validation),
    )
    return [(title, result.provenance) for title, result in named if result is not None]


def _provenance(findings: Findings, title: str, source: Any) -> dict[str, Any]:
    return {
        "result": title,
        "log": source.log,
        "hash": source.hash[:16],
        "cases": source.cases,
        "window": findings.window(source),
        "method": source.method,
    }
