"""Write the tables of docs/catalogue.md anew: the processes, and what is published about them."""

from __future__ import annotations

from pathlib import Path

from mkmine.catalogue import entries
from mkmine.catalogue.blueprint import published

PAGE = Path(__file__).resolve().parent / "catalogue.md"
BEGIN, END = "<!-- written by docs/list_catalogue.py -->", "<!-- end -->"


def tables() -> str:
    """Return the tables as Markdown."""
    lines = ["| process | name | steps | variants | reproduces |", "|---|---|---|---|---|"]
    for one, other in zip(entries(), entries(language="ru"), strict=True):
        names = f"{one.name} ({other.name})"
        figures = ", ".join(f"`{figure}`" for figure in one.figures) or "only in `heavy`: `review_rounds`"
        variants = ", ".join(f"`{key}`" for key in one.choices)
        lines.append(f"| `{one.key}` | {names} | {' → '.join(one.target.activities)} | {variants} | {figures} |")
    lines += ["", "| figure | what | published | source |", "|---|---|---|---|"]
    figures, sources = published()["figures"], published()["sources"]
    for key, figure in figures.items():
        lines.append(f"| `{key}` | {figure['what']} | {_told(figure)} | {_source(sources[figure['source']])} |")
    return "\n".join(lines)


def _told(figure: dict[str, object]) -> str:
    unit, parts = figure["unit"], []
    if "mean" in figure:
        parts.append(f"{figure['mean']} {unit}")
    if "low" in figure:
        parts.append(f"{figure['low']} to {figure['high']} {unit}")
    for word, shares in (("{n} or more", figure.get("at_least")), ("over {n}", figure.get("over"))):
        if isinstance(shares, dict):
            parts += [f"{word.format(n=n)} {unit}: {share:.0%}" for n, share in shares.items() if share < 1]
    by = figure.get("by")
    if isinstance(by, dict):
        parts.append(", ".join(f"{name} {value:g}" for name, value in by.items()))
    return "; ".join(parts)


def _source(source: dict[str, str]) -> str:
    return f"[{source['title']}]({source['link']})" if "link" in source else source["title"]


def page(text: str) -> str:
    """Return the page with its tables written anew."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
