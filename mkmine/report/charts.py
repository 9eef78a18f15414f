"""The charts of a report: distributions, waits, rework, what-if differences, trust in the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mkmine.language import Translator, translator
from mkmine.report import palette
from mkmine.report.lettering import clean
from mkmine.report.picture import Picture
from mkmine.report.vega import LABEL_BREAK, category_labels, render
from mkmine.simulation.experiments.wording import kpi_name, percent_change, verdict_words

if TYPE_CHECKING:
    import altair as alt

__all__ = ["backtest", "cycle_times", "differences", "rework", "waiting"]

_WIDTH: Final = 600
REWORK_SHOWN: Final = 4  # activities with most returns that the chart of rework shows
ROUNDS_SHOWN: Final = 6
FEWEST_REACHED: Final = 5  # cases that must have reached a round before its share is drawn
_BINS: Final = 30
_TAIL: Final = 0.985  # what is longer than this quantile is gathered in the last bar, and said so
VERDICT_COLORS: Final = {
    "better": palette.GOOD,
    "worse": palette.BAD,
    "changed": palette.ACCENT,
    "noise": palette.NEUTRAL,
    "negligible": palette.NEUTRAL,
    "unstable": palette.UNSTABLE,
}


def cycle_times(
    hours: Sequence[float], *, marks: tuple[float, float] | None = None, day: float = 8.0, language: str = "en"
) -> Picture:
    """Draw the distribution of cycle times (working hours of closed cases) with a median and an 85th percentile.

    These are the `marks` (working hours) if they are known, which count open cases as well, or else those of `hours`,
    interpolated linearly between order statistics (Hyndman and Fan's type 7).
    """
    import altair as alt

    t = translator(language)
    values = np.asarray([value for value in hours if math.isfinite(value)], dtype=float)
    if not values.size:
        values = np.zeros(1)
    in_days = float(np.quantile(values, 0.85)) > 2 * day
    told = np.asarray(marks if marks and all(map(math.isfinite, marks)) else np.quantile(values, [0.5, 0.85]))
    values, told = (values / day, told / day) if in_days else (values, told)
    bars = _bars(values)
    unit = t("Cycle time, working days") if in_days else t("Cycle time, working hours")
    columns = (
        alt.Chart(bars)
        .mark_bar(color=palette.PROCESSING, stroke="white", strokeWidth=0.6)
        .encode(
            x=alt.X("low:Q", title=unit, axis=alt.Axis(grid=False), scale=alt.Scale(nice=False)),
            x2="high:Q",
            y=alt.Y("cases:Q", title=t("Cases"), axis=alt.Axis(tickMinStep=1, format=",d")),
            y2=alt.datum(0),
        )
    )
    rules = pd.DataFrame(
        {
            "value": told,
            "words": [
                t("median {value}", value=t.number(float(told[0]), digits=1)),
                t("85%: {value}", value=t.number(float(told[1]), digits=1)),
            ],
            "color": [palette.DEEP, palette.WAITING],
            "row": [10, 26],
        }
    )
    lines = alt.Chart(rules).mark_rule(strokeWidth=1.8).encode(x="value:Q", color=alt.Color("color:N", scale=None))
    words = [
        alt.Chart(rules.iloc[[row]])
        .mark_text(align="left", dx=5, y=10 + 16 * row, fontWeight="bold", color=rules["color"][row])
        .encode(x="value:Q", text="words:N")
        for row in range(len(rules))
    ]
    chart = alt.layer(columns, lines, *words).properties(width=_WIDTH, height=210)
    return render(chart, title=t("Distribution of cycle times"), t=t, data=bars)


def waiting(frame: pd.DataFrame, *, limit: int = 12, language: str = "en") -> Picture:
    """Draw the total wait before each activity, the longest first (`Diagnosis.waiting`)."""
    import altair as alt

    t = translator(language)
    totals = frame.groupby("activity", sort=False)["waiting_total_h"].sum(min_count=1).dropna()
    totals = totals[totals > 0].sort_values(ascending=False, kind="stable").head(limit)
    labels = category_labels([clean(name) for name in totals.index])
    rows = pd.DataFrame(
        {
            "label": labels,
            "hours": totals.to_numpy(float),
            "words": [t.number(value, digits=0 if value >= 10 else 1) for value in totals],
        }
    )
    base = alt.Chart(rows).encode(
        y=_categories(labels), x=alt.X("hours:Q", title=t("Total wait, working hours"), axis=alt.Axis(tickCount=6))
    )
    bars = base.mark_bar(color=palette.WAITING, height=17, cornerRadiusEnd=2)
    words = base.mark_text(align="left", dx=5).encode(text="words:N")
    chart = alt.layer(bars, words).properties(width=_WIDTH - 120, height=max(60, 32 * len(rows)))
    return render(chart, title=t("Total wait before each activity"), t=t, data=frame)


def rework(frame: pd.DataFrame, *, limit: int = REWORK_SHOWN, language: str = "en") -> Picture:
    """Draw the probability of one more round by round with 95% intervals (`Diagnosis.rework`)."""
    import altair as alt

    t = translator(language)
    returned = frame.groupby("activity", sort=False)["returned"].sum()
    chosen = returned[returned > 0].sort_values(ascending=False, kind="stable").head(limit).index.tolist()
    common = (frame["reached"] >= FEWEST_REACHED) & (frame["round"] <= ROUNDS_SHOWN)
    rows = frame[frame["activity"].isin(chosen) & common].copy()
    labels = dict(zip(chosen, category_labels([clean(name) for name in chosen], width=260), strict=True))
    rows["label"] = [labels[name] for name in rows["activity"]]
    rows["words"] = [f"n = {t.number(reached)}" for reached in rows["reached"]]
    base = alt.Chart(rows).encode(
        x=alt.X("round:O", title=t("Round"), axis=alt.Axis(labelAngle=0)),
    )
    probability = alt.Y(
        "probability:Q", title=t("Probability of one more round"), axis=_percent(t), scale=alt.Scale(domainMin=0)
    )
    whiskers = base.mark_rule(color=palette.REWORK, strokeWidth=1.6, opacity=0.6).encode(
        y=alt.Y("low:Q", title=t("Probability of one more round")), y2="high:Q"
    )
    dots = base.mark_point(filled=True, size=58, color=palette.REWORK, opacity=1).encode(y=probability)
    counts = base.mark_text(dy=-8, fontSize=9, color=palette.MUTED).encode(y="high:Q", text="words:N")
    chart = alt.layer(whiskers, dots, counts).properties(width=_WIDTH // 2 - 24, height=150)
    facets = alt.Facet("label:N", title=None, sort=list(labels.values()), header=_split_header())
    # Axes of its own for each panel: a shared one would also be drawn where the last row has no panel.
    faceted = chart.facet(facet=facets, columns=2).resolve_axis(x="independent")
    return render(faceted, title=t("Probability of one more round"), t=t, data=frame)


def differences(answers: pd.DataFrame, *, kpis: Sequence[str] | None = None, language: str = "en") -> Picture:
    """Draw what-if differences from the base, in per cent of it, with 95% intervals around zero.

    `answers` is `Experiment.answers`. Indicators whose base is zero have no percentage, and a queue that grows
    without end has no value to draw: both are left to the table.
    """
    import altair as alt

    t = translator(language)
    drawable = (answers["base"].abs() > 1e-12) & np.isfinite(answers["difference"])
    usable = answers[drawable & (answers["verdict"] != "unstable")].copy()
    if kpis is not None:
        usable = usable[usable["kpi"].isin(kpis)]
    rows = _relative(usable, t=t)
    words = {verdict: verdict_words(verdict, t).partition(":")[0] for verdict in VERDICT_COLORS}
    present = [verdict for verdict in VERDICT_COLORS if verdict in set(rows["verdict"])]
    color = alt.Color(
        "words:N",
        title=None,
        scale=alt.Scale(domain=[words[one] for one in present], range=[VERDICT_COLORS[one] for one in present]),
        legend=alt.Legend(orient="top", symbolType="circle", symbolOpacity=1),
    )
    scenarios = list(dict.fromkeys(rows["label"]))
    title = t("Difference from the base, % (95% interval)")
    axis = alt.X(
        "relative:Q",
        title=title,
        axis=alt.Axis(format="+,~f", tickCount=7, labelFlush=False),
        scale=alt.Scale(padding=48),
    )
    base = alt.Chart(rows).encode(y=_categories(scenarios), color=color)
    zero = alt.Chart(rows).mark_rule(color=palette.INK, strokeWidth=1).encode(x=alt.datum(0))
    whiskers = base.mark_rule(strokeWidth=2.2).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    dots = base.mark_point(filled=True, size=75, opacity=1).encode(x=axis)
    # Figures stand on the outer side of their whisker, away from the line of zero.
    right = base.transform_filter("datum.relative >= 0").mark_text(align="left", fontSize=10, dx=7)
    left = base.transform_filter("datum.relative < 0").mark_text(align="right", fontSize=10, dx=-7)
    text = (right.encode(x="high:Q", text="figure:N"), left.encode(x="low:Q", text="figure:N"))
    chart = alt.layer(zero, whiskers, dots, *text).properties(
        width=_WIDTH - 130,
        height=max(44, (34 if any(LABEL_BREAK in one for one in scenarios) else 27) * len(scenarios)),
    )
    names = list(dict.fromkeys(rows["name"]))
    faceted = chart.facet(
        row=alt.Row(
            "name:N", title=None, sort=names, header=alt.Header(orient="top", labelAnchor="start", labelPadding=4)
        ),
        spacing=12,
    )
    return render(faceted, title=t("What would change: differences with 95% intervals"), t=t, data=answers)


def backtest(table: pd.DataFrame, *, language: str = "en") -> Picture:
    """Draw simulated against observed, indicator by indicator, the observed value being 100% (`Validation.table`)."""
    import altair as alt

    t = translator(language)
    rows = table[table["actual"].abs() > 1e-12].copy()
    labels = category_labels([kpi_name(str(key), t) for key in rows["kpi"]])
    for column in ("predicted", "low", "high"):
        rows[f"{column}_share"] = rows[column] / rows["actual"]
    rows["label"] = labels
    yes, no = t("observed value is inside the interval"), t("observed value is outside")
    rows["words"] = [yes if inside else no for inside in rows["inside"]]
    color = alt.Color(
        "words:N",
        title=None,
        scale=alt.Scale(domain=[yes, no], range=[palette.GOOD, palette.BAD]),
        legend=alt.Legend(orient="top", symbolType="circle", symbolOpacity=1),
    )
    title = t("Simulated, as a share of what was observed")
    base = alt.Chart(rows).encode(y=_categories(labels), color=color)
    scale = alt.Scale(zero=False, nice=True)
    one = alt.Chart(rows).mark_rule(color=palette.INK, strokeWidth=1.2).encode(x=alt.datum(1))
    whiskers = base.mark_rule(strokeWidth=2.2).encode(
        x=alt.X("low_share:Q", title=title, scale=scale), x2="high_share:Q"
    )
    dots = base.mark_point(filled=True, size=75, opacity=1).encode(
        x=alt.X("predicted_share:Q", title=title, axis=_percent(t), scale=scale)
    )
    chart = alt.layer(one, whiskers, dots).properties(width=_WIDTH - 130, height=max(60, 32 * len(rows)))
    return render(chart, title=t("Simulated against observed"), t=t, data=table)


def _bars(values: np.ndarray[Any, np.dtype[np.float64]]) -> pd.DataFrame:
    top = float(np.quantile(values, _TAIL)) or float(values.max()) or 1.0
    edges = np.linspace(0.0, top, _BINS + 1)
    counts, _ = np.histogram(np.clip(values, 0.0, top), bins=edges)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "cases": counts})


def _relative(answers: pd.DataFrame, *, t: Translator) -> pd.DataFrame:
    rows = answers.copy()
    scenarios = list(dict.fromkeys(rows["scenario"]))
    labels = dict(zip(scenarios, category_labels([clean(name) for name in scenarios]), strict=True))
    rows["label"] = [labels[name] for name in rows["scenario"]]
    rows["name"] = [kpi_name(str(key), t) for key in rows["kpi"]]
    for column, source in (("relative", "difference"), ("low", "low"), ("high", "high")):
        rows[column] = 100 * rows[source] / rows["base"].abs()
    rows["figure"] = [percent_change(value / 100, t) for value in rows["relative"]]
    rows["words"] = [verdict_words(str(verdict), t).partition(":")[0] for verdict in rows["verdict"]]
    return rows


def _categories(labels: Sequence[str]) -> alt.Y:
    import altair as alt

    axis = alt.Axis(labelExpr=r"split(datum.label, '\n')", ticks=False, domain=False, grid=False, labelLineHeight=12)
    return alt.Y("label:N", title=None, sort=list(labels), axis=axis)


def _percent(t: Translator) -> alt.Axis:
    import altair as alt

    sign = "\u00a0%" if t.language == "ru" else "%"
    return alt.Axis(labelExpr=f"format(100 * datum.value, '.0f') + '{sign}'", tickCount=7, labelFlush=False)


def _split_header() -> alt.Header:
    import altair as alt

    return alt.Header(labelExpr=r"split(datum.label, '\n')", labelLineHeight=14)
