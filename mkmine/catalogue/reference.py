"""The reference processes of the catalogue: TO-BE, card, world and parameters, in Russian and English."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from mkmine.catalogue.blueprint import KEYS, blueprint, items, published, renamed, russian
from mkmine.catalogue.world import CV, WAIT_CV, returns, world_of
from mkmine.language import Language, translator
from mkmine.simulation.model import SimulationModel
from mkmine.targets import ProcessCard, Target, parse_outline

__all__ = ["Reference", "assembled", "entries", "load"]

ASSUMPTION: Final = "assumption"
# What a step or choice of a file has beyond what an outline says.
_OWN: Final = frozenset(
    {"hours", "cv", "wait", "wait_cv", "limit", "most", "same_person", "accountable", "consulted", "informed",
     "documents", "published", "fitted", "shares", "cancelled"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One process of the catalogue, as it should be and as a world that can be simulated.

    Attributes
    ----------
    key, variants
        What `load` was called with.
    name, what
        Name, and what the process is for.
    target
        The TO-BE: model and process card.
    world
        The simulation model; it departs from the TO-BE only where `parameters` says "skipped", and in rounds.
    parameters
        One row per number: of (step, choice, role or ""), parameter, round (0: all), value, unit, source (a survey, or
        "assumption"), basis ("published": taken as it is; "fitted": set so that the world reproduces what was
        published; "assumption"), and figure: the published figure behind it ("" for assumptions).
    figures
        Published figures that the world reproduces, each with the step that it is about.
    choices
        Variants that there are, with what they change.
    """

    key: str
    variants: tuple[str, ...]
    name: str
    what: str
    target: Target
    world: SimulationModel
    parameters: pd.DataFrame
    figures: Mapping[str, str]
    choices: Mapping[str, str]
    language: Language

    @property
    def sources(self) -> dict[str, str]:
        """The published sources of the process, by their key: title and link."""
        keys = dict.fromkeys(source for source in self.parameters["source"] if source != ASSUMPTION)
        keys |= dict.fromkeys(published()["figures"][figure]["source"] for figure in self.figures)
        names = russian() if self.language == "ru" else {}
        found = {key: renamed(published()["sources"][key], names) for key in keys}
        return {key: ", ".join(filter(None, (one["title"], one.get("link")))) for key, one in found.items()}

    def to_pandas(self) -> pd.DataFrame:
        """Return the parameters."""
        return self.parameters.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "key": self.key,
            "variants": list(self.variants),
            "name": self.name,
            "what": self.what,
            "target": self.target.to_dict(),
            "world": self.world.to_dict(),
            "parameters": self.parameters.to_dict("records"),
            "figures": {key: {**published()["figures"][key], "step": step} for key, step in self.figures.items()},
            "sources": self.sources,
            "choices": dict(self.choices),
        }

    def __repr__(self) -> str:
        with_ = f" ({', '.join(self.variants)})" if self.variants else ""
        lines = [f"{self.name}{with_}: {self.what}", f"  steps: {' -> '.join(self.target.activities)}"]
        staff = ", ".join(f"{role} {len(self.world.staff(role))}" for role in self.world.roles)
        lines += [f"  people: {staff}; {self.world.arrivals.per_week:.4g} cases a week"]
        rest = int((self.parameters["source"] == ASSUMPTION).sum())
        lines += [f"  {len(self.parameters)} parameters, {rest} of them assumptions"]
        lines += [f"  variant {key}: {what}" for key, what in self.choices.items()]
        return "\n".join([*lines, *(f"  source {key}: {title}" for key, title in self.sources.items())])

    def _repr_html_(self) -> str:
        table = self.parameters.to_html(escape=True, index=False)
        return f"<pre>{html.escape(repr(self))}</pre>{table}"


def entries(*, language: Language = "en") -> tuple[Reference, ...]:
    """Return the processes of the catalogue, each without variants."""
    return tuple(load(key, language=language) for key in KEYS)


def load(name: str, *, variants: Sequence[str] | str = (), language: Language = "en") -> Reference:
    """Return a process of the catalogue, e.g. `load("email", variants=["heavy"])`.

    `language` is that of steps, roles and texts; the numbers are the same.

    Raises `UnknownNameError` if there is no such process, variant or language, and `DataError` if variants exclude each
    other.
    """
    translator(language)
    chosen = (variants,) if isinstance(variants, str) else tuple(variants)
    return assembled(blueprint(name, chosen), name=name, variants=chosen, language=language)


