"""A report as one HTML file that needs nothing else: no scripts, no fonts, no requests, a strict policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mkmine.language import Translator, translator
from mkmine.report.blocks import Block, Figure, Heading, Table
from mkmine.report.lettering import visible

if TYPE_CHECKING:
    import jinja2

    from mkmine.report.document import Report

__all__ = ["render"]


def render(report: Report) -> str:
    """Return the report as an HTML page; every text is escaped, drawings are inline SVG."""
    t = translator(report.language)
    style = files("mkmine.report").joinpath("templates", "report.css").read_text(encoding="utf-8")
    return _template().render(
        report=report,
        t=t,
        style=style,
        policy=_policy(style),
        chapters=[block for block in report.blocks if isinstance(block, Heading) and block.level == 1],
        entries=_numbered(report.blocks, t),
        made=t.date(report.made),
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """A block with its kind for the template and, for figures and tables, its number and what is left out of it."""

    kind: str
    block: Block
    number: int
    label: str
    omitted: str


def _numbered(blocks: Sequence[Block], t: Translator) -> list[_Entry]:
    entries: list[_Entry] = []
    figures = tables = 0
    for block in blocks:
        number, label, omitted = len(entries), "", ""
        if isinstance(block, Figure):
            figures += 1
            label = t("Figure {n}", n=figures)
        elif isinstance(block, Table):
            tables += 1
            label = t("Table {n}", n=tables)
            omitted = _omitted(block, t)
        entries.append(_Entry(type(block).__name__, block, number, label, omitted))
    return entries


def _omitted(table: Table, t: Translator) -> str:
    if not table.omitted:
        return ""
    file = f"{table.name}.csv"
    return t.plural(
        "{n} more row is in the file {file}.", "{n} more rows are in the file {file}.", table.omitted, file=file
    )


def _policy(style: str) -> str:
    # Only this very style sheet may apply; nothing may be loaded, run or sent.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    def source(name: str) -> str:
        return files("mkmine.report").joinpath("templates", name).read_text(encoding="utf-8")

    def drawing(svg: str) -> Any:
        # Drawings are made here, with every text in them escaped already.
        return Markup(svg)

    environment = Environment(
        loader=FunctionLoader(source), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["drawing"] = drawing
    environment.finalize = lambda value: visible(value) if isinstance(value, str) and type(value) is str else value
    return environment.get_template("report.html.j2")
