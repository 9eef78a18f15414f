"""A drawing in a page of its own that can be moved, enlarged and asked; nothing is loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

from mkmine.errors import DataError
from mkmine.files import write_text
from mkmine.language import Translator, translator
from mkmine.report.picture import Picture

__all__ = ["MapView", "view"]

_PAGE: Final = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>{style}</style></head>
<body><div class="map-view" tabindex="0" aria-label="{title}">{svg}</div>
<div class="map-buttons"><button type="button" data-act="in" title="{larger}" aria-label="{larger}">+</button>
<button type="button" data-act="out" title="{smaller}" aria-label="{smaller}">−</button>
<button type="button" data-act="fit" title="{whole}" aria-label="{whole}">⤢</button></div>
<script>{script}</script></body></html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """A page in which a drawing is moved by dragging, enlarged by the wheel, and lights up what one points at."""

    picture: Picture
    language: str = "en"

    @property
    def html(self) -> str:
        """The whole page; its policy allows this very style and script and nothing else."""
        t: Translator = translator(self.language)
        style, script = _asset("map.css"), _asset("map.js")
        policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
        return _PAGE.format(
            language=t.language,
            policy=policy,
            title=escape(self.picture.title),
            style=style,
            script=script,
            svg=self.picture.svg,
            larger=escape(t("Larger")),
            smaller=escape(t("Smaller")),
            whole=escape(t("Show the whole")),
        )

    def save(self, path: str | Path) -> Path:
        """Write the page and return its path. Raises `DataError` if the name does not end in `.html`."""
        target = Path(path)
        if target.suffix.lower() not in (".html", ".htm"):
            advice = f'name it "{target.stem}.html"'
            raise DataError(
                f'a map to look around in is saved as HTML, and "{target.name}" does not end in .html; {advice}'
            )
        return write_text(target, self.html)

    def _repr_html_(self) -> str:
        # A sandboxed frame works in exported notebooks too, where widgets stay blank.
        height = round(min(max(self.picture.height * 0.8, 320), 760))
        return (
            f'<iframe sandbox="allow-scripts" title="{escape(self.picture.title)}" srcdoc="{escape(self.html)}"'
            f' style="width:100%;height:{height}px;border:1px solid #dbe3ee;border-radius:10px"></iframe>'
        )


def view(picture: Picture, *, language: str = "en") -> MapView:
    """Return the drawing as a page to look around in: `view(draw(process_map))`."""
    translator(language)
    return MapView(picture=picture, language=language)


def _asset(name: str) -> str:
    return files("mkmine.widgets").joinpath("assets", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
