"""A log of any size on disk, cut by case: its parts as logs one after another, and what they give together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mkmine.calendars import from_us
from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.partitions.folder import Manifest, read_aside
from mkmine.eventlog.partitions.kept import Keeper
from mkmine.eventlog.partitions.pieces import Piece, read_all, read_piece
from mkmine.eventlog.partitions.plan import Facts, Plan
from mkmine.eventlog.partitions.settling import settle
from mkmine.eventlog.provenance import Step

if TYPE_CHECKING:
    from mkmine.eventlog.summaries import Summary

__all__ = ["Mergeable", "Partitions", "Portion"]


class Mergeable(Protocol):
    """A value of which two make one."""

    def merge(self, other: Self, /) -> Self:
        """Return what both parts give together."""


T = TypeVar("T", bound=Mergeable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """One partition: the places of its rows, and all that is needed to make their log, here or on another machine."""

    folder: str
    number: int
    pieces: tuple[Piece, ...]
    plan: Plan
    facts: Facts
    steps: tuple[Step, ...]

    @property
    def key(self) -> str:
        """What its log depends on, as 32 hexadecimal digits."""
        facts: dict[str, Any] = self.facts.model_dump()
        if not self.facts.unfinished:
            # Then the end of the observation changes nothing in the instances.
            del facts["observed"]
        rows = [(piece.file, piece.batch, piece.sum) for piece in self.pieces]
        told = json.dumps([self.plan.model_dump(), facts, rows], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def batches(self, columns: Sequence[str] | None = None) -> list[pa.RecordBatch]:
        """Return its rows, only these columns, in the order of the source.

        Raises `DataError`, naming the file, if one is absent or damaged.
        """
        return [read_piece(Path(self.folder), piece, columns) for piece in self.pieces]

    def log(self) -> EventLog | None:
        """Return its log, None if none of its rows can be used. Raises `DataError` if a file is absent or damaged."""
        batches = self.batches()
        return settle(batches, self.plan, self.facts, steps=self.steps) if batches else None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Partitions:
    """A log on disk, cut so that every case is wholly in one partition; iterating yields the logs of the partitions.

    It is a snapshot: what is appended later is seen by the value that `append` returns.
    """

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: str | Path) -> Partitions:
        """Open what `mkmine.partition` made.

        Raises `DataError` if the folder holds no finished partitions, or they are of another version.
        """
        return cls(folder=Path(folder), manifest=Manifest.load(Path(folder)))

    def __len__(self) -> int:
        return self.manifest.partitions

    def __iter__(self) -> Iterator[EventLog]:
        for portion in self.portions():
            log = portion.log()
            if log is not None:
                yield log

    @property
    def name(self) -> str:
        """The name of the log."""
        return self.manifest.plan.name

    @property
    def n_rows(self) -> int:
        """Number of usable rows of the sources."""
        return sum(file.rows for file in self.manifest.files)

    @property
    def n_instances(self) -> int:
        """Number of activity instances."""
        surveys = self.manifest.surveys
        return sum(one.instances for one in surveys) if surveys else self.n_rows

    @property
    def n_cases(self) -> int:
        """Number of cases; where the rows are instances already, they are counted when it is asked for."""
        if self.manifest.surveys:
            return sum(one.cases for one in self.manifest.surveys)
        return sum(_cases(portion) for portion in self.portions())

    @property
    def quarantine(self) -> pd.DataFrame:
        """Rows of the sources that could not be used, with their `row` and the `reason`."""
        return read_aside(self.folder, self.manifest.aside)

    @property
    def n_quarantined(self) -> int:
        """Number of rows that could not be used."""
        return sum(one.rows for one in self.manifest.aside) + sum(one.lost for one in self.manifest.surveys)

    def portions(self) -> list[Portion]:
        """Return the partitions that hold rows, as values that can be sent to other processes."""
        out = []
        for number in range(len(self)):
            pieces = tuple(piece for file in self.manifest.files if (piece := file.piece(number)) is not None)
            if pieces:
                part = Step("filter partition", f"{number + 1} of {len(self)}, by the hash of the case")
                out.append(
                    Portion(
                        folder=str(self.folder.resolve()),
                        number=number,
                        pieces=pieces,
                        plan=self.manifest.plan,
                        facts=self.manifest.facts,
                        steps=(*self._steps(), part),
                    )
                )
        return out

    @overload
    def summarise(self, *, executor: Executor | Any = None) -> Summary: ...
    @overload
    def summarise(self, function: Callable[[EventLog], T], *, executor: Executor | Any = None) -> T: ...
    def summarise(self, function: Callable[[EventLog], Any] | None = None, *, executor: Executor | Any = None) -> Any:
        """Return `function` of the whole log: of every partition, merged; without one, everything that merges.

        `executor` is a pool of `concurrent.futures`, or a Dask client whose workers see the folder under the same path;
        without one partitions are done one after another. A value is merged in the order of the partitions, so it is
        the same with any executor; if `merge` is exact (counts are, sums of floats nearly) it is that of the whole log
        with any number of partitions. `function` must depend on cases one by one.

        What mkmine's own summaries give is kept in the folder: after an addition only the partitions that it touched
        are done anew.

        Raises `DataError` if no row can be used, or a file of the folder is damaged.
        """
        if function is None:
            from mkmine.eventlog.summaries import summarise

            function = summarise
        keeper = Keeper(self.folder, function)
        portions = self.portions()
        kept = [keeper.get(portion.key) for portion in portions]
        missing = [portion for portion, value in zip(portions, kept, strict=True) if value is None]
        computed = _computed(missing, function, executor)
        total = _Merged[Any]()
        for portion, value in zip(portions, kept, strict=True):
            if value is None:
                value = next(computed)
                if value is not None:
                    total.add(value)
                    keeper.put(portion.key, value)
            else:
                total.add(value)
        return total.value(self.folder)

    def to_log(self) -> EventLog:
        """Return the whole as one log in memory, as `mkmine.read` would have read the sources.

        Raises `DataError` if no row can be used, or a file is damaged.
        """
        rows = [read_all(self.folder, file) for file in self.manifest.files]
        log = settle(rows, self.manifest.plan, self.manifest.facts, steps=self._steps(), whole=True)
        if log is None:
            raise DataError(f'none of the rows in "{self.folder}" can be used; see the property quarantine')
        return log

    def append(
        self, source: Any, *, encoding: str | None = None, delimiter: str | None = None, header: int | None = None
    ) -> Partitions:
        """Add the rows of another source, read as the first one was; return the partitions with them.

        Cases that go on are wholly in one partition, as before. If anything goes wrong nothing is added.

        Raises `DataError` if rows cannot be used (unless they are set aside), a column is absent, the folder cannot be
        written, or somebody has added to it since this value was made.
        """
        from mkmine.eventlog.partitions.making import add

        return Partitions(
            folder=self.folder,
            manifest=add(self.folder, self.manifest, source, encoding=encoding, delimiter=delimiter, header=header),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what it is made of as plain values."""
        first, last = (from_us(one, self.manifest.plan.shown).isoformat() for one in self.manifest.facts.observed)
        return {
            "name": self.name,
            "folder": str(self.folder),
            "partitions": len(self),
            "rows": self.n_rows,
            "instances": self.n_instances,
            "quarantined": self.n_quarantined,
            "first": first,
            "last": last,
            "sources": [one.model_dump() for one in self.manifest.sources],
            "bytes": sum(file.size for file in self.manifest.files),
        }

    def __repr__(self) -> str:
        first, last = (from_us(one, self.manifest.plan.shown).date() for one in self.manifest.facts.observed)
        aside = f", {self.n_quarantined:,} rows set aside" if self.n_quarantined else ""
        return (
            f'<Partitions {self.name}: {self.n_instances:,} instances in {len(self):,} partitions of "{self.folder}", '
            f"{first} to {last}{aside}>"
        )

    def _steps(self) -> tuple[Step, ...]:
        plan = self.manifest.plan
        read = [Step("read", f"{one.name} ({plan.note})", one.rows) for one in self.manifest.sources]
        # A saved log tells in its history what its columns were.
        told = [Step(*one) for one in plan.history] if plan.saved else [Step("mapping", "; ".join(plan.reasons))]
        lost = [Step("quarantine", "kept with the partitions", self.n_quarantined)] if self.n_quarantined else []
        return (*told, *read, *lost) if plan.saved else (*read, *told, *lost)


