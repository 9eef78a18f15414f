"""What departing from the target goes along with: time, money, when and where it happens more often than elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.conformance.adjustment import Added, CaseMix, added, attributes_before, case_mix, slope, welch
from mkmine.conformance.breaches import Breach
from mkmine.conformance.deviations import EXAMPLES, HOUR, cycle_hours
from mkmine.conformance.regulation import ages
from mkmine.discovery.dependence import batched, compare_shares
from mkmine.discovery.inference import discoveries
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.statistics import wilson

__all__ = ["Costs", "work_out_costs"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

COSTS = {
    **dict.fromkeys(("kind", "activity", "detail"), object),
    **dict.fromkeys(("cases", "judged", "occurrences"), np.int64),
    **dict.fromkeys(("share", "share_low", "share_high", "naive_h", "added_h", "added_low_h", "added_high_h"), float),
    **dict.fromkeys(("compared", "against"), np.int64),
    **dict.fromkeys(("q",), float),
    **dict.fromkeys(("supported",), bool),
    **dict.fromkeys(("total_h", "added_cost", "added_cost_low", "added_cost_high", "total_cost"), float),
    **dict.fromkeys(("trend", "trend_low", "trend_high", "trend_q"), float),
    **dict.fromkeys(("examples",), object),
}
PERIODS = ("kind", "activity", "detail", "period", "checked", "broken", "share", "low", "high")
HOT_SPOTS = (
    *("kind", "activity", "detail", "by", "value", "cases", "of", "share", "elsewhere"),
    *("difference", "low", "high", "q"),
)
RATE, SHARE, FEWEST = 0.05, 0.02, 5
# What an hour of work costs at most in any money.
DEAREST = 1e12
# Attributes with more values name single cases; of the others the most frequent are looked at.
VALUES = 50


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Costs:
    """The tables of `Conformance`: costs, periods, hot spots; and what the times are adjusted for."""

    costs: pd.DataFrame
    periods: pd.DataFrame
    hot_spots: pd.DataFrame
    adjusted_for: tuple[str, ...]


def work_out_costs(
    log: EventLog,
    breaches: Sequence[Breach],
    *,
    names: Mapping[str, Bools],
    rates: Mapping[str, float],
    attributes: Sequence[str] | None,
) -> Costs:
    """Return what the breaches go along with; `names` gives the instances (n,) of activities, `rates` say what an hour
    of work of a role costs.

    Raises `UnknownNameError` if there is no such role or attribute, and `DataError` if a rate is not a number from 0 to
    1e12.
    """
    hours = np.where(log.completed, cycle_hours(log), ages(log))
    mix = case_mix(log, hours, attributes)
    money = _money(log, rates)
    rows = [_row(log, one, hours, money, mix, _rework(log, one, names)) for one in breaches]
    frame = pd.DataFrame(rows, columns=[*COSTS, "p", "trend_p"])
    frame["q"], frame["trend_q"] = discoveries(frame["p"]), discoveries(frame["trend_p"])
    frame["supported"] = frame["q"] <= RATE
    costs = frame[list(COSTS)].astype(COSTS)
    order = np.lexsort((-costs["cases"], -np.nan_to_num(costs["total_h"], nan=-np.inf)))
    return Costs(
        costs=costs.iloc[order].reset_index(drop=True),
        periods=_periods(log, breaches),
        hot_spots=_hot_spots(log, breaches, names, attributes),
        adjusted_for=(*mix.told, "rework elsewhere"),
    )


def _row(
    log: EventLog, one: Breach, hours: Floats, money: Floats | None, mix: CaseMix, rework: Floats
) -> tuple[object, ...]:
    inside, outside = one.broken, one.judged & ~one.broken
    time, cost, naive = Added(), Added(), Added()
    if not one.whole_case:
        time = added(hours, inside, outside, mix, rework)
        naive = welch(np.where(mix.weight > 0, hours, np.nan), inside, outside, mix.months)
        cost = Added() if money is None else added(money, inside, outside, mix, rework)
    old = one.judged & mix.old
    trend = slope(one.broken[old], mix.months[old])
    n, judged = int(inside.sum()), int(one.judged.sum())
    low, high = (float(limit[0]) for limit in wilson([n], [judged]))
    values = {
        "kind": one.kind,
        "activity": one.activity,
        "detail": one.detail,
        "cases": n,
        "judged": judged,
        "occurrences": one.occurrences,
        "share": n / judged,
        "share_low": low,
        "share_high": high,
        "naive_h": naive.value,
        "added_h": time.value,
        "added_low_h": time.low,
        "added_high_h": time.high,
        "compared": time.compared,
        "against": time.against,
        "total_h": time.value * n,
        "added_cost": cost.value,
        "added_cost_low": cost.low,
        "added_cost_high": cost.high,
        "total_cost": cost.value * n,
        "trend": trend.value,
        "trend_low": trend.low,
        "trend_high": trend.high,
        "examples": tuple(str(name) for name in log.case_ids[np.flatnonzero(inside)[:EXAMPLES]]),
        "p": time.p,
        "trend_p": trend.p,
    }
    return tuple(values.get(name, False) for name in [*COSTS, "p", "trend_p"])


def _about(one: Breach, names: Mapping[str, Bools]) -> Bools:
    """Return the instances (n,) of the activities that a breach is about."""
    out = np.zeros(len(next(iter(names.values()))), dtype=np.bool_)
    for name in one.activities:
        # Rules also speak of what is neither in the log nor in the model.
        out |= names.get(name, False)
    return out


def _rework(log: EventLog, one: Breach, names: Mapping[str, Bools]) -> Floats:
    """Return how many executions of each case (m,) are repeated ones, as far as they are not the breach itself.

    More executions are more occasions to exceed a limit, so those of a step itself count there. A loop takes other
    steps along: where rounds are the breach, no rework is another matter.
    """
    again = log.round > 1
    if one.kind in ("rounds", "repeated"):
        return np.zeros(log.n_cases)
    if one.rows is None:
        again &= ~_about(one, names)
    return np.bincount(log.case_of[again], minlength=log.n_cases).astype(np.float64)


def _money(log: EventLog, rates: Mapping[str, float]) -> Floats | None:
    """Return what the work on each case cost (m,), or None where no rate is known."""
    for role, rate in rates.items():
        if role not in log.roles:
            raise UnknownNameError.of(kind="role", name=role, known=list(log.roles))
        number = isinstance(rate, int | float | np.integer | np.floating) and not isinstance(rate, bool)
        if not (number and 0 <= rate <= DEAREST):
            raise DataError(
                f'the rate of "{role}" is {rate!r}; give what an hour of its work costs, a number from 0 to {DEAREST:g}'
            )
    if not rates or log.timestamps == "completed":
        return None
    price = np.array([rates.get(role, 0.0) for role in log.roles] + [0.0])[log.role]
    worked = log.working_calendar().working_time(log.start, log.end) / HOUR
    return np.bincount(log.case_of, weights=worked * price, minlength=log.n_cases).astype(np.float64)


def _periods(log: EventLog, breaches: Sequence[Breach]) -> pd.DataFrame:
    """Return every breach by the month in which cases began."""
    months, codes = _months(log)
    rows = []
    for one in breaches:
        checked = np.bincount(codes[one.judged], minlength=len(months))
        broken = np.bincount(codes[one.broken], minlength=len(months))
        low, high = wilson(broken, checked)
        for i in np.flatnonzero(checked).tolist():
            share = float(broken[i] / checked[i])
            what = (one.kind, one.activity, one.detail, months[i])
            rows.append((*what, int(checked[i]), int(broken[i]), share, low[i], high[i]))
    return pd.DataFrame(rows, columns=list(PERIODS))


def _months(log: EventLog) -> tuple[list[str], NDArray[np.int64]]:
    texts = log._local(log.start[log.offsets[:-1]]).dt.strftime("%Y-%m")
    codes, months = pd.factorize(texts.to_numpy(dtype=object), sort=True)
    return [str(month) for month in months], codes.astype(np.int64)


def _hot_spots(
    log: EventLog, breaches: Sequence[Breach], names: Mapping[str, Bools], attributes: Sequence[str] | None
) -> pd.DataFrame:
    """Return where breaches are more frequent than elsewhere beyond chance: people, roles, values of attributes."""
    begun, segments = log.start[log.offsets[:-1]], list(_segments(log, attributes))
    firsts = _first_hands(log, names)
    tables: list[_Table] = []
    for one in breaches:
        groups = [_Groups(by, values, codes, begun, one.broken).of(one.judged) for by, values, codes in segments]
        groups += _by_rows(log, one, begun) if one.rows is not None else _by_first(log, one, firsts, begun)
        tables += [found for group in groups if (found := group.table(one)).rows]
    table = _compared(tables)
    table["q"] = discoveries(table["p"].to_numpy(dtype=np.float64))
    table = table.loc[(table["q"] <= RATE) & (table["difference"] >= SHARE), list(HOT_SPOTS)]
    return table.sort_values("difference", ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Groups to compare: `rows` say which, `counts` are those that `compare_shares` takes (4, k, batches)."""

    rows: list[tuple[str, str, str, str, str]]
    counts: NDArray[np.int64]


