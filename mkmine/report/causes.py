"""What work waited for: a chart and a table of the six causes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from mkmine.language import Translator, translator
from mkmine.report import palette
from mkmine.report.blocks import Block, Figure, Heading, Note, View
from mkmine.report.findings import Cell, Findings, finite, tabulate
from mkmine.report.lettering import clean
from mkmine.report.picture import Picture
from mkmine.report.vega import category_labels, render

if TYPE_CHECKING:
    from mkmine.performance import Causes

__all__ = ["cause_words", "causes", "draw_causes"]

_SHOWN: Final = 12
COLORS: Final = {
    "contention": "#d9541f",
    "prioritisation": "#e3ac3a",
    "unavailability": "#4f8fd6",
    "batching": "#8a4f9e",
    "outside": "#1f9d57",
    "unidentifiable": "#b6c0cd",
}


def cause_words(t: Translator) -> dict[str, str]:
    """Return what the causes are called."""
    return {
        "contention": t("people are busy"),
        "prioritisation": t("other work goes first"),
        "unavailability": t("nobody is there"),
        "batching": t("a batch is collected"),
        "outside": t("something outside"),
        "unidentifiable": t("cannot be told"),
    }


def causes(findings: Findings) -> list[Block]:
    """Return what the report says of the causes of waiting; empty where nothing waited."""
    t, found = findings.t, findings.diagnosis.causes
    if not found.total["hours"].sum() > 0:
        return []
    foot = findings.source(found.provenance)
    words = cause_words(t)
    columns: list[Cell] = [
        (t("What for"), lambda row: words[row["cause"]], "text"),
        (t("Wait, total, h"), "hours", "count"),
        (t("Share"), "share", "percent"),
        (t("95% interval"), lambda row: _interval(t, row["low"], row["high"]), "text"),
    ]
    table = tabulate(
        findings,
        found.total[found.total["hours"] > 0].sort_values("hours", ascending=False, kind="stable"),
        name="causes",
        title=t("What work waited for"),
        columns=columns,
        foot=foot,
        note=t(
            "Who is there when is inferred from the log. Where a colleague was free while work waited for one person, "
            "nobody can say what it waited for."
        ),
    )
    figure = Figure(
        title=t("What work waited for, by activity"),
        views=(View(label="", picture=draw_causes(found, language=t.language)),),
        note="",
        foot=foot,
    )
    notes = [Note(kind="info", text=findings.told(note)) for note in found.notes]
    return [Heading(text=t("What work waits for"), anchor="causes", level=2), *notes, figure, table]


def draw_causes(found: Causes, *, language: str = "en") -> Picture:
    """Draw how long work waited for what before each activity, the longest wait first."""
    import altair as alt

    t = translator(language)
    words = cause_words(t)
    wide = found.table.iloc[:-1].head(_SHOWN)
    wide = wide[wide["waiting_h"] > 0]
    labels = category_labels([clean(name) for name in wide["activity"]])
    parts = [
        {"label": label, "cause": words[cause], "place": place, "hours": float(row[cause])}
        for label, row in zip(labels, wide.to_dict("records"), strict=True)
        for place, cause in enumerate(COLORS)
    ]
    chart = (
        alt.Chart(pd.DataFrame(parts, columns=["label", "cause", "place", "hours"]))
        .mark_bar(height=17)
        .encode(
            y=alt.Y("label:N", sort=labels, title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X("hours:Q", title=t("Total wait, working hours"), axis=alt.Axis(tickCount=6)),
            color=alt.Color(
                "cause:N",
                title=None,
                sort=list(words.values()),
                scale=alt.Scale(domain=[words[one] for one in COLORS], range=list(COLORS.values())),
                legend=alt.Legend(orient="bottom", columns=3, labelColor=palette.INK, labelLimit=220),
            ),
            order="place:Q",
        )
        .properties(width=480, height=max(60, 30 * len(labels)))
    )
    return render(chart, title=t("What work waited for, by activity"), t=t)


def _interval(t: Translator, low: object, high: object) -> str:
    return f"{t.percent(low)} – {t.percent(high)}" if finite(low) and finite(high) else ""  # type: ignore[arg-type]
