"""Rows dealt out by the hash of their case: one file per chunk of the source, in it one piece per partition.

A file is Arrow's IPC format. Its first batch is empty and brings the dictionaries; every further one is a piece, with
its rows in the order of the source. Files are written once, front to back, whatever the number of partitions, and a
partition is read by taking its piece out of each.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mkmine.errors import DataError

__all__ = ["HASH", "ChunkFile", "Piece", "case_hash", "columns_of", "read_all", "read_piece", "write_chunk"]

Int = NDArray[np.int64]
Hashes = NDArray[np.uint64]
# The name of the hash function stands in every folder: rows dealt out by another one would not meet their case.
HASH = "mkmine-1"
# So many bytes of a case id decide its partition.
HASHED = 256
FACTOR, FINAL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


class ChunkFile(BaseModel):
    """One file: its name, where its rows begin in the source, and of each partition its rows and the piece's place.

    `counts`, `ends` and `sums` have one entry per partition: rows, end of the piece in bytes, CRC-32 of its bytes.
    `begin` and `sum` are the end and the CRC-32 of what stands before the pieces, `size` and `tail` those of the rest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^rows-[0-9]{6}-[0-9a-f]{8}\.arrow$")
    first: int
    counts: tuple[int, ...]
    ends: tuple[int, ...]
    sums: tuple[int, ...]
    begin: int
    sum: int
    size: int
    tail: int

    @model_validator(mode="after")
    def _whole(self) -> ChunkFile:
        if not len(self.counts) == len(self.ends) == len(self.sums):
            raise ValueError("counts, ends and sums are not of the same length")
        if min(self.counts, default=0) < 0:
            raise ValueError("a piece has fewer than no rows")
        places = (0, self.begin, *self.ends, self.size)
        if any(later < earlier for earlier, later in pairwise(places)):
            raise ValueError("begin, ends and size do not rise")
        return self

    @property
    def rows(self) -> int:
        """Number of rows in the file."""
        return sum(self.counts)

    def piece(self, partition: int) -> Piece | None:
        """Return where the rows of a partition stand, None if there are none."""
        if not self.counts[partition]:
            return None
        begin = self.ends[partition - 1] if partition else self.begin
        return Piece(
            file=self.name,
            size=self.size,
            rows=self.counts[partition],
            batch=1 + sum(1 for count in self.counts[:partition] if count),
            sum=self.sums[partition],
            spans=(
                (0, self.begin, self.sum),
                (begin, self.ends[partition], self.sums[partition]),
                (self.ends[-1], self.size, self.tail),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The rows of one partition in one file: which batch of it they are, and spans (begin, end, CRC-32) to check."""

    file: str
    size: int
    rows: int
    batch: int
    sum: int
    spans: tuple[tuple[int, int, int], ...]


def case_hash(names: pa.Array) -> Hashes:
    """Return a 64-bit hash of each text (n,), the same on every machine: of its length and its first 256 bytes.

    Eight bytes at a time are mixed in by exclusive or, multiplication and shift (after MurmurHash); it deals cases out
    and identifies nothing, so equal hashes do no harm.
    """
    names = names.cast(pa.large_string())
    _, places, characters = names.buffers()
    at = np.frombuffer(places, dtype=np.int64)[names.offset : names.offset + len(names) + 1]
    data = np.zeros(int(at[-1] - at[0]) + 8, dtype=np.uint8)
    if characters is not None:
        data[:-8] = np.frombuffer(characters, dtype=np.uint8)[at[0] : at[-1]]
    # Eight bytes from every place on; the zeros at the end make room for the last one.
    words = np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
    start, length = at[:-1] - at[0], at[1:] - at[:-1]
    hashed = np.minimum(length, HASHED)
    out = length.astype(np.uint64) * FACTOR
    for done in range(0, int(hashed.max(initial=0)), 8):
        rows: Any = slice(None) if int(hashed.min()) > done else np.flatnonzero(hashed > done)
        left = np.minimum(hashed[rows] - done, 8).astype(np.uint64)
        own = words[start[rows] + done] & (~np.uint64(0) >> (np.uint64(64) - np.uint64(8) * left))
        mixed = (out[rows] ^ own) * FACTOR
        out[rows] = mixed ^ (mixed >> np.uint64(32))
    out = (out ^ (out >> np.uint64(29))) * FINAL
    return out ^ (out >> np.uint64(32))


def write_chunk(folder: Path, number: int, first: int, rows: pa.RecordBatch, partitions: int) -> ChunkFile:
    """Write the rows of a chunk, which have the column `case`; return what the manifest keeps of the file.

    Raises `OSError` if the file cannot be written; nothing is left of it then.
    """
    name = f"rows-{number:06}-{secrets.token_hex(4)}.arrow"
    # The high half of the hash, as a fraction, times the number of partitions.
    high = case_hash(rows.column("case")) >> np.uint64(32)
    of = (high * np.uint64(partitions) >> np.uint64(32)).astype(np.uint16)
    counts = np.bincount(of, minlength=partitions)
    # On 16 bits NumPy's stable sort is a radix sort.
    dealt = rows.take(pa.array(np.argsort(of, kind="stable")))
    ends, sums, place = [], [], 0
    path = folder / name
    try:
        with _Sink(path) as sink:
            with pa.ipc.new_file(pa.PythonFile(sink, "w"), dealt.schema) as writer:
                writer.write_batch(dealt.slice(0, 0))
                begin, start = sink.size, sink.taken()
                for count in counts.tolist():
                    if count:
                        writer.write_batch(dealt.slice(place, count))
                    place += count
                    ends.append(sink.size)
                    sums.append(sink.taken())
            tail = sink.taken()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return ChunkFile(
        name=name,
        first=first,
        counts=tuple(counts.tolist()),
        ends=tuple(ends),
        sums=tuple(sums),
        begin=begin,
        sum=start,
        size=sink.size,
        tail=tail,
    )


class _Sink:
    """A file to write to that knows its size and the CRC-32 of what was written since it was asked last."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb", buffering=1 << 20)
        self.size = self.sum = 0
        self.closed = False

    def __enter__(self) -> _Sink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def taken(self) -> int:
        """Return the CRC-32 since the last time, and begin anew."""
        sum, self.sum = self.sum, 0
        return sum

    def write(self, data: Any) -> int:
        self.sum = zlib.crc32(data, self.sum)
        self.size += len(data)
        return self.file.write(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.closed = True
        self.file.close()

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def read_piece(folder: Path, piece: Piece, columns: Sequence[str] | None = None) -> pa.RecordBatch:
    """Return the rows of a piece, only these columns.

    Raises `DataError`, naming the file, if it is absent or not as it was written.
    """
    with _opened(folder / piece.file, piece.size) as content:
        _check(folder / piece.file, content, piece.spans)
        reader = pa.ipc.open_file(content)
        if columns is not None:
            fields = sorted(reader.schema.get_field_index(name) for name in columns)
            reader = pa.ipc.open_file(content, options=pa.ipc.IpcReadOptions(included_fields=fields))
        return reader.get_batch(piece.batch)


def columns_of(folder: Path, file: ChunkFile) -> list[str]:
    """Return the names of the columns of a file.

    Raises `DataError`, naming the file, if it is absent or not as it was written.
    """
    with _opened(folder / file.name, file.size) as content:
        names: list[str] = pa.ipc.open_file(content).schema.names
        return names


def read_all(folder: Path, file: ChunkFile) -> pa.RecordBatch:
    """Return all rows of a file in the order of the source.

    Raises `DataError`, naming the file, if it is absent or not as it was written.
    """
    begins = (0, file.begin, *file.ends)
    ends, sums = (file.begin, *file.ends, file.size), (file.sum, *file.sums, file.tail)
    with _opened(folder / file.name, file.size) as content:
        _check(folder / file.name, content, tuple(zip(begins, ends, sums, strict=True)))
        rows = pa.ipc.open_file(content).read_all().combine_chunks().to_batches()[0]
        return rows.take(pa.array(np.argsort(rows.column("row").to_numpy(), kind="stable")))


@contextmanager
def _opened(path: Path, size: int) -> Iterator[pa.Buffer]:
    if not path.is_file():
        raise _damaged(path, "it is absent")
    if path.stat().st_size != size:
        raise _damaged(path, f"it has {path.stat().st_size:,} bytes instead of {size:,}")
    try:
        # Mapped, not read: of a file with a hundred pieces one is wanted.
        with pa.memory_map(str(path)) as source:
            yield source.read_buffer(size)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, str(error)) from None


def _check(path: Path, content: pa.Buffer, spans: tuple[tuple[int, int, int], ...]) -> None:
    whole = memoryview(content)
    if any(zlib.crc32(whole[begin:end]) != known for begin, end, known in spans):
        raise _damaged(path, "its bytes have changed")


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f'"{path}" is damaged: {what}; make the partitions anew from their source')
