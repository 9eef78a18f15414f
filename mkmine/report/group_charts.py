"""Who works when, and what goes with a group of cases, as charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mkmine.language import Translator, translator
from mkmine.report import palette
from mkmine.report.lettering import clean
from mkmine.report.picture import Picture
from mkmine.report.vega import category_labels, render

if TYPE_CHECKING:
    from mkmine.discovery import Contrast
    from mkmine.performance import Availability

__all__ = ["draw_availability", "draw_contrast"]

_PEOPLE: Final = 24
_FEATURES: Final = 20
_COLUMNS: Final = 4


def draw_availability(found: Availability, *, language: str) -> Picture:
    """Draw in which hours of the week there is a sign of each person, those with most work first."""
    import altair as alt

    t = translator(language)
    people = found.people.nlargest(_PEOPLE, "instances")["person"].tolist()
    days = [t("Mon"), t("Tue"), t("Wed"), t("Thu"), t("Fri"), t("Sat"), t("Sun")]
    rows = found.weekly[found.weekly["person"].isin(people)]
    names = dict(zip(people, category_labels([clean(one) for one in people], width=150), strict=True))
    shown = pd.DataFrame(
        {
            "person": rows["person"].map(names),
            "day": [days[int(number) - 1] for number in rows["weekday"]],
            "hour": rows["hour"],
            "next": rows["hour"] + 1,
            "share": rows["probability"],
        }
    )
    chart = (
        alt.Chart(shown)
        .mark_rect()
        .encode(
            x=alt.X("day:N", sort=days, title=None, scale=alt.Scale(domain=days), axis=alt.Axis(labelAngle=0)),
            y=alt.Y(
                "hour:Q", title=None, scale=alt.Scale(reverse=True, zero=False, nice=False), axis=alt.Axis(grid=False)
            ),
            y2="next:Q",
            color=alt.Color(
                "share:Q",
                title=t("share of weeks"),
                scale=alt.Scale(domain=[0, 1], range=[palette.depth(step / 5) for step in range(6)]),
                legend=alt.Legend(format="%", orient="bottom"),
            ),
        )
        .properties(width=150, height=110)
        .facet(facet=alt.Facet("person:N", sort=list(names.values()), title=None), columns=_COLUMNS)
    )
    return render(chart, title=t("Who works when"), t=t, data=found.weekly)


def draw_contrast(found: Contrast, *, language: str) -> Picture:
    """Draw what goes with a group: differences of shares with their 95 % intervals, those within chance in grey.

    A number stands by the probability of being larger inside, less one half.
    """
    import altair as alt

    t = translator(language)
    rows = found.table.head(_FEATURES)
    of_number = rows["larger"].notna().to_numpy()
    labels = category_labels([_feature(row, t) for row in rows.to_dict("records")])
    shown = pd.DataFrame(
        {
            "feature": labels,
            "difference": np.where(of_number, rows["larger"] - 0.5, rows["difference"].astype(float)),
            "low": rows["low"].astype(float).to_numpy(),
            "high": rows["high"].astype(float).to_numpy(),
            "color": np.where(rows["supported"], palette.ACCENT, palette.NEUTRAL),
        }
    )
    base = alt.Chart(shown).encode(y=alt.Y("feature:N", sort=labels, title=None, axis=alt.Axis(labelLimit=300)))
    color = alt.Color("color:N", scale=None)
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=palette.MUTED).encode(x="at:Q")
    bars = base.mark_rule(strokeWidth=3, opacity=0.45).encode(x="low:Q", x2="high:Q", color=color)
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X(
            "difference:Q", title=t("Share in the group less share outside"), axis=alt.Axis(format="+%", tickCount=6)
        ),
        color=color,
    )
    chart = alt.layer(zero, bars, dots).properties(width=480, height=max(80, 24 * len(labels)))
    return render(chart, title=t("What goes with the group"), t=t, data=found.table)


def _feature(row: Mapping[Any, Any], t: Translator) -> str:
    """Return what a feature is called: an attribute with its value or, of numbers, that it is larger."""
    if row["kind"] != "attribute":
        return clean(row["value"])
    return f"{clean(row['name'])}: {t('larger') if row['value'] is None else clean(row['value'])}"