def _cases(portion: Portion) -> int:
    batches = portion.batches(["case"])
    return int(pc.count_distinct(pa.chunked_array([batch.column(0) for batch in batches])).as_py())


def _value(portion: Portion, function: Callable[[EventLog], T]) -> T | None:
    """Return the function of one partition; this is what goes to the workers."""
    log = portion.log()
    return None if log is None else function(log)


def _computed(portions: Sequence[Portion], function: Callable[[EventLog], T], executor: Any) -> Iterator[T | None]:
    """Yield the values of partitions in their order."""
    if executor is None or not portions:
        yield from (_value(portion, function) for portion in portions)
        return
    if hasattr(executor, "get_executor"):
        from mkmine.eventlog.partitions.cluster import executor_of

        executor = executor_of(executor)
    running = [executor.submit(_value, portion, function) for portion in portions]
    try:
        while running:
            yield running.pop(0).result()
    finally:
        for one in running:
            one.cancel()


class _Merged(Generic[T]):
    """Values merged in their order, neighbours of equal size first: each takes part in few merges."""

    def __init__(self) -> None:
        self.parts: list[tuple[int, T]] = []

    def add(self, value: T) -> None:
        if not hasattr(value, "merge"):
            raise DataError(
                f"a {type(value).__name__} does not merge, so it cannot be made of parts; pass a function "
                "that gives a mergeable summary (mkmine.eventlog.summaries), or work on to_log()"
            )
        size = 1
        while self.parts and self.parts[-1][0] == size:
            value = self.parts.pop()[1].merge(value)
            size *= 2
        self.parts.append((size, value))

    def value(self, folder: Path) -> T:
        if not self.parts:
            raise DataError(f'none of the rows in "{folder}" can be used; see the property quarantine')
        whole = self.parts.pop()[1]
        while self.parts:
            whole = self.parts.pop()[1].merge(whole)
        return whole
