"""What is said in English of past changes and of staffing, marked for translation, and how it is told to readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mkmine.language import Translator
from mkmine.simulation.experiments.wording import kpi_changes

__all__ = ["ROLLOUTS", "change_range", "verdict_sentence"]


def message(text: str) -> str:
    """Mark a text for translation."""
    return text


ROLLOUTS: Final = (
    message(
        "A difference between before and after is no proof of cause: the season, the demand, the people and every "
        "other change of that time are in it too."
    ),
    message("The number of arriving cases changed too, which by itself changes waiting times."),
    message("The log before the change is too short for placebo dates: how common such a difference is, is unknown."),
    message("The windows are not equally long, so the cases of one were followed longer than those of the other."),
    message("Neither the demand nor the staff changed: the prediction is that nothing else did."),
    message("The prediction came from an unstable model: the size of its difference depends on the simulated span."),
    message(
        "The prediction starts from {base}, the log from {before}: the model did not describe this time well, so "
        "compare directions rather than sizes."
    ),
    message("the figure or its interval cannot be given yet"),
    message("the observed interval lies within the predicted one"),
    message("the observed interval reaches beyond the predicted one, which includes no effect"),
    message("the observed interval includes both no effect and the predicted one"),
    message("a difference as large arises at {share} of the dates without a change"),
    message("the observed interval excludes no effect and agrees with the predicted one"),
    message("the observed interval has nothing in common with the predicted one"),
    message("the difference goes the other way"),
    message("the effect is larger than predicted"),
    message("the effect is smaller than predicted"),
    message(
        "By what is known of the model's numbers, the recommended staffing need not help at all: the interval of the "
        "confirmation includes no effect."
    ),
)


def verdict_sentence(verdict: str | None, t: Translator) -> str:
    """Say whether a prediction came true."""
    words = {
        "came true": t("the prediction came true"),
        "did not come true": t("the prediction did not come true"),
        "cannot tell yet": t("one cannot tell yet whether the prediction came true"),
    }
    return words.get(verdict or "", verdict or "")


def change_range(key: str, values: Sequence[float], t: Translator, *, day: float, beside: Sequence[float] = ()) -> str:
    """Write a difference of a key figure and its interval (low, high), signed and in one unit; a dash where none is.

    `beside` are the figures that are read together with them, in the same unit.
    """
    if any(value is None or value != value for value in values):
        return t.number(None)
    others = [value for value in beside if value is not None and value == value]
    (middle, least, most, *_), unit = kpi_changes(key, [*values, *others], t, day=day)
    return f"{middle}{unit} ({least} … {most})"
