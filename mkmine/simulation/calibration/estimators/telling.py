"""Which attributes of cases foretell what happens to them: routes, hours and delays of cases left out decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mkmine.simulation.calibration.estimators.attributes import Coded

__all__ = ["MOST_LOOKED_AT", "Chosen", "Numbers", "Outcomes", "Subject", "choose_attributes"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Subject = Literal["hours", "delay", "routes"]

FOLDS = 5
# So many imagined observations of the activity as a whole each value borrows; held-out cases choose.
_STRENGTHS = (1.0, 3.0, 10.0, 30.0)
# On logs in which attributes tell nothing, at most so often anything is chosen.
_BY_CHANCE = 0.01
# So much better per observation (natural logarithm) held-out cases have to be foretold to be worth a variant.
_WORTH = 1e-3
# An activity is asked about an attribute if two values have so many cases there.
_FEWEST = 5
_MOST_ATTRIBUTES, _MOST_CELLS, _MOST_IN_ALL = 2, 24, 4
# Of more attributes, those that foretell most in half of the cases are looked at.
MOST_LOOKED_AT = 60
# So many standard deviations from the usual an observation counts at most.
_FARTHEST = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The attributes that tell something about an activity: codes of the cells that they make, by case (n,).

    `strength` is how many observations each cell borrows, `by_context` whether routes are told apart by what came
    before as well, `gain` by how much held-out cases are foretold better in all (natural logarithm).
    """

    attributes: tuple[Coded, ...]
    strength: float
    gain: float
    by_context: bool = False

    @property
    def cells(self) -> Int:
        """The number of the cell of each case."""
        return _cells(self.attributes)

    @property
    def size(self) -> int:
        """How many cells there are."""
        return _size(self.attributes)

    def when(self, cell: int) -> dict[str, str]:
        """Return the values that make a cell."""
        out = {}
        for one in reversed(self.attributes):
            cell, value = divmod(cell, len(one.values))
            out[one.name] = one.values[value]
        return dict(reversed(out.items()))


def _cells(attributes: Sequence[Coded]) -> Int:
    out = np.zeros(len(attributes[0].code), dtype=np.int64)
    for one in attributes:
        out = out * len(one.values) + one.code
    return out