def assembled(
    values: dict[str, Any], *, name: str, variants: tuple[str, ...] = (), language: Language = "en"
) -> Reference:
    """Return the process that the values of its file make."""
    if language == "ru":
        values = renamed(values, russian())
    model = parse_outline(_outline(values), source=f"catalogue/{name}")
    target = Target(model=model, card=ProcessCard.model_validate(_card(values)), source=f"catalogue/{name}")
    title = " + ".join((name, *variants))
    return Reference(
        key=name,
        variants=variants,
        name=values["name"],
        what=values["what"],
        target=target,
        world=world_of(values, model, language=language, name=f"{values['name']} ({title})"),
        parameters=pd.DataFrame(
            _parameters(values), columns=["of", "parameter", "round", "value", "unit", "source", "basis", "figure"]
        ),
        figures=values["figures"],
        choices={key: one["what"] for key, one in values["variants"].items()},
        language=language,
    )


def _outline(values: Mapping[str, Any]) -> str:
    import yaml

    def bare(steps: list[Any]) -> list[Any]:
        out = []
        for item in steps:
            said = {key: one for key, one in item.items() if key not in _OWN}
            if "choice" in said:
                said["ways"] = {way: bare(inside) for way, inside in said["ways"].items()}
            elif "parallel" in said:
                said["parallel"] = [bare(inside) for inside in said["parallel"]]
            out.append(said)
        return out

    said = {"process": values["name"], "steps": bare(values["steps"])}
    return yaml.safe_dump(said, allow_unicode=True, sort_keys=False)


def _steps(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [item for _, item in items(values["steps"]) if "step" in item]


def _card(values: Mapping[str, Any]) -> dict[str, Any]:
    steps = _steps(values)
    return {
        "process": values["name"],
        **{key: values[key] for key in ("purpose", "owner", "customer", "input", "output", "rules", "kpis")},
        "roles": {
            item["step"]: {
                "responsible": item["role"],
                "accountable": item.get("accountable", values["owner"]),
                **{key: item[key] for key in ("consulted", "informed") if key in item},
            }
            for item in steps
        },
        "limits": {item["step"]: item["limit"] for item in steps},
        "case_limit_h": values["case_limit"],
        "max_rounds": {item["step"]: item["most"] for item in steps if "most" in item},
        "documents": {item["step"]: item["documents"] for item in steps if "documents" in item},
    }


def _parameters(values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield every number of a process with its unit and source."""

    def row(
        of: str, what: str, value: float, unit: str, figure: str = "", number: int = 0, basis: str = "fitted"
    ) -> tuple[Any, ...]:
        source = published()["figures"][figure]["source"] if figure else ASSUMPTION
        return of, what, number, float(value), unit, source, basis if figure else ASSUMPTION, figure

    world, preset = values["world"], published()["approval"][values["approval"]]
    yield row("", "arrivals", world["per_week"], "cases a week")
    for role, count in world["staff"].items():
        yield row(role, "staff", count, "people")
    for _, item in items(values["steps"]):
        if "step" in item:
            yield from _of_step(item, values["figures"], row)
        for way, share in item.get("shares", {}).items():
            shares = (
                returns(values["approval"]) if share == "approval" else share if isinstance(share, list) else [share]
            )
            for number, one in enumerate(shares, 1):
                figure = preset if share == "approval" else item.get("fitted", {}).get(way, "")
                figure = figure if figure in values["figures"] else ""
                yield row(item["choice"], way, one, "share", figure, number if len(shares) > 1 else 0)
    steps = {item["step"] for item in _steps(values)}
    for step, share in world.get("skipped", {}).items():
        if step in steps:
            yield row(step, "skipped", share, "share")
    yield row("", "time limit", values["case_limit"], "h")


def _of_step(item: Mapping[str, Any], reproduced: Mapping[str, str], row: Any) -> Iterator[Any]:
    step, known = item["step"], item.get("published", {})
    # What was fitted to a figure has it for its source only in a variant that reproduces the figure.
    fitted = {what: figure for what, figure in item.get("fitted", {}).items() if figure in reproduced}
    hours = item["hours"] if isinstance(item["hours"], list) else [item["hours"]]
    for number, one in enumerate(hours, 1):
        # Surveys ask about the work as a whole; what a further round takes is not in them.
        figure = known.get("hours", fitted.get("hours", "")) if number == 1 else ""
        basis = "published" if "hours" in known else "fitted"
        yield row(step, "processing time, mean", one, "h", figure, number if len(hours) > 1 else 0, basis)
    yield row(step, "processing time, cv", item.get("cv", CV), "1")
    if item.get("wait"):
        yield row(step, "outside wait, mean", item["wait"], "h", fitted.get("wait", ""))
        yield row(step, "outside wait, cv", item.get("wait_cv", WAIT_CV), "1")
    yield row(step, "time limit", item["limit"], "h")
    if "most" in item:
        yield row(step, "rounds at most", item["most"], "rounds")
