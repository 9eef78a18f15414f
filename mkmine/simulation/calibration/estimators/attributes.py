"""The attributes of cases as codes: numbers in bins, rare values together, and without what is known too late."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.eventlog import EventLog
from mkmine.simulation.model.mixture import MISSING, OTHER

__all__ = ["Coded", "code_attributes", "profiles_of", "writable"]

Int = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LONGEST, _LARGEST = 500, 1e308
# Values of fewer cases, or of a smaller part of them, go together; and so do all but the most frequent ones.
_FEWEST, _RARE, _MOST_VALUES = 10, 0.02, 12
# Numbers with more different values than this are put into so many bins with as many cases each.
_MANY_NUMBERS, _BINS = 10, 4
# A case attribute that is (nearly) the name of the case's last person, or its length, is known when the case is over.
_SAME = 0.95
_FILLED_LATER, _SURELY = 0.1, 5.0
_MOST_PROFILES = 200
# Names of the model's own, and words that tell of how a case ended.
_OWN = {"outcome", "due", "cost"}
_LATE = {
    "outcome", "result", "results", "resolution", "resolved", "status", "state", "closed", "closure", "completed",
    "completion", "finished", "variant", "throughput", "итог", "итоги", "результат", "результаты", "решение", "статус",
    "состояние", "закрыл", "закрыто", "закрыта", "закрытия", "завершено", "завершения", "вариант",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """An attribute of cases: its values, and the code of each case's (n,)."""

    name: str
    values: tuple[str, ...]
    code: Int


def code_attributes(log: EventLog) -> list[Coded]:
    """Return the attributes by which cases can be told apart from their beginning, in the order of their names.

    These are the log's case attributes, and those of instances that have one value throughout the case and have it with
    its first instance. Numbers of more than ten values are put into four bins, values of few cases become "(other)",
    empty ones "(missing)".

    Left out is what has one value only (as names that every case has for itself come to have), moments of time, numbers
    that grow with time as ids do, and what is known too late to foretell anything: names that speak of an end
    ("resolution", "closed_by"), what open cases lack and finished ones have, the name of the last person or activity,
    and numbers that follow the length of the case. What a system fills in later, under another name and for open cases
    too, cannot be told from what was known from the beginning.
    """
    begin = np.minimum.reduceat(log.start, log.offsets[:-1])
    late = _Late(log, begin)
    found: dict[str, Coded] = {}
    for name, values in sorted(_candidates(log), key=lambda pair: pair[0]):
        if name in found or not 0 < len(name) <= _LONGEST or name in _OWN or not writable(name):
            continue
        if _LATE & set(re.findall(r"[^\W\d_]+", name.lower())) or values.dtype.kind == "M":
            continue
        known = values.notna().to_numpy()
        if not known.any() or late.filled(known):
            continue
        numbers = _numbers(values)
        if numbers is not None and (late.follows(numbers) or _grows(numbers, begin)):
            continue
        if numbers is None and late.names(values):
            continue
        texts = _texts(values) if numbers is None else _binned(numbers)
        coded = _coded(name, texts)
        if len(coded.values) > 1:
            found[name] = coded
    return list(found.values())


def _candidates(log: EventLog) -> Iterator[tuple[str, pd.Series[Any]]]:
    for name, values in log.case_attributes.items():
        yield str(name), values.reset_index(drop=True)
    first = log.offsets[:-1]
    for name, of_rows in log.attributes.items():
        column = pd.Series(of_rows)
        codes = pd.factorize(column)[0]
        begins = codes[first]
        same = (codes == begins[log.case_of]) | (codes < 0)
        if same.all():
            yield str(name), column.iloc[first].reset_index(drop=True)


class _Late:
    """What is known of cases when they are over: their last person and activity, and how long they were."""

    def __init__(self, log: EventLog, begin: Int) -> None:
        last = log.offsets[1:] - 1
        self._open = ~log.completed
        people, activities = np.array([*log.resources, ""], dtype=object), np.array(log.activities, dtype=object)
        self._names = [people[log.resource[last]], activities[log.activity[last]]]
        self._first = [people[log.resource[log.offsets[:-1]]], activities[log.activity[log.offsets[:-1]]]]
        finish = np.maximum.reduceat(log.end, log.offsets[:-1])
        self._lengths = [np.diff(log.offsets).astype(np.float64), (finish - begin).astype(np.float64)]

    def filled(self, known: Flags) -> bool:
        """Whether open cases lack it far more often than finished ones."""
        n, m = int(self._open.sum()), int((~self._open).sum())
        if not n or not m:
            return False
        missing, of_open = float(known[~self._open].mean()), float(known[self._open].mean())
        p = float(known.mean())
        error = np.sqrt(p * (1 - p) * (1 / n + 1 / m))
        return missing - of_open > max(_FILLED_LATER, _SURELY * float(error))

    def names(self, values: pd.Series[Any]) -> bool:
        """Whether it is the name of the last person or activity, and not that of the first."""
        known = values.notna().to_numpy()
        texts = values.to_numpy(dtype=object)[known]
        return any(
            float((texts == end[known]).mean()) >= _SAME > float((texts == start[known]).mean())
            for end, start in zip(self._names, self._first, strict=True)
        )

    def follows(self, numbers: Floats) -> bool:
        """Whether numbers have the order of the cases' lengths."""
        known = np.isfinite(numbers) & ~self._open
        return any(abs(_correlated(numbers[known], length[known])) >= _SAME for length in self._lengths)


