"""How cases flow and whether that changed: throughput, open work and its age, a forecast, change points."""

from __future__ import annotations

from typing import Final

from mkmine.discovery import Difference
from mkmine.report.blocks import Block, Figure, Heading, Note, Table, Text, View
from mkmine.report.difference_map import draw_difference
from mkmine.report.discovery_charts import draw_drift
from mkmine.report.findings import Cell, Findings, tabulate
from mkmine.report.flow_charts import draw_flow
from mkmine.report.forecast_chart import draw_forecast

__all__ = ["changes", "flow"]

_OLD: Final = 0.85
_SHOWN: Final = 10


def flow(findings: Findings) -> list[Block]:
    """Return the chapter on how cases flow: throughput, cumulative flow, open work, a forecast of completions."""
    t, found = findings.t, findings.flow
    language, foot = t.language, findings.source(found.provenance)
    views = tuple(
        View(label=label, picture=draw_flow(found, metric=metric, language=language))
        for label, metric in ((t("Throughput"), "throughput"), (t("Cumulative flow"), "stages"))
    )
    blocks: list[Block] = [
        Heading(text=t("How work flows"), anchor="flow"),
        Figure(title=t("Throughput and work in progress"), views=views, foot=foot),
    ]
    if len(found.ageing):
        blocks += [*_ageing(findings, foot), _oldest(findings, foot)]
    return [*blocks, *_forecast(findings)]


def _ageing(findings: Findings, foot: str) -> list[Block]:
    t, found = findings.t, findings.flow
    old = int((found.ageing["older_than"] >= _OLD).sum())
    text = t.plural(
        "{n} open case is already older than {share} of the completed ones ever got.",
        "{n} open cases are already older than {share} of the completed ones ever got.",
        old,
        share=t.percent(_OLD),
    )
    figure = Figure(
        title=t("Age of open cases, by the activity they have come to"),
        views=(View(label="", picture=draw_flow(found, metric="ageing", language=t.language)),),
        foot=foot,
    )
    return [Text(paragraphs=(text,)), figure] if old else [figure]


def _oldest(findings: Findings, foot: str) -> Table:
    t = findings.t
    columns: list[Cell] = [
        (t("Case"), "case", "text"),
        (t("Activity"), "activity", "text"),
        (t("Age"), "age_h", "hours"),
        (t("Older than"), "older_than", "percent"),
        (t("Left, median"), "left_h", "hours"),
    ]
    return tabulate(
        findings,
        findings.flow.ageing,
        name="ageing",
        title=t("The oldest open cases"),
        columns=columns,
        foot=foot,
        limit=_SHOWN,
        note=t("“Left” is how long half of the cases that got so old still took; a dash where none got so old."),
    )


def _forecast(findings: Findings) -> list[Block]:
    t, found = findings.t, findings.forecast
    if found is None:
        return []
    return [
        Figure(
            title=t("Forecast of completions"),
            views=(View(label="", picture=draw_forecast(found, language=t.language)),),
            note=" ".join(findings.told(note) for note in found.notes),
            foot=findings.source(found.provenance),
        )
    ]


def changes(findings: Findings) -> list[Block]:
    """Return the chapter on what changed over time, and on the comparison that was asked for."""
    t, drift = findings.t, findings.drift
    blocks: list[Block] = []
    if any(drift.tested.values()):
        figure = Figure(
            title=t("When the process changed"),
            views=(View(label="", picture=draw_drift(drift, language=t.language)),),
            note=t(
                "Each change point lies between the ends of its bar with a probability of {share}.",
                share=t.percent(0.95),
            ),
            foot=findings.source(drift.provenance),
        )
        none = Text(paragraphs=(t("No change of paths, times or load over the log is beyond chance."),))
        blocks.append(figure if len(drift.changes) else none)
    if findings.difference is not None:
        blocks += difference(findings, findings.difference)
    return [Heading(text=t("What changed or differs"), anchor="changes"), *blocks] if blocks else []


def difference(findings: Findings, found: Difference) -> list[Block]:
    """Return the map of a process difference and the table of what is beyond chance."""
    t, rows = findings.t, found.supported()
    language, foot = t.language, findings.source(found.provenance)
    first, second = found.names
    views = tuple(
        View(label=label, picture=draw_difference(found, metric=metric, language=language))
        for label, metric in ((t("Frequency"), "frequency"), (t("Time"), "time"))
    )
    counts = [findings.cases(n) for n in found.n_cases]
    title = t("{first} ({n}) and {second} ({m})", first=first, n=counts[0], second=second, m=counts[1])
    heading = Heading(text=title, anchor="difference", level=2)
    figure = Figure(title=t("What differs beyond chance"), views=views, foot=foot)
    if rows.empty:
        return [heading, Note(kind="noise", text=t("No difference of activities and paths is beyond chance.")), figure]
    shares = {True: t("share of cases"), False: t("time")}

    def written(row: dict[str, object], side: str) -> str:
        value = float(row[side])  # type: ignore[arg-type]
        return t.percent(value) if row["measure"] == "share of cases" else findings.hours(value)

    columns: list[Cell] = [
        (t("What differs"), "what", "text"),
        (t("In what"), lambda row: shares[row["measure"] == "share of cases"], "text"),
        (first, lambda row: written(row, "a"), "number"),
        (second, lambda row: written(row, "b"), "number"),
    ]
    table = tabulate(
        findings,
        rows.drop(columns="strength"),
        name="difference",
        title=t("What differs beyond chance"),
        columns=columns,
        foot=foot,
        note=t("None of this says why they differ."),
    )
    return [heading, figure, table]