def _size(attributes: Sequence[Coded]) -> int:
    return int(np.prod([len(one.values) for one in attributes]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Observations (n,) in the order of activity and case."""

    activity: Int
    case: Int
    weights: Floats
    begins: Int = field(init=False)
    fold: Int = field(init=False)

    def __post_init__(self) -> None:
        new = np.ones(len(self.case), dtype=np.bool_)
        new[1:] = (self.case[1:] != self.case[:-1]) | (self.activity[1:] != self.activity[:-1])
        object.__setattr__(self, "begins", np.flatnonzero(new))
        object.__setattr__(self, "fold", (self.case * 2654435761 >> 7) % FOLDS)

    def left(self, code: Int, values: Floats) -> Floats:
        """Return for each observation the sum of values with its code in all other folds."""
        table = np.bincount(code * FOLDS + self.fold, weights=values, minlength=(int(code.max()) + 1) * FOLDS)
        table = table.reshape(-1, FOLDS)
        return np.asarray(table.sum(axis=1)[code] - table[code, self.fold])

    def asked(self, code: Int, size: int, activities: int) -> Flags:
        """Return which activities (A,) have enough cases of two values."""
        units = self.activity[self.begins] * size + code[self.case[self.begins]]
        counts = np.bincount(units, minlength=activities * size).reshape(activities, size)
        return np.asarray((counts >= _FEWEST).sum(axis=1) >= 2)

    def summed(self, gain: Floats, activities: int) -> tuple[Floats, Floats, Floats]:
        """Return by activity the gain, how sure it is (in standard deviations over cases), and how much was seen."""
        of = self.activity[self.begins]
        by_case = np.add.reduceat(gain, self.begins)
        total: Floats = np.bincount(of, weights=by_case, minlength=activities).astype(np.float64)
        spread = np.sqrt(np.bincount(of, weights=by_case**2, minlength=activities))
        seen: Floats = np.bincount(self.activity, weights=self.weights, minlength=activities).astype(np.float64)
        return total, np.where(spread > 0, total / np.where(spread > 0, spread, 1.0), 0.0), seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers(_Rows):
    """Logarithms of hours, as what is left of them without the mean of their group, and the usual size of that."""

    rest: Floats
    scale: Floats

    @classmethod
    def of(
        cls, hours: Floats, group: Int, activity: Int, case: Int, weights: Floats, *, least: float
    ) -> Numbers | None:
        """Take hours (n,) apart by group; less than `least` is taken for it. None where there are none."""
        order = np.lexsort((case, activity))
        activity, case, weights, group = activity[order], case[order], weights[order], group[order]
        if not len(order):
            return None
        y = np.log(np.maximum(hours[order], least))
        rows = _Rows(activity=activity, case=case, weights=weights)
        seen = rows.left(group, weights)
        rest = np.where(seen > 0, y - rows.left(group, weights * y) / np.where(seen > 0, seen, 1.0), 0.0)
        variance = np.bincount(activity, weights=weights * rest**2) / np.maximum(
            np.bincount(activity, weights=weights), 1e-9
        )
        scale = np.sqrt(np.maximum(variance, 1e-12))[activity]
        rest = np.clip(rest, -_FARTHEST * scale, _FARTHEST * scale)
        return cls(activity=activity, case=case, weights=weights, rest=rest, scale=scale)

    def tried(self, code: Int, size: int) -> list[Numbers]:
        """Return what would be left if cases were told apart by an attribute, for each strength."""
        cell = self.activity * size + code[self.case]
        total, seen = self.left(cell, self.weights * self.rest), self.left(cell, self.weights)
        return [replace(self, rest=self.rest - total / (seen + strength)) for strength in _STRENGTHS]

    def gain(self, other: Numbers) -> Floats:
        """Return by how much more probable (natural logarithm) the observations are for another."""
        return np.asarray(self.weights * (self.rest**2 - other.rest**2) / (2 * self.scale**2))

    def only(self, mine: Flags) -> Numbers:
        """Return some of the observations."""
        kept = {name: getattr(self, name)[mine] for name in ("activity", "case", "weights", "rest", "scale")}
        return Numbers(**kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes(_Rows):
    """Decisions, with the groups in which they are counted, and how probable (natural logarithm) each one was."""

    outcome: Int
    group: Int
    log_p: Floats

    @classmethod
    def of(cls, outcome: Int, group: Int, activity: Int, case: Int, weights: Floats, p: Floats) -> Outcomes | None:
        """Take decisions (n,) and how probable they were without attributes. None where there are none.

        What telling nothing apart would still add, an attribute must not win: that is counted in before.
        """
        order = np.lexsort((case, activity))
        if not len(order):
            return None
        decisions = cls(
            outcome=outcome[order],
            group=group[order],
            activity=activity[order],
            case=case[order],
            weights=weights[order],
            log_p=np.log(p[order]),
        )
        return decisions.tried(np.zeros(int(case.max()) + 1, dtype=np.int64), 1)[0]

    def tried(self, code: Int, size: int) -> list[Outcomes]:
        """Return how probable the decisions would be if cases were told apart by an attribute, for each strength."""
        group = np.unique(self.group * size + code[self.case], return_inverse=True)[1].ravel()
        pair = np.unique(group * (int(self.outcome.max()) + 1) + self.outcome, return_inverse=True)[1].ravel()
        hits, seen, p = self.left(pair, self.weights), self.left(group, self.weights), np.exp(self.log_p)
        return [
            replace(self, group=group, log_p=np.log((hits + strength * p) / (seen + strength)))
            for strength in _STRENGTHS
        ]

    def gain(self, other: Outcomes) -> Floats:
        """Return by how much more probable (natural logarithm) the decisions are for another."""
        return np.asarray(self.weights * (other.log_p - self.log_p))

    def only(self, mine: Flags) -> Outcomes:
        """Return some of the decisions."""
        kept = {
            name: getattr(self, name)[mine] for name in ("activity", "case", "weights", "outcome", "group", "log_p")
        }
        return Outcomes(**kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """What an attribute (number, of the list) does for an activity, counted from what is foretold without it."""

    attribute: int
    activity: int
    gain: float
    sure: float
    worth: bool
    strength: int


def choose_attributes(
    coded: Sequence[Coded],
    subjects: Mapping[Subject, Sequence[Numbers | Outcomes | None]],
    activities: int,
) -> dict[Subject, dict[int, Chosen]]:
    """Return which attributes tell something about the routes, hours and delays of which activities.

    Cases are left out in five groups, and each attribute has to make what they did more probable than it is by what
    holds for all cases: a value's mean, or its routes, are those of the other groups' cases, shrunk towards all
    cases'. The gain has to be so large, against its spread over cases and as a likelihood ratio, that of all that is
    asked chance would hardly lead to one such gain (a normal bound, Bonferroni). Of several the best one is taken, and
    then a second one if it adds as surely to the first. Of routes there are two forms to begin with: the second one
    tells cases apart in each context, the first in place of contexts; both are compared with what contexts foretell.

    In all, at most four attributes are taken, those with the largest gain. Of more than 60 the ones are looked at that
    are the surest to foretell something in every other case; what chance could do counts all of them.
    """
    size, given = max(activities, 1), len(coded)
    if given > MOST_LOOKED_AT:
        coded = _most_telling(coded, subjects, size)
    tried = {
        (subject, number): _trials(base, coded, size, _reference(forms)) if base is not None else []
        for subject, forms in subjects.items()
        for number, base in enumerate(forms)
    }
    asked = sum(len(trials) for trials in tried.values()) * given // max(len(coded), 1)
    out = _best(coded, subjects, tried, max(asked, 1), size)
    gains: dict[str, float] = {}
    for of_subject in out.values():
        for one in of_subject.values():
            for attribute in one.attributes:
                gains[attribute.name] = gains.get(attribute.name, 0.0) + one.gain / len(one.attributes)
    kept = set(sorted(gains, key=lambda name: (-gains[name], name))[:_MOST_IN_ALL])
    return {
        subject: {
            activity: one for activity, one in of_subject.items() if kept.issuperset(a.name for a in one.attributes)
        }
        for subject, of_subject in out.items()
    }


def _most_telling(
    coded: Sequence[Coded], subjects: Mapping[Subject, Sequence[Numbers | Outcomes | None]], size: int
) -> list[Coded]:
    """Return the attributes that foretell most surely in every other case, in the order of their names."""
    best = np.full(len(coded), -np.inf)
    for forms in subjects.values():
        base = _reference(forms) if forms else None
        half = None if base is None else base.only(base.case % 2 == 0)
        for trial in _trials(half, coded, size, None) if half is not None and len(half.case) else []:
            sure = min(trial.sure, float(np.sqrt(max(2 * trial.gain, 0.0))))
            best[trial.attribute] = max(best[trial.attribute], sure)
    kept = sorted(np.argsort(-best, kind="stable")[:MOST_LOOKED_AT].tolist())
    return [coded[number] for number in kept]


def _reference(forms: Sequence[Numbers | Outcomes | None]) -> Numbers | Outcomes | None:
    """Return what every form has to be better than: the last one."""
    return forms[-1]


def _trials(
    base: Numbers | Outcomes, coded: Sequence[Coded], size: int, reference: Numbers | Outcomes | None
) -> list[_Trial]:
    """Return the trials of all attributes at all activities that have enough cases."""
    out = []
    for number, one in enumerate(coded):
        asked = np.flatnonzero(base.asked(one.code, len(one.values), size))
        if not len(asked):
            continue
        found = [
            base.summed((reference or base).gain(other), size)  # type: ignore[arg-type]
            for other in base.tried(one.code, len(one.values))
        ]
        best = np.argmax([total for total, _, _ in found], axis=0)
        for activity in asked.tolist():
            total, sure, seen = found[best[activity]]
            gain = float(total[activity])
            worth = gain > _WORTH * float(seen[activity])
            out.append(
                _Trial(
                    attribute=number,
                    activity=activity,
                    gain=gain,
                    sure=float(sure[activity]),
                    worth=worth,
                    strength=int(best[activity]),
                )
            )
    return out


def _best(
    coded: Sequence[Coded],
    subjects: Mapping[Subject, Sequence[Numbers | Outcomes | None]],
    tried: Mapping[tuple[Subject, int], list[_Trial]],
    asked: int,
    size: int,
) -> dict[Subject, dict[int, Chosen]]:
    from scipy.special import ndtri

    enough = float(ndtri(1 - _BY_CHANCE / asked))
    out: dict[Subject, dict[int, Chosen]] = {}
    for subject, forms in subjects.items():
        out[subject] = {}
        firsts: dict[int, tuple[_Trial, int]] = {}
        for form in range(len(forms)):
            for trial in tried[subject, form]:
                holds = _holds(trial, enough)
                if holds and (trial.activity not in firsts or trial.gain > firsts[trial.activity][0].gain):
                    firsts[trial.activity] = (trial, form)
        for activity, (trial, form) in sorted(firsts.items()):
            base = forms[form]
            assert base is not None
            out[subject][activity] = _further(
                coded, base.only(base.activity == activity), trial, form > 0, enough, size
            )
    return out


def _holds(trial: _Trial, enough: float) -> bool:
    """Whether a gain is no chance: large against its spread, and as a likelihood ratio too.

    Where hardly anything varies, many small gains of one sign are sure, and nothing.
    """
    return trial.worth and trial.sure > enough and 2 * trial.gain > enough**2


def _further(
    coded: Sequence[Coded], base: Numbers | Outcomes, first: _Trial, by_context: bool, enough: float, size: int
) -> Chosen:
    """Return the attributes of an activity: the best one, and a second one if that adds to it."""
    one = coded[first.attribute]
    after = base.tried(one.code, len(one.values))[first.strength]
    others = [other for other in coded if other is not one and _size((one, other)) <= _MOST_CELLS]
    further = [
        trial
        for trial in _trials(after, others, size, None)
        if trial.activity == first.activity and _holds(trial, enough)
    ]
    strength = _STRENGTHS[first.strength]
    if not further or _MOST_ATTRIBUTES < 2:
        return Chosen(attributes=(one,), strength=strength, gain=first.gain, by_context=by_context)
    second = max(further, key=lambda trial: trial.gain)
    return Chosen(
        attributes=(one, others[second.attribute]),
        strength=max(strength, _STRENGTHS[second.strength]),
        gain=first.gain + second.gain,
        by_context=by_context,
    )
