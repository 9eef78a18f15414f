"""The TO-BE as one object: a process model and its process card."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mkmine.targets.bpmn import read_bpmn
from mkmine.targets.card import ProcessCard, card_lines, check_aliases, check_card, read_card
from mkmine.targets.elicited import Elicited
from mkmine.targets.gaps import Gap, find_gaps
from mkmine.targets.model import ProcessModel
from mkmine.targets.outline import read_outline

if TYPE_CHECKING:
    from mkmine.simulation.model import SimulationModel


@dataclass(frozen=True, kw_only=True)
class Target:
    """How the process should run: `model` says in which order, `card` by whom, for whom and how fast.

    `card` is None if no card was found: then only order and lanes can be checked; `confirmed` are aliases beside those
    of the card. Raises `DataError` if the card contradicts the model, or an alias leads nowhere.
    """

    model: ProcessModel
    card: ProcessCard | None = None
    source: str = ""
    confirmed: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.card is not None:
            check_card(self.card, self.model, source=self.source or "process card")
        check_aliases(self.confirmed, self.card, self.model, at=lambda name: "confirmed aliases")

    @property
    def name(self) -> str:
        """Name of the process: as the card calls it, else the model."""
        return self.card.process if self.card else self.model.name

    @property
    def activities(self) -> tuple[str, ...]:
        """Names of the tasks of the model."""
        return self.model.activities

    @property
    def roles(self) -> Mapping[str, str]:
        """The role that should do each activity: by the card, else by the lane; activities without one are absent."""
        roles = {node.name: node.lane for node in self.model.tasks if node.lane}
        if self.card:
            roles |= {a: duty.responsible for a, duty in self.card.roles.items() if duty.responsible}
        return roles

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What model and card do not say although a regulation should."""
        return find_gaps(self)

    @property
    def aliases(self) -> Mapping[str, str]:
        """Names of the model for names of the log that differ."""
        return {**(self.card.aliases if self.card else {}), **self.confirmed}

    @property
    def elicited(self) -> Elicited:
        """What the card says of steps, choices and roles that no log has."""
        return self.card.elicited if self.card else Elicited()

    def with_aliases(self, aliases: Mapping[str, str]) -> Target:
        """Return the target with more names of the log (of activities and roles) and what they stand for in it.

        Raises `DataError` if one stands for what is neither an activity nor a role of the target.
        """
        return replace(self, confirmed={**self.confirmed, **aliases})

    def to_simulation(
        self,
        as_is: SimulationModel,
        *,
        elicited: Elicited | Mapping[str, Any] | str | Path | None = None,
        name: str | None = None,
    ) -> SimulationModel:
        """Return a model of the target that can be simulated; `mkmine.simulation.to_simulation` says how it is made.

        `as_is` is the calibrated model from which hours, delays, people, calendars and arrivals are borrowed; what it
        does not have is `elicited`.
        """
        made: SimulationModel = import_module("mkmine.simulation").to_simulation(
            self, as_is, elicited=elicited, name=name
        )
        return made

    def to_dict(self) -> dict[str, Any]:
        """Model and card as plain values."""
        return {
            "name": self.name,
            "source": self.source,
            "model": self.model.to_dict(),
            "card": self.card.to_dict() if self.card else None,
            "confirmed": dict(self.confirmed),
        }

    def to_pandas(self) -> pd.DataFrame:
        """One row per activity: activity, role, limit_h, max_rounds (missing where the card is silent)."""
        limits = self.card.limits if self.card else {}
        rounds = self.card.max_rounds if self.card else {}
        return pd.DataFrame(
            {
                "activity": list(self.activities),
                "role": [self.roles.get(a, "") for a in self.activities],
                "limit_h": [limits.get(a, float("nan")) for a in self.activities],
                "max_rounds": pd.array([rounds.get(a) for a in self.activities], dtype="Int64"),
            }
        )

    def __repr__(self) -> str:
        owner = f", owner {self.card.owner}" if self.card else ", no process card"
        return f"Target({self.name!r}: {len(self.activities)} activities{owner})"

    def _repr_html_(self) -> str:
        table = self.to_pandas().to_html(escape=True, index=False, na_rep="")
        return f"<p>{html.escape(repr(self))}</p>{table}"


def read_target(path: str | Path, *, card: str | Path | None = None, process: str | None = None) -> Target:
    """Read a TO-BE: a BPMN 2.0 file, or a YAML file of steps, and the process card beside it.

    Without `card`, the card is looked for as `<stem>.card.yaml` or `<stem>.card.yml` beside the model. `process`
    chooses one of several pools. Raises `DataError` if a file cannot be read or the two contradict each other.
    """
    file = Path(path)
    model = read_outline(file) if file.suffix.lower() in (".yaml", ".yml") else read_bpmn(file, process=process)
    beside = [file.with_name(f"{file.stem}.card{ending}") for ending in (".yaml", ".yml")]
    found = Path(card) if card is not None else next((one for one in beside if one.is_file()), None)
    if found is None:
        return Target(model=model, source=str(file))
    told = read_card(found)
    check_card(told, model, source=str(found), lines=card_lines(found))
    return Target(model=model, card=told, source=str(found))
