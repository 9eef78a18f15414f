"""What the simulation says in English of processes, TO-BE models and assumptions, marked for translation."""

from __future__ import annotations

from typing import Final

__all__ = ["ASSUMPTIONS"]


def message(text: str) -> str:
    """Mark a text for translation."""
    return text


ASSUMPTIONS: Final = (
    message("The routes are those of the process “{process}”, with chances counted in optimal alignments of the log."),
    message("The process lacks {names}: {share} of the executions, which the model leaves out."),
    message(
        "{share} of all steps are in the log or in the process only; the model follows the process, so it does not"
        " repeat these deviations."
    ),
    message("Nothing in the TO-BE depends on these attributes of cases, so they are left out: {names}."),
    message(
        "No case took these ways: {ways}. All ways of a choice share one imagined decision, so they stay possible."
    ),
    message("No case came to these choices: {places}. Their ways are taken to be equally probable."),
    message("{n} cases could not be followed through the process; their choices are not counted."),
    message("Assumption: “{name}” takes {low} to {high} h of work, most likely {likely} (said, not measured)."),
    message("Assumption: “{name}” waits {low} to {high} h outside, most likely {likely} (said, not measured)."),
    message("Assumption: the event “{name}” takes {low} to {high} h, most likely {likely} (said, not measured)."),
    message("Assumption: {n} people are new in the role “{role}”, with the hours of the office."),
    message("Assumption: the work of “{role}” is done by {names}."),
    message(
        "Assumption: at “{gateway}”, “{way}” is taken in {low} to {high} of the cases, most likely {likely} (said,"
        " not measured)."
    ),
    message(
        "After “{source}”, up to {share} of the cases go to what the TO-BE does not have; they are shared by the "
        "ways that it has."
    ),
    message("TO-BE “{target}”: {borrowed} of its {steps} steps have the hours, delays and people of “{as_is}”."),
    message("“{name}” is done by “{role}” instead of “{today}”; it is taken to be as much work."),
    message("After so many rounds the case goes on, as the process card says: {rounds}."),
    message("People without work in the TO-BE are left out: {names}."),
    message(
        "In “{as_is}” these choices depend on attributes of cases, in the TO-BE they are as for all cases: {places}."
    ),
    message(
        "Which event comes first after {gateways} is taken for a choice by its share of the cases: a log of steps does "
        "not tell when events happened."
    ),
    message(
        "In “{as_is}” routes depend on earlier activities, in the TO-BE on the round only; calibrate along a "
        "process (process=...) to compare like with like."
    ),
    message("{runs} replications say next to nothing: ask for at least {least}, over 26 weeks or more"),
    message(
        "{runs} replications and {draws} draws of the model's numbers say next to nothing: ask for at least {least} of "
        "both, over 26 weeks or more"
    ),
    message("The runs began with an empty office some weeks before each cut, not with the cases that were open."),
)
