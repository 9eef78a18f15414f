"""The verbs of the catalogue of reference processes: catalogue, new, benchmark."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mkmine.cli.console import Console, records
from mkmine.cli.source import SEED, log_options, read_log
from mkmine.cli.verb import Verb, common, console_of, message
from mkmine.errors import DataError
from mkmine.language import MISSING

if TYPE_CHECKING:
    import pandas as pd

    from mkmine.catalogue import Reference
    from mkmine.language import Translator

__all__ = ["benchmark", "catalogue", "new"]

VARIANT = message("A variant of the process, such as heavy; may be given several times.")
# What the catalogue calls its numbers.
WORDS = {
    "arrivals": message("arrivals"),
    "staff": message("staff"),
    "skipped": message("skipped"),
    "processing time, mean": message("processing time, mean"),
    "processing time, cv": message("processing time, coefficient of variation"),
    "outside wait, mean": message("outside wait, mean"),
    "outside wait, cv": message("outside wait, coefficient of variation"),
    "time limit": message("time limit"),
    "rounds at most": message("rounds at most"),
    "assumption": message("assumption"),
    "cases a week": message("cases a week"),
    "people": message("persons"),
    "share": message("a share"),
    "rounds": message("rounds"),
    "days": message("days of the calendar"),
    "versions": message("versions"),
    "hours": message("h"),
    "h": message("h"),
    "less": message("less than published"),
    "more": message("more than published"),
    "alike": message("as published"),
}


@click.command(
    cls=Verb,
    help=message(
        "List the reference processes of marketing: what they are for, their steps, roles, variants and sources.\n\n"
        "With a name, tell one of them in full: steps, roles, limits, key figures, and every parameter with its source."
    ),
    example="mkmine catalogue email --variant heavy",
)
@click.argument("name", required=False)
@click.option("--variant", "variants", multiple=True, metavar="NAME", help=VARIANT)
@common
@click.pass_context
def catalogue(context: click.Context, /, name: str | None, variants: tuple[str, ...]) -> int:
    """Print the catalogue, or one process of it."""
    from mkmine.catalogue import entries, load

    console = console_of(context)
    if name is not None:
        reference = load(name, variants=variants, language=console.language)
        console.emit(reference)
        _show(console, reference)
        return 0
    if variants:
        raise click.UsageError("--variant is for one process; name it: mkmine catalogue email --variant heavy")
    found = entries(language=console.language)
    console.emit({"processes": [_summary(one) for one in found]})
    for one in found:
        _introduce(console, one)
    console.line(console.t("More about one: mkmine catalogue NAME. A folder to begin with: mkmine new NAME."))
    return 0


@click.command(
    cls=Verb,
    help=message(
        "Start a study folder from a process of the catalogue: TO-BE, process card, simulation model, a simulated log, "
        "and what to do next.\n\nThe folder must be empty or not exist yet; by default it is called as the process."
    ),
    example="mkmine new article study --variant heavy",
)
@click.argument("name")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--variant", "variants", multiple=True, metavar="NAME", help=VARIANT)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    default=7,
    help=SEED,
)
@common
@click.pass_context
def new(context: click.Context, /, name: str, folder: Path | None, variants: tuple[str, ...], seed: int) -> int:
    """Make the folder and say what to do next."""
    from mkmine.catalogue import new_study

    console = console_of(context)
    place = new_study(name, folder, variants=variants, language=console.language, seed=seed)
    files = sorted(path.name for path in place.iterdir())
    console.emit({"folder": str(place.absolute()), "files": files})
    console.line(console.t("Study: {path}", path=str(place)))
    console.line(textwrap.fill(", ".join(files), 110, initial_indent="  ", subsequent_indent="  "))
    console.line(console.t("What to do next stands in {path}.", path=str(place / "README.md")))
    return 0


class Alias(click.ParamType[tuple[str, str]]):
    """`NAME=NAME`: what the log calls a step, and what the catalogue calls it."""

    name = "name=name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return both names."""
        if isinstance(value, tuple):
            return value
        here, _, there = str(value).partition("=")
        if not here.strip() or not there.strip():
            self.fail(f'"{value}" is not NAME=NAME, such as "OK=Approval of the text"', param, ctx)
        return here.strip(), there.strip()


