"""Experiments: scenarios × replications under common random numbers, answered as paired differences with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from mkmine.calendars import DAY
from mkmine.discovery.process_map import records
from mkmine.errors import DataError
from mkmine.eventlog import EventLog, Provenance
from mkmine.eventlog.observation import as_observed
from mkmine.simulation.arrivals import arrival_times, midnight
from mkmine.simulation.engine import simulate
from mkmine.simulation.kpis import kpi, measure, utilisation
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.scenario import Scenario
from mkmine.streams import Streams

if TYPE_CHECKING:
    from mkmine.simulation.validation import Validation

__all__ = ["Experiment", "experiment"]

Verdict = Literal["better", "worse", "changed", "noise", "negligible", "unstable"]
# A difference surely below this share of the base decides nothing, however sure it is.
_NEGLIGIBLE = 0.01
_NO_FREE_TIME = 0.99
METHOD = "paired replications under common random numbers, Student t interval"
_FEWEST, _MOST = 2, 10_000
_MOST_WORKERS = 64


@dataclass(frozen=True, kw_only=True, repr=False)
class Experiment:
    """What the scenarios change, with its uncertainty.

    Attributes
    ----------
    answers
        One row per scenario and key figure: `base` and `value` (means over replications), `difference` with its
        confidence interval `low`..`high`, `relative` (difference / base), `replications`, `verdict`. The verdict is
        `"noise"` where the interval includes 0; `"negligible"` where it lies within 1 % of the base; `"unstable"` where
        the work in progress of the scenario or of the base grows without end, so that its figures only depend on how
        long one simulates.
    kpis
        One row per scenario, replication and key figure: the raw values.
    logs
        The simulated log of replication 0 of each scenario, and of the base.
    warnings
        What a reader must know before believing an answer.
    """

    base: str
    scenarios: tuple[Scenario, ...]
    answers: pd.DataFrame
    kpis: pd.DataFrame
    logs: Mapping[str, EventLog]
    confidence: float
    replications: int
    seed: int
    weeks: float
    warm_up_weeks: float
    warnings: tuple[str, ...]
    provenance: Provenance
    validation: Validation | None = field(default=None)

    def answer(self, scenario: str, key: str = "cycle_mean_h") -> pd.Series:
        """Return one row of `answers`. Raises `DataError` if there is none."""
        rows = self.answers[(self.answers["scenario"] == scenario) & (self.answers["kpi"] == key)]
        if rows.empty:
            names = ", ".join(f'"{one.name}"' for one in self.scenarios)
            raise DataError(f'the experiment has no answer for scenario "{scenario}", kpi "{key}"; scenarios: {names}')
        return rows.iloc[0]

    def to_pandas(self) -> pd.DataFrame:
        """Return the answers."""
        return self.answers.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "base": self.base,
            "scenarios": [one.to_dict() for one in self.scenarios],
            "answers": records(self.answers),
            "replications": self.replications,
            "confidence": self.confidence,
            "seed": self.seed,
            "weeks": self.weeks,
            "warm_up_weeks": self.warm_up_weeks,
            "warnings": list(self.warnings),
            "provenance": self.provenance.to_dict(),
            "validation": None if self.validation is None else self.validation.to_dict(),
        }

    def __repr__(self) -> str:
        lines = [f"Experiment on {self.base}: {self.replications} paired replications of {self.weeks:g} weeks"]
        for scenario in self.scenarios:
            lines.append(f"  {scenario.name}")
            rows = self.answers[self.answers["scenario"] == scenario.name]
            for _, row in rows[~rows["kpi"].str.startswith("utilisation")].iterrows():
                half = (row["high"] - row["low"]) / 2
                lines.append(
                    f"    {row['kpi']:<24}{row['base']:>10.2f} -> {row['value']:>8.2f}   "
                    f"{row['difference']:+.2f} ± {half:.2f} ({row['verdict']})"
                )
        return "\n".join([*lines, *(f"  warning: {warning}" for warning in self.warnings)])

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{escape(warning)}</p>" for warning in self.warnings)
        return self.answers.to_html(index=False, escape=True, float_format="{:.3g}".format) + notes


def experiment(
    model: SimulationModel,
    scenarios: Sequence[Scenario],
    *,
    replications: int = 30,
    seed: int = 7,
    weeks: float = 26,
    warm_up_weeks: float | None = None,
    confidence: float = 0.95,
    workers: int = 1,
    validation: Validation | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Experiment:
    """Ask what each scenario would change.

    Every scenario sees the same arrivals and the same draws as the base in the same replication, so the difference is
    of what the scenario changes and not of luck; its interval is Student's over the replications. Figures are of the
    cases that begin in `weeks`, after a warm-up in which the empty system fills, and while cases go on arriving after
    them until they are done. Of a model that replays a period (`until`) these are its last weeks.

    Parameters
    ----------
    model, scenarios
        The base and what to change in it. Scenario names are unique.
    replications
        At least 2.
    weeks, warm_up_weeks
        The measured span, and the warm-up before it (default: a third of `weeks`, at least 8).
    workers
        Processes; the result does not depend on their number.
    progress
        Called with (runs done, runs in all).

    Raises `DataError` if a parameter is out of range or two scenarios have one name, and what `Scenario.apply` raises.
    """
    warm = max(8.0, weeks / 3) if warm_up_weeks is None else float(warm_up_weeks)
    _check(scenarios, replications, weeks, warm, confidence, workers)
    if model.name in {one.name for one in scenarios}:
        raise DataError(f'a scenario is called "{model.name}", as the model is; give it its own name')
    models = {"": model, **{one.name: one.apply(model) for one in scenarios}}
    tasks = [
        _Task(name, changed, seed, replication, weeks, warm)
        for replication in range(replications)
        for name, changed in models.items()
    ]
    results: list[_Outcome] = []
    for result in _results(tasks, workers):
        results.append(result)
        if progress is not None:
            progress(len(results), len(tasks))
    table = pd.DataFrame(
        [
            {"scenario": result.scenario or model.name, "replication": result.replication, "kpi": key, "value": value}
            for result in results
            for key, value in result.values.items()
        ]
    )
    answers, warnings = _answers(results, list(models)[1:], confidence)
    logs = {result.scenario or model.name: result.log for result in results if result.log is not None}
    base_log = logs[model.name]
    trust = () if validation is None or validation.grade == "good" else (validation.warning,)
    return Experiment(
        base=model.name,
        scenarios=tuple(scenarios),
        answers=answers,
        kpis=table,
        logs=logs,
        confidence=confidence,
        replications=replications,
        seed=seed,
        weeks=weeks,
        warm_up_weeks=warm,
        warnings=(*trust, *warnings, *model.notes),
        provenance=base_log.provenance(METHOD, replications=replications, seed=seed, confidence=confidence),
        validation=validation,
    )


@dataclass(frozen=True, slots=True)
class _Task:
    scenario: str
    model: SimulationModel
    seed: int
    replication: int
    weeks: float
    warm_up_weeks: float


@dataclass(frozen=True, slots=True)
class _Outcome:
    scenario: str
    replication: int
    values: dict[str, float]
    growth: float
    log: EventLog | None


def _run(task: _Task) -> _Outcome:
    """Simulate one scenario once and measure it."""
    week = 7 * DAY
    model = _latest(task.model, task.warm_up_weeks + task.weeks)
    first = midnight(model.start, model.time_zone)
    window = (first + int(task.warm_up_weeks * week), first + int((task.warm_up_weeks + task.weeks) * week))
    streams = Streams(task.seed, replication=task.replication)
    # Cases keep arriving after the window, or the last ones measured would meet an emptying office.
    arrivals = arrival_times(model, streams, weeks=2 * task.warm_up_weeks + task.weeks)
    log = simulate(model, seed=task.seed, replication=task.replication, arrivals=arrivals)
    values = measure(log, window) | utilisation(log, model, window)
    seen = as_observed(log, window) if task.replication == 0 else None
    return _Outcome(task.scenario, task.replication, values, _growth(log, window), seen)


def _latest(model: SimulationModel, weeks: float) -> SimulationModel:
    """Return the model begun so that the weeks end with the period it replays, if that is long enough."""
    if model.until is None:
        return model
    return model.model_copy(update={"start": max(model.start, model.until - timedelta(days=round(7 * weeks)))})


def _growth(log: EventLog, window: tuple[int, int]) -> float:
    """Return by what share of the arrivals the work in progress grew between the halves of the window."""
    heads = log.offsets[:-1]
    begin = np.minimum.reduceat(log.start if log.enabled is None else log.enabled, heads)
    finish = np.maximum.reduceat(log.end, heads)
    points = np.linspace(window[0], window[1], 41)
    progress = np.searchsorted(np.sort(begin), points) - np.searchsorted(np.sort(finish), points)
    arrived = max(int(((begin >= window[0]) & (begin < window[1])).sum()), 1)
    return float((progress[21:].mean() - progress[:20].mean()) / arrived)


def _results(tasks: list[_Task], workers: int) -> Any:
    if workers == 1:
        return map(_run, tasks)
    return _in_processes(tasks, workers)


def _in_processes(tasks: list[_Task], workers: int) -> Any:
    with ProcessPoolExecutor(max_workers=min(workers, len(tasks), _MOST_WORKERS)) as pool:
        yield from pool.map(_run, tasks)


def _check(
    scenarios: Sequence[Scenario], replications: int, weeks: float, warm: float, confidence: float, workers: int
) -> None:
    if not _FEWEST <= replications <= _MOST:
        raise DataError(
            f"replications={replications}: an interval needs at least {_FEWEST}, and over {_MOST:,} gain nothing "
            f"more; 30 is a good start"
        )
    if not 1 <= weeks <= 520:
        raise DataError(f"weeks={weeks}: give between 1 and 520 weeks")
    if not 0 <= warm <= 520:
        raise DataError(f"warm_up_weeks={warm:g}: give between 0 and 520 weeks")
    if not 0.5 <= confidence < 1:
        raise DataError(f"confidence={confidence}: give a share between 0.5 and 1, e.g. 0.95")
    if workers < 1:
        raise DataError(f"workers={workers}: give at least 1")
    names = [one.name for one in scenarios]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f'two scenarios are called "{name}"; give each its own name')


def _answers(results: list[_Outcome], scenarios: list[str], confidence: float) -> tuple[pd.DataFrame, list[str]]:
    """Return the paired differences with intervals and verdicts, and the warnings."""
    outcomes: dict[str, list[_Outcome]] = {}
    for result in results:
        outcomes.setdefault(result.scenario, []).append(result)
    unstable = {name for name, runs in outcomes.items() if _overloaded(runs, confidence)}
    rows = []
    for name in scenarios:
        for key in outcomes[""][0].values:
            base = np.array([run.values[key] for run in outcomes[""]])
            value = np.array([run.values.get(key, float("nan")) for run in outcomes[name]])
            rows.append(_answer(name, key, base, value, confidence, unstable=bool({"", name} & unstable)))
    warnings = []
    for name in sorted(unstable):
        who = f'scenario "{name}"' if name else "the base model"
        warnings.append(f"unstable: in {who} more work arrives than is done, so its times grow with the simulated span")
    return pd.DataFrame(rows), warnings


def _answer(name: str, key: str, base: Any, value: Any, confidence: float, *, unstable: bool) -> dict[str, Any]:
    difference = value - base
    low, high = _interval(difference, confidence)
    mean = float(difference.mean())
    direction = kpi(key).better
    verdict: Verdict
    if low <= 0 <= high or not np.isfinite(mean):
        verdict = "noise"
    elif max(abs(low), abs(high)) < _NEGLIGIBLE * abs(float(base.mean())):
        verdict = "negligible"
    elif direction == "neither":
        verdict = "changed"
    else:
        verdict = "better" if (mean < 0) == (direction == "lower") else "worse"
    base_mean = float(base.mean())
    return {
        "scenario": name,
        "kpi": key,
        "unit": kpi(key).unit,
        "base": base_mean,
        "value": float(value.mean()),
        "difference": mean,
        "low": low,
        "high": high,
        "relative": mean / base_mean if base_mean else float("nan"),
        "replications": len(base),
        "verdict": "unstable" if unstable and not key.startswith("utilisation") else verdict,
    }


def _interval(values: Any, confidence: float) -> tuple[float, float]:
    """Return Student's interval of the mean."""
    from scipy.special import stdtrit

    n = len(values)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * float(values.std(ddof=1)) / np.sqrt(n)
    return float(values.mean() - half), float(values.mean() + half)


def _overloaded(runs: list[_Outcome], confidence: float) -> bool:
    """Whether a role has no free time at all, or the work in progress grows."""
    roles = [key for key in runs[0].values if key.startswith("utilisation")]
    busiest = max((np.mean([run.values[key] for run in runs]) for key in roles), default=0.0)
    return bool(busiest > _NO_FREE_TIME) or _grows([run.growth for run in runs], confidence)


def _grows(growth: list[float], confidence: float) -> bool:
    """Whether the work in progress grew between the halves by over 5 % of the arrivals, beyond its noise."""
    return _interval(np.asarray(growth), confidence)[0] > 0.05
