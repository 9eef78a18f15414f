"""Small files that unfold to much: read or refused within ten seconds and four gigabytes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from mkmine.eventlog.formats.feather import unpacked_size
from tests.hostile.conftest import Reader
from tests.hostile.test_readers import HEAD, ROWS, event, happening, ocel

Put = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a cell of 15 MB.csv", lambda: "case,activity,end," + "r" * 15_000_000 + "\n" + ROWS, "row of names"),
        ("a cell of 5 MB.csv", lambda: "case,activity,end," + "r" * 5_000_000 + "\n" + ROWS, "row of names"),
        ("new lines.csv", lambda: b"\n" * 50_000_000, "is empty"),
        ("carriage returns.csv", lambda: b"\r" * 20_000_000, "is empty"),
        ("new lines.csv.gz", lambda: gzip.compress(b"\n" * (1 << 20)) * 4000, "is empty"),
        ("new lines behind.csv", lambda: HEAD.encode() + b"\n" * 50_000_000, "is empty"),
        ("quotes.csv", lambda: '"' * 25_000_000, "row of names"),
        (
            "new lines behind.csv.gz",
            lambda: gzip.compress(HEAD.encode()) + gzip.compress(b"\n" * (1 << 20)) * 8000,
            "unpacks to more than 16 MiB",
        ),
        (
            "in members.xes.gz",
            lambda: gzip.compress(b"<log><trace>") + gzip.compress(event().encode() * 10_000) * 800,
            "unpacks to more than",
        ),
    ],
)
def test_text_that_unfolds_to_nothing_is_refused(
    reader: Reader, put: Put, name: str, content: Callable[[], str | bytes], message: str
) -> None:
    told = reader.read(put(name, content()), "quarantine")
    assert told.error == "DataError"
    assert message in told.message
    assert told.seconds < 6


def test_a_row_after_many_new_lines_is_read(reader: Reader, put: Put) -> None:
    assert reader.read(put("log.csv", HEAD + "\n" * 5_000_000 + ROWS)).rows == 3


@pytest.mark.parametrize("batches", ["many", "one"])
def test_feather_that_unpacks_to_far_more_is_refused(reader: Reader, tmp_path: Path, batches: str) -> None:
    n = 70_000_000
    zeros = pa.array(np.zeros(n, np.int8))
    names = {one: pa.DictionaryArray.from_arrays(zeros, [one]) for one in ("case", "activity")}
    times = pa.array(np.zeros(n, np.int64)).cast(pa.timestamp("us"))
    path, rows = tmp_path / "log.feather", 65_536 if batches == "many" else n
    feather.write_feather(pa.table({**names, "end": times}), path, compression="zstd", chunksize=rows)
    assert unpacked_size(path)[0] == n
    told = reader.read(path)
    assert (told.error, "no log packs as small" in told.message) == ("DataError", True)


@pytest.mark.parametrize("compression", ["uncompressed", "zstd", "lz4"])
def test_what_feather_unpacks_to_is_what_it_says(tmp_path: Path, compression: str) -> None:
    text = pa.array(["a", "b", None] * 1000)
    table = pa.table({"n": pa.array(range(3000)), "t": text, "d": text.dictionary_encode(), "0": pa.nulls(3000)})
    feather.write_feather(table, tmp_path / "log.feather", compression=compression, chunksize=700)
    rows, size = unpacked_size(tmp_path / "log.feather")
    assert rows == 3000
    assert 0.9 * table.nbytes < size < 1.3 * table.nbytes + 4000


@pytest.mark.parametrize("cut", [0, 5, 6, 40, 300, -1, -9, -30])
def test_feather_cut_off_is_refused(reader: Reader, put: Put, tmp_path: Path, cut: int) -> None:
    table = pa.table({"case": ["1"], "activity": ["A"], "end": pa.array([0]).cast(pa.timestamp("us"))})
    feather.write_feather(table, tmp_path / "whole.feather")
    path = put("log.feather", (tmp_path / "whole.feather").read_bytes()[:cut])
    assert reader.read(path).error == "DataError"


def many_attributes() -> str:
    rows = (range(100 * i, 100 * i + 100) for i in range(1500))
    return ocel(*[happening(id=f"e{row[0]}", attributes=[{"name": f"k{j}", "value": 1} for j in row]) for row in rows])


def sparse_attributes() -> str:
    return ocel(*[happening(id=f"e{i}", attributes=[{"name": f"k{i}", "value": 1}]) for i in range(9000)])


def linked(events: int, links: list[int], kinds: Callable[[int], str]) -> str:
    told = [{"objectId": f"o{i}", "qualifier": ""} for i in links]
    objects: list[dict[str, Any]] = [{"id": f"o{i}", "type": kinds(i), "attributes": []} for i in links]
    return ocel(*[happening(id=f"e{i}", relationships=told) for i in range(events)], objects=objects)


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (many_attributes, "t", "more than 10,000 different attributes"),
        (sparse_attributes, "t", "each in hardly any of its 9,000 rows"),
        (lambda: linked(1, [*range(100_000)], lambda i: f"t{i}"), "t1", "objects of 99,999 further types"),
        (lambda: linked(1000, [*range(1000)], lambda i: f"t{i % 2}"), "t1", ""),
    ],
    ids=["attributes", "sparse", "types", "convergence"],
)
def test_object_centric_logs_stay_within_bounds(
    reader: Reader, put: Put, content: Callable[[], str], kind: str, message: str
) -> None:
    told = reader.read(put("log.jsonocel", content()), settings={"object_type": kind})
    assert (told.rows, told.error) == ((0, "DataError") if message else (500_000, ""))
    assert message in told.message


def test_the_types_to_choose_from_are_not_all_told(reader: Reader, put: Put) -> None:
    told = reader.read(put("log.jsonocel", linked(1, [*range(20_000)], lambda i: f"t{i}")))
    assert "and 19,980 more" in told.message
    assert len(told.message) < 3000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.jsonocel", ocel(happening()).replace('"o"', '"o\\ud800"')),
        ("log.jsonocel", ocel(happening()).replace('"A"', '"\\udfff\\ud83d"')),
        (
            "log.json",
            json.dumps(
                {
                    "issues": [
                        {
                            "key": "A\ud800",
                            "fields": {
                                "created": "2025-01-01T00:00:00.000+0000",
                                "status": {"name": "In \udc00 work"},
                                "summary": "\ud83d\ude00",
                            },
                            "changelog": {"histories": []},
                        }
                    ]
                }
            ),
        ),
    ],
    ids=range(3),
)
def test_halves_of_letters_end_no_reader(reader: Reader, put: Put, name: str, content: str) -> None:
    told = reader.read(put(name, content), "quarantine")
    assert told.rows == 1 or told.error == "DataError"
