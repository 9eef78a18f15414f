"""How a backtest is judged, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkmine.language import Translator
from mkmine.simulation.experiments.wording import kpi_name
from mkmine.simulation.validation.wording import remarks

if TYPE_CHECKING:
    from mkmine.simulation import Validation

__all__ = ["grade_sentence", "missed_sentences"]


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
    """Say in what a backtest failed, by how much, what could not be checked, and how near is near enough."""
    table = check.table
    outside = table[table["actual"].notna() & ~table["inside"]]["kpi"]
    others = [key for key in outside if key not in check.reasons]
    lines = remarks(check, t)
    if others:
        # Names hold commas of their own.
        figures = "; ".join(kpi_name(key, t) for key in others)
        lines.append(t("Outside the interval, but without effect on the grade: {figures}.", figures=figures))
    lines.append(
        t(
            "The grade looks at the median and the 85th percentile of the cycle time, the waiting per case and the "
            "throughput: a figure counts as predicted if it is at most {near} off, or at most {far} off where the "
            "observed value lies inside the interval or real weeks differ as much.",
            near=t.percent(0.15),
            far=t.percent(0.3),
        )
    )
    return lines
