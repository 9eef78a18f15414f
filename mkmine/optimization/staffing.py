"""Staffing: add the person who helps most for the money, ask again, and stop where only noise is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from math import isfinite
from typing import Any

import pandas as pd

from mkmine.discovery.process_map import records
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import Provenance
from mkmine.optimization.front import Better, Point, pareto_front
from mkmine.optimization.search import COLUMNS, Clock, Question, Reached, as_scenario, merged, search
from mkmine.simulation import Experiment, Scenario, SimulationModel
from mkmine.simulation.experiments.experiment import check_draws
from mkmine.simulation.experiments.kpis import KPIS
from mkmine.simulation.experiments.kpis import kpi as key_figure
from mkmine.simulation.experiments.uncertainty import uncertain
from mkmine.streams import Streams

__all__ = ["Staffing", "optimise"]

METHOD = "greedy marginal allocation (Fox 1966) over paired replications under common random numbers"
GREEDY = (
    "The search changes one person at a time and never looks two steps ahead: it does not see people who only help "
    "together, and the staffing that it finds need not be the best one."
)
WINNER = (
    "The step with the best luck is chosen among several, so the gains of the steps are flattered; the confirmation "
    "asks again with fresh random numbers and is the figure to quote."
)
UNSTABLE = (
    "At the start more work arrives than is done, so the key figure there grows with the simulated span, and so do the "
    "gains of the first steps."
)
DOUBTFUL = (
    "By what is known of the model's numbers, the recommended staffing need not help at all: the interval of the "
    "confirmation includes no effect."
)
TOGETHER = (
    "No single person helps by more than noise although the start is overloaded: work may wait in two roles one after "
    "the other; try an experiment with a person more in each."
)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Staffing:
    """What people to add or to spare, step by step, and what each step brings.

    Attributes
    ----------
    steps
        One row per kept step: step, role, change, people (in the role after it), cost (after it, per week against the
        start), value (mean of the key figure), difference (to the step before) with its interval low..high,
        gain_per_cost, replications (of the difference; a value is of the first `replications` of the search), verdict.
        Row 0 is the start.
    tried
        The same columns for every change that was simulated. verdict: `"kept"`; `"helps less"` (for its cost, than the
        one kept); `"too small"`: beyond noise, but within the tolerance; `"noise"`; `"worse"`; and for a person fewer
        `"saves"` (kept), `"saves less"` (than the one kept) or `"missed"` (a loss beyond the tolerance is not
        excluded).
    front
        One row per non-dominated staffing of those simulated (Pareto front of cost and key figure), the cheapest first:
        staffing, cost, value, recommended. A dearer one is on it only where it beats the cheaper beyond noise.
    confirmation
        The recommended staffing against the start, under other random numbers than those of the search; None if no
        step was kept.
    warnings
        What a reader must know before believing the search.
    """

    base: str
    kpi: str
    unit: str
    steps: pd.DataFrame
    tried: pd.DataFrame
    front: pd.DataFrame
    confirmation: Experiment | None
    replications: int
    confidence: float
    tolerance: float
    seed: int
    warnings: tuple[str, ...]
    provenance: Provenance

    def scenario(self, step: int | None = None) -> Scenario:
        """Return the staffing after a step (by default the last one, which is recommended) as a scenario.

        Raises `DataError` if there is no such step.
        """
        last = len(self.steps) - 1
        number = last if step is None else step
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= last:
            raise DataError(f"step={step!r}: give a step between 0 (the start) and {last}")
        rows = self.steps.iloc[1 : number + 1]
        return as_scenario(merged(zip(rows["role"], rows["change"], strict=True)))

    def to_pandas(self) -> pd.DataFrame:
        """Return the steps."""
        return self.steps.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "base": self.base,
            "kpi": self.kpi,
            "unit": self.unit,
            "steps": records(self.steps),
            "tried": records(self.tried),
            "front": records(self.front),
            "scenario": self.scenario().to_dict(),
            "confirmation": None if self.confirmation is None else self.confirmation.to_dict(),
            "replications": self.replications,
            "confidence": self.confidence,
            "tolerance": self.tolerance,
            "seed": self.seed,
            "warnings": list(self.warnings),
            "provenance": self.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        rows = self.steps.to_dict("records")
        lines = [f"Staffing of {self.base} by {self.kpi}: {len(rows) - 1} steps, {self.replications} replications"]
        lines.append(f"  start {'':<34}{rows[0]['value']:>10.2f}")
        for row in rows[1:]:
            half = (row["high"] - row["low"]) / 2
            what = f"  {row['step']}. {row['role']} {row['change']:+d} (then {row['people']}), cost {row['cost']:+g}"
            gain = f"{row['difference']:+.2f} ± {half:.2f} ({row['verdict']})"
            lines.append(f"{what:<42}{row['value']:>10.2f}   {gain}")
        if self.confirmation is not None:
            row = self.confirmation.answers[self.confirmation.answers["kpi"] == self.kpi].iloc[0].to_dict()
            half = (row["high"] - row["low"]) / 2
            lines.append(f"  confirmed with fresh random numbers: {row['difference']:+.2f} ± {half:.2f} in all")
        else:
            lines.append("  no change of one person helps by more than noise and tolerance")
        return "\n".join([*lines, *(f"  warning: {warning}" for warning in self.warnings)])

    def _repr_html_(self) -> str:
        shown, number = (self.steps, self.front), "{:.3g}".format
        tables = "".join(one.to_html(index=False, escape=True, na_rep="", float_format=number) for one in shown)
        return tables + "".join(f"<p>{escape(warning)}</p>" for warning in self.warnings)


def optimise(
    model: SimulationModel,
    *,
    roles: Sequence[str] | None = None,
    budget: int | None = None,
    cost: Mapping[str, float] | None = None,
    kpi: str = "cycle_mean_h",
    replications: int = 10,
    seed: int = 7,
    workers: int = 1,
    weeks: float = 26,
    confidence: float = 0.95,
    tolerance: float = 0.02,
    draws: int = 20,
    progress: Callable[[int, int], None] | None = None,
) -> Staffing:
    """Search for the staffing that improves a key figure most for its cost.

    Each step simulates one person more in each role, and one fewer where a role is busy less than half of the time, as
    paired experiments from the staffing reached so far. It keeps the person with the best gain per cost whose interval
    excludes 0; people who seem to help more than that one, but within noise, are first looked at again with four times
    the replications. Where nobody helps any more (or the budget is used), it spares the dearest person without whom a
    loss beyond the tolerance is excluded. It stops when neither is left. No role both grows and shrinks.

    The intervals of a step hold for all its changes and both looks at once (Bonferroni). Source: B. Fox (1966),
    Discrete optimization via marginal analysis, Management Science 13; exact for separable convex problems, which a
    queueing network is not.

    Parameters
    ----------
    model
        The start.
    roles
        Roles whose staffing may change; by default all that have work.
    budget
        People to add at most; None: as many as help. People spared do not add to it.
    cost
        Cost of a person per week by role; 1 where not given.
    kpi
        A key figure of `experiment` with a direction, e.g. `"cycle_mean_h"` or `"throughput_per_week"`.
    replications, seed, workers, weeks
        As in `experiment`; the result does not depend on `workers`.
    tolerance
        Share of the starting value: a smaller gain is not worth a person, and a smaller loss may pay for one.
    draws
        How often the confirmation draws the model's numbers from what is known of them, as in `experiment`. The search
        itself takes them for certain: whom it tries is compared on the same numbers, and a draw for each would take
        twice as long.
    progress
        Called with (runs done, runs planned so far); both grow from step to step.

    Raises `UnknownNameError` for a role or a key figure that does not exist, and `DataError` if a parameter is out of
    range.
    """
    check_draws(draws)
    question = Question(
        roles=_roles(model, roles),
        costs=_costs(model, cost),
        budget=_budget(budget),
        kpi=kpi,
        sign=1.0 if _direction(kpi) == "lower" else -1.0,
        tolerance=_tolerance(tolerance),
        confidence=confidence,
        settings={"replications": replications, "seed": seed, "workers": workers, "weeks": weeks},
    )
    clock = Clock(progress)
    found = search(model, question, clock)
    warnings = [GREEDY, *([UNSTABLE] if found.unstable else []), *found.opening.warnings]
    if len(found.steps) > 1:
        warnings.insert(1, WINNER)
    elif found.unstable:
        warnings.insert(1, TOGETHER)
    confirmation = _confirmed(model, found.here, question, clock, draws)
    if confirmation is not None and _doubtful(confirmation, question):
        warnings.insert(0, DOUBTFUL)
    warnings += unclear(found.tried, question.tolerance * abs(found.steps[0]["value"]))
    return Staffing(
        base=model.name,
        kpi=kpi,
        unit=key_figure(kpi).unit,
        steps=pd.DataFrame(found.steps, columns=COLUMNS),
        tried=pd.DataFrame(found.tried, columns=COLUMNS),
        front=_front(found.points, found.here, question),
        confirmation=confirmation,
        replications=replications,
        confidence=confidence,
        tolerance=question.tolerance,
        seed=seed,
        warnings=tuple(warnings),
        provenance=_provenance(found.opening, question, draws),
    )


def _provenance(opening: Experiment, question: Question, draws: int) -> Provenance:
    told = {key: value for key, value in question.settings.items() if key != "workers"}
    parameters = {
        "kpi": question.kpi,
        "roles": list(question.roles),
        "cost": dict(question.costs),
        "budget": question.budget,
        "tolerance": question.tolerance,
        "confidence": question.confidence,
        "draws": draws,
        **told,
    }
    return replace(opening.provenance, method=METHOD, parameters=parameters)


def unclear(tried: list[dict[str, Any]], margin: float) -> list[str]:
    """Say where a person within noise seemed to help more than the one kept: more replications would decide."""
    best = {row["step"]: row["gain_per_cost"] for row in tried if row["verdict"] == "kept"}
    return [
        f"step {row['step']}: {row['role']} +1 seems to help more than what was kept ({row['difference']:+.3g}, "
        f"{row['low']:.3g} to {row['high']:.3g}), but within noise; more replications would tell"
        for row in tried
        if row["verdict"] == "noise"
        and abs(row["difference"]) >= margin
        and row["gain_per_cost"] > best.get(row["step"], 0.0)
    ]


def _front(points: list[Point], here: Reached, question: Question) -> pd.DataFrame:
    better: Better = "lower" if question.sign > 0 else "higher"
    rows = [
        {
            "staffing": point.label,
            "cost": point.cost,
            "value": float(point.values.mean()),
            "recommended": point.changes == here.changes,
        }
        for point in pareto_front(points, better=better, confidence=question.confidence)
    ]
    return pd.DataFrame(rows, columns=["staffing", "cost", "value", "recommended"])


def _confirmed(
    model: SimulationModel, here: Reached, question: Question, clock: Clock, draws: int
) -> Experiment | None:
    """Ask about the recommended staffing once more, under random numbers that had no part in choosing it.

    Here what is not known of the model's numbers counts, with as many replications as it takes draws.
    """
    if not here.changes:
        return None
    fresh = int(Streams(question.settings["seed"]).generator("staffing", "confirmation").integers(2**31))
    runs = max(question.settings["replications"], draws if uncertain(model) else 0)
    staffing = [as_scenario(here.changes)]
    return question.ask(model, staffing, question.confidence, clock, seed=fresh, draws=draws, replications=runs)


def _doubtful(confirmation: Experiment, question: Question) -> bool:
    """Whether the staffing need not help at all, by what is known of the model."""
    row = confirmation.answers[confirmation.answers["kpi"] == question.kpi].iloc[0]
    added = any(change["do"] == "staff" and change["change"] > 0 for change in confirmation.scenarios[0].changes)
    return added and row["verdict"] == "noise"


# -- what the caller gives ---------------------------------------------------------------------------------------------


def _roles(model: SimulationModel, roles: Sequence[str] | None) -> tuple[str, ...]:
    needed = {one.role for one in model.activities.values()}
    able = tuple(role for role in model.roles if role in needed)
    if roles is None:
        if not able:
            raise DataError(f"{model.name}: no activity is done by a role, so there is no staffing to search")
        return able
    if isinstance(roles, str):
        raise DataError(f"roles={roles!r}: give a list of roles, e.g. roles=[{roles!r}]")
    for role in roles:
        if role not in able:
            raise UnknownNameError.of(kind="role", name=str(role), known=able, where=f"the work of {model.name}")
    if not roles:
        raise DataError("roles=[]: give at least one role, or None for all")
    return tuple(dict.fromkeys(roles))


def _costs(model: SimulationModel, cost: Mapping[str, float] | None) -> dict[str, float]:
    for role, value in (cost or {}).items():
        if role not in model.roles:
            raise UnknownNameError.of(kind="role", name=str(role), known=model.roles, where="cost")
        if isinstance(value, bool) or not isinstance(value, int | float) or not (value > 0 and isfinite(value)):
            raise DataError(f'cost of "{role}" is {value!r}; give a positive number per person and week')
    return {role: float((cost or {}).get(role, 1.0)) for role in model.roles}


def _budget(budget: int | None) -> int | None:
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int) or budget < 0):
        raise DataError(f"budget={budget!r}: give the number of people to add at most, 0 or more; None for no limit")
    return budget


def _tolerance(tolerance: float) -> float:
    if not 0 <= tolerance <= 0.5:
        raise DataError(f"tolerance={tolerance!r}: give a share of the starting value between 0 and 0.5, e.g. 0.02")
    return float(tolerance)


def _direction(kpi: str) -> Better:
    known = {one.key: one.better for one in KPIS}
    direction = known.get(kpi)
    if direction is None:
        raise UnknownNameError.of(kind="key figure with a direction", name=kpi, known=list(known))
    if direction == "neither":
        raise DataError(f'kpi="{kpi}" has no better direction; choose another one')
    return direction
