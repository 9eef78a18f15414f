"""Key figures in words, and their chart: one figure by segment and period, with its interval and its target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mkmine.errors import DataError, UnknownNameError
from mkmine.language import Translator, translator, unit_of
from mkmine.report import palette
from mkmine.report.lettering import clean
from mkmine.report.picture import Picture
from mkmine.report.vega import category_labels, render

if TYPE_CHECKING:
    from mkmine.performance import Kpis

__all__ = ["draw_kpis", "kpi_interval", "kpi_value", "kpi_word", "verdict_word"]

_WIDTH: Final = 520
_SHARES: Final = ("on_time_share", "rework_share", "conversion", "roi", "churn")


def kpi_word(name: str, t: Translator) -> str:
    """Return what a key figure is called; a column of the cases is called as in the log."""
    words = {
        "on_time_share": t("On time"),
        "throughput_per_month": t("Throughput, cases per month"),
        "cycle_mean_h": t("Cycle time, mean"),
        "cycle_median_h": t("Cycle time, median"),
        "cycle_p85_h": t("Cycle time, 85th percentile"),
        "rework_share": t("Cases with rework"),
        "cost_per_case": t("Cost per case"),
        "leads_per_month": t("Leads per month"),
        "leads_per_case": t("Leads per case"),
        "conversion": t("Conversion of leads"),
        "cost_per_lead": t("Cost per lead"),
        "cac": t("Cost of winning a customer (CAC)"),
        "clv": t("Customer lifetime value (CLV)"),
        "roi": t("Return on investment (ROI)"),
        "churn": t("Churn"),
    }
    if name in words:
        return words[name]
    column = name.removesuffix("_per_month")
    return t("{name}, per month", name=clean(column)) if column != name else clean(name)


def kpi_value(name: str, value: float | None, t: Translator, *, day: float = 8.0) -> str:
    """Write the value of a key figure: shares in percent, times in hours or working days of `day` hours."""
    if name in _SHARES:
        return t.percent(value)
    if _is_time(name):
        return t.hours(value, day=day)
    large = value is not None and abs(value) >= 100
    return t.number(value, digits=0 if large else 2)


def kpi_interval(name: str, low: float, high: float, t: Translator, *, day: float = 8.0) -> str:
    """Write an interval of a key figure, times in one unit."""
    if _is_time(name):
        unit = unit_of([low, high], t, day=day)
        return f"{unit.bare(low, t)} – {unit.write(high, t)}"
    return f"{kpi_value(name, low, t)} – {kpi_value(name, high, t)}"


def _is_time(name: str) -> bool:
    return name.endswith("_h") and name.startswith("cycle_")


def verdict_word(verdict: str, t: Translator) -> str:
    """Say whether a target was met."""
    return {"met": t("met"), "missed": t("missed"), "open": t("cannot be told")}.get(verdict, "")


def draw_kpis(found: Kpis, metric: str | None = None, *, language: str) -> Picture:
    """Draw one key figure (`metric`; by default the first with a target, else the first) by segment and period.

    Raises `UnknownNameError` if there is no such figure, and `DataError` if the figures are not told by segment or
    period.
    """
    import altair as alt

    t = translator(language)
    if not len(found.segments):
        raise DataError(
            "key figures of the whole log are a table, not a picture; ask for them by segment or period: "
            'mk.kpis(log, by="team") or mk.kpis(log, period="month")'
        )
    table = found.table.set_index("kpi")
    aimed = table.index[table["verdict"] != ""]
    name = metric or str((aimed if len(aimed) else table.index)[0])
    if name not in table.index:
        raise UnknownNameError.of(kind="key figure", name=name, known=[str(one) for one in table.index])
    heads = [str(one) for one in found.segments.columns[: list(found.segments.columns).index("kpi")]]
    rows = found.segments[(found.segments["kpi"] == name) & found.segments["value"].notna()]
    told = [" · ".join(_written(row[head], head) for head in heads) for row in rows.to_dict("records")]
    labels = category_labels(told)
    shown = rows[["value", "low", "high"]].assign(place=labels)
    axis = alt.Axis(format="%") if name in _SHARES else alt.Axis()
    # The verdict is told by the shape as well as by the colour.
    shown["color"] = [_color(verdict) for verdict in rows["verdict"]]
    shown["shape"] = [{"met": "circle", "missed": "cross"}.get(verdict, "diamond") for verdict in rows["verdict"]]
    base = alt.Chart(shown).encode(y=alt.Y("place:N", sort=labels, title=None))
    x = alt.X("value:Q", title=kpi_word(name, t), axis=axis, scale=alt.Scale(zero=name in _SHARES))
    color = alt.Color("color:N", scale=None)
    bars = base.mark_rule(strokeWidth=3, opacity=0.45).encode(x="low:Q", x2="high:Q", color=color)
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=x, color=color, shape=alt.Shape("shape:N", scale=None)
    )
    layers: list[alt.Chart] = [bars, dots, *_rules(table.loc[name].to_dict(), t)]
    chart = alt.layer(*layers).properties(width=_WIDTH, height=max(80, 24 * len(labels)))
    return render(chart, title=kpi_word(name, t), t=t, data=found.segments)


def _rules(row: Mapping[Any, Any], t: Translator) -> list[Any]:
    """Return the lines of the whole log and, if there is one, of the target."""
    import altair as alt

    lines = [(row["value"], t("whole log"), palette.MUTED)]
    if row["verdict"]:
        lines.append((row["target"], t("target"), palette.DEEP))
    frame = pd.DataFrame(lines, columns=["at", "words", "color"]).dropna()
    base = alt.Chart(frame).encode(x="at:Q", color=alt.Color("color:N", scale=None))
    words = base.mark_text(align="left", dx=4, dy=-8, fontSize=10).encode(y=alt.value(0), text="words:N")
    return [base.mark_rule(strokeDash=[5, 4]), words]


def _color(verdict: str) -> str:
    return {"met": palette.GOOD, "missed": palette.BAD}.get(verdict, palette.ACCENT)


def _written(value: object, head: str) -> str:
    """Write the name of a segment, or a period by its first day."""
    return clean(value)[:7] if head == "month" else clean(value)
