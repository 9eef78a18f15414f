"""The search: simulate every change of one person, keep the best, go on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.optimization.front import Point, label
from mkmine.simulation import Experiment, Scenario, SimulationModel, experiment

__all__ = ["COLUMNS", "Clock", "Found", "Move", "Question", "Reached", "as_scenario", "merged", "search"]

Verdict = Literal["kept", "helps less", "too small", "noise", "worse", "saves", "saves less", "missed"]
# Of people who are busy less than this, one may be spared; whether one can is then simulated.
HARDLY_USED = 0.5
# Changes that seem best but lie within noise are looked at once more, with this many times the replications.
AGAIN, LOOKS = 4, 2

COLUMNS = [
    "step", "role", "change", "people", "cost", "value", "difference", "low", "high", "gain_per_cost", "replications",
    "verdict",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked; `sign` is 1 where a lower key figure is better, else -1."""

    roles: tuple[str, ...]
    costs: Mapping[str, float]
    budget: int | None
    kpi: str
    sign: float
    tolerance: float
    confidence: float
    settings: Mapping[str, Any]

    def ask(
        self, model: SimulationModel, scenarios: Sequence[Scenario], confidence: float, clock: Clock, **other: Any
    ) -> Experiment:
        """Run one paired experiment, with `other` settings than usual where given.

        The model's numbers are taken for certain: all changes of a step are judged by the same ones.
        """
        settings: dict[str, Any] = {"draws": 0, **self.settings, **other}
        clock.plan(settings["replications"] * (len(scenarios) + 1))
        # The levels that are asked for hold for all changes together already.
        return experiment(model, scenarios, confidence=confidence, simultaneous=False, progress=clock.tell, **settings)


class Clock:
    """Counts the runs of several experiments for one progress bar."""

    def __init__(self, progress: Callable[[int, int], None] | None) -> None:
        self.progress, self.before, self.planned = progress, 0, 0

    def plan(self, runs: int) -> None:
        """Count in the runs of the next experiment."""
        self.before, self.planned = self.planned, self.planned + runs

    def tell(self, done: int, planned: int) -> None:
        """Pass on how many runs of the present experiment are done."""
        self.planned = self.before + planned
        if self.progress is not None:
            self.progress(self.before + done, self.planned)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reached:
    """A staffing of the search: its model, what changed since the start, and what was measured of it."""

    model: SimulationModel
    changes: tuple[tuple[str, int], ...] = ()
    values: NDArray[np.float64]
    busy: Mapping[str, float]

    def cost(self, costs: Mapping[str, float]) -> float:
        """Cost per week against the start."""
        return sum(costs[role] * change for role, change in self.changes)

    def point(self, costs: Mapping[str, float]) -> Point:
        """Return what the front needs of it."""
        return Point(changes=self.changes, cost=self.cost(costs), values=self.values)


