"""The charts that teams know from Kanban tools: cycle times, cumulative flow, throughput, the age of open work."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mkmine.errors import UnknownNameError
from mkmine.language import Translator, translator, unit_of
from mkmine.report import charts, palette
from mkmine.report.picture import Picture
from mkmine.report.vega import render

if TYPE_CHECKING:
    import altair as alt

    from mkmine.performance import FlowMetrics

__all__ = ["METRICS", "draw_flow"]

METRICS: Final = ("scatter", "histogram", "stages", "throughput", "ageing")
_WIDTH: Final = 600
_DAYS: Final = 120
_DRAWN: Final = (0.5, 0.85, 0.95)
# Months in figures: Russian names would stand in the genitive.
_MONTHS: Final[dict[str, Any]] = {"format": "%m.%y", "labelAngle": 0, "labelOverlap": True, "labelSeparation": 8}


def draw_flow(found: FlowMetrics, *, metric: str = "scatter", language: str = "en") -> Picture:
    """Draw flow metrics.

    "scatter" shows the cycle time of every completed case with the percentiles, "histogram" how often which cycle time
    was needed, "stages" the cumulative flow,
    "throughput" completions and work in progress by week, "ageing" the age of the open cases by activity against the
    percentiles. Raises `UnknownNameError` if the metric is none of these.
    """
    t = translator(language)
    if metric == "histogram":
        hours = found.percentiles.set_index("share")["cycle_h"]
        marks = (float(hours[0.5]), float(hours[0.85]))
        return replace(
            charts.cycle_times(found.cases["cycle_h"].tolist(), marks=marks, language=language), data=found.cases
        )
    drawings = {"scatter": _scatter, "stages": _stages, "throughput": _throughput, "ageing": _ageing}
    if metric not in drawings:
        raise UnknownNameError.of(kind="metric", name=str(metric), known=list(METRICS), where="flow metrics")
    chart, title = drawings[metric](found, t)
    shown = {"scatter": found.cases, "stages": found.stages, "throughput": found.weekly, "ageing": found.ageing}
    return render(chart, title=title, t=t, data=shown[metric])


def _percentile_rules(found: FlowMetrics, t: Translator, *, per: float = 1.0) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    rows = found.percentiles.dropna(subset=["cycle_h"])
    # Lines closer to each other could not be told apart.
    rows = rows[rows["share"].isin(_DRAWN)]
    lines = pd.DataFrame({"at": rows["cycle_h"] / per, "words": [t.percent(share) for share in rows["share"]]})
    base = alt.Chart(lines).encode(y="at:Q")
    rules = base.mark_rule(color=palette.WAITING, strokeDash=[5, 4])
    words = base.mark_text(align="left", dx=4, dy=-6, color=palette.WAITING).encode(x=alt.value(0), text="words:N")
    return alt.layer(rules, words)


def _scatter(found: FlowMetrics, t: Translator) -> tuple[alt.TopLevelMixin, str]:
    import altair as alt

    rows = found.cases.assign(finished=found.cases["finished"].dt.tz_localize(None))[["finished", "cycle_h"]]
    dots = (
        alt.Chart(rows)
        .mark_circle(size=16, opacity=0.45, color=palette.ACCENT)
        .encode(
            x=alt.X("finished:T", title=t("Completed"), axis=alt.Axis(**_MONTHS)),
            y=alt.Y("cycle_h:Q", title=t("Cycle time, working hours")),
        )
    )
    chart = alt.layer(dots, _percentile_rules(found, t)).properties(width=_WIDTH, height=260)
    return chart, t("Cycle times of completed cases, with percentiles")


def _stages(found: FlowMetrics, t: Translator) -> tuple[alt.TopLevelMixin, str]:
    import altair as alt

    frame = found.stages
    # A picture has no room for every day of years.
    frame = frame.iloc[:: max(len(frame) // _DAYS, 1)]
    order = [name for name in frame.columns if name not in ("day", "done")]
    named = frame.rename(columns={"done": t("completed")})
    long = named.melt("day", var_name="stage", value_name="cases")
    lines = (
        alt.Chart(long)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("day:T", title=None, axis=alt.Axis(**_MONTHS)),
            y=alt.Y("cases:Q", title=t("Cases that have come so far")),
            color=alt.Color(
                "stage:N",
                sort=[*order, t("completed")],
                title=None,
                scale=alt.Scale(range=[palette.depth(place / max(len(order), 1)) for place in range(len(order) + 1)]),
                legend=alt.Legend(orient="right", labelLimit=200),
            ),
        )
        .properties(width=_WIDTH - 120, height=280)
    )
    return lines, t("Cumulative flow")


def _throughput(found: FlowMetrics, t: Translator) -> tuple[alt.TopLevelMixin, str]:
    import altair as alt

    # Before the first whole week there is no work in progress to see: the export has only begun.
    first = int(found.weekly["whole"].to_numpy().argmax()) if found.weekly["whole"].any() else 0
    rows = found.weekly.iloc[first:][["week", "completions", "wip"]]
    x = alt.X("week:T", title=t("Week"), axis=alt.Axis(**_MONTHS))
    bars = (
        alt.Chart(rows)
        .mark_bar(color=palette.ACCENT, width=3)
        .encode(x=x, y=alt.Y("completions:Q", title=t("Completed in the week")))
        .properties(width=_WIDTH, height=150)
    )
    line = (
        alt.Chart(rows)
        .mark_line(color=palette.WAITING, strokeWidth=2)
        .encode(x=x, y=alt.Y("wip:Q", title=t("Open at its end")))
        .properties(width=_WIDTH, height=120)
    )
    return alt.vconcat(bars, line), t("Throughput and work in progress by week")


def _ageing(found: FlowMetrics, t: Translator) -> tuple[alt.TopLevelMixin, str]:
    import altair as alt

    order = [name for name in found.stages.columns if name not in ("day", "done")]
    ages = found.ageing["age_h"].tolist()
    unit = unit_of(ages, t, day=found.day_h)
    in_days = unit.hours == found.day_h
    per = found.day_h if in_days else 1.0
    title = t("Age, working days (square-root scale)") if in_days else t("Age, working hours (square-root scale)")
    rows = found.ageing[["activity", "age_h"]].sort_values(["activity", "age_h"], kind="stable")
    # Steps of the golden ratio lay neighbours apart, the same in every drawing.
    step = rows.groupby("activity").cumcount() * (math.sqrt(5) - 1) / 2
    rows = rows.assign(age=rows["age_h"] / per, apart=step % 1 - 0.5)
    dots = (
        alt.Chart(rows)
        .mark_circle(size=48, opacity=0.6, color=palette.BAD)
        .encode(
            x=alt.X("activity:N", sort=order, title=None, axis=alt.Axis(labelAngle=-30, labelLimit=160)),
            # One forgotten case must not press all others to the ground.
            y=alt.Y("age:Q", title=title, scale=alt.Scale(type="sqrt")),
            xOffset=alt.XOffset("apart:Q", scale=alt.Scale(domain=[-1, 1])),
        )
    )
    chart = alt.layer(dots, _percentile_rules(found, t, per=per)).properties(width=_WIDTH, height=280)
    return chart, t("Age of open cases, by the activity they have come to")
