"""Everything that merges, in one value that is saved as one file: add today's cases to what is known of the others."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from html import escape
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.summaries.cases import case_durations
from mkmine.eventlog.summaries.follows import DirectlyFollows, directly_follows, edge_times
from mkmine.eventlog.summaries.load import Flow, flow
from mkmine.eventlog.summaries.people import Executions, HandOvers, activity_table, hand_overs, resource_table
from mkmine.eventlog.summaries.plain import entry, records
from mkmine.eventlog.summaries.relations import (
    EventuallyFollows,
    TemporalProfile,
    eventually_follows,
    temporal_profile,
)
from mkmine.eventlog.summaries.rework import ReworkCounts, rework_counts
from mkmine.eventlog.summaries.sketch import Durations
from mkmine.eventlog.summaries.variants import FACTOR, VariantCounts, variant_counts
from mkmine.files import write_bytes

__all__ = ["CaseSample", "Summary", "summarise"]

SplitCases = Literal["raise", "count"]
FORMAT, VERSION = "mkmine summary", 1
# Cases of which it is remembered in how many parts they were.
SAMPLE = 4096
# Longer lists of numbers are packed when a summary is saved.
PACKED_FROM = 64
# A file may unpack to so many bytes, and hold so many marks of JSON: memory stays bounded whatever it claims.
LARGEST, MARKS = 1 << 31, 20_000_000
KINDS = ("|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CaseSample:
    """A sample of the cases, chosen by a hash of their ids, and in how many parts each has been.

    Kept are the `SAMPLE` smallest hashes of all, whatever the parts and their order (a bottom-k sketch: E. Cohen and
    H. Kaplan (2007), Summarizing data using bottom-k sketches, DOI 10.1145/1281100.1281133), so that a case that is in
    two parts, and in the sample, is found with certainty.
    """

    parts: Mapping[int, int] = field(default_factory=dict)

    def merge(self, other: CaseSample) -> CaseSample:
        """Return the sample of both parts; `CaseSample()` is the identity."""
        out = dict(self.parts)
        for digest, number in other.parts.items():
            out[digest] = out.get(digest, 0) + number
        return CaseSample(parts={digest: out[digest] for digest in sorted(out)[:SAMPLE]})

    @property
    def split(self) -> int:
        """How many cases of the sample were in more than one part."""
        return sum(number > 1 for number in self.parts.values())

    def __repr__(self) -> str:
        return f"CaseSample of {len(self.parts):,} cases, {self.split:,} of them in several parts"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        return {"parts": [[digest, number] for digest, number in sorted(self.parts.items())]}

    @classmethod
    def from_dict(cls, values: object) -> CaseSample:
        """Read what `to_dict` returned. Raises `DataError` if it is not that."""
        what = "a saved sample of cases"
        rows = records(entry(values, "parts", what), (int, int), what)
        if len(rows) > SAMPLE or any(digest >= 2**64 for digest, _ in rows):
            raise DataError(f"{what} is larger than samples are; the file is damaged")
        return cls(parts=dict(rows))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Summary:
    """What one pass over a log yields and what can be added up, part by part.

    Attributes
    ----------
    follows, edges
        Directly-follows counts, and the wall-clock time on each edge.
    variants, rework
        Cases by sequence of activities; rounds of activities.
    activities, resources, hand_overs
        Executions of activities and by people, and successions of people.
    cases
        Distributions over cases of cycle, processing, busy and waiting time (wall clock).
    flow
        Arrivals and completions by day, and the load that follows.
    eventually, profile
        Which activities come some time after which, and how long after.
    sample
        By which cases that were in more than one part are noticed.
    """

    follows: DirectlyFollows = field(default_factory=DirectlyFollows)
    edges: Durations = field(default_factory=Durations)
    variants: VariantCounts = field(default_factory=VariantCounts)
    rework: ReworkCounts = field(default_factory=ReworkCounts)
    activities: Executions = field(default_factory=Executions)
    resources: Executions = field(default_factory=Executions)
    hand_overs: HandOvers = field(default_factory=HandOvers)
    cases: Durations = field(default_factory=Durations)
    flow: Flow = field(default_factory=Flow)
    eventually: EventuallyFollows = field(default_factory=EventuallyFollows)
    profile: TemporalProfile = field(default_factory=TemporalProfile)
    sample: CaseSample = field(default_factory=CaseSample)

    def merge(self, other: Summary, *, split_cases: SplitCases = "raise") -> Summary:
        """Return the summary of both parts; `Summary()` is the identity, and the order of merging changes nothing.

        Every case must be whole in one part: of a case in two parts the summary knows two cases, and not the succession
        from one part to the other. A sample of 4,096 cases shows whether that is so: with `split_cases="raise"` finding
        one raises `DataError`; `"count"` goes on, and `split_share` says how many there are. Few such cases among many
        may go unnoticed. (`mkmine.eventlog.partitions` summarises a log whose cases go on.)

        Raises `DataError` if the time zones differ, too.
        """
        sample = self.sample.merge(other.sample)
        if split_cases == "raise" and sample.split > max(self.sample.split, other.sample.split):
            raise DataError(
                f"{sample.split:,} of {len(sample.parts):,} sampled cases are in both parts, and would be counted as "
                f'two cases each: cut a log so that each case is in one part, or pass split_cases="count"'
            )
        parts = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "sample"}
        return Summary(sample=sample, **{name: one.merge(getattr(other, name)) for name, one in parts.items()})

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return self.follows.cases

    @property
    def split_share(self) -> float:
        """Share of the cases, estimated from a sample, that were in more than one part: for these the counts err."""
        return self.sample.split / len(self.sample.parts) if self.sample.parts else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, readable by `from_dict`."""
        out: dict[str, Any] = {"format": FORMAT, "version": VERSION}
        return out | {one.name: getattr(self, one.name).to_dict() for one in fields(self)}

    @classmethod
    def from_dict(cls, values: object) -> Summary:
        """Read what `to_dict` returned. Raises `DataError` if it is not that, or of a later version."""
        if entry(values, "format", "a saved summary") != FORMAT:
            raise DataError("a saved summary is of another kind; give a file that Summary.save wrote")
        version = entry(values, "version", "a saved summary")
        if version != VERSION:
            raise DataError(
                f"a saved summary is of version {version!r}, and this mkmine reads {VERSION}; update mkmine"
            )
        kinds = {one.name: one.default_factory for one in fields(cls)}
        return cls(
            **{name: kind.from_dict(entry(values, name, "a saved summary")) for name, kind in kinds.items()}  # type: ignore[union-attr]
        )

    def save(self, path: str | Path) -> Path:
        """Write the summary as one file (compressed JSON), whole or not at all; return the path.

        Equal summaries give equal files. Raises `DataError` if the place cannot be written.
        """
        text = json.dumps(_packed(self.to_dict()), ensure_ascii=True, separators=(",", ":"), sort_keys=True)
        return write_bytes(path, gzip.compress(text.encode("ascii"), compresslevel=6, mtime=0))

    @classmethod
    def open(cls, path: str | Path) -> Summary:
        """Read a file that `save` wrote. Raises `DataError` if it cannot be read or is damaged."""
        raw = _unzipped(Path(path))
        if sum(raw.count(mark) for mark in (b"[", b"{", b",")) > MARKS:
            raise DataError(f'"{path}" holds more values than a summary has; is it the right file?')
        try:
            values = json.loads(raw, parse_constant=_refused)
        except (ValueError, RecursionError) as error:
            raise DataError(f'"{path}" is no summary: {" ".join(str(error).split())[:200]}') from None
        try:
            return cls.from_dict(_unpacked(values))
        except DataError as error:
            raise DataError(f'"{path}": {error}') from None

    def __repr__(self) -> str:
        split = f"; about {self.split_share:.1%} of cases were in several parts" if self.sample.split else ""
        lines = [f"Summary of {self.n_cases:,} cases{split}"]
        parts = (self.follows, self.edges, self.variants, self.rework, self.hand_overs, self.flow)
        return "\n".join([*lines, *(f"  {repr(one).splitlines()[0]}" for one in parts)])

    def _repr_html_(self) -> str:
        first, *further = repr(self).splitlines()
        points = "".join(f"<li>{escape(line.strip())}</li>" for line in further)
        return f"<p>{escape(first)}</p><ul>{points}</ul>{self.edges._repr_html_()}"


