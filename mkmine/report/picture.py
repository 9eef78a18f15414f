"""A drawing: SVG text that knows its size, its title and the numbers that it shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mkmine.errors import DataError
from mkmine.files import write_bytes, write_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Picture"]

_SHARP: Final = 2.0  # pixels of a PNG per pixel of the drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An SVG drawing; width and height in pixels. It has no ids and asks for nothing from outside.

    `data` holds the rows that a chart shows; None for maps and models, whose numbers are those of what was drawn. `dot`
    is a process map in the language of Graphviz; empty for everything else.
    """

    svg: str
    width: float
    height: float
    title: str
    data: pd.DataFrame | None = field(default=None, compare=False, repr=False)
    dot: str = field(default="", compare=False, repr=False)

    def save(self, path: str | Path) -> Path:
        """Write the drawing as SVG, as PNG (on white, two pixels for one), its data as CSV, or a map as DOT.

        Returns the path. Raises `DataError` if the name ends in none of `.svg`, `.png`, `.csv` and `.dot`, there are no
        data, or what was drawn is no process map.
        """
        target = Path(path)
        kind = target.suffix.lower()
        if kind == ".svg":
            return write_text(target, '<?xml version="1.0" encoding="UTF-8"?>\n' + self.svg + "\n")
        if kind == ".png":
            return write_bytes(target, self.png())
        if kind == ".csv" and self.data is not None:
            return write_text(target, self.data.to_csv(index=False, lineterminator="\n"))
        if kind == ".csv":
            raise DataError("this picture has no table of its own; save to_pandas() of what was drawn")
        if kind == ".dot" and self.dot:
            return write_text(target, self.dot)
        if kind == ".dot":
            raise DataError("only the map of one process is written as DOT; save this picture as SVG or PNG")
        advice = f'name it "{target.stem}.svg"'
        raise DataError(f'a picture is saved as SVG or PNG, and "{target.name}" ends in neither; {advice}')

    def png(self) -> bytes:
        """Return the drawing as PNG, on white, two pixels for one."""
        import vl_convert

        begin = self.svg.index(">") + 1
        paper = f'<rect width="{self.width:.1f}" height="{self.height:.1f}" fill="#ffffff"/>'
        drawn: bytes = vl_convert.svg_to_png(self.svg[:begin] + paper + self.svg[begin:], scale=_SHARP)
        return drawn

    def to_dict(self) -> dict[str, Any]:
        """Return the drawing and its size as plain values."""
        return {"title": self.title, "width": self.width, "height": self.height, "svg": self.svg}

    def __repr__(self) -> str:
        return f"Picture({self.title!r}, {self.width:.0f} × {self.height:.0f} px)"

    def _repr_html_(self) -> str:
        return f'<div style="max-width:100%;overflow-x:auto">{self.svg}</div>'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/html": self._repr_html_(), "text/plain": repr(self)}
