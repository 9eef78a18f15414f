"""Variants: the distinct sequences of activities that cases go through, and how many cases go through each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import ROWS, html_table
from mkmine.eventlog.summaries.plain import entry, integers, texts
from mkmine.eventlog.summaries.sketch import spans
from mkmine.eventlog.twins import compiled

__all__ = ["VariantCounts", "VariantIndex", "case_paths", "n_variants", "variant_counts", "variant_index"]

Int = NDArray[np.int64]
Codes = NDArray[np.unsignedinteger[Any]]
FACTOR = np.uint64(0x9E3779B97F4A7C15)
SHOWN = 8


def _origin() -> Int:
    return np.zeros(1, dtype=np.int64)


def _codes() -> Codes:
    return np.zeros(0, dtype=np.uint8)


def _none() -> Int:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class VariantCounts:
    """How many cases go through each sequence of activities.

    Held as codes: variant v is `activities[codes[i]]` for i from `offsets[v]` to `offsets[v + 1]`, gone through by
    `cases_of[v]` cases. `counts` gives them by name. Two are equal if they count the same, in whatever order.
    """

    activities: tuple[str, ...] = ()
    offsets: Int = field(default_factory=_origin)
    codes: Codes = field(default_factory=_codes)
    cases_of: Int = field(default_factory=_none)

    def __post_init__(self) -> None:
        for column in (self.offsets, self.codes, self.cases_of):
            column.flags.writeable = False

    @classmethod
    def of(cls, counts: Mapping[tuple[str, ...], int]) -> VariantCounts:
        """Return the value of counts by sequence of names."""
        names = tuple(sorted({name for variant in counts for name in variant}))
        number = {name: code for code, name in enumerate(names)}
        return cls(
            activities=names,
            offsets=np.concatenate(([0], np.cumsum([len(variant) for variant in counts]))).astype(np.int64),
            codes=np.array([number[name] for variant in counts for name in variant], dtype=_type(names)),
            cases_of=np.array(list(counts.values()), dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.cases_of)

    @property
    def cases(self) -> int:
        """Number of cases."""
        return int(self.cases_of.sum())

    @cached_property
    def counts(self) -> Mapping[tuple[str, ...], int]:
        """The number of cases by variant, a tuple of names."""
        return dict(zip(self._paths(np.arange(len(self))), self.cases_of.tolist(), strict=True))

    def merge(self, other: VariantCounts) -> VariantCounts:
        """Return the counts of both parts; `VariantCounts()` is the identity."""
        names = tuple(sorted({*self.activities, *other.activities}))
        offsets = np.concatenate((self.offsets, other.offsets[1:] + self.offsets[-1]))
        codes = np.concatenate((self._in_terms_of(names), other._in_terms_of(names)))
        of, first = number_sequences(offsets, codes, names)
        counts = np.zeros(len(first), dtype=np.int64)
        np.add.at(counts, of, np.concatenate((self.cases_of, other.cases_of)))
        begins, taken = _sequences(offsets, codes, first)
        return VariantCounts(activities=names, offsets=begins, codes=taken, cases_of=counts)

    def _in_terms_of(self, names: tuple[str, ...]) -> Codes:
        number = {name: code for code, name in enumerate(names)}
        return np.array([number[name] for name in self.activities], dtype=_type(names))[self.codes]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VariantCounts):
            return NotImplemented
        a, b = self.canonical(), other.canonical()
        return a.activities == b.activities and all(
            np.array_equal(getattr(a, one), getattr(b, one)) for one in ("offsets", "codes", "cases_of")
        )

    __hash__ = None  # type: ignore[assignment]

    def canonical(self) -> VariantCounts:
        """Return the same in the one order that all equal ones have: by falling count, then by a hash of the names."""
        used = np.bincount(self.codes, minlength=len(self.activities)) > 0
        names = tuple(sorted(name for name, one in zip(self.activities, used, strict=True) if one))
        number = {name: code for code, name in enumerate(names)}
        table = np.array([number.get(name, 0) for name in self.activities], dtype=_type(names))
        codes = table[self.codes] if len(self.codes) else self.codes.astype(_type(names))
        digest = digests(self.offsets, codes, names)
        order = np.lexsort((digest, -self.cases_of))
        same = (np.diff(digest[order]) == 0) & (np.diff(self.cases_of[order]) == 0)
        if same.any():
            # Hashes collide: the sequences themselves decide.
            order = np.array(
                sorted(
                    range(len(self)),
                    key=lambda one: (
                        -int(self.cases_of[one]),
                        int(digest[one]),
                        codes[self.offsets[one] : self.offsets[one + 1]].tolist(),
                    ),
                )
            )
        begins, taken = _sequences(self.offsets, codes, order)
        return VariantCounts(activities=names, offsets=begins, codes=taken, cases_of=self.cases_of[order])

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per variant: variant, cases; the most frequent first."""
        rows = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return pd.DataFrame({"variant": [v for v, _ in rows], "cases": [n for _, n in rows]})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`: names, and per variant its length, codes and cases."""
        one = self.canonical()
        return {
            "activities": list(one.activities),
            "lengths": np.diff(one.offsets).tolist(),
            "codes": one.codes.tolist(),
            "cases": one.cases_of.tolist(),
        }

    @classmethod
    def from_dict(cls, values: object) -> VariantCounts:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "saved variants"
        names = texts(entry(values, "activities", what), what)
        lengths, cases = (integers(entry(values, one, what), what, least=1) for one in ("lengths", "cases"))
        codes = integers(entry(values, "codes", what), what, least=0)
        if len(lengths) != len(cases) or sum(lengths.tolist()) != len(codes) or len(set(names)) != len(names):
            raise DataError(f"{what} do not fit together; the file is damaged")
        if len(codes) and int(codes.max()) >= len(names):
            raise DataError(f"{what} name activity {int(codes.max())} of {len(names)}; the file is damaged")
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        return cls(activities=names, offsets=offsets, codes=codes.astype(_type(names)), cases_of=cases)

    def _paths(self, chosen: Int) -> list[tuple[str, ...]]:
        return _named(self.offsets, self.codes, self.activities, chosen)

    def __repr__(self) -> str:
        top = np.argsort(-self.cases_of, kind="stable")[:SHOWN]
        lines = [f"VariantCounts: {len(self):,} variants of {self.cases:,} cases"]
        for path, number in zip(self._paths(top), self.cases_of[top].tolist(), strict=True):
            lines.append(f"  {number:>6,}  {' > '.join(path[:20])}{' > ...' if len(path) > 20 else ''}")
        return "\n".join([*lines, *(["  ..."] if len(self) > SHOWN else [])])

    def _repr_html_(self) -> str:
        top = np.argsort(-self.cases_of, kind="stable")[:ROWS]
        shown = pd.DataFrame({"variant": self._paths(top), "cases": self.cases_of[top]})
        return html_table(shown, repr(self).splitlines()[0])


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class VariantIndex:
    """The variant of every case: `of_case` (m,) numbers, `representative` (v,) a case of each, `counts` (v,).

    Variants are numbered by falling count, then by first case.
    """

    of_case: Int
    representative: Int
    counts: Int

    @cached_property
    def n(self) -> int:
        """Number of variants."""
        return len(self.counts)

    def __repr__(self) -> str:
        return f"VariantIndex: {self.n:,} variants of {len(self.of_case):,} cases"


def variant_index(log: EventLog) -> VariantIndex:
    """Number the distinct sequences of activities, exactly: see `number_sequences`."""
    group, first = number_sequences(log.offsets, log.activity, log.activities)
    counts = np.bincount(group, minlength=len(first))
    order = np.argsort(-counts, kind="stable")
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return VariantIndex(of_case=number[group], representative=first[order], counts=counts[order])


def n_variants(log: EventLog) -> int:
    """Return how many distinct sequences of activities there are."""
    return len(number_sequences(log.offsets, log.activity, log.activities)[1])


def variant_counts(log: EventLog) -> VariantCounts:
    """Count the cases of each variant."""
    group, first = number_sequences(log.offsets, log.activity, log.activities)
    begins, codes = _sequences(log.offsets, log.activity, first)
    counts = np.bincount(group, minlength=len(first)).astype(np.int64)
    return VariantCounts(activities=log.activities, offsets=begins, codes=codes, cases_of=counts)


def number_sequences(offsets: Int, codes: Codes, names: tuple[str, ...]) -> tuple[Int, Int]:
    """Number the distinct sequences by first appearance; return the number of each and the first that has it.

    Sequences are grouped by a 64-bit polynomial hash, and compared code by code, so that a collision joins nothing.
    """
    if compiled(len(codes)):
        from mkmine.eventlog.summaries import kernels

        return kernels.number_sequences(offsets, codes, _values(names), FACTOR)
    _, first, group = np.unique(digests(offsets, codes, names), return_index=True, return_inverse=True)
    if not _all_equal(offsets, codes, first[group]):
        return _by_bytes(offsets, codes)
    order = np.argsort(first)
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return number[group], first[order]


def digests(offsets: Int, codes: Codes, names: tuple[str, ...]) -> NDArray[np.uint64]:
    """Return a hash of each sequence that depends on the names alone, not on how they are numbered."""
    value = _values(names)
    if compiled(len(codes)):
        from mkmine.eventlog.summaries import kernels

        return kernels.digests(offsets, codes, value, FACTOR)
    lengths = np.diff(offsets)
    if not len(lengths):
        return np.zeros(0, dtype=np.uint64)
    with np.errstate(over="ignore"):
        powers = np.cumprod(np.full(int(lengths.max()), FACTOR))
        terms = value[codes] * powers[np.arange(len(codes)) - np.repeat(offsets[:-1], lengths)]
        sums: NDArray[np.uint64] = np.add.reduceat(terms, offsets[:-1])
    return sums ^ lengths.astype(np.uint64)


def _values(names: tuple[str, ...]) -> NDArray[np.uint64]:
    return np.array([_text_hash(name) for name in names], dtype=np.uint64)


def _text_hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") | 1


def _all_equal(offsets: Int, codes: Codes, representative: Int) -> bool:
    lengths = np.diff(offsets)
    if not np.array_equal(lengths, lengths[representative]):
        return False
    return bool(np.array_equal(codes, codes[spans(offsets[:-1], lengths, representative)]))


def _by_bytes(offsets: Int, codes: Codes) -> tuple[Int, Int]:
    numbers: dict[bytes, int] = {}
    first: list[int] = []
    group = np.empty(len(offsets) - 1, dtype=np.int64)
    for case in range(len(group)):
        number = numbers.setdefault(codes[offsets[case] : offsets[case + 1]].tobytes(), len(numbers))
        if number == len(first):
            first.append(case)
        group[case] = number
    return group, np.array(first, dtype=np.int64)


def _sequences(offsets: Int, codes: Codes, chosen: Int) -> tuple[Int, Codes]:
    """Return the offsets and the codes of the chosen sequences."""
    if compiled(len(codes)):
        from mkmine.eventlog.summaries import kernels

        return kernels.copy_sequences(offsets, codes, chosen)
    sizes = np.diff(offsets)
    begins = np.concatenate(([0], np.cumsum(sizes[chosen]))).astype(np.int64)
    return begins, codes[spans(offsets[:-1], sizes, chosen)]


def case_paths(log: EventLog, cases: Int) -> list[tuple[str, ...]]:
    """Return the names of the activities of each of these cases in order."""
    return _named(log.offsets, log.activity, log.activities, cases)


def _named(offsets: Int, codes: Codes, names: tuple[str, ...], chosen: Int) -> list[tuple[str, ...]]:
    size = np.diff(offsets)
    texts_of = np.array([*names, None], dtype=object)[codes[spans(offsets[:-1], size, chosen)]].tolist()
    ends = np.cumsum(size[chosen]).tolist()
    return [tuple(texts_of[end - length : end]) for end, length in zip(ends, size[chosen].tolist(), strict=True)]


def _type(names: tuple[str, ...]) -> np.dtype[Any]:
    return np.min_scalar_type(max(len(names) - 1, 0))
