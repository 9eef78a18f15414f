"""How the process runs: its map, its times, its rework, its people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mkmine.eventlog.summaries import case_table
from mkmine.report import causes, charts
from mkmine.report.blocks import Block, Bullets, Figure, Heading, Note, Table, Text, View
from mkmine.report.evidence import evidence, lever_sentence
from mkmine.report.findings import Cell, Findings, tabulate
from mkmine.report.maps import draw_map as draw

__all__ = ["course", "people", "rework", "times"]

_TOP: Final = 12
_DISTRIBUTION: Final = "distribution of cycle times in working time; percentiles by Kaplan-Meier"


def course(findings: Findings) -> list[Block]:
    """Return the chapter with the AS-IS map by frequency and by time."""
    t, language = findings.t, findings.t.language
    views = (
        View(label=t("Frequency"), picture=draw(findings.shown, metric="frequency", language=language)),
        View(label=t("Time"), picture=draw(findings.shown, metric="time", language=language)),
    )
    figure = Figure(
        title=t("Map of the process as it is"),
        views=views,
        note=_part_shown(findings),
        foot=findings.source(findings.shown.provenance),
    )
    return [Heading(text=t("How the process runs: AS-IS"), anchor="as-is"), *_caveats(findings), figure]


def times(findings: Findings) -> list[Block]:
    """Return the chapter on where the time goes: cycle times, waits by activity, bottlenecks."""
    t, language = findings.t, findings.t.language
    blocks: list[Block] = [Heading(text=t("Where the time goes"), anchor="time")]
    blocks += [Note(kind="info", text=findings.told(note)) for note in findings.diagnosis.notes]
    cycle, values = _cycle_hours(findings), findings.diagnosis.cases
    marks = (values["cycle_median_h"], values["cycle_p85_h"])
    provenance = findings.diagnosis.provenance
    if cycle.size:
        blocks.append(
            Figure(
                title=t("Distribution of cycle times of completed cases"),
                views=(
                    View(
                        label="",
                        picture=charts.cycle_times(cycle.tolist(), marks=marks, day=findings.day, language=language),
                    ),
                ),
                note=_cycle_note(findings),
                foot=findings.source(replace(provenance, method=_DISTRIBUTION)),
            )
        )
    waiting = findings.diagnosis.waiting
    known = waiting[waiting["waiting_total_h"].fillna(0) > 0]
    if len(known):
        picture = charts.waiting(known, limit=_TOP, language=language)
        blocks.append(
            Figure(
                title=t("Total wait before each activity"),
                views=(View(label="", picture=picture),),
                note=_listed(findings, known["activity"].nunique(), _TOP),
                foot=findings.source(provenance),
            )
        )
        blocks.append(_waiting_table(findings, known.sort_values("waiting_total_h", ascending=False, kind="stable")))
    blocks += causes.causes(findings)
    blocks += _bottlenecks(findings)
    return blocks


def rework(findings: Findings) -> list[Block]:
    """Return the chapter on rework, round by round."""
    t, frame = findings.t, findings.diagnosis.rework
    returned = frame[frame["returned"] > 0]
    blocks: list[Block] = [Heading(text=t("Rework"), anchor="rework")]
    if returned.empty:
        return [*blocks, Text(paragraphs=(t("No activity was done more than once in a case."),))]
    activities = returned["activity"].nunique()
    if (returned["reached"] >= charts.FEWEST_REACHED).any():
        blocks.append(
            Figure(
                title=t("Probability of one more round, by round, with 95% intervals"),
                views=(View(label="", picture=charts.rework(frame, language=t.language)),),
                note=_rounds_drawn(findings, activities, int(returned["round"].max())),
                foot=findings.source(findings.diagnosis.provenance),
            )
        )
    columns: list[Cell] = [
        (t("Activity"), "activity", "text"),
        (t("Round"), "round", "count"),
        (t("Reached it"), "reached", "count"),
        (t("Came back"), "returned", "count"),
        (t("Undecided"), "censored", "count"),
        (t("Share"), "probability", "percent"),
        (t("95% interval"), lambda row: f"{t.percent(row['low'])} – {t.percent(row['high'])}", "number"),
        (t("Time per round"), "hours_per_round", "hours"),
    ]
    total = returned.groupby("activity")["returned"].transform("sum")
    ordered = returned.assign(total=total).sort_values(
        ["total", "activity", "round"], ascending=[False, True, True], kind="stable"
    )
    blocks.append(
        tabulate(
            findings,
            ordered.drop(columns="total"),
            name="rework",
            title=t("Rework by activity and round"),
            columns=columns,
            foot=findings.source(findings.diagnosis.provenance),
            note=t("Undecided are rounds of open cases that may still come back; the share leaves them out."),
        )
    )
    return blocks


def people(findings: Findings) -> list[Block]:
    """Return the chapter on roles: how many people, how much work, how busy. Empty where roles are unknown."""
    t, frame = findings.t, findings.diagnosis.workload
    if frame.empty:
        return []
    columns: list[Cell] = [
        (t("Role"), "role", "text"),
        (t("People"), "people", "count"),
        (t("Executions"), "instances", "count"),
        (t("Work, h"), "processing_h", "count"),
        (t("Hours on duty"), "open_h", "count"),
        (t("Busy"), "utilisation", "percent"),
    ]
    note = t(
        "Work is the recorded time between start and end; people also do what the log does not show. In “Busy”, work "
        "done at the same time counts once. People who have left are counted too; the model has those who work now."
    )
    table = tabulate(
        findings,
        frame,
        name="workload",
        title=t("Workload of the roles"),
        columns=columns,
        foot=findings.source(findings.diagnosis.provenance),
        note=note,
    )
    return [Heading(text=t("People and workload"), anchor="people"), table]


def _waiting_table(findings: Findings, frame: Any) -> Table:
    t = findings.t
    columns: list[Cell] = [
        (t("Activity"), "activity", "text"),
        (t("Role"), "role", "text"),
        (t("Executions"), "instances", "count"),
        (t("Wait, median"), "waiting_median_h", "hours"),
        (t("Wait, 85% up to"), "waiting_p85_h", "hours"),
        (t("Wait, total, h"), "waiting_total_h", "count"),
        (t("Share"), "share", "percent"),
    ]
    if findings.log.timestamps != "completed":
        columns.append((t("Work, median"), "processing_median_h", "hours"))
    if not frame["role"].map(lambda value: isinstance(value, str) and bool(value)).any():
        del columns[1]
    return tabulate(
        findings,
        frame,
        name="waiting",
        title=t("Waits before activities, working time"),
        columns=columns,
        foot=findings.source(findings.diagnosis.provenance),
    )


def _bottlenecks(findings: Findings) -> list[Block]:
    t, frame = findings.t, findings.diagnosis.bottlenecks
    if frame.empty:
        return []
    kinds = {
        "queue": t("queue for people"),
        "waiting and work": t("waiting and work"),
        "waiting": t("wait, estimated"),
        "rework": t("rework"),
        "outside": t("wait for outsiders"),
    }
    columns: list[Cell] = [
        (t("No."), "rank", "count"),
        (t("Where"), "where", "text"),
        (t("Kind"), lambda row: kinds.get(row["kind"], row["kind"]), "text"),
        (t("Time lost, h"), "hours", "count"),
        (t("Share of cycle time"), "share", "percent"),
        (t("Evidence"), lambda row: evidence(findings, row), "text"),
        (t("Examples"), lambda row: _examples(row["examples"]), "text"),
    ]
    blocks: list[Block] = [
        Heading(text=t("Bottlenecks"), anchor="bottlenecks", level=2),
        tabulate(
            findings,
            frame,
            name="bottlenecks",
            title=t("Where the process loses most time"),
            columns=columns,
            foot=findings.source(findings.diagnosis.provenance),
            limit=10,
            note=t("A loop of rework holds the queues in it: hours of different kinds overlap and do not add up."),
        ),
    ]
    levers = findings.diagnosis.levers
    if levers:
        blocks.append(Text(paragraphs=(t("What could be tried:"),)))
        blocks.append(Bullets(items=tuple(lever_sentence(findings, lever) for lever in levers)))
    return blocks


def _caveats(findings: Findings) -> list[Block]:
    t = findings.t
    texts = {
        "completed": t(
            "The log holds only the moment each activity was completed. What is shown as a wait before an activity "
            "therefore includes the work on it."
        ),
        "estimated": t("The log holds no starts of activities: they were estimated, and so were waits and durations."),
    }
    text = texts.get(findings.log.timestamps)
    return [Note(kind="warning", text=text)] if text else []


def _part_shown(findings: Findings) -> str:
    t, shown, whole = findings.t, findings.shown, findings.as_is
    if len(shown.edges) == len(whole.edges) and len(shown.activities) == len(whole.activities):
        return t("The whole log is shown: every activity and every path.")
    if len(shown.activities) == len(whole.activities):
        return t(
            "To stay readable, the map shows every activity and the most frequent paths, {paths} of {all_paths}; all "
            "figures of the report are of the whole log.",
            paths=t.number(len(shown.edges)),
            all_paths=t.number(len(whole.edges)),
        )
    return t(
        "To stay readable, the map shows {activities} of {all_activities} activities and {paths} of {all_paths} paths, "
        "the most frequent ones; all figures of the report are of the whole log.",
        activities=t.number(len(shown.activities)),
        all_activities=t.number(len(whole.activities)),
        paths=t.number(len(shown.edges)),
        all_paths=t.number(len(whole.edges)),
    )


def _listed(findings: Findings, count: int, limit: int) -> str:
    t = findings.t
    if count <= limit:
        return ""
    return t("The {shown} largest of {all} are shown.", shown=t.number(limit), all=t.number(count))


def _rounds_drawn(findings: Findings, activities: int, rounds: int) -> str:
    t, notes = findings.t, [_listed(findings, activities, charts.REWORK_SHOWN)]
    if rounds > charts.ROUNDS_SHOWN:
        notes.append(t("Rounds after the {n}th are in the table only.", n=charts.ROUNDS_SHOWN))
    return " ".join(note for note in notes if note)


def _examples(examples: Any) -> str:
    names = [str(name) for name in examples][:3] if isinstance(examples, tuple | list) else [str(examples)]
    return ", ".join(name if len(name) <= 24 else name[:23] + "…" for name in names)


def _cycle_hours(findings: Findings) -> NDArray[np.float64]:
    """Cycle times of the completed cases in working hours, as the diagnosis measures them."""
    cycles = case_table(findings.log, calendar=findings.as_is.calendar)["cycle_h"].to_numpy(np.float64)
    closed: NDArray[np.float64] = cycles[findings.log.completed & ~findings.log.cancelled & np.isfinite(cycles)]
    return closed


def _cycle_note(findings: Findings) -> str:
    t = findings.t
    notes = [t("The last bar gathers all longer cases.")]
    if not findings.log.completed.all():
        notes.append(
            t(
                "The bars are completed cases; the median and the 85th percentile, as in the key figures, also count "
                "how long the open cases have lasted."
            )
        )
    return " ".join(notes)
