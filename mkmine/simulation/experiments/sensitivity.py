"""What the answer hangs on: every input changed one at a time, under the same random numbers (a tornado table)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from mkmine.discovery.process_map import records
from mkmine.errors import DataError, UnknownNameError
from mkmine.executors import Place
from mkmine.language import Language, translator
from mkmine.simulation.experiments.chart import Chart, Row, bars
from mkmine.simulation.experiments.experiment import Experiment, experiment
from mkmine.simulation.experiments.kpis import known, names
from mkmine.simulation.experiments.kpis import kpi as key_figure
from mkmine.simulation.experiments.wording import input_name, kpi_name, kpi_value, percent_change
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.scenarios.scenario import Scenario

__all__ = ["Factor", "Sensitivity", "sensitivity"]

Kind = Literal["arrivals", "staff", "duration", "rework", "delay"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_BAR = 16


@dataclass(frozen=True, slots=True)
class Factor:
    """An input of a model: what kind it is, and of which activity or role (nothing for arrivals)."""

    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}" if self.name else self.kind

    def scenario(self, setting: float) -> Scenario:
        """Return the scenario that multiplies the input by `setting`, or adds so many people."""
        if self.kind == "staff":
            return Scenario(f"{self} {setting:+g}").staff(self.name, int(setting))
        named = Scenario(f"{self} × {setting:g}")
        if self.kind == "arrivals":
            return named.arrivals(factor=setting)
        return getattr(named, self.kind)(self.name, factor=setting)  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True, repr=False)
class Sensitivity:
    """How much a key figure changes with each input.

    Attributes
    ----------
    table
        One row per input, the one that matters most first: `factor`, `kind`, `name`; for the lower and the higher
        setting `less` and `more` (a factor, or people), their scenarios `less_scenario` and `more_scenario`, the
        differences from the base `less_difference` and `more_difference` with the half-widths `less_half` and
        `more_half` and the verdicts `less_verdict` and `more_verdict` (as in `Experiment.answers`; the intervals of all
        settings hold together); `swing`, the larger of the two changes beyond doubt: its size without the half-width,
        infinite where a setting makes the process unstable, 0 within noise. NaN where a setting is impossible (the last
        person of a role).
    base
        The key figure as it is.
    experiment
        The paired answers that the table is made of.
    """

    kpi: str
    change: float
    base: float
    table: pd.DataFrame
    experiment: Experiment

    @property
    def unit(self) -> str:
        """Unit of the key figure."""
        return key_figure(self.kpi).unit

    def to_pandas(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "kpi": self.kpi,
            "unit": self.unit,
            "base": self.base,
            "change": self.change,
            "table": records(self.table),
            "replications": self.experiment.replications,
            "seed": self.experiment.seed,
            "warnings": list(self.experiment.warnings),
            "provenance": self.experiment.provenance.to_dict(),
        }

    def __repr__(self) -> str:
        lines = [f"Sensitivity of {self.kpi} ({self.base:.4g} {self.unit}), inputs changed by {self.change:.0%}:"]
        width = max((len(row) for row in self.table["factor"]), default=0)
        for row, left, right in self._bars():
            said = f"{row['less_difference']:+9.3g} | {row['more_difference']:+.3g}".replace("+nan", "—")
            lines.append(f"  {row['factor']:<{width}}  {'█' * left:>{_BAR}}|{'█' * right:<{_BAR}}  {said}")
        return "\n".join(lines)

    def _bars(self) -> Iterator[tuple[dict[Any, Any], int, int]]:
        """Give each row with the length of its bars, what makes the figure smaller to the left."""
        sides = self.table[["less_difference", "more_difference"]].fillna(0.0)
        stable = self.table[["less_verdict", "more_verdict"]].to_numpy() != "unstable"
        largest = float(np.abs(sides.to_numpy()[stable]).max(initial=0.0)) or 1.0
        for row, pair in zip(self.table.to_dict("records"), sides.to_numpy(), strict=True):
            lengths = np.minimum(np.ceil(_BAR * np.abs(pair) / largest - 1e-9), _BAR).astype(int)
            left = max((int(n) for n, value in zip(lengths, pair, strict=True) if value < 0), default=0)
            right = max((int(n) for n, value in zip(lengths, pair, strict=True) if value > 0), default=0)
            yield row, left, right

    def chart(self, *, language: Language = "en") -> Chart:
        """Draw the tornado: what each input moves when it is less, and when it is more, what matters most on top."""
        t = translator(language)
        answers = self.experiment.answers
        told = answers[answers["kpi"] == self.kpi].set_index("scenario", drop=False).to_dict("index")
        rows, found = [], []
        for row in self.table.to_dict("records"):
            drawn = []
            for side, sign in (("less", -1), ("more", 1)):
                one = told.get(row[f"{side}_scenario"])
                if one is not None:
                    setting = f"{sign:+d}" if row["kind"] == "staff" else percent_change(sign * self.change, t)
                    before = setting.replace("-", "\u2212") + ": "
                    drawn.append(self.experiment.bar(one, language=language, before=before))
                    found.append(one)
            rows.append(Row(label=input_name(row["kind"], row["name"], t), bars=tuple(drawn)))
        now = kpi_value(self.kpi, self.base, t, day=self.experiment.day)
        title = t("{kpi}: now {value}", kpi=kpi_name(self.kpi, t), value=now)
        return bars(title, rows, **self.experiment.axis(self.kpi, found, language=language))

    def _repr_html_(self) -> str:
        return self.chart()._repr_html_() + self.table.to_html(
            index=False, escape=True, na_rep="", float_format="{:.3g}".format
        )


def sensitivity(
    model: SimulationModel,
    *,
    kpi: str = "cycle_mean_h",
    change: float = 0.2,
    kinds: Sequence[Kind] = KINDS,
    replications: int = 20,
    seed: int = 7,
    weeks: float = 26,
    warm_up_weeks: float | None = None,
    sla_h: float | None = None,
    confidence: float = 0.95,
    workers: int = 1,
    executor: Place = "processes",
    study: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sensitivity:
    """Change every input of a model, one at a time, and see how far a key figure moves.

    Arrivals, the duration of each activity, the probability of each way back and each outside wait are multiplied by
    1 - `change` and 1 + `change`; each role gets one person fewer and one more. All settings are scenarios of one
    experiment, under the same random numbers, with intervals that hold for all of them together. What inputs do
    together is not seen: two that are harmless alone may fill a queue. Source of the display: Howard (1988), Decision
    analysis: practice and promise, Management Science 34.

    Parameters
    ----------
    kpi
        The key figure to look at.
    change
        Share by which inputs are changed, between 0 and 0.9.
    kinds
        Which kinds of inputs: `"arrivals"`, `"staff"`, `"duration"`, `"rework"`, `"delay"`.
    replications, seed, weeks, warm_up_weeks, sla_h, confidence, workers, executor, study, progress
        As in `experiment`.

    Raises `UnknownNameError` for an unknown key figure or kind, and `DataError` if a parameter is out of range.
    """
    if not known(kpi):
        raise UnknownNameError.of(kind="key figure", name=kpi, known=names(), where="sensitivity")
    if not 0 < change <= 0.9:
        raise DataError(f"change={change!r}: give a share between 0 and 0.9, e.g. 0.2 for 20 % more and less")
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError.of(kind="kind of input", name=str(kind), known=KINDS, where="sensitivity")
    settings = _settings(model, [one for one in _factors(model) if one.kind in kinds], change)
    found = experiment(
        model,
        [scenario for pair in settings.values() for scenario in pair.values()],
        replications=replications,
        seed=seed,
        weeks=weeks,
        warm_up_weeks=warm_up_weeks,
        sla_h=sla_h,
        confidence=confidence,
        draws=0,
        workers=workers,
        executor=executor,
        study=study,
        progress=progress,
    )
    rows = found.answers[found.answers["kpi"] == kpi].set_index("scenario")
    if rows.empty:
        raise UnknownNameError.of(kind="key figure", name=kpi, known=list(found.answers["kpi"].unique()))
    told = rows.to_dict("index")
    table = pd.DataFrame([_row(factor, pair, told) for factor, pair in settings.items()])
    order = table[["less_difference", "more_difference"]].abs().max(axis=1)
    table = table.assign(_=order).sort_values(["swing", "_"], ascending=False, kind="stable", ignore_index=True)
    return Sensitivity(
        kpi=kpi, change=change, base=float(rows["base"].iloc[0]), table=table.drop(columns="_"), experiment=found
    )


def _factors(model: SimulationModel) -> list[Factor]:
    """Return every input that a scenario can change."""
    needed = {one.role for one in model.activities.values()}
    out = [Factor("arrivals"), *(Factor("staff", role) for role in model.roles if role in needed)]
    out += [Factor("duration", name) for name, one in model.activities.items() if one.role is not None]
    out += [Factor("rework", name) for name in model.activities]
    return out + [Factor("delay", name) for name in model.activities]


def _settings(model: SimulationModel, factors: Sequence[Factor], change: float) -> dict[Factor, dict[float, Scenario]]:
    """Return the scenarios of each input by setting; what a model has no place for is left out."""
    out = {}
    for factor in factors:
        pair = (-1.0, 1.0) if factor.kind == "staff" else (round(1 - change, 9), round(1 + change, 9))
        able = {setting: factor.scenario(setting) for setting in pair if _possible(model, factor.scenario(setting))}
        if able:
            out[factor] = able
    if not out:
        raise DataError(f"{model.name}: there is no input of these kinds to change; give other kinds")
    return out


def _possible(model: SimulationModel, scenario: Scenario) -> bool:
    try:
        scenario.apply(model)
    except DataError:
        return False
    return True


def _row(factor: Factor, pair: dict[float, Scenario], rows: dict[Any, dict[Any, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {"factor": str(factor), "kind": factor.kind, "name": factor.name}
    swings = []
    neutral = 0.0 if factor.kind == "staff" else 1.0
    for side, chosen in (("less", [s for s in pair if s < neutral]), ("more", [s for s in pair if s > neutral])):
        row = rows[pair[chosen[0]].name] if chosen else None
        difference, half, verdict = float("nan"), float("nan"), ""
        if row is not None:
            difference, verdict = float(row["difference"]), str(row["verdict"])
            half = float(row["high"] - row["low"]) / 2
            swings.append(float("inf") if verdict == "unstable" else max(abs(difference) - half, 0.0))
        out |= {
            side: chosen[0] if chosen else float("nan"),
            f"{side}_scenario": pair[chosen[0]].name if chosen else "",
            f"{side}_difference": difference,
            f"{side}_half": half,
            f"{side}_verdict": verdict,
        }
    return out | {"swing": max(swings, default=0.0)}
