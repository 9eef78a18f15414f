from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from mkmine.errors import DataError
from mkmine.eventlog.summaries import Summary, summarise, summary
from mkmine.eventlog.summaries.summary import CaseSample
from tests.eventlog.summaries.samples import Event, events, log_of, parts_of


def days() -> list[Event]:
    rng = np.random.default_rng(3)
    return [
        (i // 4, "ABCDE"[rng.integers(5)], int(rng.integers(900)), int(rng.integers(9)), "Anna") for i in range(800)
    ]


def test_todays_cases_are_added_to_a_saved_summary(tmp_path: Path) -> None:
    log = log_of(days(), open_cases=True)
    yesterday, today = parts_of(log, np.arange(log.n_cases) // 150)
    path = tmp_path / "summary.json.gz"
    summarise(yesterday).save(path)
    Summary.open(path).merge(summarise(today)).save(path)
    assert Summary.open(path) == summarise(log)
    # Equal summaries are equal files, in whatever order they came about.
    first = path.read_bytes()
    summarise(today).merge(summarise(yesterday)).save(path)
    assert path.read_bytes() == first
    assert Summary.open(path).n_cases == 200
    assert "Summary of 200 cases" in repr(summarise(log))


def test_a_case_in_two_parts_is_noticed() -> None:
    log = log_of(days())
    one, other = summarise(log), summarise(log_of([(3, "A", 2000, 1, "Anna"), (900, "B", 2000, 1, "Anna")]))
    with pytest.raises(DataError, match="1 of 201 sampled cases are in both parts"):
        one.merge(other)
    both = one.merge(other, split_cases="count")
    assert both.n_cases == 202
    assert both.split_share == 1 / 201
    assert "in several parts" in repr(both)
    # Known already: only what is new is told.
    assert both.merge(summarise(log_of([(901, "A", 0, 1, None)]))).split_share == 1 / 202


def test_the_sample_of_many_cases_is_the_same_however_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "SAMPLE", 16)
    log = log_of([(i, "A", i, 1, None) for i in range(300)])
    whole = summarise(log).sample
    assert len(whole.parts) == 16
    rng = np.random.default_rng(5)
    for _ in range(5):
        found = CaseSample()
        for part in parts_of(log, rng.integers(0, 7, 300)):
            found = found.merge(summarise(part).sample)
        assert found == whole
    twice = whole.merge(whole)
    assert twice.split == 16


@given(drawn=events)
def test_small_summaries_are_files_too(drawn: list[Event], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("summary") / "one.gz"
    found = summarise(log_of(drawn))
    assert Summary.open(found.save(path)) == found


def test_an_empty_summary_is_a_file(tmp_path: Path) -> None:
    assert Summary.open(Summary().save(tmp_path / "x")) == Summary()


def zipped(content: bytes) -> bytes:
    # Without the time of day: parallel workers must find the same tests.
    return gzip.compress(content, mtime=0)


HEAD = b'{"format": "mkmine summary", "version": '


def saved(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "hostile.gz"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut short"),
        (b"hello", "is no summary"),
        (zipped(b"hello"), "is no summary"),
        (zipped(b"[" * 1000), "is no summary"),
        (zipped(b"{}"), "no entry"),
        (zipped(b"null"), "no entry"),
        (zipped(b'{"format": NaN}'), "is no number"),
        (zipped(b'{"format": "mkmine summary", "version": 99}'), "version 99"),
        (zipped(b'{"format": "mkmine summary", "version": ' + b"9" * 10_000 + b"}"), "is no summary"),
        (
            zipped(b'{"format": "mkmine summary", "version": 1, "follows": {"packed": "?", "type": "<i8"}}'),
            "packed",
        ),
        (
            zipped(b'{"format": "mkmine summary", "version": 1, "follows": {"packed": "", "type": "O"}}'),
            "packed",
        ),
        (zipped(b"[" + b"0," * 10_000_001 + b"0]") + b"", "more values"),
        (zipped(json.dumps(Summary().to_dict()).encode())[:-9], "cut short"),
    ],
)
def test_a_hostile_file_is_told(tmp_path: Path, content: bytes, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "MARKS", 1000)
    with pytest.raises(DataError, match=message):
        Summary.open(saved(tmp_path, content))


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "LARGEST", 1 << 20)
    with pytest.raises(DataError, match="unpacks to more than 1 MB"):
        Summary.open(saved(tmp_path, zipped(b" " * (1 << 22))))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        Summary.open(tmp_path / "absent.gz")
