"""How indicators and verdicts are called and written for readers, in the language of the report."""

from __future__ import annotations

import math

from mkmine.language import Translator

__all__ = ["is_lower_better", "kpi_change", "kpi_name", "kpi_value", "verdict_words"]


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


def kpi_change(key: str, value: float, t: Translator, *, day: float = 8.0) -> str:
    """Write a difference of an indicator with its sign; shares change by percentage points."""
    if not math.isfinite(value):
        return t.number(None)
    if key.endswith("_h"):
        return t.hours(value, day=day, signed=True)
    sign = "+" if value > 0 else ""
    if key.startswith("utilisation:"):
        return f"{sign}{t.number(100 * value, digits=1)}\u00a0{t('pp')}"
    return sign + t.number(value, digits=2 if abs(value) < 10 else 1)


def is_lower_better(key: str) -> bool:
    """Tell whether a fall of the indicator is good for the customer of the process."""
    return key != "throughput_per_week"


def verdict_words(verdict: str, t: Translator) -> str:
    """Say a verdict in plain words."""
    words = {
        "better": t("better"),
        "worse": t("worse"),
        "noise": t("within noise"),
        "unstable": t("unstable: the queue grows without end"),
    }
    return words.get(verdict, verdict)
