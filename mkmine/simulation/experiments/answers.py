"""From replications to answers: paired differences with intervals that hold together, and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.simulation.experiments.kpis import PERSON, ROLE, kpi
from mkmine.simulation.experiments.margins import Margins, margins, student
from mkmine.simulation.experiments.replication import Outcome

__all__ = ["GROWTH", "Doubtful", "Runs", "Strain", "Verdict", "answers", "half_widths", "level", "strained", "student"]

Floats = NDArray[np.float64]
Verdict = Literal["better", "worse", "changed", "noise", "negligible", "unstable", "unpaired"]
# Replications by scenario; the base is "".
Runs = Mapping[str, Sequence[Outcome]]
# The same of the models that these might be: of draws of their numbers (None), and of other shares of queueing.
Doubtful = Mapping[float | None, Runs]
# A difference surely below this share of the base decides nothing, however sure it is.
_NEGLIGIBLE = 0.01
# Work in progress that grows by less than this share of the arrivals may be noise of a busy but stable office.
GROWTH = 0.05
_NO_FREE_TIME, _HARDLY_FREE = 0.99, 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Strain:
    """Why a model is unstable: the role whose queue grows most, by how many pieces of work a week, and its load.

    `load` is the heaviest load of any roles that share people: the work that arrives as a share of what they can do in
    their hours. `role` is None where there is no role.
    """

    role: str | None
    per_week: float
    load: float


def level(confidence: float, comparisons: int) -> float:
    """Return the level of each interval so that all `comparisons` hold together with `confidence` (Bonferroni)."""
    return 1 - (1 - confidence) / max(comparisons, 1)


def answers(
    runs: Runs, confidence: float, strain: Mapping[str, Strain], doubtful: Doubtful | None = None
) -> pd.DataFrame:
    """Return one row per scenario and key figure; `confidence` is that of each interval."""
    keys = list(runs[""][0].values)
    base = _values(runs[""], keys)
    blocks = []
    for name in runs:
        if name == "":
            continue
        # Whoever is hired or leaves has figures on one side only.
        fresh = [key for key in runs[name][0].values if key not in runs[""][0].values]
        before = np.hstack([base, np.full((len(base), len(fresh)), np.nan)])
        after = _values(runs[name], keys + fresh)
        block = _block(
            name, keys + fresh, before, after, _margins(runs, name, keys + fresh, confidence, doubtful or {})
        )
        paired = [key in runs[name][0].values and key not in fresh for key in keys + fresh]
        unstable = bool({"", name} & set(strain))
        block["verdict"] = [
            _verdict(row, unstable=unstable, paired=both)
            for row, both in zip(block.to_dict("records"), paired, strict=True)
        ]
        blocks.append(block)
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=_COLUMNS)


_COLUMNS = [
    "scenario", "kpi", "unit", "base", "value", "difference", "low", "high", "simulation", "parameters", "least",
    "most", "relative", "replications", "verdict",
]  # fmt: skip


def _values(outcomes: Sequence[Outcome], keys: Sequence[str]) -> Floats:
    return np.array([[one.values.get(key, np.nan) for key in keys] for one in outcomes])


def _margins(runs: Runs, name: str, keys: Sequence[str], confidence: float, doubtful: Doubtful) -> Margins:
    """Return the intervals of the paired differences of a scenario from the base."""

    def differences(of: Runs) -> Floats:
        return _values(of[name], keys) - _values(of[""], keys)

    drawn = differences(doubtful[None]) if None in doubtful else np.empty((0, len(keys)))
    readings = {alpha: differences(of) for alpha, of in doubtful.items() if alpha is not None}
    return margins(differences(runs), drawn, readings, confidence)


def _block(name: str, keys: list[str], base: Floats, value: Floats, found: Margins) -> pd.DataFrame:
    """Return the rows of one scenario, without verdicts, from (replications, figures) of the base and of it."""
    difference = found.difference
    before, after = base.mean(axis=0), value.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(before != 0, difference / before, np.nan)
    return pd.DataFrame(
        {
            "scenario": name,
            "kpi": keys,
            "unit": [kpi(key).unit for key in keys],
            "base": before,
            "value": after,
            "difference": difference,
            "low": found.low,
            "high": found.high,
            "simulation": found.simulation,
            "parameters": found.parameters,
            "least": found.least,
            "most": found.most,
            "relative": relative,
            "replications": len(base),
        }
    )


def _verdict(row: Mapping[Any, Any], *, unstable: bool, paired: bool) -> Verdict:
    key, low, high = str(row["kpi"]), float(row["low"]), float(row["high"])
    if not paired:
        return "unpaired"
    if unstable and not key.startswith((ROLE, PERSON)):
        return "unstable"
    if not np.isfinite(row["difference"]) or low <= 0 <= high:
        return "noise"
    if max(abs(low), abs(high)) < _NEGLIGIBLE * abs(row["base"]):
        return "negligible"
    direction = kpi(key).better
    if direction == "neither":
        return "changed"
    return "better" if (row["difference"] < 0) == (direction == "lower") else "worse"


def half_widths(runs: Runs, confidence: float, keys: Sequence[str], doubtful: Doubtful | None = None) -> pd.DataFrame:
    """Return the half-widths of the paired differences for these key figures.

    Columns: `scenario`, `kpi`, `base` (mean), `half`, and its `floor`: what no number of replications makes smaller,
    because the numbers of the model are not known better.
    """
    base = _values(runs[""], keys)
    rows = []
    for name in runs:
        if name != "":
            found = _margins(runs, name, keys, confidence, doubtful or {})
            rows += [
                {"scenario": name, "kpi": key, "base": float(mean), "half": float(half), "floor": float(floor)}
                for key, mean, half, floor in zip(
                    keys, base.mean(axis=0), np.hypot(found.simulation, found.parameters), found.parameters, strict=True
                )
            ]
    return pd.DataFrame(rows, columns=["scenario", "kpi", "base", "half", "floor"])


def strained(runs: Runs, confidence: float) -> dict[str, Strain]:
    """Return the scenarios whose figures only say how long one simulates: more work arrives than is done.

    So it is where a role's people have no free time at all; or where the work in progress surely grew between the
    halves of the measured span by more than 5 % of the arrivals, and this is no passing thing: the people could hardly
    do all the work (a load of 95 %), or a limit or a batch keeps them from it.
    """
    return {name: _strain(outcomes) for name, outcomes in runs.items() if _overloaded(outcomes, confidence)}


def _overloaded(outcomes: Sequence[Outcome], confidence: float) -> bool:
    # Whoever may have several things in hand at once still has time while only one is.
    means = {key: float(np.mean([run.pressure.taken[key] for run in outcomes])) for key in outcomes[0].pressure.taken}
    if max((means[key] for key in means if key.startswith(ROLE)), default=0.0) > _NO_FREE_TIME:
        return True
    growth, half = student(np.array([[run.pressure.growth] for run in outcomes]), confidence)
    # An absence or a season lets the work in progress grow for a while, too.
    load = float(np.mean([run.pressure.load for run in outcomes]))
    busiest = max((means[key] for key in means if key.startswith(PERSON)), default=0.0)
    lasting = max(load, busiest) >= _HARDLY_FREE or any(run.pressure.limited for run in outcomes)
    return lasting and bool(growth[0] - half[0] > GROWTH)


def _strain(outcomes: Sequence[Outcome]) -> Strain:
    roles = outcomes[0].pressure.queues
    queues = {role: float(np.mean([one.pressure.queues[role] for one in outcomes])) for role in roles}
    load = float(np.mean([one.pressure.load for one in outcomes]))
    worst = max(queues, key=lambda role: queues[role], default=None)
    return Strain(role=worst, per_week=float("nan") if worst is None else queues[worst], load=load)
