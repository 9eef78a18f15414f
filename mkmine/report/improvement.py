"""The improvement report: AS-IS, TO-BE and what-if in one document that a client can be handed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mkmine.conformance import check
from mkmine.discovery import ProcessMap, discover, drift
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.language import Translator, translator
from mkmine.performance import Forecast, diagnose, flow, forecast
from mkmine.report import appendix, asis, pace, summary, tobe, whatif
from mkmine.report.blocks import Block, Bullets, Note, Text
from mkmine.report.document import Report
from mkmine.report.findings import Findings
from mkmine.report.retelling import retell
from mkmine.report.trust import trust

if TYPE_CHECKING:
    from mkmine.conformance import Conformance
    from mkmine.discovery import Difference
    from mkmine.performance import Diagnosis
    from mkmine.simulation import Experiment, Validation
    from mkmine.targets import Target

__all__ = ["report"]

_MOST_ACTIVITIES: Final = 40
_PATHS_PER_ACTIVITY: Final = 2.4
_FEWEST_PATHS: Final = 14


def report(
    log: EventLog,
    *,
    to_be: Target | None = None,
    experiment: Experiment | None = None,
    validation: Validation | None = None,
    diagnosis: Diagnosis | None = None,
    conformance: Conformance | None = None,
    difference: Difference | None = None,
    language: str = "en",
    title: str | None = None,
) -> Report:
    """Assemble the improvement report of a log.

    Parameters
    ----------
    log
        The log as it is. Its map and diagnosis are made here; a `diagnosis` made before is taken as it is.
    to_be
        The target to compare with; a `conformance` made before saves the comparison.
    difference
        What `mk.compare` found of two periods or segments.
    experiment, validation
        What-if answers, and the backtest of their model (default: the one that the experiment carries).
    language
        `"en"` or `"ru"`.
    title
        Default: where most time is lost.

    Raises `UnknownNameError` if the language is not one of the two, and what `diagnose` and `check` raise.
    """
    t = translator(language)
    if conformance is None and to_be is not None:
        conformance = check(log, to_be)
    as_is = discover(log)
    experiment = _named(experiment, t)
    findings = Findings(
        t=t,
        log=log,
        as_is=as_is,
        shown=readable(log, as_is),
        diagnosis=diagnosis if diagnosis is not None else diagnose(log),
        flow=flow(log, calendar=as_is.calendar),
        drift=drift(log, calendar=as_is.calendar),
        forecast=_forecast(log),
        difference=difference,
        target=to_be,
        conformance=conformance,
        experiment=experiment,
        validation=validation if validation is not None or experiment is None else experiment.validation,
    )
    return Report(
        title=title or t("Process improvement: {name}", name=_process_name(log, to_be)),
        subtitle=f"{findings.cases(log.n_cases)} · {findings.window(as_is.provenance)}",
        language=t.language,
        blocks=tuple(_finished(block) for block in _chapters(findings)),
    )


def _chapters(findings: Findings) -> list[Block]:
    return [
        *summary.summary(findings),
        *asis.course(findings),
        *asis.times(findings),
        *asis.rework(findings),
        *asis.people(findings),
        *pace.flow(findings),
        *pace.changes(findings),
        *tobe.comparison(findings),
        *whatif.answers(findings),
        *trust(findings),
        *appendix.data(findings),
        *appendix.method(findings),
    ]


def _finished(block: Block) -> Block:
    """Return the block with one full stop where a sentence ends in an abbreviation ("раб. дн.")."""
    if isinstance(block, Text):
        return replace(block, paragraphs=tuple(_one_stop(text) for text in block.paragraphs))
    if isinstance(block, Bullets):
        return replace(block, items=tuple(_one_stop(text) for text in block.items))
    return replace(block, text=_one_stop(block.text)) if isinstance(block, Note) else block


def _one_stop(text: str) -> str:
    return re.sub(r"(?<!\.)\.\.(?!\.)", ".", text)


def _process_name(log: EventLog, to_be: Target | None) -> str:
    card = None if to_be is None else to_be.card
    return log.name if card is None else card.process


def _forecast(log: EventLog) -> Forecast | None:
    """Return a forecast of completions; None where the log is too short for one."""
    try:
        return forecast(log)
    except DataError:
        return None


def _named(experiment: Experiment | None, t: Translator) -> Experiment | None:
    """Return the experiment with its scenarios called in the language of the report."""
    if experiment is None:
        return None
    answers = experiment.answers
    return replace(experiment, answers=answers.assign(scenario=[retell(str(one), t) for one in answers["scenario"]]))


def readable(log: EventLog, whole: ProcessMap) -> ProcessMap:
    """Return the map with as many of the most frequent activities and paths as a page can show."""
    activities = min(1.0, _MOST_ACTIVITIES / max(len(whole.activities), 1))
    chosen = whole if activities == 1.0 else discover(log, activities=activities, calendar=whole.calendar)
    most = max(_FEWEST_PATHS, _PATHS_PER_ACTIVITY * len(chosen.activities))
    return chosen if len(chosen.edges) <= most else chosen.only(paths=most / len(chosen.edges))
