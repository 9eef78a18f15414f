"""The folder of the partitions: whose it is, what an interruption leaves, what a damaged file is told to be."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.eventlog import EventLog, read
from mkmine.eventlog.partitions import Partitions, making, partition
from mkmine.eventlog.partitions.pieces import case_hash
from mkmine.eventlog.summaries import DirectlyFollows, directly_follows

COLUMNS = {"case": "case", "activity": "activity", "end": "end"}


def events(cases: int = 40, length: int = 5, first: int = 0) -> pd.DataFrame:
    case = np.tile(np.arange(cases), length)
    moment = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(first + np.arange(len(case)), unit="h")
    return pd.DataFrame(
        {"case": [f"c{one}" for one in case], "activity": [f"a{one % 3}" for one in range(len(case))], "end": moment}
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "log.parquet"
    events().to_parquet(path)
    return path


def test_the_same_source_is_not_read_twice(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = partition(source, tmp_path / "parts", partitions=4, **COLUMNS)
    before = {one.name: one.stat().st_mtime_ns for one in (tmp_path / "parts").iterdir()}
    again = partition(source, tmp_path / "parts", partitions=4, **COLUMNS)
    assert again.manifest == made.manifest == Partitions.open(tmp_path / "parts").manifest
    assert before == {one.name: one.stat().st_mtime_ns for one in (tmp_path / "parts").iterdir()}


def test_other_partitions_are_replaced_only_on_request(source: Path, tmp_path: Path) -> None:
    made = partition(source, tmp_path / "parts", partitions=4, **COLUMNS)
    with pytest.raises(DataError, match=r"holds partitions of log\.parquet, or read in another way"):
        partition(source, tmp_path / "parts", partitions=5, **COLUMNS)
    events(first=1).to_parquet(source)
    os.utime(source, ns=(1, 1))
    with pytest.raises(DataError, match="pass replace_old=True"):
        partition(source, tmp_path / "parts", partitions=4, **COLUMNS)
    with pytest.raises(DataError, match=r"holds partitions of log\.parquet"):
        partition(events(), tmp_path / "parts", partitions=4, **COLUMNS)
    new = partition(source, tmp_path / "parts", partitions=5, replace_old=True, **COLUMNS)
    assert len(new) == 5
    names = {one.name for one in (tmp_path / "parts").iterdir()}
    assert names == {"manifest.json", *(one.name for one in new.manifest.files)}
    assert not names & {one.name for one in made.manifest.files}


def test_a_folder_of_others_is_not_touched(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    (folder / "thesis.docx").write_text("years of work")
    for replace_old in (False, True):
        with pytest.raises(DataError, match="holds other files"):
            partition(source, folder, replace_old=replace_old, **COLUMNS)
    assert sorted(one.name for one in folder.iterdir()) == ["manifest.json", "thesis.docx"]
    with pytest.raises(DataError, match="is a file; give a folder"):
        partition(source, folder / "thesis.docx", **COLUMNS)
    with pytest.raises(DataError, match="it has no manifest"):
        Partitions.open(tmp_path)


class Interrupted(BaseException):
    """What Ctrl-C is, for a test."""


def interrupted(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    yield frame.iloc[:100]
    yield frame.iloc[100:150]
    raise Interrupted


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mkmine.eventlog.partitions.chunks.HEAD", 10)
    with pytest.raises(Interrupted):
        partition(interrupted(events()), tmp_path / "parts", **COLUMNS)
    assert not (tmp_path / "parts").exists()


def test_what_a_killed_process_left_is_never_used_and_made_anew(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    partition(source, folder, partitions=4, **COLUMNS)
    # As if the process had died before it finished.
    (folder / "manifest.json").unlink()
    (folder / "writing.lock").write_text(f"{os.uname().nodename} 4194304999")
    with pytest.raises(DataError, match="their making was interrupted"):
        Partitions.open(folder)
    parts = partition(source, folder, partitions=3, **COLUMNS)
    assert parts.to_log().content_hash == read(source, **COLUMNS).content_hash
    assert {one.name for one in folder.iterdir()} == {"manifest.json", *(one.name for one in parts.manifest.files)}


def test_two_do_not_write_at_once(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    parts = partition(source, folder, **COLUMNS)
    (folder / "writing.lock").write_text(f"{os.uname().nodename} {os.getppid()}")
    with pytest.raises(DataError, match=f"is being written by process {os.getppid()}"):
        parts.append(events(first=500))
    (folder / "writing.lock").write_text("elsewhere 17")
    with pytest.raises(DataError, match=r'process 17 on elsewhere; wait for it, or delete "writing.lock"'):
        parts.append(events(first=500))
    (folder / "writing.lock").unlink()
    grown = parts.append(events(first=500))
    with pytest.raises(DataError, match="has changed since it was opened"):
        parts.append(events(first=900))
    # What was opened before is still what it was.
    assert parts.to_log().content_hash == read(source, **COLUMNS).content_hash
    assert grown.n_instances == 2 * parts.n_instances


def test_a_failed_addition_adds_nothing(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    parts = partition(source, folder, partitions=3, **COLUMNS)
    names = {one.name for one in folder.iterdir()}
    late = events(first=500)
    late["activity"] = late["activity"].where(late.index < 150)
    with pytest.raises(DataError, match=r'activity column "activity" .* row 151, empty'):
        parts.append(iter([late.iloc[:100], late.iloc[100:]]))
    assert {one.name for one in folder.iterdir()} == names
    assert Partitions.open(folder).manifest == parts.manifest


def test_a_full_disk_is_told_and_leaves_nothing(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mkmine.eventlog.partitions import pieces

    def full(self: Any, data: Any) -> int:
        raise OSError(28, "No space left on device")

    made = partition(source, tmp_path / "parts", **COLUMNS)
    names = {one.name for one in (tmp_path / "parts").iterdir()}
    monkeypatch.setattr(pieces._Sink, "write", full)
    with pytest.raises(DataError, match=r"No space left on device; nothing was changed: make room"):
        partition(source, tmp_path / "others", **COLUMNS)
    assert not (tmp_path / "others").exists()
    with pytest.raises(DataError, match="No space left on device"):
        made.append(events(first=500))
    assert {one.name for one in (tmp_path / "parts").iterdir()} == names
    assert Partitions.open(tmp_path / "parts").n_instances == 200


def test_a_damaged_file_is_named(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    parts = partition(source, folder, partitions=3, **COLUMNS)
    path = folder / parts.manifest.files[0].name
    whole = path.read_bytes()
    for place in (10, len(whole) // 2, len(whole) - 100):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=f"{path.name}.* is damaged: its bytes have changed"):
            parts.to_log()
        with pytest.raises(DataError, match=f"{path.name}.* is damaged"):
            parts.summarise(directly_follows)
    path.write_bytes(whole[:-20])
    with pytest.raises(DataError, match="is damaged: it has"):
        parts.summarise(directly_follows)
    path.unlink()
    with pytest.raises(DataError, match="is damaged: it is absent"):
        list(parts)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 99},
        {"hash": "another"},
        {"format": "something else"},
        {"partitions": 10**9},
        {"partitions": 4},
        {"unknown": 1},
        {"files": [{"name": "../../etc/passwd"}]},
        {"plan": None},
        {"surveys": [None]},
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(source: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    folder = tmp_path / "parts"
    partition(source, folder, partitions=3, **COLUMNS)
    values = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(values | change))
    with pytest.raises(DataError, match=r"damaged|of version"):
        Partitions.open(folder)


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, "\udcff"])
def test_a_manifest_that_cannot_be_read_is_damaged(source: Path, tmp_path: Path, text: str) -> None:
    folder = tmp_path / "parts"
    partition(source, folder, **COLUMNS)
    (folder / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match="is damaged"):
        Partitions.open(folder)


@pytest.mark.parametrize("memory", ["much", "2", -1, 1000, "1 KB"])
def test_a_size_of_memory_is_checked(source: Path, tmp_path: Path, memory: Any) -> None:
    with pytest.raises(DataError, match="memory="):
        partition(source, tmp_path / "parts", memory=memory, **COLUMNS)


def test_less_memory_makes_more_partitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mkmine.eventlog.partitions.making.LEAST", 1 << 20)
    path = tmp_path / "log.parquet"
    events(cases=1000, length=50).to_parquet(path)
    few = partition(path, tmp_path / "few", memory="1 GB", **COLUMNS)
    many = partition(path, tmp_path / "many", memory="2 MB", **COLUMNS)
    assert len(few) < len(many)
    assert len(few.manifest.files) < len(many.manifest.files)
    assert few.summarise(directly_follows) == many.summarise(directly_follows)


# -- what is kept ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """A summary that can be written and read: the number of instances."""

    instances: int

    def merge(self, other: Size) -> Size:
        return Size(self.instances + other.instances)

    def to_dict(self) -> dict[str, int]:
        return {"instances": self.instances}

    @classmethod
    def from_dict(cls, values: dict[str, int]) -> Size:
        return cls(values["instances"])


MADE: list[int] = []


def size(log: EventLog) -> Size:
    MADE.append(log.n_instances)
    return Size(log.n_instances)


def test_only_what_an_addition_touched_is_summarised_anew(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mkmine.eventlog.partitions.kept.KNOWN", __name__)
    parts = partition(source, tmp_path / "parts", partitions=20, **COLUMNS)
    assert parts.summarise(size) == Size(200)
    MADE.clear()
    assert parts.summarise(size) == Size(200)
    assert MADE == []
    grown = parts.append(events(cases=1, first=1000))
    assert grown.summarise(size) == Size(205)
    assert len(MADE) == 1
    assert len(list((tmp_path / "parts").glob("summary-*"))) == len(grown.portions())
    # A value that cannot be read is computed.
    kept = list((tmp_path / "parts").glob("summary-*"))
    assert kept
    for one in kept:
        one.write_text("{")
    assert grown.summarise(size) == Size(205)
    assert sum(MADE[1:]) == 205


def test_what_a_users_function_gives_is_not_kept(source: Path, tmp_path: Path) -> None:
    parts = partition(source, tmp_path / "parts", partitions=3, **COLUMNS)

    def fewer(log: Any) -> DirectlyFollows:
        return directly_follows(log)

    assert parts.summarise(fewer) == directly_follows(read(source, **COLUMNS))
    assert not list((tmp_path / "parts").glob("summary-*"))


# -- the hash ----------------------------------------------------------------------------------------------------------


def plainly(text: str) -> int:
    """The hash of one text, as its description has it."""
    data, bound = text.encode(), 1 << 64
    out = len(data) * 0x9E3779B97F4A7C15 % bound
    for place in range(0, min(len(data), 256), 8):
        word = int.from_bytes(data[place : min(place + 8, 256)], "little")
        out = (out ^ word) * 0x9E3779B97F4A7C15 % bound
        out ^= out >> 32
    out = (out ^ (out >> 29)) * 0xBF58476D1CE4E5B9 % bound
    return out ^ (out >> 32)


@given(names=st.lists(st.text(max_size=300)))
def test_the_hash_of_a_case_is_the_described_one(names: list[str]) -> None:
    names = [one.encode("utf-8", "ignore").decode() for one in names]
    for kind in (pa.string(), pa.large_string()):
        assert case_hash(pa.array(names, kind)).tolist() == [plainly(one) for one in names]


def test_the_hash_of_a_case_never_changes() -> None:
    names = ["", "1", "C-1", "ABCDEFGHI", "Дело № 7", "x" * 300]
    golden = [0x0, 0x9FDD3C237D3332AD, 0x4D873F35D4E94268, 0x974BC0CC3FBA2204, 0x10309AD21FDEA95B, 0xA57CFFDDC2F08E79]
    assert case_hash(pa.array(names)).tolist() == golden
    assert case_hash(pa.array(["other", *names, "other"]).slice(1, len(names))).tolist() == golden
    # Of a longer text only the beginning and the length count.
    assert case_hash(pa.array(["x" * 299 + "y"]))[0] == golden[5] != case_hash(pa.array(["x" * 301]))[0]


def test_the_hash_deals_evenly() -> None:
    for names in ([str(one) for one in range(64_000)], [f"CASE-{one:09}" for one in range(64_000)]):
        high = case_hash(pa.array(names)) >> np.uint64(32)
        counts = np.bincount((high * np.uint64(64) >> np.uint64(32)).astype(int), minlength=64)
        assert 850 < counts.min() <= counts.max() < 1150


def test_two_threads_do_not_write_at_once(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mkmine.eventlog.partitions.chunks.HEAD", 10)
    folder = tmp_path / "parts"

    def meanwhile() -> Iterator[pd.DataFrame]:
        yield events()
        with pytest.raises(DataError, match=f"is being written by process {os.getpid()}"):
            partition(source, folder, **COLUMNS)
        yield events(first=500)

    assert partition(meanwhile(), folder, **COLUMNS).n_rows == 2 * len(events())


def test_what_another_process_has_finished_meanwhile_is_not_lost(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, plan = tmp_path / "parts", making._plan

    def late(*given: Any) -> Any:
        monkeypatch.setattr(making, "_plan", plan)
        partition(source, folder, partitions=2, **COLUMNS)
        return plan(*given)

    monkeypatch.setattr(making, "_plan", late)
    with pytest.raises(DataError, match=r"holds partitions of log\.parquet"):
        partition(events(), folder, partitions=4, **COLUMNS)
    assert len(Partitions.open(folder)) == 2


def test_only_one_takes_over_what_a_dead_process_left(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "writing.lock").write_text(f"{os.uname().nodename} 4194304999")
    (folder / "taking.lock").write_text("elsewhere 17")
    with pytest.raises(DataError, match=r'process 17 on elsewhere; wait for it, or delete "taking.lock"'):
        partition(source, folder, **COLUMNS)
    (folder / "taking.lock").unlink()
    assert partition(source, folder, **COLUMNS).n_rows == len(events())


def test_the_manifest_goes_before_what_it_names(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "parts"
    partition(source, folder, **COLUMNS)
    unlink, gone = Path.unlink, []

    def noted(path: Path, missing_ok: bool = False) -> None:
        gone.append(path.name)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", noted)
    partition(source, folder, replace_old=True, **COLUMNS)
    assert gone[0] == "manifest.json"


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_folder_that_cannot_be_is_told(source: Path, name: str) -> None:
    with pytest.raises(DataError, match="no file can be at"):
        partition(source, name, **COLUMNS)
