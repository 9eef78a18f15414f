"""What is doubtful in a log: findings with counts, examples and advice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statistics import Groups
from mkmine.eventlog.summaries import duplicates, running_end

__all__ = ["Finding", "Quality", "quality"]

SECOND = 1_000_000
# As many moves by one person within one minute, over as many cases, are a bulk action rather than work.
BULK_CASES = 5
CORRECTION = 30 * SECOND
# Work that is ongoing for so many times what nearly all of its kind took was probably forgotten.
FORGOTTEN = 3
# A percentile of fewer instances says nothing.
ENOUGH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One doubt: `kind` is its stable name, `count` of `of` things are concerned, with examples and what to do."""

    kind: str
    what: str
    count: int
    of: int
    examples: tuple[str, ...] = ()
    advice: str = ""

    @property
    def share(self) -> float:
        """The part concerned, 0 to 1."""
        return self.count / self.of if self.of else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "kind": self.kind,
            "what": self.what,
            "count": self.count,
            "of": self.of,
            "share": self.share,
            "examples": list(self.examples),
            "advice": self.advice,
        }


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Quality:
    """The findings on a log, the largest share first."""

    findings: tuple[Finding, ...]
    provenance: Provenance = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per finding."""
        columns = ["kind", "what", "count", "of", "share", "examples", "advice"]
        return pd.DataFrame([one.to_dict() for one in self.findings], columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"findings": [one.to_dict() for one in self.findings], "provenance": self.provenance.to_dict()}

    def __repr__(self) -> str:
        if not self.findings:
            return "Quality: nothing doubtful found"
        lines = [f"Quality: {len(self.findings)} findings"]
        for one in self.findings:
            lines.append(f"  {one.what}: {one.count:,} of {one.of:,} ({one.share:.1%})")
            lines.append(f"      e.g. {'; '.join(one.examples)}" if one.examples else "      " + one.advice)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(one.what)}</td><td>{one.count:,} / {one.of:,}</td>"
            f"<td>{escape('; '.join(one.examples))}</td><td>{escape(one.advice)}</td></tr>"
            for one in self.findings
        )
        return f"<table><tr><th>finding</th><th>count</th><th>examples</th><th>advice</th></tr>{rows}</table>"


def quality(log: EventLog) -> Quality:
    """Look for what is doubtful in a log; nothing is changed."""
    checks: Sequence[Callable[[EventLog], Finding | None]] = (
        _quarantined,
        _bulk,
        _midnight,
        _corrections,
        _similar_names,
        _similar_people,
        _lost_letters,
        _single,
        _open,
        _forgotten,
        _overlaps,
        _ties,
        _repeats,
    )
    found = [finding for check in checks if (finding := check(log)) is not None]
    found.sort(key=lambda one: -one.share)
    return Quality(findings=tuple(found), provenance=log.provenance("data quality checks"))


def _cases(log: EventLog, rows: NDArray[Any]) -> tuple[str, ...]:
    """Return the ids of the first three cases that the instances `rows` (mask or indices) belong to."""
    return tuple(str(log.case_ids[case]) for case in dict.fromkeys(log.case_of[rows].tolist()))[:3]


def _quarantined(log: EventLog) -> Finding | None:
    count = len(log.quarantine)
    if not count:
        return None
    return Finding(
        kind="quarantined",
        what="rows of the source that could not be used",
        count=count,
        of=count + len(log),
        examples=tuple(map(str, log.quarantine["reason"].drop_duplicates().head(3))),
        advice="look at log.quarantine and correct them at the source",
    )


def _bulk(log: EventLog) -> Finding | None:
    minute = log.end // (60 * SECOND)
    frame = pd.DataFrame({"minute": minute, "resource": log.resource, "case": log.case_of})[~log.ongoing]
    cases = frame.groupby(["minute", "resource"])["case"].transform("nunique")
    rows = cases.index[cases >= BULK_CASES].to_numpy()
    if not len(rows):
        return None
    return Finding(
        kind="bulk",
        what=f"ends in the same minute, by the same person, in {BULK_CASES} or more cases",
        count=len(rows),
        of=len(log),
        examples=_cases(log, rows),
        advice="such moves tidy a board; they do not show when the work was done",
    )


def _midnight(log: EventLog) -> Finding | None:
    local = pd.DatetimeIndex(log.end.astype("datetime64[us]")).tz_localize("UTC").tz_convert(log.time_zone)
    rows = np.asarray(local == local.normalize()) & ~log.ongoing
    if rows.mean() <= 0.01:
        return None
    return Finding(
        kind="midnight",
        what="ends at exactly midnight",
        count=int(rows.sum()),
        of=len(log),
        examples=_cases(log, rows),
        advice="these are dates without a time: durations below a day mean nothing",
    )


def _corrections(log: EventLog) -> Finding | None:
    """Find A, B, A where B took seconds: a mis-click put right."""
    codes, position = log.activity, log.position
    if len(codes) < 3:
        return None
    back = (position[2:] >= 2) & (codes[2:] == codes[:-2]) & (codes[1:-1] != codes[:-2])
    quick = (log.end[1:-1] - log.start[1:-1] <= CORRECTION) & (log.start[2:] - log.start[1:-1] <= CORRECTION)
    rows = np.flatnonzero(back & quick) + 1
    if not len(rows):
        return None
    return Finding(
        kind="corrections",
        what="activities left again within seconds for the one before (A, B, A)",
        count=len(rows),
        of=len(log),
        examples=_cases(log, rows),
        advice="mis-clicks: they count as rework unless they are collapsed",
    )


def _key(name: str) -> str:
    return "".join(letter for letter in name.casefold().replace("ё", "е") if letter.isalnum())


def _alike(names: Sequence[str]) -> list[list[str]]:
    """Return the names that are spelt in several ways, spelling by spelling."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[_key(name) or name].append(name)
    return [spelt for spelt in groups.values() if len(spelt) > 1]


