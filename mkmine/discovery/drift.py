"""Drift: when the process changed, in its paths, its times or its load.

Consecutive cases (or weeks) are put into blocks; a change point is where the means of the blocks before and after
differ most, over all features at once, and it counts if such a difference is rare in series that do not change. What is
found is cut there, and both sides are searched again (binary segmentation with permutation tests; D. S. Matteson and
N. A. James 2014, JASA 109, with standardised squared differences in place of the energy distance). A series that does
not change is made by shuffling what is new in each block: a long queue makes many cases slow one after another, which
is no change of the process, so the part that follows from the block before is kept (a sieve bootstrap of order one;
P. Bühlmann 1997, Bernoulli 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.discovery.difference import Difference, compare
from mkmine.discovery.maturity import mature_until
from mkmine.discovery.process_map import ProcessMap, discover, records
from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.summaries import case_table, flow, observed_weeks
from mkmine.streams import Streams

__all__ = ["Aspect", "Drift", "drift"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Aspect = Literal["paths", "times", "load"]

RATE = 0.05
SHUFFLES = 1_999
BLOCKS, FEWEST_CASES, SHORTEST = 240, 5, 4
# Rarer paths than these (share of cases) are noise, and as many features as this are enough.
RARE, FEATURES = 0.01, 60
METHOD = "binary segmentation of block means, sieve bootstrap test"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Drift:
    """When a process changed.

    Attributes
    ----------
    changes
        One row per change point, in order of time: aspect ("paths": which activity follows which; "times": cycle times
        and durations; "load": arrivals and completions a week), when (begin of the first case or week after it),
        early and late (the change lies between them: where the search puts it in 95 % of samples of the blocks on its
        two sides), p (of the permutation test), most (what changed most), before and after (its mean).
    tested
        Per aspect how many blocks were searched; 0 where the log is too short for it.
    """

    changes: pd.DataFrame
    tested: dict[str, int]
    log: EventLog
    provenance: Provenance = field(repr=False)

    def at(self, number: int, *, calendar: Calendar | None = None) -> Difference:
        """Compare the cases before a change point with those after it, each up to the next change point.

        Raises `DataError` if there is no change point of this number (from 0), or too few cases beside it.
        """
        before, after = self.sides(number)
        return compare(before, after, names=("before", "after"), calendar=calendar)

    def sides(self, number: int) -> tuple[EventLog, EventLog]:
        """Return the cases between the change point before and this one, and between this one and the next.

        Raises `DataError` if there is no change point of this number (from 0).
        """
        if not 0 <= number < len(self.changes):
            raise DataError(f"there is no change point {number}; there are {len(self.changes)}, counted from 0")
        log = self.log
        begun = log.start[log.offsets[:-1]]
        edges = [pd.Timestamp(one).tz_convert("UTC").value // 1000 for one in self.changes["when"]]
        here = edges[number]
        first = max((one for one in edges if one < here), default=int(begun.min()))
        last = min((one for one in edges if one > here), default=int(begun.max()) + 1)
        parts = ((first, here, "before"), (here, last, "after"))
        before, after = (
            log.keep_cases((begun >= a) & (begun < b), action="drift", detail=name) for a, b, name in parts
        )
        return before, after

    def maps(self, number: int, *, calendar: Calendar | None = None) -> tuple[ProcessMap, ProcessMap]:
        """Return the process map before and after a change point (from 0), for `mk.draw((before, after))`.

        Raises `DataError` if there is no change point of this number.
        """
        working = calendar or self.log.working_calendar()
        before, after = (discover(side, calendar=working) for side in self.sides(number))
        return before, after

    def to_pandas(self) -> pd.DataFrame:
        """Return the change points."""
        return self.changes.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        times = {name: [one.isoformat() for one in self.changes[name]] for name in ("when", "early", "late")}
        rows = records(self.changes.assign(**times))
        return {"changes": rows, "tested": dict(self.tested), "provenance": self.provenance.to_dict()}

    def __repr__(self) -> str:
        searched = ", ".join(name for name, blocks in self.tested.items() if blocks)
        if not searched:
            return "Drift: the log is too short to search for changes"
        if not len(self.changes):
            return f"Drift: no change beyond chance in {searched}"
        lines = [f"Drift: {len(self.changes)} changes beyond chance in {searched}"]
        for row in self.changes.itertuples():
            lines.append(
                f"  {row.when:%Y-%m-%d} ({row.early:%Y-%m-%d} to {row.late:%Y-%m-%d}), {row.aspect}: {row.most} "
                f"from {row.before:,.2f} to {row.after:,.2f} (p = {row.p:.4f})"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html_table(self.changes, repr(self).splitlines()[0])


@dataclass(frozen=True)
class _Series:
    """Features of blocks in order of time, (blocks, features), and when each block begins (µs)."""

    names: list[str]
    values: Floats
    begins: Ints


def drift(log: EventLog, *, calendar: Calendar | None = None, seed: int = 0) -> Drift:
    """Find when a process changed: in its paths, its times, or its load.

    In a process that does not change a change is found with a probability of about 5 % (Bonferroni over the three
    aspects; simulated: 3 to 7 %, and 12 % where only 60 blocks follow strongly from one another). Seasons and trends
    are changes too. Cases that began too late to have been completed are left out.
    """
    working = calendar or log.working_calendar()
    series: dict[Aspect, _Series | None] = {
        "paths": _paths(log),
        "times": _times(log, working),
        "load": _load(log),
    }
    rows: list[dict[str, Any]] = []
    for aspect, one in series.items():
        if one is not None:
            rows += [{"aspect": aspect, **row} for row in _search(one, Streams(seed), aspect, RATE / len(series))]
    columns = ["aspect", "when", "early", "late", "p", "most", "before", "after"]
    frame = pd.DataFrame(rows, columns=columns)
    for name in ("when", "early", "late"):
        frame[name] = log._local(frame[name].to_numpy(dtype=np.int64))
    return Drift(
        changes=frame.sort_values("when", kind="stable", ignore_index=True),
        tested={aspect: 0 if one is None else len(one.values) for aspect, one in series.items()},
        log=log,
        provenance=log.provenance(METHOD, seed=seed, calendar=working.describe()),
    )


def _in_order(log: EventLog) -> Ints:
    """Return the cases in order of their begin, without those too young to be completed."""
    begun = log.start[log.offsets[:-1]]
    kept = np.flatnonzero(~(begun > mature_until(log, begun)) & ~log.cancelled)
    return kept[np.argsort(begun[kept], kind="stable")]


def _blocks(n: int) -> Ints | None:
    """Return the block of each of `n` cases in order; None where they are too few."""
    blocks = min(BLOCKS, n // FEWEST_CASES)
    return np.arange(n) * blocks // n if blocks >= 3 * SHORTEST else None


def _means(of: Ints, features: Floats) -> Floats:
    """Return the mean of each block, (blocks, features); that of all where a block knows none."""
    known = np.isfinite(features)
    size = int(of[-1]) + 1
    out = np.empty((size, features.shape[1]))
    for column in range(features.shape[1]):
        rows = known[:, column]
        count = np.bincount(of[rows], minlength=size)
        total = np.bincount(of[rows], weights=features[rows, column], minlength=size)
        whole = total.sum() / max(int(count.sum()), 1)
        out[:, column] = np.where(count > 0, total / np.maximum(count, 1), whole)
    return out


def _paths(log: EventLog) -> _Series | None:
    order = _in_order(log)
    of = _blocks(len(order))
    if of is None:
        return None
    k = len(log.activities)
    code = log.activity.astype(np.int64)
    later = np.flatnonzero(log.position[1:] > 0) + 1
    key = np.unique((code[later - 1] * k + code[later]) * log.n_cases + log.case_of[later])
    pairs, counts = np.unique(key // log.n_cases, return_counts=True)
    share = counts / log.n_cases
    chosen = pairs[np.argsort(-counts, kind="stable")][:FEATURES]
    chosen = chosen[(share[np.searchsorted(pairs, chosen)] >= RARE)]
    has = np.zeros((log.n_cases, len(chosen)))
    for column, pair in enumerate(chosen.tolist()):
        has[key[key // log.n_cases == pair] % log.n_cases, column] = 1.0
    names = [f"{log.activities[pair // k]} → {log.activities[pair % k]}" for pair in chosen.tolist()]
    return _Series(names, _means(of, has[order]), _begins(log, order, of)) if len(chosen) else None


def _times(log: EventLog, calendar: Calendar) -> _Series | None:
    order = _in_order(log)
    order = order[log.completed[order]]
    of = _blocks(len(order))
    if of is None:
        return None
    table = case_table(log, calendar=calendar)
    named = {"cycle time, h": "cycle_h", "processing per case, h": "processing_h", "waiting per case, h": "waiting_h"}
    features = np.column_stack([table[column].to_numpy(dtype=np.float64) for column in named.values()])[order]
    kept = np.isfinite(features).any(axis=0) & (np.nanstd(np.where(np.isfinite(features), features, 0), axis=0) > 0)
    if not kept.any():
        return None
    # Ranks: a few endless cases are no change.
    ranked: Floats = pd.DataFrame(features[:, kept]).rank().to_numpy(dtype=np.float64)
    names = [name for name, keep in zip(named, kept, strict=True) if keep]
    shown = _means(of, features[:, kept])
    return _Ranked(names, _means(of, ranked), _begins(log, order, of), shown)


@dataclass(frozen=True)
class _Ranked(_Series):
    """A series that is searched by ranks and shown by its values."""

    shown: Floats


def _load(log: EventLog) -> _Series | None:
    weeks = flow(log).to_pandas("week")
    begin, whole = observed_weeks(log, weeks["period"])
    if whole.sum() < 3 * SHORTEST:
        return None
    values = weeks.loc[whole, ["arrivals", "completions"]].to_numpy(dtype=np.float64)
    return _Series(["arrivals a week", "completions a week"], values, begin[whole])


def _begins(log: EventLog, order: Ints, of: Ints) -> Ints:
    begun = log.start[log.offsets[:-1]][order]
    return np.asarray(begun[np.searchsorted(of, np.arange(int(of[-1]) + 1))], dtype=np.int64)


def _search(series: _Series, streams: Streams, aspect: str, level: float) -> list[dict[str, Any]]:
    """Return the change points between all blocks, by binary segmentation."""
    found: list[dict[str, Any]] = []
    todo = [(0, len(series.values))]
    while todo:
        first, last = todo.pop()
        if last - first < 2 * SHORTEST:
            continue
        part = series.values[first:last]
        generator = streams.generator("drift", aspect, first, last)
        split, strength = _split(part[None])
        chance = _unchanged(part, int(split[0]), generator)
        p = float((1 + (chance >= strength[0]).sum()) / (1 + len(chance)))
        if p > level:
            continue
        here = first + int(split[0])
        found.append(_change(series, first, here, last, p, generator))
        todo += [(first, here), (here, last)]
    return found


def _split(parts: Floats) -> tuple[Ints, Floats]:
    """Return for each series, (series, blocks, features), where it splits best and how strongly.

    The strength of a split is the sum over features of the squared standardised difference of the means.
    """
    n = parts.shape[1]
    spread = parts.std(axis=1, keepdims=True)
    scaled = (parts - parts.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    sums = np.cumsum(scaled, axis=1)[:, :-1]
    at = np.arange(1, n)
    strength = (sums**2).sum(axis=2) * (n / (at * (n - at)))
    strength[:, : SHORTEST - 1] = strength[:, n - SHORTEST :] = -np.inf
    best = strength.argmax(axis=1)
    return best + 1, strength[np.arange(len(parts)), best]


def _unchanged(part: Floats, at: int, generator: np.random.Generator) -> Floats:
    """Return how strongly series split that do not change: blocks that follow from the one before, and shuffled news.

    How far a block follows from the one before is estimated with the best split (`at`) taken out, so that a change is
    not taken for memory, and corrected for its bias (M. G. Kendall 1954, Biometrika 41).
    """
    n = len(part)
    rest = np.concatenate([side - side.mean(axis=0) for side in (part[:at], part[at:])])
    power = (rest**2).sum(axis=0)
    follows = (rest[1:] * rest[:-1]).sum(axis=0) / np.where(power > 0, power, 1.0)
    follows = np.clip(follows + (1 + 3 * follows) / n, 0.0, 0.95)
    news = rest[1:] - follows * rest[:-1]
    step = max(1, 2_000_000 // part.size)
    out = []
    for begin in range(0, SHUFFLES, step):
        number = min(step, SHUFFLES - begin)
        made = np.empty((number, *part.shape))
        # The first block as a series that has gone on for ever would have it.
        first = generator.integers(0, n - 1, number)
        made[:, 0] = news[first] / np.sqrt(1 - follows**2)
        order = generator.random((number, n - 1)).argsort(axis=1)
        for place in range(1, n):
            made[:, place] = follows * made[:, place - 1] + news[order[:, place - 1]]
        out.append(_split(made)[1])
    return np.concatenate(out)


def _change(
    series: _Series, first: int, here: int, last: int, p: float, generator: np.random.Generator
) -> dict[str, Any]:
    """Return a change point with where it may lie, by a bootstrap of the blocks on either side of it."""
    before, after = np.arange(first, here), np.arange(here, last)
    places = []
    for _ in range(200):
        # Blocks are drawn within their side, at their own places in time.
        drawn = np.concatenate((generator.choice(before, len(before)), generator.choice(after, len(after))))
        places.append(first + int(_split(series.values[drawn][None])[0][0]))
    early, late = np.quantile(places, [0.025, 0.975], method="nearest").astype(int).tolist()
    spread = series.values[first:last].std(axis=0)
    change = series.values[after].mean(axis=0) - series.values[before].mean(axis=0)
    most = int(np.abs(change / np.where(spread > 0, spread, np.inf)).argmax())
    shown = series.shown if isinstance(series, _Ranked) else series.values
    return {
        "when": int(series.begins[here]),
        "early": int(series.begins[min(early, here)]),
        "late": int(series.begins[max(late, here)]),
        "p": p,
        "most": series.names[most],
        "before": float(shown[before, most].mean()),
        "after": float(shown[after, most].mean()),
    }
