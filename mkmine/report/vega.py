"""Charts become SVG here: one theme, no network, no clashing ids, a name for screen readers."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mkmine.language import Translator
from mkmine.report import palette
from mkmine.report.glyphs import FONT_STACK
from mkmine.report.lettering import clean, escaped, visible, wrap
from mkmine.report.picture import Picture

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

__all__ = ["category_labels", "render"]

LABEL_BREAK: Final = "\n"


def render(chart: alt.TopLevelMixin, *, title: str, t: Translator, data: pd.DataFrame | None = None) -> Picture:
    """Render an Altair chart as an SVG that can stand beside others in one page; `data` is what it shows."""
    import altair
    import vl_convert

    # Altair refuses more than 5,000 rows, which is for browsers.
    with altair.data_transformers.disable_max_rows():
        spec: dict[str, Any] = chart.to_dict()
    # What XML cannot hold would end the whole process: the renderer does not catch it.
    spec = _showable(spec)
    spec["config"] = _theme()
    spec["background"] = None
    drawn: str = vl_convert.vegalite_to_svg(
        spec,
        allowed_base_urls=[],
        format_locale="ru-RU" if t.language == "ru" else "en-US",
        time_format_locale="ru-RU" if t.language == "ru" else "en-US",
    )
    return replace(_picture(drawn, title=title), data=data)


def _showable(value: Any) -> Any:
    """Return a specification whose texts have a space for every character that cannot be shown."""
    if isinstance(value, str):
        return LABEL_BREAK.join(map(visible, value.split(LABEL_BREAK)))
    if isinstance(value, dict):
        return {visible(key): _showable(one) for key, one in value.items()}
    return [_showable(one) for one in value] if isinstance(value, list) else value


def category_labels(names: list[str], *, width: float = 210, size: float = 11) -> list[str]:
    """Return names broken into at most two lines for an axis, each still unlike every other."""
    labels: list[str] = []
    for name in names:
        text = LABEL_BREAK.join(wrap(name, size=size, width=width, lines=2))
        while text in labels:
            text += "\u200b"
        labels.append(text)
    return labels


def _picture(drawn: str, *, title: str) -> Picture:
    opening = re.match(r"<svg\b[^>]*>", drawn)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn)
    if opening is None or size is None:
        raise ValueError("vl-convert returned something that is not an SVG drawing with a viewBox")
    body = drawn[opening.end() :]
    width, height = float(size[1]), float(size[2])
    body = _own_ids(body)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[1]} {size[2]}"'
        f' width="{size[1]}" height="{size[2]}"'
        f' role="img" aria-label="{escaped(title)}"><title>{escaped(title)}</title>{body}'
    )
    return Picture(svg=svg, width=width, height=height, title=clean(title))


def _own_ids(body: str) -> str:
    """Give the ids of a drawing names of its own; Vega counts them through all drawings of a process."""
    ids = list(dict.fromkeys(re.findall(r'\bid="([^"]+)"', body)))
    places = {name: f"\x00{place}\x00" for place, name in enumerate(ids)}

    def placed(found: re.Match[str]) -> str:
        return found[1] + places.get(found[2], found[2]) + found[3]

    for pattern in (r'(\bid=")([^"]+)(")', r"(url\(#)([^)]+)(\))", r'(href="#)([^"]+)(")'):
        body = re.sub(pattern, placed, body)
    prefix = "c" + hashlib.sha256(body.encode()).hexdigest()[:10]
    return re.sub("\x00(\\d+)\x00", rf"{prefix}-\1", body)


def _theme() -> dict[str, Any]:
    words = {"labelFont": FONT_STACK, "titleFont": FONT_STACK}
    return {
        "aria": False,
        "font": FONT_STACK,
        "view": {"stroke": None},
        "axis": {
            **words,
            "labelColor": "#334155",
            "labelFontSize": 11,
            "labelLimit": 320,
            "titleColor": palette.MUTED,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "titlePadding": 8,
            "domainColor": "#94a3b8",
            "tickColor": "#cbd5e1",
            "gridColor": "#e6ecf4",
        },
        "header": {
            **words,
            "labelFontSize": 12,
            "labelFontWeight": "bold",
            "labelColor": palette.INK,
            "labelLimit": 520,
        },
        "legend": {
            **words,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "labelColor": "#334155",
            "titleColor": palette.MUTED,
            "labelLimit": 320,
        },
        "text": {"font": FONT_STACK, "fontSize": 11, "color": palette.INK},
        "title": {"font": FONT_STACK, "fontSize": 12, "color": palette.INK, "anchor": "start"},
    }
