"""What an experiment found: the answers, the raw figures, the simulated logs, and what a reader must know of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mkmine.discovery.process_map import records
from mkmine.errors import DataError
from mkmine.eventlog import EventLog, Provenance
from mkmine.language import Language, translator, unit_of
from mkmine.simulation.experiments.answers import Strain, student
from mkmine.simulation.experiments.chart import Bar, Chart, Row, Tone, bars
from mkmine.simulation.experiments.kpis import PERSON, ROLE
from mkmine.simulation.experiments.kpis import kpi as key_figure
from mkmine.simulation.experiments.stopping import Stopping
from mkmine.simulation.experiments.wording import kpi_name, kpi_value, verdict_sentence, verdict_text
from mkmine.simulation.scenarios.scenario import Scenario

if TYPE_CHECKING:
    from mkmine.simulation.validation import Validation

__all__ = ["Experiment"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Experiment:
    """What the scenarios change, with its uncertainty.

    Attributes
    ----------
    answers
        One row per scenario and key figure: `base` and `value` (means over replications), `difference` with its
        confidence interval `low`..`high`, `relative` (difference / base), `replications`, `verdict`; `simulation` and
        `parameters`, the half-widths that chance alone and what is not known of the model's numbers alone would give;
        `least` and `most`, the differences between which the answer lies depending on how much of the waiting is
        queueing, where the log leaves that open (NaN where it does not). The verdict is `"noise"` where the interval
        includes 0; `"negligible"` where it lies within 1 % of the base; `"unstable"` where the work in progress of the
        scenario or of the base grows without end, so that its figures only depend on how long one simulates;
        `"unpaired"` for people who are there on one side only. `assumed`: the scenario rests on what somebody says and
        nobody has measured. A figure is that of an average span of `weeks` weeks:
        its mean over replications, percentiles too.
    kpis
        One row per scenario, replication and key figure: the raw values.
    logs
        The simulated log of replication 0 of each scenario, and of the base.
    forecasts
        One row per model (the base too) and key figure: `value`, and the band `low`..`high` in which 95 % of such
        spans lie, with what is not known of the model and, of a validated one, with what changes from period to period
        (`change`).
    comparisons
        The intervals of one key figure hold for so many scenarios at once (1: each for itself).
    strain
        Of each unstable scenario (the base by its own name): whose queue grows, and how fast.
    stopping
        Why no more replications were made.
    warm_up
        How `warm_up_weeks` was found: `"given"`, `"usual"` (a third of the measured span, at least 8 weeks) or
        `"MSER-5"`; `"observed"` where the simulation began with the work in progress, without a warm-up.
    study
        The folder that holds the study, if it was kept.
    warnings
        What a reader must know before believing an answer.
    notes
        Of scenarios that are models of their own: what was borrowed and assumed for them.
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
    forecasts: pd.DataFrame = field(default_factory=pd.DataFrame)
    comparisons: int = 1
    strain: Mapping[str, Strain] = field(default_factory=dict)
    stopping: Stopping | None = None
    warm_up: str = "given"
    study: str | None = None
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def answer(self, scenario: str, key: str = "cycle_mean_h") -> pd.Series:
        """Return one row of `answers`. Raises `DataError` if there is none."""
        rows = self.answers[(self.answers["scenario"] == scenario) & (self.answers["kpi"] == key)]
        if rows.empty:
            names = ", ".join(f'"{one.name}"' for one in self.scenarios)
            raise DataError(f'the experiment has no answer for scenario "{scenario}", kpi "{key}"; scenarios: {names}')
        return rows.iloc[0]

    def verdicts(self, *, kpi: str = "cycle_mean_h", language: Language = "en") -> list[str]:
        """Return one plain sentence per scenario about a key figure. Raises `DataError` if it was not measured."""
        t = translator(language)
        rows = (self.answer(one.name, kpi) for one in self.scenarios)
        return [f"{row['scenario']}: {self.sentence(row.to_dict(), language=t.language)}" for row in rows]

    def sentence(self, row: Mapping[Any, Any], *, language: Language = "en") -> str:
        """Return what one row of `answers` says, in a sentence."""
        return verdict_sentence(row, translator(language), day=self.day, strain=self.strain_of(str(row["scenario"])))

    def strain_of(self, scenario: str) -> Strain | None:
        """Return why a scenario's answers mean nothing: its own strain, or that of the base; None if they do."""
        return self.strain.get(scenario) or self.strain.get(self.base)

    def compared(self, kpi: str = "cycle_mean_h", *, language: Language = "en") -> pd.DataFrame:
        """Return a table for readers: each scenario, a key figure now and with it, and the verdict in plain words.

        Raises `DataError` if the key figure was not measured.
        """
        t = translator(language)
        rows = [self.answer(one.name, kpi).to_dict() for one in self.scenarios]
        return pd.DataFrame(
            [
                {
                    t("Scenario"): row["scenario"],
                    t("Now"): kpi_value(kpi, row["base"], t, day=self.day),
                    t("With it"): kpi_value(kpi, row["value"], t, day=self.day),
                    t("Verdict"): verdict_text(row, t, day=self.day, strain=self.strain_of(row["scenario"])),
                }
                for row in rows
            ],
            columns=[t("Scenario"), t("Now"), t("With it"), t("Verdict")],
        )

    def chart(self, kpi: str = "cycle_mean_h", *, language: Language = "en") -> Chart:
        """Draw what each scenario does to a key figure, with its interval.

        Raises `DataError` if the key figure was not measured.
        """
        t = translator(language)
        found = [self.answer(one.name, kpi).to_dict() for one in self.scenarios]
        drawn = [Row(label=str(row["scenario"]), bars=(self.bar(row, language=language),)) for row in found]
        name = kpi_name(kpi, t)
        if not found:
            return bars(name, [], tick=t.number)
        now = kpi_value(kpi, found[0]["base"], t, day=self.day)
        return bars(t("{kpi}: now {value}", kpi=name, value=now), drawn, **self.axis(kpi, found, language=language))

    def bar(self, row: Mapping[Any, Any], *, language: Language = "en", before: str = "") -> Bar:
        """Return one row of `answers` as a bar of a chart; `before` stands before its verdict."""
        verdict = str(row["verdict"])
        tones: dict[str, Tone] = {"better": "good", "worse": "bad", "changed": "plain"}
        shown = verdict not in ("unstable", "unpaired")
        strain = self.strain_of(str(row["scenario"]))
        return Bar(
            value=float(row["difference"]) if shown else float("nan"),
            low=float(row["low"]),
            high=float(row["high"]),
            tone=tones.get(verdict, "faint"),
            text=before + verdict_text(row, translator(language), day=self.day, strain=strain),
        )

    def interval_note(self, *, language: Language = "en") -> str:
        """Say what the intervals rest on."""
        t = translator(language)
        runs = t.plural("{n} replication", "{n} replications", self.replications)
        level = t.percent(self.confidence)
        if self.comparisons > 1:
            note = t(
                "± or a range is the {level} interval over {runs}, for all scenarios at once.", level=level, runs=runs
            )
        else:
            note = t("± or a range is the {level} interval over {runs}.", level=level, runs=runs)
        if len(self.answers) and (self.answers["parameters"] > 0).any():
            note += " " + t("What is not known of the model widens it.")
        return note

    def axis(self, kpi: str, rows: Sequence[Mapping[Any, Any]], *, language: Language = "en") -> dict[str, Any]:
        """Return how a chart of rows of `answers` writes its ticks, and what stands below."""
        t = translator(language)
        told = [float(row[key]) for row in rows for key in ("base", "value") if row["verdict"] != "unstable"]
        # The unit in which verdicts tell these figures.
        hours = unit_of(told, t, day=self.day)
        share = key_figure(kpi).unit == "share"
        unit = hours.name if kpi.endswith("_h") else t("pp") if share else ""

        def tick(value: float) -> str:
            # Ticks are multiples of 1, 2 or 5 times a power of ten: as many decimals as they need.
            digits = next((n for n in range(4) if abs(round(value, n) - value) < 1e-9), 4)
            return t.number(round(value, digits), digits=digits)

        scale = hours.hours if kpi.endswith("_h") else 0.01 if share else 1.0
        note = self.interval_note(language=language)
        return {
            "tick": tick,
            "unit": scale,
            "axis": t("Difference from now, {unit}", unit=unit) if unit else "",
            "note": note,
        }

    def base_figures(self) -> pd.DataFrame:
        """Return one row per key figure of the base: `kpi`, `unit`, `value` (the mean), `low`, `high`."""
        rows = self.kpis[self.kpis["scenario"] == self.base]
        wide = rows.pivot(index="replication", columns="kpi", values="value")[list(dict.fromkeys(rows["kpi"]))]
        mean, half = student(wide.to_numpy(dtype=np.float64), self.confidence)
        units = [key_figure(key).unit for key in wide.columns]
        return pd.DataFrame(
            {"kpi": list(wide.columns), "unit": units, "value": mean, "low": mean - half, "high": mean + half}
        )

    @property
    def day(self) -> float:
        """Hours of a working day of the simulated office."""
        log = self.logs.get(self.base)
        return 8.0 if log is None else log.working_calendar().hours_per_day or 8.0

    def to_pandas(self) -> pd.DataFrame:
        """Return the answers."""
        return self.answers.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        told = [self.sentence(row) for row in self.answers.to_dict("records")]
        return {
            "base": self.base,
            "scenarios": [one.to_dict() for one in self.scenarios],
            "answers": records(self.answers.assign(sentence=told)),
            "forecasts": records(self.forecasts),
            "replications": self.replications,
            "confidence": self.confidence,
            "comparisons": self.comparisons,
            "seed": self.seed,
            "weeks": self.weeks,
            "warm_up_weeks": self.warm_up_weeks,
            "warm_up": self.warm_up,
            "stopping": None if self.stopping is None else self.stopping.to_dict(),
            "study": self.study,
            "warnings": list(self.warnings),
            "notes": {name: list(notes) for name, notes in self.notes.items()},
            "provenance": self.provenance.to_dict(),
            "validation": None if self.validation is None else self.validation.to_dict(),
        }

    def __repr__(self) -> str:
        lines = [f"Experiment on {self.base}: {self.replications} paired replications of {self.weeks:g} weeks"]
        for scenario in self.scenarios:
            lines.append(f"  {scenario.name}")
            rows = self.answers[self.answers["scenario"] == scenario.name]
            for _, row in rows[~rows["kpi"].str.startswith((ROLE, PERSON))].iterrows():
                lines.append(f"    {row['kpi']:<24}{row['base']:>10.2f} -> {row['value']:>8.2f}   {self._told(row)}")
            lines += [f"    note: {note}" for note in self.notes.get(scenario.name, ())]
        return "\n".join([*lines, *(f"  warning: {warning}" for warning in self.warnings)])

    def _told(self, row: pd.Series) -> str:
        return f"{row['difference']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}] ({row['verdict']})"

    def _repr_html_(self) -> str:
        own = (f"{name}: {note}" for name, told in self.notes.items() for note in told)
        notes = "".join(f"<p>{escape(text)}</p>" for text in (*self.warnings, *own))
        if not self.scenarios:
            return self.base_figures().to_html(index=False, escape=True, float_format="{:.3g}".format) + notes
        shown = self.answers[~self.answers["kpi"].str.startswith(PERSON)]
        table = shown.to_html(index=False, escape=True, float_format="{:.3g}".format)
        return f"{self.chart()._repr_html_()}<details><summary>all answers</summary>{table}</details>{notes}"