def _grows(numbers: Floats, begin: Int) -> bool:
    """Whether numbers are those of a counter: in the order in which cases came, and hardly one twice."""
    known = np.isfinite(numbers)
    different = len(np.unique(numbers[known]))
    return different > known.sum() / 2 and abs(_correlated(numbers[known], begin[known].astype(np.float64))) >= 0.9


def _correlated(one: Floats, other: Floats) -> float:
    if len(one) < _FEWEST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    ranks = [pd.Series(values).rank().to_numpy(dtype=np.float64) for values in (one, other)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _numbers(values: pd.Series[Any]) -> Floats | None:
    """Return the values as numbers, NaN where unknown; None if they are not numbers."""
    if values.dtype.kind == "b":
        return None
    if values.dtype.kind in "iuf":
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        texts = values.dropna()
        if len(texts) == 0 or isinstance(texts.iloc[0], bool):
            return None
        # Python's integers may be larger than any float.
        if texts.dtype.kind == "O":
            huge = np.array([isinstance(one, int) and abs(one) > _LARGEST for one in texts], dtype=np.bool_)
            texts = texts.mask(huge, np.inf) if huge.any() else texts
        converted = pd.to_numeric(texts, errors="coerce")
        if converted.isna().any() or converted.dtype.kind not in "iuf":
            return None
        numbers = np.full(len(values), np.nan)
        numbers[values.notna().to_numpy()] = converted.to_numpy(dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _binned(numbers: Floats) -> NDArray[np.object_]:
    """Return the names of the bins of numbers, or of the numbers themselves where they are few."""
    out = np.full(len(numbers), MISSING, dtype=object)
    known = np.isfinite(numbers)
    values = np.unique(numbers[known])
    if len(values) <= _MANY_NUMBERS:
        out[known] = [f"{one:.6g}" for one in numbers[known]]
        return out
    levels = np.arange(1, _BINS) / _BINS
    edges = np.unique([float(f"{one:.3g}") for one in np.quantile(numbers[known], levels)])
    told = [f"{one:g}" for one in edges]
    names = [f"up to {told[0]}", *(f"{a} to {b}" for a, b in pairwise(told)), f"over {told[-1]}"]
    out[known] = np.array(names, dtype=object)[np.searchsorted(edges, numbers[known], side="left")]
    return out


def _texts(values: pd.Series[Any]) -> NDArray[np.object_]:
    known = values.notna().to_numpy()
    out = np.full(len(values), MISSING, dtype=object)
    out[known] = [str(one).strip() or MISSING for one in values[known]]
    return out


def writable(text: str) -> bool:
    """Whether a file can hold a text as the name of a value."""
    return len(text) <= _LONGEST and not any("\ud800" <= one <= "\udfff" for one in text)


def _coded(name: str, texts: NDArray[np.object_]) -> Coded:
    """Return an attribute with its rare values together, values in the order of their names, "(other)" last."""
    code, names = pd.factorize(texts)
    counts = np.bincount(code, minlength=len(names))
    enough = max(_FEWEST, _RARE * len(texts))
    frequent = sorted(range(len(names)), key=lambda one: (-counts[one], names[one]))[:_MOST_VALUES]
    kept = sorted((one for one in frequent if counts[one] >= enough and writable(names[one])), key=lambda n: names[n])
    number = np.full(len(names), len(kept), dtype=np.int64)
    number[kept] = np.arange(len(kept))
    own = [str(names[one]) for one in kept]
    rest = len(kept) < len(names)
    if rest and OTHER in own:
        number[number == len(kept)] = own.index(OTHER)
        rest = False
    return Coded(name=name, values=(*own, *([OTHER] if rest else [])), code=number[code])


def profiles_of(attributes: list[Coded], weights: Floats) -> list[tuple[float, dict[str, str]]]:
    """Return the combinations of values that cases have, the most frequent 200, with their shares, the largest first.

    `weights` (cases,) say how much each case counts.
    """
    if not attributes:
        return []
    table = np.stack([one.code for one in attributes], axis=1)
    rows, code = np.unique(table, axis=0, return_inverse=True)
    total = np.bincount(code.ravel(), weights=weights)
    order = np.lexsort((np.arange(len(total)), -total))[:_MOST_PROFILES]
    shares = total[order] / total[order].sum()
    return [
        (float(share), {one.name: one.values[int(value)] for one, value in zip(attributes, rows[row], strict=True)})
        for share, row in zip(shares, order, strict=True)
        if share > 0
    ]
