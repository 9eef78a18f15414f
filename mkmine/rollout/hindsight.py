"""Would the model have known? A past change, predicted from what was known before it, against what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from mkmine.calendars import DAY
from mkmine.discovery.process_map import records
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.rollout.effect import Effect, effect
from mkmine.rollout.window import ARRIVALS
from mkmine.simulation import Scenario, SimulationModel, calibrate, experiment
from mkmine.simulation.experiments.kpis import WEEK
from mkmine.simulation.model.arrivals import midnight

__all__ = ["Hindsight", "hindsight"]

# A smaller change of the demand is not worth a place in the scenario.
_SLIGHT = 0.02
NO_CHANGE = "Neither the demand nor the staff changed: the prediction is that nothing else did."


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Hindsight:
    """A past change as the model of the time before it predicts it, and as it came.

    Attributes
    ----------
    effect
        What was observed, with the verdict on the prediction.
    scenario
        What is known to have changed: the demand and the staff, as observed, and what the caller tells.
    answers
        The prediction, key figure by key figure (`Experiment.answers`).
    staff
        People a week by role: `before`, `after`, and the whole people by which the scenario changes it (`change`).
    demand
        Arrivals after, as a multiple of those before.
    warnings
        What makes the comparison doubtful.
    """

    effect: Effect
    scenario: Scenario
    answers: pd.DataFrame
    staff: pd.DataFrame
    demand: float
    warnings: tuple[str, ...]

    def to_pandas(self) -> pd.DataFrame:
        """Return what was observed and predicted of each key figure that both tell of."""
        observed = self.effect.figures.set_index("kpi")[["before", "after", "difference", "low", "high"]]
        predicted = self.answers.set_index("kpi")[["base", "difference", "low", "high"]].add_prefix("predicted_")
        return observed.join(predicted, how="inner").reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "effect": self.effect.to_dict(),
            "scenario": self.scenario.to_dict(),
            "answers": records(self.answers),
            "staff": records(self.staff),
            "demand": self.demand,
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        lines = [f"Hindsight on {self.effect.change} in {self.effect.log}: arrivals × {self.demand:.2f}"]
        for row in self.staff.to_dict("records"):
            if row["change"]:
                lines.append(f"  {row['role']}: {row['before']:.1f} -> {row['after']:.1f} people a week")
        for row in self.to_pandas().to_dict("records"):
            lines.append(
                f"  {row['kpi']:<22}predicted {row['predicted_difference']:+.2f} [{row['predicted_low']:+.2f}, "
                f"{row['predicted_high']:+.2f}]   observed {row['difference']:+.2f} [{row['low']:+.2f}, "
                f"{row['high']:+.2f}]"
            )
        lines.append(f"  {self.effect.kpi}: {self.effect.verdict}; {self.effect.reason}")
        return "\n".join([*lines, *(f"  warning: {one}" for one in self.warnings)])

    def _repr_html_(self) -> str:
        said = f"<p>{escape(str(self.effect.verdict))}: {escape(self.effect.reason)}</p>"
        return said + self.to_pandas().to_html(index=False, escape=True, float_format="{:.3g}".format)


def hindsight(
    log: EventLog,
    change: str | date,
    *,
    scenario: Scenario | None = None,
    kpi: str = "cycle_mean_h",
    weeks_before: int | None = None,
    weeks_after: int | None = None,
    replications: int = 20,
    seed: int = 7,
) -> Hindsight:
    """Predict the time after a change from the time before it, and compare.

    The model is calibrated on what was known on the day of the change. The demand and the number of people changed as
    the log shows; what else is known to have changed, the caller tells. The predicted difference is then judged by the
    observed one, as any prediction is (`mkmine.rollout.effect`). A drift that `mkmine.drift` finds is a natural
    experiment of this kind.

    Parameters
    ----------
    change
        First day on which the change holds.
    scenario
        What was decided on that day, other than about the demand and the number of people.
    kpi
        The figure to judge, as in `mkmine.effect`.
    weeks_before, weeks_after
        Whole weeks of each window; see `mkmine.effect`.
    replications, seed
        Of the experiment.

    Raises `DataError` if there is too little before or after the change to compare, or to calibrate on.
    """
    span: dict[str, Any] = {"kpi": kpi, "weeks_before": weeks_before, "weeks_after": weeks_after, "seed": seed}
    seen = effect(log, change, **span)
    day = date.fromisoformat(seen.change)
    past = as_observed(log, (log.observed[0], midnight(day, log.time_zone)))
    model = calibrate(past, name=log.name)
    arrivals = seen.figures.set_index("kpi").loc[ARRIVALS].to_dict()
    demand = float(arrivals["after"]) / float(arrivals["before"])
    staff = _staff(log, model, seen)
    known = _known(demand, staff)
    asked = known if scenario is None else known & scenario
    windows = _windows(log, seen)
    weeks = (windows[1][1] - windows[1][0]) / WEEK
    answer = experiment(model, [asked], replications=replications, seed=seed, weeks=weeks, draws=min(replications, 20))
    table = answer.answers
    foretold = table[table["kpi"] == kpi]
    if foretold.empty:
        raise DataError(f"{log.name}: the simulation tells nothing of {kpi}; ask for another figure")
    judged = effect(log, change, predicted=foretold.iloc[0], **span)
    nothing = [NO_CHANGE] if not asked.changes else []
    return Hindsight(
        effect=judged,
        scenario=asked,
        answers=table,
        staff=staff,
        demand=demand,
        warnings=(*judged.warnings, *nothing, *model.notes),
    )


def _windows(log: EventLog, seen: Effect) -> tuple[tuple[int, int], tuple[int, int]]:
    before, after = (
        tuple(midnight(date.fromisoformat(end), log.time_zone) for end in ends) for ends in (seen.before, seen.after)
    )
    return (before[0], before[1] + DAY), (after[0], after[1] + DAY)


def _staff(log: EventLog, model: SimulationModel, seen: Effect) -> pd.DataFrame:
    """Return how many people a week did the work of each role before and after."""
    roles = {name: one.role for name, one in model.activities.items()}
    of_row = np.array([roles.get(name) or "" for name in log.activities], dtype=object)[log.activity]
    rows = []
    for role in model.roles:
        mine = (of_row == role) & (log.resource >= 0)
        before, after = (_people_a_week(log, mine, window) for window in _windows(log, seen))
        change = max(round(after - before), 1 - len(model.staff(role)))
        rows.append({"role": role, "before": before, "after": after, "change": change})
    return pd.DataFrame(rows, columns=["role", "before", "after", "change"])


def _people_a_week(log: EventLog, rows: np.ndarray[Any, Any], window: tuple[int, int]) -> float:
    inside = rows & (log.start >= window[0]) & (log.start < window[1])
    week = (log.start[inside] - window[0]) // WEEK
    pairs = np.unique(np.column_stack((week, log.resource[inside])), axis=0)
    return len(pairs) / ((window[1] - window[0]) / WEEK)


def _known(demand: float, staff: pd.DataFrame) -> Scenario:
    """Return the changes of demand and staff that a log shows, as a scenario."""
    found = Scenario("as observed")
    if abs(demand - 1) > _SLIGHT:
        found = found.arrivals(factor=demand)
    for row in staff.to_dict("records"):
        if row["change"]:
            found = found.staff(str(row["role"]), int(row["change"]))
    return found
