"""A map in the language of Graphviz, for those who lay it out or edit it with tools of their own."""

from __future__ import annotations

from collections.abc import Sequence

from mkmine.report import palette
from mkmine.report.glyphs import FONT_STACK
from mkmine.report.lettering import clean, visible
from mkmine.report.scales import END, START, Path
from mkmine.report.shapes import Lettered

__all__ = ["written"]

_STYLES = {"flow": "solid", "rework": "dashed", "edge_of_case": "dotted"}
_FONT = FONT_STACK.split(",")[0].strip("'\" ")


def written(boxes: Sequence[Lettered], paths: Sequence[Path], *, title: str, filters: str) -> str:
    """Return a map in DOT (graphviz.org/doc/info/lang.html): every text is a quoted string, so no name is read as code.

    Boxes carry the activity and its figure, arrows theirs; colours and thicknesses are those of the drawing.
    """
    ids = {name: f"n{number}" for number, name in enumerate([START, *(one.name for one in boxes), END])}
    lines = [
        f"digraph {_quoted(title)} {{",
        f"  label={_quoted(filters)};",
        f'  node [shape=box, style="rounded,filled", fontname={_quoted(_FONT)}, color={_quoted(palette.LINE)}];',
        f"  edge [fontname={_quoted(_FONT)}, fontsize=10];",
    ]
    touched = {name for path in paths for name in (path.source, path.target)}
    for name, shape in ((START, "circle"), (END, "doublecircle")):
        if name in touched:
            lines.append(f'  {ids[name]} [shape={shape}, label="", width=0.25];')
    for one in boxes:
        label = "\n".join(part for part in (clean(one.name), one.figure) if part)
        colors = f"fillcolor={_quoted(one.fill)}, fontcolor={_quoted(palette.readable_on(one.fill))}"
        lines.append(f"  {ids[one.name]} [label={_quoted(label)}, {colors}, tooltip={_quoted(one.tooltip)}];")
    for path in paths:
        values = {
            "label": path.figure,
            "tooltip": path.tooltip,
            "color": path.ink.color,
            "fontcolor": path.figure_color,
            "penwidth": f"{path.ink.thickness:.1f}",
            "style": _STYLES[path.ink.kind],
        }
        told = ", ".join(f"{key}={_quoted(value)}" for key, value in values.items() if value)
        lines.append(f"  {ids[path.source]} -> {ids[path.target]} [{told}];")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    """Return a DOT string; its only escapes are of quotation marks, backslashes and ends of lines."""
    shown = "\n".join(map(visible, text.splitlines()))
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
