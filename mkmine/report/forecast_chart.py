"""The fan of a forecast: how many cases will be completed by when, from the sure to the even chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mkmine.language import translator
from mkmine.report import palette
from mkmine.report.picture import Picture
from mkmine.report.vega import render

if TYPE_CHECKING:
    from mkmine.performance import Forecast

__all__ = ["draw_forecast"]

_WIDTH: Final = 620


def draw_forecast(forecast: Forecast, *, language: str) -> Picture:
    """Draw how many cases will be completed by when: the fan from the sure to the even chance."""
    import altair as alt

    t = translator(language)
    rows = forecast.table.copy()
    order = ["p50", "p70", "p85", "p95"]
    told = {name: t("at least, with {share}", share=t.percent(int(name[1:]) / 100)) for name in order}
    long = rows.melt(["week", "until"], value_vars=order, var_name="sure", value_name="cases")
    long["words"] = long["sure"].map(told)
    x = alt.X("until:T", title=t("By the end of the week"), axis=alt.Axis(grid=False, format="%d.%m.%y", labelAngle=0))
    fan = alt.Chart(rows).mark_area(color=palette.PROCESSING, opacity=0.25).encode(x=x, y="p95:Q", y2="p50:Q")
    lines = (
        alt.Chart(long)
        .mark_line(strokeWidth=1.9, point=alt.OverlayMarkDef(size=22))
        .encode(
            x=x,
            y=alt.Y("cases:Q", title=t("Completed cases, all together")),
            color=alt.Color(
                "words:N",
                title=None,
                sort=[told[name] for name in order],
                scale=alt.Scale(
                    domain=[told[name] for name in order],
                    range=[palette.WAITING, "#c9a227", palette.PROCESSING, palette.DEEP],
                ),
                legend=alt.Legend(orient="top"),
            ),
        )
    )
    chart = alt.layer(fan, lines).properties(width=_WIDTH, height=260)
    return render(chart, title=t("Forecast of completions"), t=t, data=forecast.table)
