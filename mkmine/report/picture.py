"""A drawing: SVG text that knows its size and its title."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mkmine.errors import DataError
from mkmine.files import write_text

__all__ = ["Picture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An SVG drawing; width and height in pixels. It has no ids and asks for nothing from outside."""

    svg: str
    width: float
    height: float
    title: str

    def save(self, path: str | Path) -> Path:
        """Write the drawing and return its path. Raises `DataError` if the name does not end in `.svg`."""
        target = Path(path)
        if target.suffix.lower() != ".svg":
            advice = f'name it "{target.stem}.svg"'
            raise DataError(f'a picture is saved as SVG, and "{target.name}" does not end in .svg; {advice}')
        return write_text(target, '<?xml version="1.0" encoding="UTF-8"?>\n' + self.svg + "\n")

    def to_dict(self) -> dict[str, Any]:
        """Return the drawing and its size as plain values."""
        return {"title": self.title, "width": self.width, "height": self.height, "svg": self.svg}

    def __repr__(self) -> str:
        return f"Picture({self.title!r}, {self.width:.0f} × {self.height:.0f} px)"

    def _repr_html_(self) -> str:
        return f'<div style="max-width:100%;overflow-x:auto">{self.svg}</div>'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/html": self._repr_html_(), "text/plain": repr(self)}
