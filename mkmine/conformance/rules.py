"""Checks of rules over whole logs at once: for every activation, is there what the rule demands of its case?

Instances of a case are in order of their start. In an open case, what has not happened yet may still happen: it is
pending, not violated, unless its time is up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.errors import UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.statistics import wilson
from mkmine.targets.rules import Rule

__all__ = ["RULES", "Found", "check_rules", "judge"]

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

HOUR = 3_600_000_000
EXAMPLES = 3
RULES = (
    "rule",
    "template",
    "checked",
    "violated",
    "pending",
    "cases_checked",
    "cases_violated",
    "share",
    "low",
    "high",
    "examples",
    "people",
)


@dataclass(frozen=True, eq=False)
class Found:
    """The case of every activation of a rule, and whether it breaks the rule, or cannot be judged yet.

    `people` are the codes of those who did what two should have done, one for each case.
    """

    case: Ints
    violated: Bools
    pending: Bools
    people: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def check_rules(log: EventLog, rules: Sequence[Rule], found: Sequence[Found]) -> pd.DataFrame:
    """Return one row per rule, of what `judge` found.

    Columns: rule (in words), template, checked (activations: executions of what the rule is about, or cases), violated,
    pending (in open cases), cases_checked, cases_violated, share (of the checked cases, with Wilson's 95 % interval
    low and high), examples (ids of cases that break it), people (of `four_eyes`: who did both, and in how many cases).
    A rule that nothing activates has NaN: it is not kept, it is not tested.
    """
    rows = []
    for rule, one in zip(rules, found, strict=True):
        violating = np.unique(one.case[one.violated])
        judged = len(np.unique(one.case[~one.pending]))
        low, high = wilson(np.array([len(violating)]), np.array([judged]))
        rows.append(
            (
                str(rule),
                rule.template,
                int((~one.pending).sum()),
                int(one.violated.sum()),
                int(one.pending.sum()),
                judged,
                len(violating),
                len(violating) / judged if judged else float("nan"),
                float(low[0]),
                float(high[0]),
                tuple(str(name) for name in log.case_ids[violating[:EXAMPLES]]),
                tuple(f"{log.resources[code]} ({n})" for code, n in Counter(one.people.tolist()).most_common()),
            )
        )
    return pd.DataFrame(rows, columns=list(RULES))


def judge(
    log: EventLog, rules: Sequence[Rule], *, aliases: Mapping[str, str] | None = None, known: Sequence[str] = ()
) -> list[Found]:
    """Return what is found of each rule.

    `aliases` lead from names of the log to those of the rules; `known` are activities that the log need not have.
    Raises `UnknownNameError` if a rule speaks of any other activity.
    """
    view = _View.of(log, aliases or {}, known)
    return [_CHECKS[rule.template](view, rule) for rule in rules]


@dataclass(frozen=True, eq=False)
class _View:
    """A log with the instances (rows, in order) of every activity by the name that rules use."""

    log: EventLog
    rows: dict[str, Ints]
    case: Ints
    open: Bools

    @classmethod
    def of(cls, log: EventLog, aliases: Mapping[str, str], known: Sequence[str]) -> _View:
        named = [aliases.get(name, name) for name in log.activities]
        rows: dict[str, Ints] = {}
        for name in dict.fromkeys([*named, *aliases.values(), *known]):
            codes = np.array([one == name for one in named], dtype=np.bool_)
            rows[name] = np.flatnonzero(codes[log.activity])
        return cls(log, rows, log.case_of.astype(np.int64), ~log.completed)

    def of_activity(self, name: str) -> Ints:
        if name not in self.rows:
            raise UnknownNameError.of(kind="activity", name=name, known=list(self.rows))
        return self.rows[name]

    def following(self, rows: Ints, among: Ints) -> Ints:
        """Return for each row the next one of `among` in its case, or -1."""
        place = np.searchsorted(among, rows, side="right")
        return self._same_case(rows, among, place, place < len(among))

    def preceding(self, rows: Ints, among: Ints) -> Ints:
        """Return for each row the last one of `among` before it in its case, or -1."""
        place = np.searchsorted(among, rows, side="left") - 1
        return self._same_case(rows, among, place, place >= 0)

    def _same_case(self, rows: Ints, among: Ints, place: Ints, inside: Bools) -> Ints:
        if not len(among):
            return np.full(len(rows), -1)
        found = among[np.clip(place, 0, len(among) - 1)]
        return np.where(inside & (self.case[found] == self.case[rows]), found, -1)

    def counts(self, name: str) -> Ints:
        return np.bincount(self.case[self.of_activity(name)], minlength=self.log.n_cases)

    def per_case(self, violated: Bools, *, may_come: Bools | bool = False, of: Bools | None = None) -> Found:
        """Return what is found of whole cases; in open ones, what `may_come` is pending."""
        cases = np.arange(self.log.n_cases) if of is None else np.flatnonzero(of)
        broken = violated[cases]
        pending = broken & self.open[cases] & np.broadcast_to(may_come, len(violated))[cases]
        return Found(cases, broken & ~pending, pending)

    def per_row(self, rows: Ints, violated: Bools, pending: Bools | None = None) -> Found:
        """Return what is found of single executions."""
        waits = np.zeros(len(rows), dtype=np.bool_) if pending is None else pending
        return Found(self.case[rows], violated & ~waits, waits)

    def late(self, rows: Ints, found: Ints, limit_h: float | None) -> tuple[Bools, Bools]:
        """Return which of the found answers came too late, and which rows without one have time left."""
        missing, open_yet = found < 0, self.open[self.case[rows]]
        if limit_h is None:
            return np.zeros(len(rows), dtype=np.bool_), missing & open_yet
        log = self.log
        until = np.where(missing, log.observed[1], log.start[np.maximum(found, 0)])
        passed = log.working_calendar().working_time(log.end[rows], np.maximum(until, log.end[rows]))
        over = passed > limit_h * HOUR
        return over & ~missing, missing & open_yet & ~over


def _existence(view: _View, rule: Rule) -> Found:
    return view.per_case(view.counts(rule.activities[0]) < (rule.times or 1), may_come=True)


def _at_most(view: _View, rule: Rule) -> Found:
    return view.per_case(view.counts(rule.activities[0]) > (rule.times or 0))


def _init(view: _View, rule: Rule) -> Found:
    first = np.isin(view.log.offsets[:-1], view.of_activity(rule.activities[0]))
    return view.per_case(~first)


def _last(view: _View, rule: Rule) -> Found:
    last = np.isin(view.log.offsets[1:] - 1, view.of_activity(rule.activities[0]))
    return view.per_case(~last, may_come=True)


def _responded_existence(view: _View, rule: Rule) -> Found:
    a, b = (view.counts(name) > 0 for name in rule.activities)
    return view.per_case(a & ~b, may_come=True, of=a)


def _coexistence(view: _View, rule: Rule) -> Found:
    a, b = (view.counts(name) > 0 for name in rule.activities)
    return view.per_case(a != b, may_come=True, of=a | b)


def _not_coexistence(view: _View, rule: Rule) -> Found:
    a, b = (view.counts(name) > 0 for name in rule.activities)
    return view.per_case(a & b, of=a | b)


def _choice(view: _View, rule: Rule) -> Found:
    a, b = (view.counts(name) > 0 for name in rule.activities)
    return view.per_case(~(a | b), may_come=True)


def _exclusive_choice(view: _View, rule: Rule) -> Found:
    a, b = (view.counts(name) > 0 for name in rule.activities)
    return view.per_case(a == b, may_come=~a)


def _response(view: _View, rule: Rule) -> Found:
    rows, among = (view.of_activity(name) for name in rule.activities)
    found = view.following(rows, among)
    late, waits = view.late(rows, found, rule.within_h)
    return view.per_row(rows, (found < 0) | late, waits)


def _precedence(view: _View, rule: Rule) -> Found:
    among, rows = (view.of_activity(name) for name in rule.activities)
    return view.per_row(rows, view.preceding(rows, among) < 0)


def _succession(view: _View, rule: Rule) -> Found:
    one, other = _response(view, rule), _precedence(view, rule)
    parts = zip((one.case, one.violated, one.pending), (other.case, other.violated, other.pending), strict=True)
    case, violated, pending = (np.concatenate(part) for part in parts)
    return Found(case, violated, pending)


def _alternate_response(view: _View, rule: Rule) -> Found:
    rows, among = (view.of_activity(name) for name in rule.activities)
    found, again = view.following(rows, among), view.following(rows, rows)
    passed = (again >= 0) & ((found < 0) | (again < found))
    late, waits = view.late(rows, found, rule.within_h)
    return view.per_row(rows, (found < 0) | passed | late, waits & ~passed)


def _alternate_precedence(view: _View, rule: Rule) -> Found:
    among, rows = (view.of_activity(name) for name in rule.activities)
    found, before = view.preceding(rows, among), view.preceding(rows, rows)
    return view.per_row(rows, (found < 0) | (before > found))


def _chain_response(view: _View, rule: Rule) -> Found:
    rows, among = (view.of_activity(name) for name in rule.activities)
    found = view.following(rows, among)
    is_last = np.isin(rows, view.log.offsets[1:] - 1)
    late, waits = view.late(rows, found, rule.within_h)
    return view.per_row(rows, (found != rows + 1) | late, is_last & waits)


def _chain_precedence(view: _View, rule: Rule) -> Found:
    among, rows = (view.of_activity(name) for name in rule.activities)
    found = view.preceding(rows, among)
    return view.per_row(rows, (found < 0) | (found != rows - 1))


def _not_succession(view: _View, rule: Rule) -> Found:
    rows, among = (view.of_activity(name) for name in rule.activities)
    return view.per_row(rows, view.following(rows, among) >= 0)


def _not_chain_succession(view: _View, rule: Rule) -> Found:
    rows, among = (view.of_activity(name) for name in rule.activities)
    return view.per_row(rows, view.following(rows, among) == rows + 1)


def _people(view: _View, name: str) -> tuple[Ints, Ints]:
    """Return the pairs of case and person that do an activity, without what nobody known does."""
    rows = view.of_activity(name)
    person = view.log.resource[rows].astype(np.int64)
    pairs = np.unique(view.case[rows][person >= 0] * max(len(view.log.resources), 1) + person[person >= 0])
    return pairs // max(len(view.log.resources), 1), pairs


def _four_eyes(view: _View, rule: Rule) -> Found:
    (case_a, a), (case_b, b) = (_people(view, name) for name in rule.activities)
    n = view.log.n_cases
    both = (np.bincount(case_a, minlength=n) > 0) & (np.bincount(case_b, minlength=n) > 0)
    shared = np.intersect1d(a, b, assume_unique=True)
    case, person = np.divmod(shared, max(len(view.log.resources), 1))
    return replace(view.per_case(np.bincount(case, minlength=n) > 0, of=both), people=person)


def _same_person(view: _View, rule: Rule) -> Found:
    (case_a, a), (case_b, b) = (_people(view, name) for name in rule.activities)
    n = view.log.n_cases
    both = (np.bincount(case_a, minlength=n) > 0) & (np.bincount(case_b, minlength=n) > 0)
    people = np.bincount(np.union1d(a, b) // max(len(view.log.resources), 1), minlength=n)
    return view.per_case(people > 1, of=both)


def _not_later_than(view: _View, rule: Rule) -> Found:
    log, rows = view.log, view.of_activity(rule.activities[0])
    done, first = np.unique(view.case[rows[~log.ongoing[rows]]], return_index=True)
    until, missing = np.full(log.n_cases, log.observed[1]), np.ones(log.n_cases, dtype=np.bool_)
    until[done], missing[done] = log.end[rows[~log.ongoing[rows]][first]], False
    begun = log.start[log.offsets[:-1]]
    passed = log.working_calendar().working_time(begun, np.maximum(until, begun))
    over = passed > (rule.within_h or 0) * HOUR
    waits = missing & view.open & ~over
    return Found(np.arange(log.n_cases), (over | missing) & ~waits, waits)


_CHECKS: Mapping[str, Callable[[_View, Rule], Found]] = {
    "existence": _existence,
    "at_most": _at_most,
    "absence": _at_most,
    "init": _init,
    "last": _last,
    "responded_existence": _responded_existence,
    "coexistence": _coexistence,
    "response": _response,
    "precedence": _precedence,
    "succession": _succession,
    "alternate_response": _alternate_response,
    "alternate_precedence": _alternate_precedence,
    "chain_response": _chain_response,
    "chain_precedence": _chain_precedence,
    "not_coexistence": _not_coexistence,
    "not_succession": _not_succession,
    "not_chain_succession": _not_chain_succession,
    "choice": _choice,
    "exclusive_choice": _exclusive_choice,
    "four_eyes": _four_eyes,
    "same_person": _same_person,
    "not_later_than": _not_later_than,
}