def _compared(tables: Sequence[_Table]) -> pd.DataFrame:
    """Return every group against all others together, in the order of the tables."""
    found = []
    for batches in sorted({one.counts.shape[2] for one in tables}):
        # One call for all of a kind: tens of thousands of small tests would take minutes one by one.
        alike = [number for number, one in enumerate(tables) if one.counts.shape[2] == batches]
        counts = np.concatenate([tables[number].counts for number in alike], axis=1)
        difference, low, high, p = compare_shares(*counts)
        b, m, a, n = counts.sum(axis=2)
        rows = [row for number in alike for row in tables[number].rows]
        place = [number for number in alike for _ in tables[number].rows]
        columns: dict[str, object] = dict(zip(HOT_SPOTS, zip(*rows, strict=True), strict=False))
        columns |= {"cases": a, "of": n, "share": a / n, "elsewhere": b / m, "difference": difference}
        found.append(pd.DataFrame(columns | {"low": low, "high": high, "p": p}, index=place))
    if not found:
        return pd.DataFrame(columns=[*HOT_SPOTS, "p"])
    return pd.concat(found).sort_index(kind="stable").reset_index(drop=True)


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """What is told apart by a person, a role or the value of an attribute: `codes` (k,) into `values`, -1 for none;
    when each of them began, and whether it is `broken`."""

    by: str
    values: Sequence[str]
    codes: NDArray[np.int64]
    begun: NDArray[np.int64]
    broken: Bools

    def of(self, chosen: Bools) -> _Groups:
        return _Groups(self.by, self.values, self.codes[chosen], self.begun[chosen], self.broken[chosen])

    def table(self, breach: Breach) -> _Table:
        """Return how many of each group departed and how many there are, and of all others, by batch.

        Only groups are told that have five on both sides.
        """
        place, count = batched(self.begun)
        tables = []
        for among in (np.ones(len(place), dtype=np.bool_), self.broken):
            cell = (self.codes * count + place)[among & (self.codes >= 0)]
            here = np.bincount(cell, minlength=len(self.values) * count).reshape(-1, count)
            tables += [here, np.bincount(place[among], minlength=count) - here]
        here, there, broken, elsewhere = tables
        rows = np.flatnonzero(np.minimum(here.sum(axis=1), there.sum(axis=1)) >= FEWEST)
        what = (breach.kind, breach.activity, breach.detail, self.by)
        return _Table(
            [(*what, self.values[row]) for row in rows.tolist()],
            np.stack([elsewhere[rows], there[rows], broken[rows], here[rows]]),
        )


