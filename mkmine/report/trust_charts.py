"""The charts of a backtest: simulated against real weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mkmine.language import Translator, translator
from mkmine.report import palette
from mkmine.report.lettering import clean
from mkmine.report.picture import Picture
from mkmine.report.vega import category_labels, render

if TYPE_CHECKING:
    import altair as alt

__all__ = ["arrivals", "cycle_times", "in_progress", "workload"]

_WIDTH: Final = 600
_PEOPLE_SHOWN: Final = 20
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def cycle_times(table: pd.DataFrame, *, day: float = 8.0, language: str = "en") -> Picture:
    """Draw the share of cases that take at most so long, real and simulated (`profiles["cycle"]`)."""
    import altair as alt

    t = translator(language)
    rows = table.dropna(subset=["actual", "predicted"])
    in_days = len(rows) > 0 and float(rows["actual"].max()) > 2 * day
    rows = rows.assign(
        **{name: rows[name] / (day if in_days else 1.0) for name in ("actual", "predicted", "low", "high")}
    )
    unit = t("Cycle time, working days") if in_days else t("Cycle time, working hours")
    y = alt.Y("share:Q", title=t("Share of cases"), axis=_percent(t), scale=alt.Scale(domain=[0, 1]))
    # A band between quantiles lies beside the line, not above it.
    band = alt.Chart(rows).mark_area(color=palette.PROCESSING, opacity=0.28, orient="horizontal")
    chart = alt.layer(
        band.encode(x=alt.X("low:Q", title=unit), x2="high:Q", y=y),
        _lines(rows, x="value:Q", y="share:Q", order="share:Q", detail="who:N", t=t),
    ).properties(width=_WIDTH, height=230)
    return render(chart, title=t("Cycle times, simulated against real"), t=t)


def in_progress(table: pd.DataFrame, *, language: str = "en") -> Picture:
    """Draw the cases in progress over time, real and simulated anew from every cut (`profiles["in_progress"]`)."""
    import altair as alt

    t = translator(language)
    rows = table.assign(moment=[one.strftime("%Y-%m-%dT%H:%M") for one in table["moment"]])
    x = alt.X("moment:T", title=None, axis=alt.Axis(format="%b %Y" if _months(table) else "%d %b", labelFlush=False))
    y = alt.Y("low:Q", title=t("Cases in progress"), scale=alt.Scale(zero=True))
    band = (
        alt.Chart(rows).mark_area(color=palette.PROCESSING, opacity=0.28).encode(x=x, y=y, y2="high:Q", detail="cut:N")
    )
    cuts = pd.DataFrame({"moment": rows.groupby("cut", sort=False)["moment"].first()})
    rules = alt.Chart(cuts).mark_rule(color=palette.MUTED, strokeDash=[4, 3]).encode(x="moment:T")
    lines = _lines(rows, x="moment:T", y="value:Q", order="moment:T", detail="cut:N", t=t)
    chart = alt.layer(rules, band, lines).properties(width=_WIDTH, height=220)
    return render(chart, title=t("Cases in progress, simulated against real"), t=t)


def arrivals(table: pd.DataFrame, *, what: str = "arrivals", language: str = "en") -> Picture:
    """Draw when cases arrive, or work is done (`what="events"`), by weekday and hour (`profiles["hours"]`)."""
    import altair as alt

    t = translator(language)
    panels = []
    for by, title, width in (("weekday", t("Weekday"), 190), ("hour", t("Hour of the day"), _WIDTH - 260)):
        rows = table[(table["what"] == what) & (table["by"] == by)]
        names = [t(one) for one in _WEEKDAYS] if by == "weekday" else [str(one) for one in range(24)]
        rows = rows.assign(name=[names[place] for place in rows["place"]])
        axis = alt.Axis(labelAngle=0, grid=False, labelOverlap=True)
        x = alt.X("name:N", sort=names, title=title, axis=axis)
        y = alt.Y("actual:Q", title=t("Share") if by == "weekday" else None, axis=_percent(t))
        bars = alt.Chart(_of(rows, "actual", t)).mark_bar(opacity=0.4).encode(x=x, y=y, color=_colors(t))
        whisker = alt.Chart(rows).mark_rule(color=palette.ACCENT, strokeWidth=1.6).encode(x=x, y="low:Q", y2="high:Q")
        dots = alt.Chart(_of(rows, "predicted", t)).mark_point(filled=True, size=34, opacity=1)
        panels.append(
            alt.layer(bars, whisker, dots.encode(x=x, y="predicted:Q", color=_colors(t))).properties(
                width=width, height=190
            )
        )
    said = t("Arrivals, simulated against real") if what == "arrivals" else t("Hours of work, simulated against real")
    return render(alt.hconcat(*panels, spacing=14), title=said, t=t)


def workload(table: pd.DataFrame, *, language: str = "en") -> Picture:
    """Draw the working hours a week of each person, real and simulated, the busiest first (`profiles["people"]`)."""
    import altair as alt

    t = translator(language)
    rows = table.sort_values("actual", ascending=False, kind="stable").head(_PEOPLE_SHOWN)
    labels = category_labels([clean(name) for name in rows["person"]])
    rows = rows.assign(label=labels)
    names = alt.Y(
        "label:N",
        title=None,
        sort=labels,
        axis=alt.Axis(labelExpr=r"split(datum.label, '\n')", ticks=False, domain=False, labelLineHeight=12),
    )
    x = alt.X("actual:Q", title=t("Hours of work a week"))
    bars = alt.Chart(_of(rows, "actual", t)).mark_bar(opacity=0.4, height={"band": 0.62})
    whisker = alt.Chart(rows).mark_rule(color=palette.ACCENT, strokeWidth=2.2).encode(y=names, x="low:Q", x2="high:Q")
    dots = alt.Chart(_of(rows, "predicted", t)).mark_point(filled=True, size=60, opacity=1)
    chart = alt.layer(
        bars.encode(y=names, x=x, color=_colors(t)), whisker, dots.encode(y=names, x="predicted:Q", color=_colors(t))
    ).properties(width=_WIDTH - 130, height=max(60, 26 * len(rows)))
    return render(chart, title=t("Workload, simulated against real"), t=t)


def _lines(rows: pd.DataFrame, *, x: str, y: str, order: str, detail: str, t: Translator) -> alt.Chart:
    """Return the lines of what was simulated and what was real, which stand in the column `value`."""
    import altair as alt

    both = pd.concat([_of(rows, column, t).assign(value=rows[column]) for column in ("predicted", "actual")])
    line = alt.Chart(both).mark_line(strokeWidth=2.2)
    lines: alt.Chart = line.encode(x=x, y=y, order=order, detail=detail, color=_colors(t))
    return lines


def _of(rows: pd.DataFrame, column: str, t: Translator) -> pd.DataFrame:
    """Return the rows with a name of what is drawn of them, for the legend."""
    return rows.assign(who=t("real") if column == "actual" else t("simulated"))


def _colors(t: Translator) -> alt.Color:
    import altair as alt

    return alt.Color(
        "who:N",
        title=None,
        scale=alt.Scale(domain=[t("real"), t("simulated")], range=[palette.INK, palette.ACCENT]),
        legend=alt.Legend(orient="top", symbolOpacity=1),
    )


def _months(table: pd.DataFrame) -> bool:
    return float(np.sum(table["days"])) > 120


def _percent(t: Translator) -> alt.Axis:
    import altair as alt

    sign = "\u00a0%" if t.language == "ru" else "%"
    return alt.Axis(labelExpr=f"format(100 * datum.value, '.0f') + '{sign}'", tickCount=5, labelFlush=False)