def _spelt(alike: list[list[str]]) -> tuple[str, ...]:
    return tuple(" = ".join(f"“{name}”" for name in names) for names in alike[:3])


def _similar_names(log: EventLog) -> Finding | None:
    alike = _alike(log.activities)
    if not alike:
        return None
    codes = [log.activities.index(name) for names in alike for name in names]
    return Finding(
        kind="similar_names",
        what="instances of activities whose names differ only by case, spaces, marks or е/ё",
        count=int(np.isin(log.activity, codes).sum()),
        of=len(log),
        examples=_spelt(alike),
        advice="probably one activity: give them one name",
    )


def _similar_people(log: EventLog) -> Finding | None:
    alike = _alike(log.resources)
    if not alike:
        return None
    return Finding(
        kind="similar_people",
        what="people whose names differ only by case, spaces, marks or е/ё",
        count=sum(map(len, alike)),
        of=len(log.resources),
        examples=_spelt(alike),
        advice="probably one person each: give them one name, or how busy they are is wrong",
    )


def _lost_letters(log: EventLog) -> Finding | None:
    def lost(name: str) -> bool:
        letters = name.replace(" ", "")
        return (letters.count("?") >= 3 and letters.count("?") > 0.5 * len(letters)) or "\ufffd" in name

    codes = [code for code, name in enumerate(log.activities) if lost(name)]
    if not codes:
        return None
    return Finding(
        kind="lost_letters",
        what="instances of activities whose names are question marks",
        count=int(np.isin(log.activity, codes).sum()),
        of=len(log),
        examples=tuple(log.activities[code] for code in codes[:3]),
        advice="the export lost its letters: export again as UTF-8",
    )


def _single(log: EventLog) -> Finding | None:
    cases = np.diff(log.offsets) == 1
    if not cases.any():
        return None
    return Finding(
        kind="single",
        what="cases of one event",
        count=int(cases.sum()),
        of=log.n_cases,
        examples=tuple(map(str, log.case_ids[cases][:3])),
        advice="nothing can be said of their flow; were the other events left out of the export?",
    )


def _open(log: EventLog) -> Finding | None:
    cases = ~log.completed
    if not cases.any():
        return None
    return Finding(
        kind="open",
        what="cases still open when the observation ended",
        count=int(cases.sum()),
        of=log.n_cases,
        examples=tuple(map(str, log.case_ids[cases][:3])),
        advice="they are kept and treated as censored: their cycle time is at least what is seen",
    )


def _forgotten(log: EventLog) -> Finding | None:
    if not log.ongoing.any():
        return None
    length, over = log.end - log.start, ~log.ongoing
    usual = Groups(length[over].astype(np.float64), log.activity[over], len(log.activities))
    limit = np.where(usual.count >= ENOUGH, FORGOTTEN * usual.quantile(0.95), np.inf)
    rows = log.ongoing & (length > limit[log.activity])
    if not rows.any():
        return None
    return Finding(
        kind="forgotten",
        what=f"instances ongoing for over {FORGOTTEN} times the 95th percentile of their activity",
        count=int(rows.sum()),
        of=int(log.ongoing.sum()),
        examples=_cases(log, rows),
        advice="their end was probably not recorded: close them at the source",
    )


def _overlaps(log: EventLog) -> Finding | None:
    latest = running_end(log)
    rows = np.append(False, (log.position[1:] > 0) & (log.start[1:] < latest[:-1]))
    if not rows.any():
        return None
    return Finding(
        kind="overlaps",
        what="instances that start before an earlier one of their case has ended",
        count=int(rows.sum()),
        of=len(log),
        examples=_cases(log, rows),
        advice="parallel work is fine; where it is not, starts or ends are recorded late",
    )


def _ties(log: EventLog) -> Finding | None:
    same = (log.position[1:] > 0) & (log.start[1:] == log.start[:-1]) & (log.end[1:] == log.end[:-1])
    rows = np.append(False, same & (log.activity[1:] != log.activity[:-1]))
    if rows.mean() <= 0.01:
        return None
    return Finding(
        kind="ties",
        what="instances at the very moment of the one before",
        count=int(rows.sum()),
        of=len(log),
        examples=_cases(log, rows),
        advice="their order is that of the source; check that it is the true one",
    )


def _repeats(log: EventLog) -> Finding | None:
    rows = duplicates(log)
    if not rows.any():
        return None
    return Finding(
        kind="repeats",
        what="instances that repeat another in case, activity, times and person",
        count=int(rows.sum()),
        of=len(log),
        examples=_cases(log, rows),
        advice="probably exported twice: drop_duplicates sets them aside",
    )
