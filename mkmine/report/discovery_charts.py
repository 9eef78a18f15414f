"""The charts of discovery: variants, drift, hand-overs, load of people, first-pass yield."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from mkmine.language import translator
from mkmine.report import charts, palette
from mkmine.report.lettering import clean
from mkmine.report.picture import Picture
from mkmine.report.vega import category_labels, render

if TYPE_CHECKING:
    import altair as alt

    from mkmine.discovery import Drift, Organisation, Rework, Variants

__all__ = ["draw_drift", "draw_organisation", "draw_rework", "draw_variants"]

_WIDTH: Final = 620
_VARIANTS: Final = 40
_PEOPLE: Final = 24
_SPAN: Final = {"paths": palette.ACCENT, "times": palette.WAITING, "load": palette.START}


def draw_variants(variants: Variants, *, language: str) -> Picture:
    """Draw the Pareto chart: cases of the most frequent variants, and how many cases they cover together."""
    import altair as alt

    t = translator(language)
    rows = variants.table.head(_VARIANTS)[["cases", "covered"]].copy()
    rows.insert(0, "rank", range(1, len(rows) + 1))
    x = alt.X("rank:O", title=t("Variant"), axis=alt.Axis(labelAngle=0, labelOverlap=True))
    bars = (
        alt.Chart(rows)
        .mark_bar(color=palette.PROCESSING)
        .encode(x=x, y=alt.Y("cases:Q", title=t("Cases"), axis=alt.Axis(tickMinStep=1)))
    )
    covered = (
        alt.Chart(rows)
        .mark_line(color=palette.WAITING, point=alt.OverlayMarkDef(color=palette.WAITING, size=18))
        .encode(
            x=x,
            y=alt.Y(
                "covered:Q",
                title=t("Covered together"),
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", grid=False),
            ),
        )
    )
    chart = alt.layer(bars, covered).resolve_scale(y="independent").properties(width=_WIDTH, height=230)
    title = t("Variants: the {shown} most frequent of {all}", shown=t.number(len(rows)), all=t.number(len(variants)))
    return render(chart, title=title, t=t, data=variants.table.assign(variant=_told(variants.table["variant"])))


def _told(paths: pd.Series) -> list[str]:
    return [" → ".join(path) for path in paths]


def draw_drift(drift: Drift, *, language: str) -> Picture:
    """Draw when the process changed: each change point with the time between which it lies."""
    import altair as alt

    t = translator(language)
    named = {"paths": t("paths"), "times": t("times of cases"), "load": t("load")}
    rows = drift.changes.assign(
        aspect=drift.changes["aspect"].map(named),
        color=drift.changes["aspect"].map(_SPAN),
        words=[
            f"{row['most']}: {t.number(row['before'], digits=2)} → {t.number(row['after'], digits=2)}"
            for row in drift.changes.to_dict("records")
        ],
        **{name: drift.changes[name].dt.tz_localize(None) for name in ("when", "early", "late")},
    )
    first, last = (pd.Timestamp(one, unit="us") for one in drift.log.observed)
    x = alt.X(
        "early:T",
        title=None,
        scale=alt.Scale(domain=[_date(first), _date(last)]),
        axis=alt.Axis(format="%d.%m.%y", labelAngle=0),
    )
    y = alt.Y("aspect:N", title=None, sort=list(named.values()), scale=alt.Scale(domain=list(named.values())))
    base = alt.Chart(rows).encode(y=y, color=alt.Color("color:N", scale=None))
    spans = base.mark_bar(height=10, opacity=0.35).encode(x=x, x2="late:T")
    points = base.mark_point(filled=True, size=90, shape="diamond", opacity=1).encode(x=alt.X("when:T", title=None))
    words = base.mark_text(dy=-14, fontSize=10).encode(x="when:T", text="words:N")
    chart = alt.layer(spans, points, words).properties(width=_WIDTH, height=190)
    title = t("When the process changed") if len(rows) else t("No change of the process beyond chance")
    return render(chart, title=title, t=t, data=drift.changes)


def _date(moment: pd.Timestamp) -> dict[str, int]:
    return {"year": moment.year, "month": moment.month, "date": moment.day}


def draw_organisation(organisation: Organisation, metric: str, *, language: str) -> Picture:
    """Draw who hands over to whom ("hand_overs", "departments"), or the load of people by week ("workload")."""
    import altair as alt

    t = translator(language)
    if metric == "workload":
        rows = organisation.workload
        busiest = rows.groupby("person")["instances"].sum().nlargest(_PEOPLE).index.tolist()
        shown = rows[rows["person"].isin(busiest)]
        chart = (
            alt.Chart(shown)
            .mark_rect()
            .encode(
                x=alt.X(
                    "week:O",
                    timeUnit="yearmonthdate",
                    title=t("Week"),
                    axis=alt.Axis(format="%d.%m.%y", labelOverlap=True),
                ),
                y=alt.Y("person:N", title=None, sort=busiest),
                color=alt.Color("instances:Q", title=t("begun"), scale=_ladder()),
            )
            .properties(width=_WIDTH - 60, height=18 * max(len(busiest), 3))
        )
        return render(chart, title=t("What people began, by week"), t=t, data=rows)
    table = organisation.departments if metric == "departments" else organisation.hand_overs
    names = pd.concat([table.set_index("from")["count"], table.set_index("to")["count"]]).groupby(level=0).sum()
    order = names.nlargest(_PEOPLE).index.tolist()
    labels = dict(zip(order, category_labels([clean(one) for one in order], width=150), strict=True))
    shown = table[table["from"].isin(order) & table["to"].isin(order)]
    shown = shown.assign(
        giver=shown["from"].map(labels), taker=shown["to"].map(labels), words=[t.number(n) for n in shown["count"]]
    )
    lines = alt.Axis(labelExpr=r"split(datum.label, '\n')", ticks=False, domain=False, labelLineHeight=12)
    base = alt.Chart(shown).encode(
        x=alt.X(
            "taker:N",
            title=t("to"),
            sort=list(labels.values()),
            axis=alt.Axis(labelExpr=r"split(datum.label, '\n')", labelAngle=-45),
        ),
        y=alt.Y("giver:N", title=t("from"), sort=list(labels.values()), axis=lines),
    )
    cells = base.mark_rect().encode(color=alt.Color("count:Q", title=None, scale=_ladder(), legend=None))
    most = float(table["count"].max()) if len(table) else 0.0
    words = base.mark_text(fontSize=9).encode(
        text="words:N",
        color=alt.condition(f"datum.count > {0.55 * most}", alt.value("#ffffff"), alt.value(palette.INK)),
    )
    size = 30 * max(len(order), 3)
    chart = alt.layer(cells, words).properties(width=min(size + 60, _WIDTH), height=min(size, 560))
    title = t("Hand-offs between departments") if metric == "departments" else t("Hand-overs between people")
    return render(chart, title=title, t=t, data=table)


def _ladder() -> alt.Scale:
    import altair as alt

    return alt.Scale(range=["#e4eefb", "#7fabe0", "#0b3675"])


def draw_rework(rework: Rework, metric: str, *, language: str) -> Picture:
    """Draw the first-pass yield of each activity ("yield"), or the probability of another round ("rounds")."""
    import altair as alt

    if metric == "rounds":
        return charts.rework(rework.rounds, language=language)
    t = translator(language)
    labels = category_labels([clean(name) for name in rework.yields["activity"]])
    rows = rework.yields.assign(label=labels)
    axis = alt.Axis(format="%")
    base = alt.Chart(rows).encode(
        y=alt.Y("label:N", title=None, sort=labels, axis=alt.Axis(labelExpr=r"split(datum.label, '\n')", ticks=False))
    )
    whiskers = base.mark_rule(strokeWidth=2, color=palette.NEUTRAL).encode(
        x=alt.X(
            "low:Q", title=t("Cases never sent back after it (95% interval)"), scale=alt.Scale(domain=[0, 1]), axis=axis
        ),
        x2="high:Q",
    )
    dots = base.mark_point(filled=True, size=70, color=palette.REWORK, opacity=1).encode(x="first_pass:Q")
    chart = alt.layer(whiskers, dots).properties(width=_WIDTH - 140, height=30 * len(rows))
    return render(chart, title=t("First-pass yield"), t=t, data=rework.yields)
