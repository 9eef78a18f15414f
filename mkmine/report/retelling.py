"""What other rooms say in English, said again in the language of the report.

The history of a log, its quality, the notes of a diagnosis and of a model are stored as English sentences, because they
travel with the data and not with a reader; errors are raised as such. Here stand the sentences that a report may have
to tell, with fields for what varies in them; a sentence that is not among them is told as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from mkmine.language import Translator
from mkmine.report.assumptions import ASSUMPTIONS
from mkmine.report.complaints import ERRORS
from mkmine.report.diagnoses import DIAGNOSES
from mkmine.report.rollouts import ROLLOUTS
from mkmine.report.target_complaints import PLACES, TARGETS
from mkmine.simulation.experiments.wording import kpi_name

__all__ = ["retell"]


def message(text: str) -> str:
    """Mark a text for translation."""
    return text


# The values of these fields are numbers, written as Python writes them.
_NUMBER_FIELDS: Final = frozenset(
    {"n", "all", "share", "probability", "base", "before", "factor", "rate", "chance", "foretold", "otherwise", "hours"}
    | {"gain", "all_cases", "seen", "likely", "low", "high", "shift", "least", "borrowed", "steps", "row", "expected"}
)
# The values of these fields are sentences in their turn, or limits with a unit; all others hold names and numbers.
_TOLD_FIELDS: Final = frozenset(
    {"reason", "detail", "meaning", "rule", "first_reason", "more", "low", "high", "limit", "kind"}
)

_METHODS: Final = (
    message("directly-follows map, working time"),
    message("directly-follows map, time of the clock"),
    message("working-time decomposition; Kaplan-Meier"),
    message("distribution of cycle times in working time; percentiles by Kaplan-Meier"),
    message("optimal alignments with unit costs"),
    message(
        "regression on case attributes, period of the start and rework elsewhere (Oaxaca 1973), robust errors (HC2, "
        "batches of neighbouring cases), weights against censoring by Kaplan-Meier, Benjamini-Hochberg"
    ),
    message("successions that the model allows against those of the log; alignments; medians of working time"),
    message("paired replications under common random numbers, Student t interval"),
    message(
        "paired replications under common random numbers, Student t intervals that hold for all scenarios together "
        "(Bonferroni)"
    ),
    message(
        "rolling backtest on held-out weeks from the cases open at each cut, 95 % prediction band of runs with drawn "
        "parameters and of what changes from period to period"
    ),
    message("data quality checks"),
)
_STEPS: Final = (
    message("read"),
    message("mapping"),
    message("times"),
    message("quarantine"),
    message("lifecycle"),
    message("statuses"),
    message("open cases"),
    message("enabled"),
    message("observe"),
    message("simulate"),
    message("resource"),
    message("set aside issues"),
    message("read status changes"),
    message("left out"),
    message("found gaps"),
    message("found late creation"),
    message("guess statuses"),
    message("collapse slips"),
    message("collapse passages"),
    message("join stays"),
    message("flag bulk moves"),
    message("left out waits"),
    message("still waiting"),
    message("read Jira issues"),
    message("read Redmine issues"),
    message("name deleted people"),
    message("read history"),
    message("read list of issues"),
    message("found unnamed statuses"),
    message("filter window"),
    message("filter variants"),
    message("filter attribute"),
    message("filter cases"),
    message("filter activities"),
    message("filter out activities"),
    message("filter out window"),
    message("filter out variants"),
    message("filter out attribute"),
    message("filter out cases"),
    message("filter people"),
    message("filter out people"),
    message("filter roles"),
    message("filter out roles"),
    message("filter endpoints"),
    message("filter out endpoints"),
    message("filter rework"),
    message("filter out rework"),
    message("filter followers"),
    message("filter out followers"),
    message("filter segment"),
    message("filter duration"),
    message("filter out duration"),
    message("filter transitions"),
    message("filter out transitions"),
    message("filter size"),
    message("filter out size"),
    message("filter sample"),
    message("merge activities"),
    message("merge resources"),
    message("rename activities"),
    message("drop duplicates"),
    message("collapse corrections"),
    message("merge repeats"),
    message("mark bulk moves"),
    message("drop bulk moves"),
    message("trim"),
    message("close forgotten work"),
    message("shift times"),
    message("pseudonymise"),
    message("drop free text"),
    message("estimate starts"),
    message("filter partition"),
    message("flatten"),
)
_DETAILS: Final = (
    message("“{column}” does not hold lifecycle transitions; kept as an attribute"),
    message("paired first in, first out; {detail}"),
    message("every event is a completion"),
    message("completions without a start (instants): {n}"),
    message("starts never completed, ongoing: {n}"),
    message("starts never completed, instants: {n}"),
    message("schedules never started: {n}"),
    message("a status lasts until the case's next row; final ({rule}): {names}"),
    message("last of their case in at least {share} of their entries"),
    message("their last status is not final; it is ongoing"),
    message("do not end with {names}"),
    message("not recorded; taken as the latest end before the start"),
    message("cases {which}, {first} to {last}"),
    message("the {n} most frequent of {all}, {share} of the cases"),
    message("the {n} most frequent of {all}"),
    message("same case, activity, times and person"),
    message("{n} traces, log attribute {detail}"),
    message("{n} traces"),
    message("{encoding}, delimiter “{mark}”"),
    message("the assignee for most of the stay"),
    message("no assignees in the export: who ended the stay"),
    message("never in a status of work; kept in the quarantine"),
    message("one stay per status between two changes"),
    message("the first status of issues whose creation is not in the export"),
    message("the old status of a change is not the new one of the change before it"),
    message("issues changed before they were created"),
    message("moved and moved back within {n} s by the same person"),
    message("moved through a status within {n} s by the same person"),
    message("moves from a status to itself, or back to it after a slip"),
    message("at least {n} issues by one person within a minute"),
    message("a queue was left for something other than its work"),
    message("work not begun when the export was made, kept as ongoing"),
    message("the changelog of these issues is cut off in the export: {names}"),
    message("custom fields without a name; export with expand=names to keep them"),
    message("statuses as in {file}"),
    message("issues listed more than once"),
    message("{file}: {detail}; columns {names}"),
    message("{file}: columns {names}"),
    message("no mapping given: {meaning}"),
    message("statuses not in the mapping: {meaning}"),
    message("{status} = queue ({reason})"),
    message("{status} = work ({reason})"),
    message("{status} = outside ({reason})"),
    message("{status} = done ({reason})"),
    message("{status} = cancelled ({reason})"),
    message("the name says “{word}”"),
    message("category “done”, and {reason}"),
    message("category “indeterminate”, but {reason}"),
    message("category “{name}”"),
    message("issues end in it and never leave it"),
    message("nothing in the name says otherwise"),
    message("{reason}, but issues leave it for several statuses: the decision is taken in it"),
    message("{reason}; issues come to it from a queue, so closing is an act of its own"),
    message("timestamps = completed ({reason})"),
    message("timestamps = interval ({reason})"),
    message("timestamps = entered ({reason})"),
    message("{role} = “{column}” ({reason})"),
    message("“{file}” ({detail})"),
    message("{encoding}, delimiter “{mark}”, names in row {n}"),
    message("told"),
    message("by name, rather than {others}"),
    message("by name"),
    message("the only column with such contents"),
    message("the only column of times"),
    message("only one time is there, taken as completion"),
    message("start and end are there"),
    message("those of at least {share} of the cases"),
    message("an activity in at least {n} rounds"),
    message("{names} in at least {n} rounds"),
    message("start with {names}"),
    message("end with {names}"),
    message("since the first {names}"),
    message("since the last {names}"),
    message("until the first {names}"),
    message("until the last {names}"),
    message("{first} and {second} by different people"),
    message("{first} and {second} by the same person"),
    message("{n} at random, seed {seed}"),
    message("the first {n} to start"),
    message("the last {n} to start"),
    message("“{old}” → “{new}”"),
    message("left again within {n} s"),
    message("the same activity in a row"),
    message("the same activity in a row by the same person"),
    message("at least {n} cases by one person within a minute"),
    message("ongoing for over {n} times the 95th percentile"),
    message("ended after the median"),
    message("when enabled"),
    message("when the person was free"),
    message("by usual length"),
    message("at most {n} times the median"),
    message("in working time ({detail})"),
    message("people"),
    message("roles"),
    message("cases"),
    message("cycle time"),
    message("instances"),
    message("completed"),
    message("kept with the partitions"),
    message("{n} of {all}, by the hash of the case"),
    message("the cases are the objects of type “{name}”"),
    message("days before months"),
    message("months before days"),
    message("days of a spreadsheet"),
    message("seconds since 1970"),
    message("milliseconds since 1970"),
    message("microseconds since 1970"),
    message("nanoseconds since 1970"),
)
_REASONS: Final = (
    message("end before start"),
    message("time before 1900 or after 2200"),
    message("no time"),
    message("no activity"),
    message("no case"),
    message("time column “{column}”: {detail}"),
    message("end column “{column}”: {detail}"),
    message("case column “{column}”: {detail}"),
    message("activity column “{column}”: {detail}"),
    message("time column “{column}”"),
    message("end column “{column}”"),
    message("case column “{column}”"),
    message("activity column “{column}”"),
    message("empty"),
    message("empty, but its case goes on"),
    message("start “{start}” after end “{end}”"),
    message("“{value}”: not a date"),
    message("“{value}”: UTC offset among times without one"),
    message("“{value}”: no UTC offset among times with one"),
    message("“{value}”: further from UTC than any clock (-12:00 to +14:00)"),
    message("{n} cells where the header has {expected}"),
    message("creation time: {detail}"),
    message("time of change: {detail}"),
    message("creation time"),
    message("time of change"),
    message("not a date"),
    message("“{value}”: before 1900 or after 2200"),
    message("NUL byte"),
    message("change to no status"),
    message("change of an issue that the list lacks"),
    message("change without a time"),
    message("change without an issue key"),
    message("issue without a key"),
    message("never in a status of work, now in {status}"),
    message("{reason} ({n})"),
    message("repeats an earlier row"),
    message("mis-click, put right at once"),
    message("moved in bulk"),
    message("before the beginning or after the end of its case"),
)
_QUALITY: Final = (
    message("rows of the source that could not be used"),
    message("look at log.quarantine and correct them at the source"),
    message("ends in the same minute, by the same person, in {n} or more cases"),
    message("such moves tidy a board; they do not show when the work was done"),
    message("these are dates without a time: durations below a day mean nothing"),
    message("activities left again within seconds for the one before (A, B, A)"),
    message("mis-clicks: they count as rework unless they are collapsed"),
    message("probably one activity: give them one name"),
    message("probably one person each: give them one name, or how busy they are is wrong"),
    message("instances of activities whose names are question marks"),
    message("the export lost its letters: export again as UTF-8"),
    message("cases of one event"),
    message("nothing can be said of their flow; were the other events left out of the export?"),
    message("cases still open when the observation ended"),
    message("they are kept and treated as censored: their cycle time is at least what is seen"),
    message("instances ongoing for over {n} times the 95th percentile of their activity"),
    message("their end was probably not recorded: close them at the source"),
    message("parallel work is fine; where it is not, starts or ends are recorded late"),
    message("instances at the very moment of the one before"),
    message("their order is that of the source; check that it is the true one"),
    message("instances that repeat another in case, activity, times and person"),
    message("probably exported twice: drop_duplicates sets them aside"),
    message("times at exactly midnight"),
    message("times at a full hour, more than chance would put there"),
    message("part of the times is typed in by hand afterwards: their minutes mean little"),
    message("instances that ended on a weekend or a public holiday"),
    message("overtime, or dates typed in later: working time does not count these days"),
    message("instances years away from all the others"),
    message("a wrong year, an empty date, or a very old case: correct them, or windows and trends are stretched"),
    message("instances since a date from which on the day is shifted by whole hours"),
    message("the source changed its time zone: shift_time puts one part right, or all durations across it are wrong"),
    message("times rounded to the hour"),
    message("times rounded to the half hour"),
    message("times rounded to the quarter of an hour"),
    message("times rounded to five minutes"),
    message("typed in by hand, or rounded in the export: shorter durations mean nothing, ties are likely"),
    message("instances of groups whose day is shifted by whole hours against the others'"),
    message("another time zone, or another shift: where it is the zone, shift_time puts their clock right"),
    message("{name}: {shift} h"),
    message("instances without a person, of activities that people do"),
    message("their work is missing in the workload and in the hand-overs; were deleted accounts exported?"),
    message("empty cells in columns that are otherwise filled in"),
    message("groups by these columns leave such rows out; fill them in at the source"),
    message("cases at the beginning of the window that do not begin as others do"),
    message("they began before the export did: leave them out, or they look too short"),
    message("completed cases at the end of the window that do not end as others do"),
    message("they were probably still open: name the final activities when reading (final=[...])"),
    message("cases that begin in the first fifth of the time that the log covers"),
    message("cases that begin in the last fifth of the time that the log covers"),
    message("the export was probably cut by when cases ended or changed: trust rates and trends where it is full"),
    message("usually busy days on which nothing at all is recorded, several in a row"),
    message("a closure, or events missing in the export: leave out cases that cross it, or add it to the calendar"),
    message("instances far longer or shorter than nearly all of their activity"),
    message("forgotten or put right later: medians bear them, means and sums do not"),
    message("completed cases far longer or shorter than nearly all others"),
    message("look at a few: two cases under one number, or work that was closed at once"),
    message("instances of activities whose names differ only by case, spaces, marks, е/ё or look-alike letters"),
    message("instances of activities whose names look like typing errors of frequent ones"),
    message("look at each pair, then give it one name"),
    message("people whose names differ only by case, spaces, marks, е/ё, look-alike letters or the order of words"),
    message("instances of activities that occur only once"),
    message("the activity column holds free text or numbers: choose another column, or merge the names"),
    message("instances of activities of which one stops when the other begins, between the same neighbours"),
    message("renamed, or replaced by another: if only the name changed, merge them"),
    message("instances that start before an earlier one of their case has ended, where that is not usual"),
    message("instances that end at their start, of activities that usually take time"),
    message("their start or their end was not recorded: durations are too short; estimate_starts fills them in"),
    message("instances before the creation of their case"),
    message("typed in later, or with a wrong date: correct them, or set them aside with trim"),
    message("instances after their case was closed"),
    message("re-opened, or recorded late; where the work was over, trim sets them aside"),
)
_NOTES: Final = (
    message(
        "Only completion times are recorded: waiting and processing cannot be told apart, so each wait is the time "
        "since the previous completion."
    ),
    message(
        "The log tells statuses, each lasting until the next: the statuses that say so count as waiting, the others as "
        "work, although work may have waited in them too."
    ),
    message("The working hours are inferred from the activity in the log."),
    message("Open cases are censored: percentiles of cycle time are those of Kaplan and Meier."),
    message(
        "A filter has left out other work of the same people: hours of work are those of what was kept, and how busy "
        "the people are is not known."
    ),
    message("the target has no process card: limits and rounds were not checked"),
    message("the process card names no customer: nobody is said to need the result"),
    message("the log has no roles: who did what was not checked"),
    message("the target names no roles: who did what was not checked"),
    message("the log has only completions: limits are measured from the completion before"),
    message("the log's starts are estimated: so are the times that limits are checked against"),
    message("The model predicted the held-out weeks only roughly (see the backtest): trust directions, not decimals."),
    message("The model did not predict the held-out weeks (see the backtest): do not decide on these answers alone."),
    message(
        "The model predicted the held-out weeks only roughly (see the backtest): trust directions, not decimals. "
        "{detail}"
    ),
    message(
        "The model did not predict the held-out weeks (see the backtest): do not decide on these answers alone. "
        "{detail}"
    ),
    message("{kpi} is foretold {rate} too high"),
    message("{kpi} is foretold {rate} too low"),
    message("{kpi} is foretold {rate} off"),
    message("{kpi} is not foretold"),
    message(
        "The log has completion times only: processing times were estimated from the gaps between a person's "
        "consecutive completions, and staffing answers are weakly supported."
    ),
    message("The log has only {n} completed cases; every number of the model is rough."),
    message("The log names no people, so the model has outside waits only and no staffing answer is possible."),
    message(
        "All waiting is modelled as a delay that more staff would not shorten (alpha = 0 replays the log's cycle times "
        "best); only queues that arise on top of it react to staffing."
    ),
    message(
        "Half of the waiting that busy people explain is modelled as queueing, the rest as a delay that more staff "
        "would not shorten (alpha = 0.5 replays the log's cycle times best)."
    ),
    message(
        "Waiting while the person was busy is modelled as queueing, and what is left of it as a delay that more staff "
        "would not shorten (alpha = 1 replays the log's cycle times best)."
    ),
    message(
        "The log leaves open how much of the waiting is queueing: answers show the range of what it does not exclude."
    ),
    message("Activities of one case overlap in the log; the model begins them by the start of the one before."),
    message("No batches and no limits on work in progress are learned where activities of one case overlap."),
    message(
        "{activity}: work is collected and handed over {rule}; of the later pieces that were held back, this "
        "foretells {share} ({chance} by chance)."
    ),
    message(
        "{activity}: batches are all of one size, so the log does not show how their hours grow with it; they "
        "are taken to last as long as their longest piece."
    ),
    message(
        "{activity} is often done for several cases together, but nothing shows what they wait for: the model "
        "does them one by one."
    ),
    message(
        "{activity}: at most {n} cases are let in at once, although people are free; of the later pieces that "
        "were held back, this foretells {share} ({chance} by chance)."
    ),
    message(
        "At most {n} cases are in the process at once, and others wait at its door; of the later ones that were "
        "held back, this foretells {share} ({chance} by chance)."
    ),
    message("{activity} is done by whoever did {other}: {share} of {n} times, where chance would bring {chance}."),
    message(
        "{activity} is never done by whoever did {other}: {share} of {n} times, where chance would bring {chance}."
    ),
    message("{activity}: the log shows whose hands it needs because of {other}, but the model cannot say it."),
    message(
        "{role}: some people take work more readily than others, and so they do in the model; of {n} later choices "
        "among several who were free, this foretells who took it with {foretold} on average ({otherwise} without)."
    ),
    message("People take the last piece first ({share} of {n} choices among several), and so does the model."),
    message("People take what is due first ({share} of {n} choices among several), and so does the model."),
    message(
        "People take some activities first ({share} of {n} choices among several), and so does the model: {names}."
    ),
    message(
        "People take cases first by {attribute} ({share} of {n} choices among several): {names}. In the model "
        "these are types of cases."
    ),
    message(
        "People take cases first by {attribute} ({share} of {n} choices among several): {names}. The model takes "
        "the oldest first all the same, because it already draws this attribute together with others."
    ),
    message(
        "{role}: of the choices among several pieces, another order explains more than that of the model, which "
        "has one for all: {kind}."
    ),
    message(
        "{role}: in which order work is taken is not seen in {n} choices among several pieces; the model takes "
        "the oldest first."
    ),
    message("the oldest first"),
    message("the last one first"),
    message("what is due first"),
    message("some activities first"),
    message("by {attribute}"),
    message("{n} at a time"),
    message("after {hours} h"),
    message("after {hours} office hours"),
    message("at {week}"),
    message("{n} at a time, or after {hours} h"),
    message("{n} at a time, or after {hours} office hours"),
    message("{n} at a time, or at {week}"),
    message("Some people have several things in hand at once; the model lets them, each at its full pace."),
    message(
        "Cases have {n} attributes that could change something; the {most} that foretell most in half of the cases "
        "were looked at."
    ),
    message(
        "Later cases of the log are foretold {gain} better by recent ones: a case counts half for every {share} of the "
        "cases that came after it."
    ),
    message(
        "The log holds finished cases only, and those that were open when it ended are missing: all cases together "
        "take about {all_cases} h on average, those seen {seen} h. The model foretells logs of this kind."
    ),
    message(
        "unstable: in scenario “{name}” more work arrives than is done, so its times grow with the simulated span: "
        "{detail}"
    ),
    message(
        "unstable: in the base model more work arrives than is done, so its times grow with the simulated span: "
        "{detail}"
    ),
    message("the queue of {role} grows by {rate} a week"),
    message("work piles up"),
    message(
        "in scenario “{name}” the work in progress does not settle within {n} weeks: its figures depend on the span"
    ),
    message("in the base model the work in progress does not settle within {n} weeks: its figures depend on the span"),
    message(
        "in {n} of {share} draws of the model's numbers, scenario “{name}” has more work than people can do: the far "
        "end of its intervals only says that times would grow"
    ),
    message(
        "in {n} of {share} draws of the model's numbers, the base model has more work than people can do: the far end "
        "of its intervals only says that times would grow"
    ),
    message(
        "the half-width of {kpi} in scenario “{name}” is {rate}, not the {factor} asked for: the replications of the "
        "budget were used up"
    ),
    message(
        "the half-width of {kpi} in scenario “{name}” is {rate}, not the {factor} asked for: the seconds of the budget "
        "were used up"
    ),
    message(
        "the half-width of {kpi} in scenario “{name}” is {rate}, not the {factor} asked for: {share} of it is not "
        "known of the model, which no number of replications makes smaller"
    ),
)
_SCENARIOS: Final = (
    message("{name}: rework × {factor}"),
    message("{name}: duration × {factor}"),
    message("{name}: +{factor}"),
    message("arrivals × {factor}"),
)
# These begin or end with any text at all: they are tried last.
_LIMITS: Final = (
    message("“{column}”: {detail}"),
    message("{detail} of work"),
    message("{detail} at least {low} and at most {high}"),
    message("{detail} at least {low}"),
    message("{detail} at most {high}"),
    message("every {detail}"),
    message("{detail} within {limit}"),
    message("{first} directly followed by {second}"),
    message("{first} eventually followed by {second}"),
    message("since {date}"),
    message("until {date}"),
    message("before {names}"),
    message("after {names}"),
    message("{shift} h"),
)
_NUMBER: Final = re.compile(
    r"""["“«][^"”»]*["”»]|(?<![\w.,:/])"""
    r"""(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?P<fraction>\.\d+)?(?P<percent>\ ?%)?(?![\w:/]|[.,]\w)"""
)
INFERRED: Final = ", inferred from the log"
_CALENDAR: Final = re.compile(rf"(24/7|(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[^()]* \d\d:\d\d-[^()]* \([^()]*\))({INFERRED})?")
SENTENCES: Final = (
    *(*ERRORS, *TARGETS, *DIAGNOSES, *ROLLOUTS, *_SCENARIOS, *_METHODS, *_STEPS, *_DETAILS, *_REASONS, *_QUALITY),
    *_NOTES,
    *ASSUMPTIONS,
    *_LIMITS,
    *PLACES,
)


