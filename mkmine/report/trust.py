"""How far the simulation model can be trusted: what it foretold beside what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mkmine.language import Translator
from mkmine.report import charts, trust_charts
from mkmine.report.blocks import Block, Bullets, Figure, Heading, Note, Text, View
from mkmine.report.findings import Cell, Findings, finite, tabulate
from mkmine.report.picture import Picture
from mkmine.report.terms import grade_sentence, missed_sentences
from mkmine.simulation import Validation
from mkmine.simulation.experiments.wording import kpi_name, kpi_range, kpi_value
from mkmine.simulation.validation.wording import aspect_name, verdict_name

__all__ = ["trust"]


def trust(findings: Findings) -> list[Block]:
    """Return the chapter on the backtest; where there is none, it says so."""
    t, check = findings.t, findings.validation
    if check is None:
        if findings.experiment is None:
            return []
        text = t("The model was not held against data it had not seen; treat its answers as a sketch.")
        return [Heading(text=t("How far the model can be trusted"), anchor="trust"), Note(kind="warning", text=text)]
    good = check.grade == "good"
    blocks: list[Block] = [
        Heading(text=t("How far the model can be trusted"), anchor="trust"),
        Text(paragraphs=(_method(check, t),)),
        Note(kind="info" if good else "warning", text=grade_sentence(check.grade, t)),
        Bullets(items=tuple(missed_sentences(check, t))),
    ]
    drawable = check.table[check.table["actual"].abs() > 1e-12]
    if len(drawable):
        note = t("The whisker is the interval in which 95% of the simulated results lie; 100% is what was observed.")
        title = t("Simulated against observed in the weeks held back")
        blocks.append(_figure(findings, title, charts.backtest(drawable, language=t.language), note))
    return [*blocks, _table(findings, check), *_aspects(findings, check), *_drawn(findings, check)]


def _method(check: Validation, t: Translator) -> str:
    if check.cuts == 1:
        return t(
            "The model was built on the earlier part of the log and had to predict the later part, which it had not "
            "seen."
        )
    return t(
        "At {n} dates, a model was built on what was known of the log by then; it went on from the cases that were "
        "open and had to predict the time until the next date, which it had not seen.",
        n=check.cuts,
    )


def _figure(findings: Findings, title: str, picture: Picture, note: str = "") -> Figure:
    check = findings.validation
    assert check is not None
    foot = findings.source(check.provenance)
    return Figure(title=title, views=(View(label="", picture=picture),), note=note, foot=foot)


def _table(findings: Findings, check: Validation) -> Block:
    t = findings.t
    columns: list[Cell] = [
        (t("Indicator"), lambda row: kpi_name(row["kpi"], t), "text"),
        (t("Observed"), lambda row: _value(findings, row, "actual"), "number"),
        (t("Simulated"), lambda row: _value(findings, row, "predicted"), "number"),
        (
            t("95% of the runs"),
            lambda row: kpi_range(str(row["kpi"]), row["low"], row["high"], t, day=findings.day),
            "number",
        ),
        (t("Verdict"), lambda row: _met(row, t), "text"),
    ]
    if check.cuts > 1:
        columns += [
            (t("Dates inside"), lambda row: f"{t.number(row['covered'])} / {t.number(row['cuts'])}", "number"),
            (t("Reality from itself"), lambda row: t.percent(row["floor"]), "number"),
        ]
    foot = findings.source(check.provenance)
    return tabulate(findings, check.table, name="backtest", title=t("Backtest"), columns=columns, foot=foot)


def _aspects(findings: Findings, check: Validation) -> list[Block]:
    """Return the table of how alike simulated and real weeks are, aspect by aspect."""
    if not len(check.aspects):
        return []
    t = findings.t
    columns: list[Cell] = [
        (t("Aspect"), lambda row: aspect_name(row["aspect"], t), "text"),
        (t("Simulated from real"), lambda row: t.percent(row["distance"]), "number"),
        (t("Reality from itself"), lambda row: t.percent(row["floor"]), "number"),
        (t("Verdict"), lambda row: verdict_name(row["verdict"], t), "text"),
    ]
    text = t(
        "Reality from itself: how far equally long stretches of the log lie from the one before. No model can be asked "
        "to come nearer."
    )
    foot = findings.source(check.provenance)
    title = t("Are the simulated weeks like the real ones?")
    table = tabulate(findings, check.aspects, name="aspects", title=title, columns=columns, foot=foot)
    return [table, Text(paragraphs=(text,))]


def _drawn(findings: Findings, check: Validation) -> list[Block]:
    """Return the drawings of simulated against real weeks."""
    t, shown = findings.t, check.profiles
    if not shown:
        return []
    language = t.language
    band = t("The band holds 95% of the runs.")
    blocks: list[Block] = []
    if shown["cycle"][["actual", "predicted"]].notna().all(axis=None):
        picture = trust_charts.cycle_times(shown["cycle"], day=findings.day, language=language)
        blocks.append(_figure(findings, t("Cycle times, simulated against real"), picture, band))
    picture = trust_charts.in_progress(shown["in_progress"], language=language)
    dashed = t("At each dashed line the simulation begins anew from the cases that were open then.")
    blocks.append(_figure(findings, t("Cases in progress, simulated against real"), picture, f"{band} {dashed}"))
    picture = trust_charts.arrivals(shown["hours"], language=language)
    blocks.append(_figure(findings, t("Arrivals, simulated against real"), picture))
    if len(shown["people"]):
        picture = trust_charts.workload(shown["people"], language=language)
        blocks.append(_figure(findings, t("Workload, simulated against real"), picture))
    return blocks


def _met(row: Mapping[str, Any], t: Translator) -> str:
    if not finite(row["actual"]):
        return t("not checked")
    return t("inside") if row["inside"] else t("outside")


def _value(findings: Findings, row: Mapping[str, Any], column: str) -> str:
    return kpi_value(str(row["kpi"]), float(row[column]), findings.t, day=findings.day)