def _segments(log: EventLog, attributes: Sequence[str] | None) -> Iterator[tuple[str, list[str], NDArray[np.int64]]]:
    """Yield attributes of cases with their values, and which of them each case (m,) has."""
    for name in attributes_before(log, attributes):
        column = log.case_attributes[name]
        if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
            continue
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            continue
        codes, values = pd.factorize(column.astype(str).where(column.notna(), "").to_numpy(dtype=object))
        if 1 < len(values) <= VALUES:
            yield name, [str(value) or "(none)" for value in values], codes.astype(np.int64)


def _by_rows(log: EventLog, one: Breach, begun: NDArray[np.int64]) -> Iterator[_Groups]:
    """Yield people and roles with the cases in which they did the step, and whether they departed in them.

    Where several do the step in one case, each answers for what they did.
    """
    assert one.rows is not None
    judged, broken = one.rows
    hands = [("person", log.resource, log.resources), ("role", log.role, log.roles)]
    # That a role does what another role should is no hot spot: it is the breach.
    for by, codes, named in hands[:1] if one.kind == "role" else hands:
        rows = np.flatnonzero(judged & (codes >= 0))
        pairs, place = np.unique(codes[rows].astype(np.int64) * log.n_cases + log.case_of[rows], return_inverse=True)
        departs = np.bincount(place[broken[rows]], minlength=len(pairs)) > 0
        yield _Groups(by, named, pairs // log.n_cases, begun[pairs % log.n_cases], departs)


def _first_hands(log: EventLog, names: Mapping[str, Bools]) -> dict[str, NDArray[np.int64]]:
    """Return for each activity who did it first in each case (m,); -1 where nobody known did."""
    out = {}
    for name, mine in names.items():
        rows = np.flatnonzero(mine)
        cases, first = np.unique(log.case_of[rows], return_index=True)
        out[name] = np.full(log.n_cases, -1, dtype=np.int64)
        out[name][cases] = log.resource[rows[first]]
    return out


def _by_first(
    log: EventLog, one: Breach, firsts: Mapping[str, NDArray[np.int64]], begun: NDArray[np.int64]
) -> Iterator[_Groups]:
    """Yield people with the cases in which they first did a step, among their colleagues.

    The step is the one that is repeated, or else the one that the person most often does. Only the first time counts:
    the more rounds, the more people take part.
    """
    own = one.activity if one.kind in ("rounds", "repeated") else ""
    steps = [hands for name, hands in sorted(firsts.items(), reverse=True) if not own or name == own]
    if not steps or not log.resources:
        return
    counts = [np.bincount(hands[hands >= 0], minlength=len(log.resources)) for hands in steps]
    best = np.argmax(counts, axis=0)
    for number, hands in enumerate(steps):
        codes = np.where((hands >= 0) & (best[hands] == number), hands, -1)
        yield _Groups("person", log.resources, codes, begun, one.broken).of(one.judged & (hands >= 0))
