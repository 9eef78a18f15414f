"""What is aligned, and what comes of it: moves, alignments, and the bounds of one that was not finished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["Alignment", "Move", "MoveKind", "Query", "Unfinished"]

MoveKind = Literal["both", "log", "model"]


class Move(NamedTuple):
    """One step of an alignment: `label` is a code of `Net.labels`, -1 for an activity that the model does not have.

    `position` is the index of the event in the case; for a move in the model, that of the event before which it stands.
    """

    kind: MoveKind
    label: int
    position: int


class Query(NamedTuple):
    """What to align: the activities of a case as codes of `Net.labels` (-1: unknown); `open`: the case goes on."""

    events: tuple[int, ...]
    open: bool = False


class Alignment(NamedTuple):
    """An optimal alignment: its moves, their `cost`, and the cost `worst` of leaving log and model apart."""

    cost: int
    worst: int
    moves: tuple[Move, ...]

    @property
    def fitness(self) -> float:
        """1 - cost / worst: 1 means that the model explains the case, 0 that nothing matches."""
        return 1.0 - self.cost / self.worst if self.worst else 1.0

    @property
    def fitness_low(self) -> float:
        """The fitness, as it is known; so is `fitness_high`."""
        return self.fitness

    @property
    def fitness_high(self) -> float:
        """The fitness."""
        return self.fitness


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """An alignment that was not finished in time: its cost is at least `low`, at most `high`; `worst` as there."""

    low: int
    high: int
    worst: int

    @classmethod
    def of(cls, query: Query, shortest: int) -> Unfinished:
        """What is known before anything is aligned; `shortest` are the activities of the shortest run of the model."""
        worst = len(query.events) + (0 if query.open else shortest)
        return cls(low=sum(event < 0 for event in query.events), high=worst, worst=worst)

    @property
    def fitness_low(self) -> float:
        """The fitness if the alignment costs `high`."""
        return 1.0 - self.high / self.worst if self.worst else 1.0

    @property
    def fitness_high(self) -> float:
        """The fitness if it costs `low`."""
        return 1.0 - self.low / self.worst if self.worst else 1.0