def retell(text: str, t: Translator) -> str:
    """Say an English sentence of another room in the language of `t`; as it is, where it is not known."""
    return text if not text or t.language == "en" else (_retold(text, t) or text)


def _retold(text: str, t: Translator) -> str | None:
    said = t(text)
    if said != text:
        return said
    if _CALENDAR.fullmatch(text):
        return _calendar(text, t)
    parts = _parts(text)
    told = [_retold(part, t) for part in parts] if len(parts) > 1 else []
    if told and all(told):
        return "; ".join(one for one in told if one)
    for template, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found:
            values = {name: _value(name, value, t) for name, value in found.groupdict().items()}
            return t(template, **values)
    if any(told):
        return "; ".join(one or part for one, part in zip(told, parts, strict=True))
    return None


def _calendar(text: str, t: Translator) -> str:
    """Say the description of a calendar; the names of days and of time zones are the same wherever they stand."""
    pattern, inferred, _ = text.partition(INFERRED)
    days = {"Mon": t("Mon"), "Tue": t("Tue"), "Wed": t("Wed"), "Thu": t("Thu"), "Fri": t("Fri"), "Sat": t("Sat"),
            "Sun": t("Sun")}  # fmt: skip
    week, bracket, notes = pattern.rpartition(" (")
    week = re.sub(r"[A-Z][a-z]{2}", lambda found: days[found[0]], week or notes).replace("-", "–")
    notes = notes.replace("holidays ", t("holidays") + " ") if bracket else ""
    return f"{week}{bracket}{notes}" + (", " + t("inferred from the log") if inferred else "")