@dataclass(frozen=True, kw_only=True, eq=False)
class Move:
    """A person more or fewer: where it leads, and the paired difference (signed so that a gain is positive)."""

    role: str
    change: int
    to: Reached
    gain: float
    low: float
    high: float
    replications: int
    stable: bool

    @property
    def key(self) -> tuple[str, int]:
        """Role and change."""
        return self.role, self.change


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What a search found: where it ended (`here`), its steps, everything tried, and the points seen."""

    opening: Experiment
    unstable: bool
    steps: list[dict[str, Any]]
    tried: list[dict[str, Any]]
    points: list[Point]
    here: Reached


def search(model: SimulationModel, question: Question, clock: Clock) -> Found:
    """Take the best step until none is left."""
    opening = question.ask(model, [], question.confidence, clock)
    here = start = _reached(opening, model.name, model, (), question)
    margin = question.tolerance * abs(float(start.values.mean()))
    unstable = any(warning.startswith("unstable: in the base") for warning in opening.warnings)
    room, seen = margin, {frozenset(start.changes): start.point(question.costs)}
    steps: list[dict[str, Any]] = [_row(0, start, None, question)]
    tried: list[dict[str, Any]] = []
    while changes := _changes(here, question):
        moves = _moves(here, changes, question, clock, len(changes))
        if again := _contenders(moves, question.costs, margin):
            closer = {one.key: one for one in _moves(here, again, question, clock, len(changes), AGAIN)}
            moves = [closer.get(one.key, one) for one in moves]
        chosen, verdicts = _judged(moves, question.costs, margin, room)
        number = len(steps)
        for move, verdict in zip(moves, verdicts, strict=True):
            tried.append(_row(number, move.to, move, question, verdict))
            seen.setdefault(frozenset(move.to.changes), move.to.point(question.costs))
        if chosen is None:
            break
        steps.append(_row(number, chosen.to, chosen, question, "kept" if chosen.change > 0 else "saves"))
        room -= max(0.0, -chosen.low) if chosen.change < 0 else 0.0
        here = chosen.to
    return Found(opening=opening, unstable=unstable, steps=steps, tried=tried, points=list(seen.values()), here=here)


def _changes(here: Reached, question: Question) -> list[tuple[str, int]]:
    """Return the changes of one person that may be tried: more while the budget lasts, fewer where hardly used."""
    net = dict(here.changes)
    added = sum(change for change in net.values() if change > 0)
    open_budget = question.budget is None or added < question.budget
    more = [(role, 1) for role in question.roles if open_budget and net.get(role, 0) >= 0]
    fewer = [
        (role, -1)
        for role in question.roles
        if net.get(role, 0) <= 0 and _spare(here.model, role) and here.busy[role] < HARDLY_USED
    ]
    return [*more, *fewer]


def _moves(
    here: Reached, changes: Sequence[tuple[str, int]], question: Question, clock: Clock, together: int, times: int = 1
) -> list[Move]:
    """Simulate changes of one person; the intervals of `together` changes hold together, in both looks."""
    scenarios = {change: as_scenario((change,)) for change in changes}
    level = 1 - (1 - question.confidence) / (together * LOOKS)
    runs = times * question.settings["replications"]
    answer = question.ask(here.model, list(scenarios.values()), level, clock, replications=runs)
    out = []
    for (role, change), scenario in scenarios.items():
        model, changed = scenario.apply(here.model), merged([*here.changes, (role, change)])
        row = answer.answer(scenario.name, question.kpi)
        ends = sorted((-question.sign * float(row["low"]), -question.sign * float(row["high"])))
        out.append(
            Move(
                role=role,
                change=change,
                to=_reached(answer, scenario.name, model, changed, question),
                gain=-question.sign * float(row["difference"]),
                low=ends[0],
                high=ends[1],
                replications=runs,
                stable=str(row["verdict"]) != "unstable",
            )
        )
    return out


def _contenders(moves: Sequence[Move], costs: Mapping[str, float], margin: float) -> list[tuple[str, int]]:
    """Return the people within noise who seem to help more than the best beyond it, and that one; else nothing."""
    more = [move for move in moves if move.change > 0 and move.gain >= margin]
    best = max((move for move in more if move.low > 0), key=lambda move: move.gain / costs[move.role], default=None)
    least = 0.0 if best is None else best.gain / costs[best.role]
    unclear = [move for move in more if not move.low > 0 and move.gain / costs[move.role] > least]
    return [move.key for move in moves if unclear and (move is best or move in unclear)]


def _judged(
    moves: Sequence[Move], costs: Mapping[str, float], margin: float, room: float
) -> tuple[Move | None, list[Verdict]]:
    """Choose the best move, and say why each of the others was not."""
    verdicts: list[Verdict] = []
    for move in moves:
        if move.change < 0:
            spared = move.stable and -move.low <= room
            verdicts.append("saves less" if spared else "missed")
        elif move.high < 0:
            verdicts.append("worse")
        elif not move.low > 0:
            verdicts.append("noise")
        else:
            verdicts.append("helps less" if move.gain >= margin else "too small")
    for wanted, value in (
        ("helps less", lambda move: move.gain / costs[move.role]),
        ("saves less", lambda move: costs[move.role]),
    ):
        able = [number for number, verdict in enumerate(verdicts) if verdict == wanted]
        if able:
            best = max(able, key=lambda number: (value(moves[number]), -number))
            verdicts[best] = "kept" if wanted == "helps less" else "saves"
            return moves[best], verdicts
    return None, verdicts


def _reached(
    answer: Experiment,
    name: str,
    model: SimulationModel,
    changes: tuple[tuple[str, int], ...],
    question: Question,
) -> Reached:
    # All points keep equally many replications, so that any two of them are paired.
    first = answer.kpis["replication"] < question.settings["replications"]
    rows = answer.kpis[(answer.kpis["scenario"] == name) & first]
    values = rows[rows["kpi"] == question.kpi].sort_values("replication")["value"].to_numpy(dtype=np.float64)
    means = rows.groupby("kpi")["value"].mean()
    busy = {role: float(means[f"utilisation:{role}"]) for role in question.roles}
    return Reached(model=model, changes=changes, values=values, busy=busy)


def _row(number: int, to: Reached, move: Move | None, question: Question, verdict: str = "start") -> dict[str, Any]:
    nan = float("nan")
    row = {
        "step": number,
        "role": None,
        "change": 0,
        "people": sum(len(to.model.staff(role)) for role in question.roles),
        "cost": to.cost(question.costs),
        "value": float(to.values.mean()),
        "replications": len(to.values) if move is None else move.replications,
        "verdict": verdict,
    }
    if move is None:
        return row | dict.fromkeys(("difference", "low", "high", "gain_per_cost"), nan)
    ends = sorted((-question.sign * move.low, -question.sign * move.high))
    return row | {
        "role": move.role,
        "change": move.change,
        "people": len(to.model.staff(move.role)),
        "difference": -question.sign * move.gain,
        "low": ends[0],
        "high": ends[1],
        "gain_per_cost": move.gain / question.costs[move.role] if move.change > 0 else nan,
    }


def as_scenario(changes: tuple[tuple[str, int], ...]) -> Scenario:
    """Return changes of staff as a scenario."""
    out = Scenario(label(changes))
    for role, change in changes:
        out = out.staff(role, change)
    return out


def merged(changes: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Add up the changes of each role, in the order in which the roles first change."""
    net: dict[str, int] = {}
    for role, change in changes:
        net[role] = net.get(role, 0) + change
    return tuple(net.items())


def _spare(model: SimulationModel, role: str) -> bool:
    """Whether the last person of a role can be spared: one who has no other role, and is not the only one."""
    people = model.staff(role)
    return len(people) > 1 and len(people[-1].roles) == 1