@click.command(
    cls=Verb,
    help=message("Hold a log against what is published about processes of its kind."),
    example="mkmine benchmark data/article/tracker.csv article",
)
@log_options
@click.argument("name")
@click.option(
    "--alias",
    multiple=True,
    type=Alias(),
    help=message("What the log calls a step and what the catalogue calls it: OK=Approval of the text."),
)
@common
@click.pass_context
def benchmark(
    context: click.Context, /, log: Path, name: str, alias: tuple[tuple[str, str], ...], **settings: Any
) -> int:
    """Print the comparison."""
    import mkmine as mk
    from mkmine.catalogue.blueprint import published, renamed, russian
    from mkmine.report.retelling import retell

    console = console_of(context)
    t = console.t
    twice = {here for here, _ in alias if [one for one, _ in alias].count(here) > 1}
    if twice:
        raise DataError(f'the alias of "{min(twice)}" is given twice; give it once')
    found = mk.benchmark(read_log(console, log, settings), name, aliases=dict(alias))
    console.emit(found)
    names = russian() if console.language == "ru" else {}
    rows = []
    for row in records(found.table):
        figure = renamed(published()["figures"][row["figure"]], names)
        source = renamed(published()["sources"][row["source"]], names)["title"]
        value = f"{t.number(row['value'], digits=1)} {_word(row['unit'], t)}"
        rows.append([figure["what"], row["step"], value, _published(figure, t), _verdict(row, t), source])
    heads = [t("Figure"), t("Step"), t("Log"), t("Published"), t("Comparison"), t("Source")]
    for row_told in rows:
        console.line(row_told[0])
        for head, cell in list(zip(heads, row_told, strict=True))[1:]:
            console.line(f"  {head}: {cell}")
    for note in found.notes:
        console.line(f"{t('Note:')} {retell(note, t)}")
    return 0


def _verdict(row: dict[str, Any], t: Translator) -> str:
    if row["verdict"] != "placed":
        return f"{_word(row['verdict'], t)} ({t('no distribution is published, so nobody can say of how many teams')})"
    parts = []
    if row["below"]:
        parts.append(t("more than at least {share} of the answers", share=t.percent(row["below"])))
    if row["above"]:
        parts.append(t("less than at least {share} of the answers", share=t.percent(row["above"])))
    return ", ".join(parts)


def _published(figure: dict[str, Any], t: Translator) -> str:
    if "at_least" in figure:
        shares = {n: share for n, share in figure["at_least"].items() if share < 1}
        return ", ".join(t("{n} or more: {share}", n=n, share=t.percent(share)) for n, share in shares.items())
    if "over" in figure:
        return ", ".join(t("over {n}: {share}", n=n, share=t.percent(one)) for n, one in figure["over"].items())
    if "mean" not in figure:
        return f"{t.number(figure['low'], digits=1)}–{t.number(figure['high'], digits=1)}"
    kinds = ", ".join(f"{kind} {days}" for kind, days in figure["by"].items())
    return f"{figure['mean']} ({kinds})"


def _word(text: str, t: Translator) -> str:
    return t(WORDS[text]) if text in WORDS else text


def _summary(one: Reference) -> dict[str, Any]:
    return {
        "key": one.key,
        "name": one.name,
        "what": one.what,
        "steps": list(one.target.activities),
        "roles": dict(one.target.roles),
        "variants": dict(one.choices),
        "sources": one.sources,
    }


def _introduce(console: Console, one: Reference) -> None:
    t = console.t
    roles = ", ".join(dict.fromkeys(one.target.roles.values()))
    rows = {
        t("Steps"): " → ".join(one.target.activities),
        t("Roles"): roles,
        t("Variants"): "; ".join(f"{key}: {what}" for key, what in one.choices.items()),
        t("Sources"): "; ".join(title.partition(", http")[0] for title in one.sources.values())
        or t("assumptions only"),
    }
    console.line(f"{one.key}: {one.what}")
    width = max(map(len, rows)) + 2
    for name, value in rows.items():
        line = textwrap.fill(value, 110, initial_indent=f"  {name:<{width}}", subsequent_indent=" " * (width + 2))
        console.line(line)
    console.line()


def _show(console: Console, one: Reference) -> None:
    t, card = console.t, one.target.card
    assert card is not None
    _introduce(console, one)
    frame = one.target.to_pandas()
    rows = [
        [row["activity"], row["role"], t.number(row["limit_h"], digits=0), _count(row["max_rounds"])]
        for row in records(frame)
    ]
    console.table([t("Step"), t("Role"), t("Limit, working hours"), t("Rounds at most")], rows)
    console.line()
    console.line(t("Owner: {owner}; customer: {customer}", owner=card.owner, customer=card.customer))
    for kpi in card.kpis:
        console.line(f"  {kpi.name}: {_goal(kpi.target)} ({kpi.measure})")
    console.line()
    _parameters(console, one.parameters)
    for key, title in one.sources.items():
        console.line(f"{key}: {title}")


def _goal(target: float | str | None) -> str:
    return f"{target:g}" if isinstance(target, float) else str(target or MISSING)


def _source(row: dict[str, Any], t: Translator) -> str:
    if row["basis"] == "fitted":
        return t("fitted to {source}", source=row["source"])
    return _word(row["source"], t)


def _count(value: Any) -> str:
    return str(value) if isinstance(value, int) else MISSING


def _parameters(console: Console, frame: pd.DataFrame) -> None:
    t = console.t
    rows = [
        [
            row["of"] or MISSING,
            _word(row["parameter"], t) + (f", {row['round']}" if row["round"] else ""),
            f"{row['value']:g}",
            _word(row["unit"], t) if row["unit"] != "1" else "",
            _source(row, t),
        ]
        for row in records(frame)
    ]
    console.table([t("Of"), t("Parameter, round"), t("Value"), t("Unit"), t("Source")], rows)