def _parts(text: str) -> list[str]:
    """Split a list of remarks at its semicolons, but not at those inside parentheses."""
    parts, depth, start = [], 0, 0
    for place, glyph in enumerate(text):
        depth += (glyph == "(") - (glyph == ")")
        if depth == 0 and text.startswith("; ", place):
            parts.append(text[start:place])
            start = place + 2
    return [part for part in (*parts, text[start:]) if part]


def _value(name: str, value: str, t: Translator) -> str:
    if name == "kpi":
        told = kpi_name(value, t)
        return f"{told[:1].lower()}{told[1:]}"
    if name in ("where", "known"):
        # Names that another room has quoted.
        return re.sub(r'"([^"]*)"', "«\\1»", value)
    sentence = _retold(value, t) if name in _TOLD_FIELDS else None
    return sentence or (_numbers(value, t) if name in _NUMBER_FIELDS else value)


def _numbers(text: str, t: Translator) -> str:
    """Write the numbers of a value as the language does; names in quotes, dates, versions and file names stay."""
    told = _NUMBER.sub(lambda found: _number(found, t), text)
    # A comma between two numbers would be taken for a decimal one.
    return told if told == text else re.sub(r"(?<=[\d%]), (?=[-+]?\d)", "; ", told)


def _number(found: re.Match[str], t: Translator) -> str:
    if found["whole"] is None:
        return found[0]
    whole, fraction, percent = found["whole"], found["fraction"] or "", found["percent"]
    value, digits = float(whole.replace(",", "") + fraction), max(len(fraction) - 1, 0)
    if percent:
        return t.percent(value / 100, digits=digits)
    # A number without marks may be a year: it is not grouped.
    return t.number(value, digits=digits) if fraction or "," in whole else whole


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(_compiled())


def _compiled() -> Iterator[tuple[str, re.Pattern[str]]]:
    # The rooms use straight quotation marks, the catalogue those of the language.
    for template in SENTENCES:
        if "{" in template or "“" in template:
            fixed = re.escape(template).replace("“", '["“]').replace("”", '["”]')
            yield template, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", fixed), re.DOTALL)
