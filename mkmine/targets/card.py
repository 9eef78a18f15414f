"""The process card: who owns the process, for whom it works, who does what, how long each step may take."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from mkmine.errors import DataError, nearest
from mkmine.files import read_yaml
from mkmine.targets.elicited import Elicited
from mkmine.targets.model import ProcessModel
from mkmine.targets.rules import TEMPLATES, Rule

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Hours = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Rounds = Annotated[int, Field(ge=1, le=1_000_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Duty(_Part):
    """Who takes part in one activity (RACI): one accountable role, one that does the work."""

    responsible: Name | None = None
    accountable: Name | None = None
    consulted: tuple[Name, ...] = ()
    informed: tuple[Name, ...] = ()

    @field_validator("accountable", mode="before")
    @classmethod
    def _one_accountable(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            if len(value) != 1:
                raise ValueError(f"a step has exactly one accountable role, found {len(value)}")
            return value[0]
        return value


class Document(_Part):
    """A document or template that belongs to a step; `link` says where it is kept."""

    name: Name
    link: str = ""

    @model_validator(mode="before")
    @classmethod
    def _named_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Change(_Part):
    """One entry of the history of a regulation."""

    date: date
    who: Name
    what: Name


class Kpi(_Part):
    """One indicator of the process: what is measured, its target, who answers for it and how often.

    `figure` is the key figure of a log that tells it, as `mkmine.kpis` calls it.
    """

    name: Name
    target: float | str | None = None
    figure: str = ""
    measure: str = ""
    responsible: str = ""
    period: str = ""


class ProcessCard(_Part):
    """What a regulation says about a process beside its diagram.

    `limits` and `case_limit_h` are hours of working time; `max_rounds` says how often an activity may be done in one
    case; `round_limits` are hours for the first, second ... time that an activity is done (the last holds for all
    later ones); `rules` say what must come before what and who may do both; `documents` are those of an activity;
    `changes` the history of the card; `aliases` maps names in the log (of activities and roles) to names in the model;
    `elicited` what somebody says of steps, choices and roles that no log has.
    A process has exactly one owner.
    """

    process: Name
    owner: Name
    purpose: str = ""
    customer: str = ""
    output: str = ""
    input: str = ""
    roles: dict[Name, Duty] = Field(default_factory=dict)
    limits: dict[Name, Hours] = Field(default_factory=dict)
    round_limits: dict[Name, Annotated[tuple[Hours, ...], Field(min_length=1)]] = Field(default_factory=dict)
    case_limit_h: Hours | None = None
    max_rounds: dict[Name, Rounds] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    kpis: tuple[Kpi, ...] = ()
    documents: dict[Name, tuple[Document, ...]] = Field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    aliases: dict[Name, Name] = Field(default_factory=dict)
    elicited: Elicited = Field(default_factory=Elicited)

    @property
    def goals(self) -> dict[str, float | str]:
        """The targets of the indicators that a log can tell, by key figure, as `mkmine.kpis` takes them."""
        return {kpi.figure: kpi.target for kpi in self.kpis if kpi.figure and kpi.target not in (None, "")}

    @field_validator("owner", mode="before")
    @classmethod
    def _one_owner(cls, value: object) -> object:
        if isinstance(value, str):
            value = [part for part in value.split(";") if part.strip()]
        if isinstance(value, list | tuple):
            if len(value) != 1:
                raise ValueError(f"a process has exactly one owner, found {len(value)}")
            return value[0]
        return value

    @field_validator("documents", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {name: [one] if isinstance(one, str | Mapping) else one for name, one in value.items()}

    def to_dict(self) -> dict[str, Any]:
        """The card as plain values."""
        return self.model_dump(mode="json") | {"rules": [rule.to_dict() for rule in self.rules]}

    def to_pandas(self) -> pd.DataFrame:
        """One row per statement of the card: what, activity, value."""
        rows: list[tuple[str, str, object]] = [
            (key, "", getattr(self, key)) for key in ("process", "owner", "purpose", "customer", "output", "input")
        ]
        for activity, duty in self.roles.items():
            rows += [(f"role: {k}", activity, v) for k, v in duty.model_dump().items() if v]
        rows += [("limit_h", activity, hours) for activity, hours in self.limits.items()]
        rows += [("round_limits_h", activity, hours) for activity, hours in self.round_limits.items()]
        rows += [("case_limit_h", "", self.case_limit_h)] if self.case_limit_h else []
        rows += [("max_rounds", activity, n) for activity, n in self.max_rounds.items()]
        rows += [("rule", "", str(rule)) for rule in self.rules]
        rows += [("kpi", kpi.name, kpi.target) for kpi in self.kpis]
        rows += [("document", activity, one.name) for activity, some in self.documents.items() for one in some]
        rows += [("change", "", f"{one.date}, {one.who}: {one.what}") for one in self.changes]
        rows += [("alias", name, known) for name, known in self.aliases.items()]
        return pd.DataFrame(rows, columns=["what", "activity", "value"])

    def __repr__(self) -> str:
        return (
            f"ProcessCard({self.process!r}: owner {self.owner}, customer {self.customer or 'not named'}, "
            f"{len(self.roles)} roles, {len(self.limits)} limits, {len(self.kpis)} KPIs)"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>" + self.to_pandas().to_html(escape=True, index=False)


def read_card(path: str | Path) -> ProcessCard:
    """Read a process card from a YAML file.

    Raises `DataError` with the place in the file if it is missing, is not YAML, names a field that a card does not
    have, or breaks a rule (exactly one owner, hours above zero).
    """
    values = read_yaml(path, what="process card")
    try:
        return ProcessCard.model_validate(values)
    except ValidationError as error:
        lines = card_lines(path)
        problems = [_problem(one, lines) for one in error.errors()[:10]]
        raise DataError(f'the process card "{path}" breaks its rules: ' + "; ".join(problems)) from None


def check_card(
    card: ProcessCard, model: ProcessModel, *, source: str, lines: Mapping[tuple[str, ...], int] | None = None
) -> None:
    """Compare a card with its model; `lines` are those of the card's file, which errors then name.

    Raises `DataError` if the card speaks of an activity that the model does not have, or gives the work to another role
    than the lane in which the model draws it.
    """
    known = model.activities
    fields = ("roles", "limits", "round_limits", "max_rounds", "documents")
    named = [((field, name), name) for field in fields for name in getattr(card, field)]
    for number, rule in enumerate(card.rules):
        # What must never be done is seldom drawn.
        activities = rule.activities if rule.template != "absence" else ()
        named += [(("rules", str(number)), name) for name in activities]

    def at(field: str, key: str) -> str:
        line = (lines or {}).get((field, key))
        return f"{source}, line {line}, {field}" if line else f"{source}, {field}"

    for place, name in named:
        if name not in known:
            raise DataError(f'{at(*place)}: activity "{name}" is not in the model; {nearest(name, known)}')
    places = [name for node in model.nodes for name in (node.name, node.id) if name]
    for name in (*card.elicited.activities, *card.elicited.choices):
        if name not in places:
            raise DataError(f'{at("elicited", name)}: "{name}" is not in the model; {nearest(name, places)}')
    check_aliases(card.aliases, card, model, at=lambda name: at("aliases", name))
    for node in model.tasks:
        duty = card.roles.get(node.name)
        if duty and duty.responsible and node.lane and _plain(duty.responsible) != _plain(node.lane):
            raise DataError(
                f'{at("roles", node.name)}: "{node.name}" is the work of "{duty.responsible}", but the model draws it '
                f'in the lane "{node.lane}"; make them agree'
            )


def check_aliases(
    aliases: Mapping[str, str], card: ProcessCard | None, model: ProcessModel, *, at: Callable[[str], str]
) -> None:
    """Raise `DataError` if an alias stands for neither an activity nor a role; `at` says where it is written."""
    duties = card.roles.values() if card else ()
    roles = [*model.lanes, *(r for d in duties for r in (d.responsible, d.accountable) if r)]
    targets = [*model.activities, *dict.fromkeys(roles)]
    for name, target in aliases.items():
        if target not in targets:
            raise DataError(
                f'{at(name)}: "{name}" stands for "{target}", which is neither an activity nor a role '
                f"of the model; {nearest(target, targets)}"
            )


_FIELDS = [
    *Duty.model_fields,
    *Document.model_fields,
    *Change.model_fields,
    *Kpi.model_fields,
    *Rule.model_fields,
    *Elicited.model_fields,
    *TEMPLATES,
]


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _problem(error: Mapping[str, Any], lines: Mapping[tuple[str, ...], int]) -> str:
    place = tuple(str(part) for part in error["loc"] if part != "[key]")
    found = next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), None)
    line = f"line {found}, " if found else ""
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        fields = list(ProcessCard.model_fields) if len(place) == 1 else _FIELDS
        message = f"a card has no such field; {nearest(place[-1], fields)}"
    given = error["input"]
    shown = f" (found {given!r:.60})" if isinstance(given, str | int | float) else ""
    return f"{line}{' / '.join(place)}: {message}{shown}"


def card_lines(path: str | Path) -> dict[tuple[str, ...], int]:
    """Return the line of every key in the YAML file of a card, by its path."""
    import yaml

    def walk(node: yaml.Node, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                here = (*place, str(key.value))
                yield here, key.start_mark.line + 1
                yield from walk(value, here)
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                yield (*place, str(i)), value.start_mark.line + 1
                yield from walk(value, (*place, str(i)))

    root = yaml.compose(Path(path).read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    return dict(walk(root, ())) if root else {}
