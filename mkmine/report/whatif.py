"""What would change if: the answers of an experiment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from mkmine.language import Translator
from mkmine.report import charts
from mkmine.report.blocks import Block, Bullets, Figure, Heading, Note, Text, View
from mkmine.report.findings import Cell, Findings, finite, tabulate
from mkmine.simulation.experiments.kpis import PERSON, ROLE
from mkmine.simulation.experiments.wording import (
    kpi_changes,
    kpi_name,
    kpi_value,
    percent_change,
    verdict_text,
    verdict_words,
)

__all__ = ["answers", "base_against_log"]

_DRAWN: Final = ("cycle_mean_h", "cycle_p85_h", "waiting_per_case_h", "rework_per_case", "throughput_per_week")
_FAR_FROM_LOG: Final = 0.2  # relative gap of the median cycle times that a reader must be told of
_TOLD: Final = ("cycle_mean_h", "cycle_p85_h", "on_time_share", "waiting_per_case_h")


def answers(findings: Findings) -> list[Block]:
    """Return the chapter of what-if answers; empty where nothing was simulated."""
    study, t = findings.experiment, findings.t
    if study is None:
        return []
    blocks: list[Block] = [Heading(text=t("What if"), anchor="what-if"), _method(findings)]
    blocks += [_warning(findings, text) for text in study.warnings]
    blocks += base_against_log(findings)
    table = study.answers
    for scenario in dict.fromkeys(table["scenario"]):
        rows = [row for row in table[table["scenario"] == scenario].to_dict("records") if row["kpi"] in _TOLD]
        blocks.append(Heading(text=str(scenario), anchor=f"scenario-{len(blocks)}", level=2))
        # An unstable scenario has one thing to say, whatever the indicator.
        blocks.append(Bullets(items=tuple(dict.fromkeys(_told(findings, row) for row in rows))))
        blocks += [Note(kind="info", text=findings.told(note)) for note in study.notes.get(str(scenario), ())]
    drawable = table[table["kpi"].isin(_DRAWN) & (table["verdict"] != "unstable") & (table["base"].abs() > 1e-12)]
    if len(drawable):
        picture = charts.differences(drawable, language=t.language)
        blocks.append(Heading(text=t("All answers side by side"), anchor="answers", level=2))
        blocks.append(
            Figure(
                title=t("Differences from the base in per cent, with 95% intervals"),
                views=(View(label="", picture=picture),),
                note=t("Where the whisker crosses zero, the difference is within noise."),
                foot=_simulated(findings),
            )
        )
    blocks.append(_table(findings))
    return blocks


def _method(findings: Findings) -> Text:
    t, study = findings.t, findings.experiment
    assert study is not None
    told = [
        t(
            "Each change was simulated in {runs} against the same process without it, under the same random draws; "
            "the answer is the paired difference with its {level} interval.",
            runs=t.plural("{n} replication", "{n} replications", study.replications),
            level=t.percent(study.confidence),
        )
    ]
    told.append(
        t(
            "The base is the simulated process as it is, completed cases of steady weeks; figures of the log are of "
            "all its weeks and let open cases count for as long as they have lasted (Kaplan-Meier). So they differ "
            "somewhat, and so does utilisation where the model lets people have several things in hand at once."
        )
    )
    if study.comparisons > 1:
        told.append(
            t(
                "The intervals of one indicator hold for all {n} changes at once: they are wider than each alone would "
                "need (Bonferroni).",
                n=study.comparisons,
            )
        )
    return Text(paragraphs=tuple(told))


def _told(findings: Findings, row: Mapping[str, Any]) -> str:
    told = findings.verdict(row)
    return told[:1].upper() + told[1:] + "."


def _table(findings: Findings) -> Block:
    t, study = findings.t, findings.experiment
    assert study is not None
    columns: list[Cell] = [
        (t("Scenario"), lambda row: row["scenario"] if row["first"] else " ", "text"),
        (t("Indicator"), lambda row: kpi_name(row["kpi"], t), "text"),
        (t("Base"), lambda row: _value(findings, row, "base"), "number"),
        (t("Scenario value"), lambda row: _value(findings, row, "value"), "number"),
        (t("Difference (95% interval)"), lambda row: _change(findings, row), "number"),
        (t("In per cent"), lambda row: _relative(row, t), "number"),
        (t("Verdict"), lambda row: _verdict(findings, row), "text"),
    ]
    table = study.answers
    # People, and roles whose load a scenario leaves alone, would bury the answers; the CSV has them all.
    busy = table["kpi"].str.startswith(ROLE) & table["verdict"].isin(["noise", "unstable"])
    told = table[~busy & ~table["kpi"].str.startswith(PERSON)]
    return tabulate(
        findings,
        told.assign(first=~told["scenario"].duplicated()),
        name="what_if",
        title=t("What-if answers"),
        columns=columns,
        foot=_simulated(findings),
        limit=80,
        data=table,
    )


def _verdict(findings: Findings, row: Mapping[str, Any]) -> str:
    """Say the verdict of a row in a word, as the difference stands beside it; of an endless queue, whose it is."""
    study, verdict = findings.experiment, str(row["verdict"])
    assert study is not None
    if verdict != "unstable":
        return verdict_words(verdict, findings.t)
    return verdict_text(row, findings.t, day=findings.day, strain=study.strain_of(str(row["scenario"])))


def base_against_log(findings: Findings) -> list[Block]:
    """Return the warning that the simulated process, left unchanged, is far from the real one; empty if it is near."""
    t, study = findings.t, findings.experiment
    if study is None:
        return []
    simulated = study.answers.loc[study.answers["kpi"] == "cycle_median_h", "base"].head(1)
    real = findings.diagnosis.cases.get("cycle_median_h", math.nan)
    if simulated.empty or not finite(real) or not real:
        return []
    base = float(simulated.iloc[0])
    if abs(base / real - 1) <= _FAR_FROM_LOG:
        return []
    text = t(
        "Left as it is, the simulated process has a median cycle time of {simulated}, the real one {real}: read the "
        "answers as shares of the base rather than as days.",
        simulated=findings.hours(base),
        real=findings.hours(real),
    )
    return [Note(kind="warning", text=text)]


def _warning(findings: Findings, text: str) -> Note:
    trust = "" if findings.validation is None else findings.validation.warning
    grave = text == trust or text.startswith("unstable")
    return Note(kind="warning" if grave else "info", text=findings.told(text))


def _simulated(findings: Findings) -> str:
    study = findings.experiment
    assert study is not None
    return findings.t("Simulated. {source}", source=findings.source(study.provenance))


def _value(findings: Findings, row: Mapping[str, Any], column: str) -> str:
    return kpi_value(str(row["kpi"]), float(row[column]), findings.t, day=findings.day)


def _change(findings: Findings, row: Mapping[str, Any]) -> str:
    if row["verdict"] == "unstable":
        return findings.t.number(None)
    values = [float(row[column]) for column in ("difference", "low", "high")]
    (difference, low, high), unit = kpi_changes(str(row["kpi"]), values, findings.t, day=findings.day)
    return f"{difference} ({low} … {high}){unit}"


def _relative(row: Mapping[str, Any], t: Translator) -> str:
    return percent_change(row["relative"], t) if row["base"] and row["verdict"] != "unstable" else t.number(None)
