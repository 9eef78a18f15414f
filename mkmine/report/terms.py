"""How indicators and verdicts are called and written for readers, in the language of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mkmine.language import Translator
from mkmine.report.units import unit_of

if TYPE_CHECKING:
    from mkmine.report.findings import Findings
    from mkmine.simulation import Validation

__all__ = [
    "grade_sentence",
    "kpi_changes",
    "kpi_name",
    "kpi_range",
    "kpi_value",
    "missed_sentences",
    "percent_change",
    "verdict_sentence",
    "verdict_words",
]


def kpi_name(key: str, t: Translator) -> str:
    """Return the name of an indicator of a simulation, such as `"cycle_median_h"` or `"utilisation:designer"`."""
    if key.startswith("utilisation:"):
        return t("Utilisation: {role}", role=key.partition(":")[2])
    names = {
        "cycle_mean_h": t("Cycle time, mean"),
        "cycle_median_h": t("Cycle time, median"),
        "cycle_p85_h": t("Cycle time, 85th percentile"),
        "throughput_per_week": t("Throughput, cases per week"),
        "waiting_per_case_h": t("Waiting per case"),
        "rework_per_case": t("Rework rounds per case"),
        "processing_per_case_h": t("Processing per case"),
    }
    return names.get(key, key)


def kpi_value(key: str, value: float, t: Translator, *, day: float = 8.0) -> str:
    """Write the value of an indicator in the unit it is read in."""
    if key.endswith("_h"):
        return t.hours(value, day=day)
    if key.startswith("utilisation:"):
        return t.percent(value)
    return t.number(value, digits=2 if abs(value) < 10 else 1)


def kpi_range(key: str, low: float, high: float, t: Translator, *, day: float = 8.0) -> str:
    """Write the interval in which an indicator lies, its unit named once."""
    if key.endswith("_h"):
        unit = unit_of([low, high], t, day=day)
        return f"{unit.bare(low, t)} – {unit.write(high, t)}"
    return f"{kpi_value(key, low, t)} – {kpi_value(key, high, t)}"


def kpi_changes(key: str, values: Sequence[float], t: Translator, *, day: float = 8.0) -> tuple[list[str], str]:
    """Write differences of one indicator that are read together, signed and in one unit; return them and the unit.

    The unit comes with the no-break space before it, and is empty for plain numbers.
    """
    if key.endswith("_h"):
        unit = unit_of(values, t, day=day)
        return [unit.bare(value, t, signed=True) for value in values], "\u00a0" + unit.name
    if key.startswith("utilisation:"):
        return [_signed(100 * value, t, digits=1) for value in values], "\u00a0" + t("pp")
    digits = 2 if max(map(abs, values)) < 10 else 1
    return [_signed(value, t, digits=digits) for value in values], ""


def verdict_words(verdict: str, t: Translator) -> str:
    """Say a verdict in plain words."""
    words = {
        "better": t("better"),
        "worse": t("worse"),
        "changed": t("changed"),
        "noise": t("within noise"),
        "negligible": t("too small to matter"),
        "unstable": t("unstable: the queue grows without end"),
    }
    return words.get(verdict, verdict)


def grade_sentence(grade: str, t: Translator) -> str:
    """Say in plain words how far the model can be trusted."""
    words = {
        "good": t("The simulation model repeats the weeks it has not seen: its answers can be used to choose."),
        "fair": t(
            "The simulation model repeats the weeks it has not seen only in part: trust the direction of its answers, "
            "not their exact size."
        ),
        "poor": t(
            "The simulation model does not repeat the weeks it has not seen: its answers are not grounds for a "
            "decision."
        ),
    }
    return words.get(grade, grade)


def missed_sentences(check: Validation, t: Translator) -> list[str]:
    """Name every figure that a backtest missed, and say how near is near enough for its grade."""
    table = check.table
    outside = table[table["actual"].notna() & ~table["inside"]]["kpi"]
    others = [key for key in outside if key not in check.reasons]
    lines = []
    if check.reasons:
        # Names hold commas of their own.
        lines.append(t("It misses: {figures}.", figures="; ".join(kpi_name(key, t) for key in check.reasons)))
    if others:
        figures = "; ".join(kpi_name(key, t) for key in others)
        lines.append(t("Outside the interval, but without effect on the grade: {figures}.", figures=figures))
    lines.append(
        t(
            "The grade looks at the median and the 85th percentile of the cycle time, the waiting per case and the "
            "throughput: a figure counts as predicted if it is at most {near} off, or at most {far} off where the "
            "observed value lies inside the interval.",
            near=t.percent(0.15),
            far=t.percent(0.3),
        )
    )
    return lines


def verdict_sentence(findings: Findings, row: Mapping[Any, Any]) -> str:
    """Say what a scenario does to an indicator, with its interval, or that nothing can be told from noise."""
    t, key = findings.t, str(row["kpi"])
    (difference, low, high), unit = kpi_changes(key, [row["difference"], row["low"], row["high"]], t, day=findings.day)
    name = kpi_name(key, t)
    values = {
        "scenario": findings.quoted(row["scenario"]),
        "kpi": name[:1].lower() + name[1:],
        "base": kpi_value(key, row["base"], t, day=findings.day),
        "value": kpi_value(key, row["value"], t, day=findings.day),
        "difference": difference + unit,
        "low": low,
        "high": high + unit,
        "relative": percent_change(row["relative"], t),
    }
    if row["verdict"] == "unstable":
        return t(
            "{scenario}: more work arrives than is done, the queue grows without end; no figure can be given.", **values
        )
    if row["verdict"] == "noise":
        return t(
            "{scenario}: {kpi}: no difference that could be told from noise ({difference}; 95% interval: {low} to "
            "{high}).",
            **values,
        )
    if row["verdict"] == "negligible":
        return t("{scenario}: {kpi}: changes by less than 1 %, too little to matter.", **values)
    return t("{scenario}: {kpi}: {base} → {value}, {difference} ({relative}; 95% interval: {low} to {high}).", **values)


def percent_change(share: float, t: Translator) -> str:
    """Write a relative change with its sign."""
    return ("+" if share > 0 else "") + t.percent(share, digits=0 if abs(share) >= 0.095 else 1)


def _signed(value: float, t: Translator, *, digits: int) -> str:
    return ("+" if round(value, digits) > 0 else "") + t.number(value, digits=digits)
