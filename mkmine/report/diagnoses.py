"""What the room of performance says in English of causes, availability and flow, marked for translation."""

from __future__ import annotations

from typing import Final

__all__ = ["DIAGNOSES"]


def message(text: str) -> str:
    """Mark a text for translation."""
    return text


DIAGNOSES: Final = (
    message("completed cases against published figures"),
    message("Open cases are left out ({n}): those that take long are more often among them."),
    message("Days are of the calendar, as surveys do not say which days they mean. In working days: {n}."),
    message("Counted in working days, a mean of {n} would be less than published."),
    message("Counted in working days, a mean of {n} would be more than published."),
    message("Counted in working days, a mean of {n} would be as published."),
    message("Answers of surveys are teams, not cases: the usual value of the log stands for its team."),
    message("The model of a reference process: mkmine catalogue tells its numbers and where they come from."),
    message("The log has no “{name}”, and what is published about it is left out."),
    message("causes of waiting; block bootstrap over cases"),
    message("key figures of completed cases; block bootstrap over cases"),
    message("weekly hours and absences from the times of work; held-out check on the last third"),
    message("flow metrics; Kaplan-Meier percentiles, open cases censored"),
    message("Monte-Carlo forecast: Bayesian bootstrap of whole weeks of completions"),
    message("The log holds no starts of activities: they were estimated, and so were waits and durations."),
    message(
        "The log tells completions only: what was work before them and what was waiting is read in two ways, with as "
        "little waiting for something outside as it leaves possible and with as much. The middle is told, and "
        "intervals hold both. Everybody is taken to do one thing at a time."
    ),
    message("Waits are the stays in statuses that say so; they wait for those who take the next status up."),
    message("The log names no people: what work waited for cannot be told."),
    message(
        "A filter has left out other work of the same people: when they seem free they may have been busy with it, so "
        "that contention is told as too little."
    ),
    message("With so few cases the intervals are rough."),
    message("Other thresholds would move the share of {kind} by up to {share}."),
    message("batching"),
    message("contention"),
    message("prioritisation"),
    message("unavailability"),
    message("outside"),
    message("unidentifiable"),
    message("The history is too short to check such forecasts on it."),
    message(
        "Of {n} such forecasts in the past, what was said with {probability} came true in {share} ({low} to {high})."
    ),
    message("The pace changes more from month to month than the weeks show: promise less than is forecast."),
    message("The pace rose over the log: the forecast, made of its past weeks, is rather too low."),
)