def summarise(log: EventLog) -> Summary:
    """Return everything of a log that merges; durations are those of the wall clock, percentiles as in `edge_times`."""
    return Summary(
        follows=directly_follows(log),
        edges=edge_times(log),
        variants=variant_counts(log),
        rework=rework_counts(log),
        activities=activity_table(log),
        resources=resource_table(log),
        hand_overs=hand_overs(log),
        cases=case_durations(log),
        flow=flow(log),
        eventually=eventually_follows(log),
        profile=temporal_profile(log),
        sample=_sample(log.case_names),
    )


def _sample(cases: pa.Array) -> CaseSample:
    digest = _text_digests(cases)
    least = np.partition(digest, SAMPLE)[:SAMPLE] if len(digest) > SAMPLE else digest
    return CaseSample(parts=dict.fromkeys(np.sort(least).tolist(), 1))


def _text_digests(texts: pa.Array) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each text: a polynomial of its bytes, mixed (the finisher of MurmurHash3)."""
    whole = texts.cast(pa.large_string())
    _, offsets, data = whole.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[whole.offset : whole.offset + len(whole) + 1]
    content = np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]] if data else np.zeros(0, dtype=np.uint8)
    sizes = np.diff(ends)
    out = np.zeros(len(whole), dtype=np.uint64)
    if len(content):
        with np.errstate(over="ignore"):
            powers = np.cumprod(np.full(int(sizes.max()), FACTOR))
            place = np.arange(len(content)) - np.repeat(ends[:-1] - ends[0], sizes)
            terms = (content.astype(np.uint64) + np.uint64(1)) * powers[place]
            filled = np.flatnonzero(sizes)
            out[filled] = np.add.reduceat(terms, (ends[:-1] - ends[0])[filled])
    with np.errstate(over="ignore"):
        for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
            out = (out ^ (out >> np.uint64(33))) * np.uint64(factor)
    return np.asarray(out ^ (out >> np.uint64(33)), dtype=np.uint64)


def _unzipped(path: Path) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    try:
        out = reader.decompress(path.read_bytes(), LARGEST)
    except OSError as error:
        raise DataError(f'cannot read "{path}": {error.strerror or error}') from None
    except zlib.error:
        raise DataError(f'"{path}" is no summary, or is damaged; give a file that Summary.save wrote') from None
    if reader.unconsumed_tail:
        raise DataError(f'"{path}" unpacks to more than {LARGEST // 2**20:,} MB; is it the right file?')
    if not reader.eof:
        raise DataError(f'"{path}" is cut short; copy it again')
    return out


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _packed(value: Any) -> Any:
    """Return plain values with long lists of 64-bit whole numbers as text: smaller, and read without a parser."""
    if isinstance(value, dict):
        return {key: _packed(one) for key, one in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) >= PACKED_FROM and all(type(one) is int and -(2**63) <= one < 2**63 for one in value):
        array = np.array(value, dtype=np.int64)
        kind = np.result_type(*(np.min_scalar_type(int(one)) for one in (array.min(), array.max())))
        kind = kind.newbyteorder("<") if kind.kind in "iu" else np.dtype("<i8")
        return {"packed": base64.b64encode(array.astype(kind).tobytes()).decode("ascii"), "type": kind.str}
    return [_packed(one) for one in value]


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() != {"packed", "type"}:
        return {key: _unpacked(one) for key, one in value.items()}
    packed, kind = value["packed"], value["type"]
    if kind not in KINDS or not isinstance(packed, str):
        raise DataError("packed numbers are of an unknown type; it is damaged")
    try:
        return np.frombuffer(base64.b64decode(packed, validate=True), dtype=kind).tolist()
    except (binascii.Error, ValueError):
        raise DataError("packed numbers cannot be unpacked; it is damaged") from None
