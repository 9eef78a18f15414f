"""The folder of the partitions: whose it is, what it holds, who writes to it; changed whole or not at all."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationError, model_validator

from mkmine.errors import DataError
from mkmine.eventlog.partitions.pieces import HASH, ChunkFile, columns_of
from mkmine.eventlog.partitions.plan import Content, Facts, Frozen, Plan, Survey
from mkmine.files import checked_path, write_text

__all__ = ["AsideFile", "Manifest", "SourceMark", "clear", "is_ours", "read_aside", "write_aside", "writing"]

MANIFEST, WRITER, HEIR = "manifest.json", "writing.lock", "taking.lock"
# Locks that this process holds, in whichever thread.
HELD: set[Path] = set()
LOCKING = Lock()
VERSION = 1
LARGEST = 1 << 30
# Signs of a wrong value that an error shows.
TOLD = 80
MOST = 4096
OURS = re.compile(
    r"(rows-\d{6}-[0-9a-f]{8}\.arrow|aside-\d{6}\.parquet|summary-[0-9a-f]{32}-[0-9a-f]{32}\.json|(writing|taking)\.lock)"
)


class SourceMark(Frozen):
    """A source that was read: its name, size in bytes, time of its last change (ns), and its rows."""

    name: str
    size: int
    changed: int
    rows: int
    aside: int


class AsideFile(Frozen):
    """A file of rows that were set aside."""

    name: str = Field(pattern=r"^aside-[0-9]{6}\.parquet$")
    rows: int


class Manifest(Frozen):
    """What the folder holds; a file that it does not name is none of it.

    `told` is the SHA-256 of how it was asked for, `texts` says of each column of text what its values are;
    `surveys` has one entry per partition, or none where the rows tell all by themselves.
    """

    format: Literal["mkmine partitions"] = "mkmine partitions"
    version: int = VERSION
    hash: str = HASH
    partitions: int = Field(ge=1, le=MOST)
    told: str
    plan: Plan
    facts: Facts
    texts: dict[str, Content]
    sources: tuple[SourceMark, ...]
    files: tuple[ChunkFile, ...]
    aside: tuple[AsideFile, ...]
    surveys: tuple[Survey, ...]

    @model_validator(mode="after")
    def _whole(self) -> Manifest:
        if any(len(one.counts) != self.partitions for one in self.files):
            raise ValueError("a file has another number of pieces than there are partitions")
        if len(self.surveys) not in (0, self.partitions):
            raise ValueError("not every partition has its survey")
        return self

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read the manifest of a folder.

        Raises `DataError` if it holds none, an unfinished or a damaged one, or one of another version.
        """
        path = folder / MANIFEST
        if not path.is_file():
            why = "their making was interrupted" if (folder / WRITER).exists() else "it has no manifest"
            raise DataError(f'"{folder}" holds no finished partitions ({why}); make them with mkmine.partition')
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError("it is too large")
            values = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(values, dict) or values.get("format") != "mkmine partitions":
                raise ValueError("it is the manifest of something else")
            if (values.get("version"), values.get("hash")) != (VERSION, HASH):
                raise DataError(
                    f'the partitions in "{folder}" are of version {values.get("version")} ({values.get("hash")}), this '
                    f"mkmine reads version {VERSION} ({HASH}); make them anew"
                )
            made = cls.model_validate(values)
            made._check(folder)
            return made
        except (ValueError, OSError, RecursionError) as error:
            if isinstance(error, DataError):
                raise
            told = _first(error) if isinstance(error, ValidationError) else str(error).splitlines()[0]
            raise DataError(f'"{path}" is damaged: {told}; make the partitions anew from their source') from None

    def _check(self, folder: Path) -> None:
        """Raise `ValueError` if the rows lack a column that is asked for, `DataError` if their file is damaged."""
        known = columns_of(folder, self.files[0]) if self.files else None
        for fact, value, column in self.plan.needed():
            if known is not None and column not in known:
                raise ValueError(f'plan.{fact} cannot be "{value}": the rows have no column "{column}"')

    def save(self, folder: Path) -> None:
        """Write the manifest: from then on the folder is what it says."""
        write_text(folder / MANIFEST, self.model_dump_json())


def _first(error: ValidationError) -> str:
    """Return the first of what is wrong: the field, its value and the rule."""
    one = error.errors(include_url=False, include_context=False)[0]
    value = json.dumps(one["input"], default=str)
    place = ".".join(map(str, one["loc"])) or "it"
    shown = value if len(value) <= TOLD else f"{value[:TOLD]}..."
    return f"{place} cannot be {shown} ({one['msg'].removeprefix('Value error, ')})"


