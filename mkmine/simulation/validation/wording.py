"""How a backtest is told to readers, in either language."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mkmine.language import Translator
from mkmine.simulation.experiments.wording import kpi_name

if TYPE_CHECKING:
    import pandas as pd

    from mkmine.simulation.validation.result import Validation

# Figures of which changes are told, and from which size on.
_TOLD, _WORTH = ("cycle_median_h", "cycle_p85_h", "throughput_per_week"), 0.02

# Where the median band is wider than this share of its figure, small changes are not seen in what then happens.
_WIDE = 0.15

__all__ = ["aspect_name", "band_text", "missed_text", "remarks", "verdict_name"]


def aspect_name(key: str, t: Translator) -> str:
    """Return the name of an aspect in which simulated and real weeks are compared."""
    names = {
        "cycle_time": t("Distribution of cycle times"),
        "waiting": t("Waiting before each activity"),
        "queues": t("Length of the queues"),
        "in_progress": t("Cases in progress over time"),
        "workload": t("Hours of work of each person"),
        "rework": t("How often activities and rounds occur"),
        "activity_hours": t("Weekdays and hours of work"),
        "arrival_hours": t("Weekdays and hours of arrivals"),
    }
    return names.get(key, key)


def verdict_name(verdict: str, t: Translator) -> str:
    """Say how near the simulated weeks are to the real ones in an aspect."""
    names = {
        "alike": t("as near as real weeks are to each other"),
        "near": t("near"),
        "different": t("different"),
        "unknown": t("not checked"),
    }
    return names.get(verdict, verdict)


def missed_text(check: Validation) -> str:
    """Return in English by how much each figure that cost the grade is foretold too high or too low."""
    rows = check.table.set_index("kpi")
    said = []
    for key in check.reasons:
        error, typical = float(rows["error"].get(key, math.nan)), _typical(check, key)
        if math.isfinite(error) and abs(error) >= typical / 2:
            said.append(f"{key} is foretold {abs(error):.0%} too {'high' if error > 0 else 'low'}")
        elif math.isfinite(typical):
            said.append(f"{key} is foretold {typical:.0%} off")
        else:
            said.append(f"{key} is not foretold")
    return "; ".join(said)


def _typical(check: Validation, key: str) -> float:
    if "typical_error" not in check.table:
        return 0.0
    return float(check.table.set_index("kpi")["typical_error"].get(key, math.nan))


def remarks(check: Validation, t: Translator) -> list[str]:
    """Return what a backtest found, in sentences."""
    rows = check.table.set_index("kpi")
    lines = []
    for key in check.reasons:
        lines.append(_missed(check, key, t) + _floor(rows, key, t))
    if len(check.by_cut):
        lines.append(
            t.plural(
                "At {n} cut, the judged figures lay in the bands of 95% {share} of the time.",
                "At {n} cuts, the judged figures lay in the bands of 95% {share} of the time.",
                check.cuts,
                share=t.percent(check.coverage),
            )
        )
    lines += [told] if (told := band_text(check, t)) else []
    moved = {key: one.share for key, one in check.changes.items() if one.share >= _WORTH and key in _TOLD}
    if moved:
        lines.append(
            t(
                "What changes from period to period beyond chance, and makes forecasts wider: {figures}.",
                figures=", ".join(f"{kpi_name(key, t)} ±{t.percent(share)}" for key, share in moved.items()),
            )
        )
    if check.stretch > 1:
        lines.append(
            t(
                "The intervals are too narrow: to hold what happened they would have to be {factor} times as wide.",
                factor=t.number(check.stretch, digits=1),
            )
        )
    different = check.aspects[check.aspects["verdict"] == "different"] if len(check.aspects) else check.aspects
    for row in different.to_dict("records"):
        lines.append(
            t(
                "{aspect}: the simulated weeks are {distance} from the real ones, which are {floor} from each other.",
                aspect=aspect_name(str(row["aspect"]), t),
                distance=t.percent(row["distance"]),
                floor=t.percent(row["floor"]),
            )
        )
    return [*lines, *(t(note) for note in check.notes)]


def band_text(check: Validation, t: Translator) -> str:
    """Say how wide the bands are, and what they are fit for; empty where there are none."""
    if not math.isfinite(check.band):
        return ""
    share = t.percent(check.band)
    if check.band > _WIDE:
        return t("The median band of 95% is ±{share} of its figure: fit for large changes only.", share=share)
    return t("The median band of 95% is ±{share} of its figure.", share=share)


def _missed(check: Validation, key: str, t: Translator) -> str:
    errors = check.table.set_index("kpi")["error"].to_dict()
    name, error, typical = kpi_name(key, t), float(errors.get(key, math.nan)), _typical(check, key)
    if not math.isfinite(error):
        return t("{figure}: not foretold.", figure=name)
    if abs(error) < typical / 2:
        return t("{figure}: foretold {size} off, now too high, now too low.", figure=name, size=t.percent(typical))
    if error > 0:
        return t("{figure}: foretold {size} too high.", figure=name, size=t.percent(error))
    return t("{figure}: foretold {size} too low.", figure=name, size=t.percent(-error))


def _floor(rows: pd.DataFrame, key: str, t: Translator) -> str:
    floor = float(rows["floor"].to_dict().get(key, math.nan)) if "floor" in rows else math.nan
    if not math.isfinite(floor):
        return ""
    return " " + t("Real stretches as long differ by {floor}.", floor=t.percent(floor))
