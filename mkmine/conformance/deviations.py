"""Deviations: the moves of all alignments, counted by what happened and where, with the time they go along with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.conformance.adjustment import Added, welch
from mkmine.conformance.moves import Alignment
from mkmine.eventlog import EventLog

Kind = Literal["skipped", "extra", "repeated"]
COLUMNS = (
    "kind",
    "activity",
    "after",
    "cases",
    "occurrences",
    "share_of_cases",
    "cycle_difference_h",
    "cycle_difference_low_h",
    "cycle_difference_high_h",
    "examples",
)
EXAMPLES = 3
HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Variants:
    """The different cases of a log in the words of the model, the most frequent first.

    `names` are the model's activities followed by those that only the log has; `sequences` are codes into names;
    `open` says that the cases of this variant were still running; `of_case` (cases,) is the variant of each case.
    """

    names: tuple[str, ...]
    sequences: tuple[tuple[int, ...], ...]
    open: NDArray[np.bool_]
    of_case: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of cases of each variant."""
        return np.bincount(self.of_case, minlength=len(self.sequences))


class _Key(NamedTuple):
    kind: Kind
    activity: int
    after: int


@dataclass(slots=True)
class _Count:
    occurrences: int = 0
    variants: list[int] = field(default_factory=list)


def find_variants(log: EventLog, activities: Sequence[str], aliases: Mapping[str, str]) -> Variants:
    """Translate the log's activities to the model's names and group equal cases; open cases stay apart."""
    translated = [aliases.get(name, name) for name in log.activities]
    names = tuple(dict.fromkeys([*activities, *translated]))
    number = {name: code for code, name in enumerate(names)}
    codes = np.array([number[name] for name in translated], dtype=np.int32)[log.activity]
    found: dict[tuple[bytes, bool], int] = {}
    of_case = np.empty(log.n_cases, dtype=np.int64)
    bounds = log.offsets.tolist()
    for case, closed in enumerate(log.completed.tolist()):
        key = codes[bounds[case] : bounds[case + 1]].tobytes(), not closed
        of_case[case] = found.setdefault(key, len(found))
    keys = list(found)
    sequences = [tuple(np.frombuffer(key, dtype=np.int32).tolist()) for key, _ in keys]
    counts = np.bincount(of_case, minlength=len(keys))
    order = sorted(range(len(keys)), key=lambda i: (-counts[i], sequences[i], keys[i][1]))
    place = np.empty(len(keys), dtype=np.int64)
    place[order] = np.arange(len(keys))
    return Variants(
        names=names,
        sequences=tuple(sequences[i] for i in order),
        open=np.array([keys[i][1] for i in order], dtype=np.bool_),
        of_case=place[of_case],
    )


def count_deviations(log: EventLog, variants: Variants, alignments: Sequence[Alignment | None]) -> pd.DataFrame:
    """One row per deviation, the most frequent first; columns as in `Conformance.deviations`.

    The difference in cycle time compares finished cases (closed, not cancelled) with the deviation to those without it
    that came as far (that have the activity after which it happens): mean difference in hours of working time with
    Welch's 95 % interval, or that of batches of neighbouring cases where it is wider. It is an association, not an
    effect. Where the log never has the activity there is nobody to compare with.
    """
    found = _collect(variants, alignments)
    members = _members(variants)
    known = np.array([one is not None for one in alignments], dtype=np.bool_)[variants.of_case]
    hours = np.where(known & log.completed & ~log.cancelled, cycle_hours(log), np.nan)
    begun = log.start[log.offsets[:-1]]
    having = {code: _having(variants, code) for code in {key.after for key in found} | {key.activity for key in found}}
    rows = []
    for key, count in found.items():
        cases = np.sort(np.concatenate([members[v] for v in count.variants]))
        inside = np.zeros(log.n_cases, dtype=np.bool_)
        inside[cases] = True
        others = having[key.after] & ~inside
        difference = welch(hours, inside, others, begun) if having[key.activity].any() else Added()
        rows.append(
            (
                key.kind,
                variants.names[key.activity],
                variants.names[key.after] if key.after >= 0 else "",
                len(cases),
                count.occurrences,
                len(cases) / known.sum(),
                *(difference.value, difference.low, difference.high),
                tuple(str(one) for one in log.case_ids[cases[:EXAMPLES]]),
            )
        )
    rows.sort(key=lambda row: (-row[3], -row[4], *row[:3]))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({"cases": np.int64, "occurrences": np.int64} | dict.fromkeys(COLUMNS[5:9], np.float64))


def cycle_hours(log: EventLog) -> NDArray[np.float64]:
    """Working time from the first start to the last end of each case, hours, shape (cases,)."""
    first = log.start[log.offsets[:-1]]
    last = np.maximum.reduceat(log.end, log.offsets[:-1])
    return log.working_calendar().working_time(first, last) / HOUR


def _collect(variants: Variants, alignments: Sequence[Alignment | None]) -> dict[_Key, _Count]:
    found: dict[_Key, _Count] = defaultdict(_Count)
    counts = variants.counts.tolist()
    for v, alignment in enumerate(alignments):
        if alignment is None or alignment.cost == 0:
            continue
        events = variants.sequences[v]
        done: set[int] = set()
        seen: set[_Key] = set()
        for move in alignment.moves:
            after = events[move.position - 1] if move.position else -1
            if move.kind == "model":
                key = _Key("skipped", move.label, after)
            else:
                event = events[move.position]
                key = _Key("repeated" if move.label >= 0 and event in done else "extra", event, after)
                done.add(event)
            if move.kind == "both":
                continue
            found[key].occurrences += counts[v]
            if key not in seen:
                seen.add(key)
                found[key].variants.append(v)
    return found


def _having(variants: Variants, code: int) -> NDArray[np.bool_]:
    """The cases that have an activity, (cases,); all of them for -1, the beginning."""
    if code < 0:
        return np.ones(len(variants.of_case), dtype=np.bool_)
    return np.array([code in events for events in variants.sequences], dtype=np.bool_)[variants.of_case]


def _members(variants: Variants) -> list[NDArray[np.int64]]:
    order = np.argsort(variants.of_case, kind="stable")
    return np.split(order, np.cumsum(variants.counts)[:-1])