def is_ours(folder: Path) -> bool:
    """Return whether all files of a folder are of partitions, finished or not."""
    names = [one.name for one in folder.iterdir()]
    ours = all(OURS.fullmatch(name) or name == MANIFEST or name.startswith(f".{MANIFEST}.") for name in names)
    return ours and (MANIFEST in names or WRITER in names)


def clear(folder: Path, keep: Manifest | None = None) -> None:
    """Remove our files from a folder, but for those that a manifest names."""
    kept = {WRITER, HEIR}
    if keep is None:
        # Before the rest: a manifest that is left must not name files that are gone.
        (folder / MANIFEST).unlink(missing_ok=True)
    else:
        kept |= {MANIFEST, *(one.name for one in keep.files), *(one.name for one in keep.aside)}
    for one in folder.iterdir():
        stray = OURS.fullmatch(one.name) or one.name == MANIFEST or one.name.startswith(f".{MANIFEST}.")
        summary = keep is not None and one.name.startswith("summary-")
        if stray and one.name not in kept and not summary:
            one.unlink(missing_ok=True)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Be the one who writes to a folder; a lock left by a process that is no more is taken over.

    Raises `DataError` if another process writes to it, or if it cannot be written; in that case and after any other
    error what the manifest does not name is removed, and so is the folder, if it was made here.
    """
    made = not folder.exists()
    lock = checked_path(folder).resolve() / WRITER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with LOCKING:
            _lock(lock)
            HELD.add(lock)
    except OSError as error:
        raise DataError(f'cannot write to "{folder}": {error.strerror or error}; choose another place') from None
    try:
        yield
    except BaseException as error:
        try:
            clear(folder, Manifest.load(folder) if (folder / MANIFEST).exists() else None)
        finally:
            _unlock(lock)
        if made and not any(folder.iterdir()):
            folder.rmdir()
        if isinstance(error, OSError) and not isinstance(error, DataError):
            raise DataError(
                f'cannot write to "{folder}": {error.strerror or error}; nothing was changed: make room, or choose '
                f"another place"
            ) from None
        raise
    _unlock(lock)


def _unlock(lock: Path) -> None:
    HELD.discard(lock)
    lock.unlink(missing_ok=True)


def _lock(lock: Path) -> None:
    try:
        _create(lock)
    except FileExistsError:
        heir = lock.with_name(HEIR)
        try:
            _refuse(lock)
            # Of several who find a lock whose holder is no more, one takes it over.
            _create(heir)
        except FileExistsError:
            _refuse(heir, always=True)
        try:
            _refuse(lock)
            lock.write_text(_me(), encoding="utf-8")
        finally:
            heir.unlink(missing_ok=True)


def _me() -> str:
    return f"{socket.gethostname()} {os.getpid()}"


def _create(lock: Path) -> None:
    with os.fdopen(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY), "w", encoding="utf-8") as out:
        try:
            out.write(_me())
            out.flush()
        except OSError:
            lock.unlink(missing_ok=True)
            raise


def _refuse(lock: Path, *, always: bool = False) -> None:
    """Raise `DataError` if somebody who is alive holds a lock."""
    try:
        host, _, process = lock.read_text(encoding="utf-8", errors="replace").strip().partition(" ")
    except FileNotFoundError:
        host, process = "", ""
    if always or host != socket.gethostname() or lock in HELD or _alive(process):
        raise DataError(
            f'"{lock.parent}" is being written by process {process or "?"} on {host or "?"}; wait for it, or '
            f'delete "{lock.name}" if that process is no more'
        )


def _alive(process: str) -> bool:
    # A process that was started anew, as in a container, may have the number of the one before.
    if not process.isdigit() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def write_aside(folder: Path, number: int, frame: pd.DataFrame) -> AsideFile:
    """Write rows that were set aside, all values as text."""
    name = f"aside-{number:06}.parquet"
    texts = {column: [None if v is None or v != v else str(v) for v in frame[column]] for column in frame}
    columns = {column: pa.array(values, pa.large_string()) for column, values in texts.items() if column != "row"}
    rows = pa.array(frame["row"].to_numpy(dtype="int64"))
    pq.write_table(pa.table({"row": rows, **columns}), folder / name, compression="zstd")
    return AsideFile(name=name, rows=len(frame))


def read_aside(folder: Path, files: tuple[AsideFile, ...]) -> pd.DataFrame:
    """Return the rows that were set aside, with their `row` and `reason`.

    Raises `DataError`, naming the file, if one is damaged.
    """
    parts = []
    for one in files:
        try:
            parts.append(pq.read_table(folder / one.name).to_pandas())
        except (pa.ArrowException, OSError) as error:
            raise DataError(f'"{folder / one.name}" is damaged: {error}; make the partitions anew') from None
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"row": [], "reason": []})
