"""Hostile and damaged files: a clear error or a log with a counted quarantine, never anything else."""

from __future__ import annotations

import decimal
import gzip
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mkmine.errors import DataError, MkmineError
from mkmine.eventlog.formats.read import read

HEADER = b"case,activity,start,end,resource\n"
LINE = b"1,A,2025-03-03 09:00,2025-03-03 10:00,Anna\n"
SECONDS = 10
thorough = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def attempt(name: str, data: bytes) -> None:
    """Read a file both ways: whatever comes is an error of ours, or a log that accounts for its rows, in time."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        for errors in ("raise", "quarantine"):
            began = time.monotonic()
            try:
                log = read(path, errors=errors)  # type: ignore[arg-type]
            except MkmineError:
                log = None
            if log is not None:
                assert len(log) + len(log.quarantine) == log.history[0].touched
                assert log.content_hash
            assert time.monotonic() - began < SECONDS


ODD = (
    b"", b'"', b'""', b'"a\nb"', b"\0", b"\xff", b"\xd0", "я".encode(), b"1e999", b"-", b"NaT", b"nan", b"31.02.2025",
    b"0001-01-01", b"9999-12-31", b"2025-03-03 09:00+03:00", b"1741000000", b"45000,5", b"=1+1", b"\r", b"'",
)  # fmt: skip
cells = st.one_of(st.sampled_from(ODD), st.binary(max_size=12))
lines = st.lists(cells, max_size=7).map(b",".join)


@thorough
@given(st.lists(st.one_of(lines, st.just(LINE.strip())), max_size=12), st.sampled_from([b"\n", b"\r\n", b"\r"]))
@example([b'1,A,"2025-03-03,,'], b"\n")
@example([b"1,A,2025-03-03 09:00,2025-03-03 10:00,\xff"], b"\n")
@example([LINE.strip(), b"1,B,9999-12-31 09:00,9999-12-31 10:00,x"], b"\n")
@example([LINE.strip(), b"\0,\0,\0,\0,\0"], b"\n")
def test_any_lines_of_text(rows: list[bytes], end: bytes) -> None:
    attempt("log.csv", HEADER.rstrip() + end + end.join(rows) + end)


@thorough
@given(st.binary(max_size=300), st.sampled_from(["log.csv", "log.tsv", "log.csv.gz", "log.parquet", "log.feather"]))
@example(b"\xff\xfe" + "a,b\n".encode("utf-16-le"), "log.csv")
@example(b"\xff\xfe\x00", "log.csv")
@example(b"sep=\n", "log.csv")
@example(b'sep="\na"b\n', "log.csv")
@example(b",\n,\n", "log.csv")
@example(b"\x1f\x8b", "log.csv")
@example(b"PAR1PAR1", "log.parquet")
def test_any_bytes(data: bytes, name: str) -> None:
    attempt(name, data)


def packed(frame: pd.DataFrame, kind: str) -> bytes:
    sink = io.BytesIO()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if kind == "parquet":
        pq.write_table(table, sink, row_group_size=40)
    else:
        pa.feather.write_feather(table, sink, compression="uncompressed")
    return sink.getvalue()


LOG = pd.DataFrame(
    {
        "case": [str(i // 3) for i in range(99)],
        "activity": list("ABC") * 33,
        "end": pd.date_range("2025-03-03", periods=99, freq="h", tz="UTC"),
        "cost": np.arange(99) / 4,
    }
)
FILES = {kind: packed(LOG, kind) for kind in ("parquet", "feather")}


@thorough
@given(
    st.sampled_from(["parquet", "feather"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
    st.floats(0.5, 1),
)
@example("parquet", [(0.4423536827155721, 128)], 1.0)
def test_damaged_columnar_files(kind: str, changes: list[tuple[float, int]], cut: float) -> None:
    data = bytearray(FILES[kind])
    for place, byte in changes:
        data[int(place * len(data))] = byte
    attempt(f"log.{kind}", bytes(data[: int(cut * len(data))] if cut < 0.9 else data))


values = st.one_of(
    st.none(), st.text(max_size=5), st.integers(-(2**70), 2**70), st.floats(), st.booleans(), st.binary(max_size=3),
    st.datetimes(), st.dates(), st.times(), st.timedeltas(), st.decimals(), st.lists(st.integers(0, 1), max_size=2),
)  # fmt: skip


@thorough
@given(st.lists(st.tuples(values, values, values, values), min_size=1, max_size=8))
def test_frames_of_any_values(rows: list[tuple[Any, ...]]) -> None:
    frame = pd.DataFrame(
        {
            name: pd.Series(list(column), dtype=object)
            for name, column in zip("abcd", zip(*rows, strict=True), strict=True)
        }
    )
    for errors in ("raise", "quarantine"):
        try:
            log = read(frame, case="a", activity="b", end="c", errors=errors)  # type: ignore[arg-type]
        except MkmineError:
            continue
        assert len(log) + len(log.quarantine) == len(frame)


TYPES = (
    pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.int8(), pa.uint64(), pa.float32(), pa.bool_(),
    pa.timestamp("s"), pa.timestamp("ns", tz="Europe/Moscow"), pa.date32(), pa.date64(), pa.time64("us"), pa.null(),
    pa.duration("ms"), pa.decimal128(20, 3), pa.list_(pa.int8()), pa.dictionary(pa.int8(), pa.string()),
)  # fmt: skip
types = st.sampled_from(TYPES)


@thorough
@given(types, types, types, st.integers(1, 40), st.integers(0, 2**32 - 1))
@example(pa.string(), pa.string(), pa.uint64(), 6, 1)
def test_arrow_columns_of_any_types(a: pa.DataType, b: pa.DataType, c: pa.DataType, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = pa.table({"case": column(a, n, rng), "activity": column(b, n, rng), "end": column(c, n, rng)})
    for errors in ("raise", "quarantine"):
        try:
            log = read(table, case="case", activity="activity", end="end", errors=errors)  # type: ignore[arg-type]
        except MkmineError:
            continue
        assert len(log) + len(log.quarantine) == n


def column(kind: pa.DataType, n: int, rng: np.random.Generator) -> pa.Array:
    """Return n values of a type, some missing, some extreme."""
    if pa.types.is_null(kind):
        return pa.nulls(n)
    if pa.types.is_list(kind):
        return pa.array([[int(one)] for one in rng.integers(0, 9, n)], kind)
    if pa.types.is_dictionary(kind):
        return pa.array(rng.integers(0, 3, n).astype(str).tolist()).dictionary_encode().cast(kind)
    numbers = rng.choice([0, 1, 7, 100], n) if rng.random() < 0.7 else rng.integers(-(2**62), 2**62, n)
    width = 8 if pa.types.is_boolean(kind) else min(kind.bit_width if pa.types.is_primitive(kind) else 64, 64)
    whole = pa.array(numbers >> max(63 - width, 0) if width < 64 else numbers, mask=rng.random(n) < 0.2)
    if pa.types.is_boolean(kind):
        return whole.cast(pa.int8(), safe=False).cast(kind)
    if pa.types.is_decimal(kind):
        return pa.array([None if one is None else decimal.Decimal(one % 10**6) for one in whole.to_pylist()], kind)
    if pa.types.is_binary(kind) or pa.types.is_string_view(kind):
        return whole.cast(pa.string()).cast(kind)
    if pa.types.is_temporal(kind):
        return whole.cast(pa.int32() if kind.bit_width == 32 else pa.int64(), safe=False).view(kind)
    return whole.cast(kind, safe=False)


def test_a_million_columns_are_refused_in_time(write: Callable[..., Path]) -> None:
    began = time.monotonic()
    with pytest.raises(DataError, match="1,000,000 columns"):
        read(write("log.csv", ",".join(f"c{i}" for i in range(1_000_000)) + "\n1\n"))
    assert time.monotonic() - began < SECONDS


def test_a_quote_that_is_never_closed_is_told_in_time(write: Callable[..., Path]) -> None:
    text = HEADER + LINE * 100_000 + b'1,"A,2025-03-03 09:00,2025-03-03 10:00,x\n' + LINE * 100_000
    began = time.monotonic()
    with pytest.raises(DataError):
        read(write("log.csv", text))
    assert time.monotonic() - began < SECONDS


def test_a_bomb_of_few_bytes_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="unpacks to more than"):
        read(write("log.csv.gz", gzip.compress(HEADER + LINE * (1 << 19))))


def test_a_parquet_file_that_unpacks_to_far_more_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mkmine.eventlog.formats import tabular

    monkeypatch.setattr(tabular, "ENOUGH_ROWS", 10_000)
    monkeypatch.setattr(tabular, "MAX_ROWS_PER_BYTE", 10)
    table = pa.table({name: pa.array(np.zeros(1_000_000, dtype=np.int8)) for name in ("case", "activity", "end")})
    pq.write_table(table, tmp_path / "log.parquet")
    with pytest.raises(DataError, match="no log packs as small as that"):
        read(tmp_path / "log.parquet")


def test_text_in_a_parquet_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    table = pa.table({"case": [b"1", b"\xff"], "activity": ["A", "B"], "end": ["2025-03-03", "2025-03-04"]})
    broken = pa.StringArray.from_buffers(2, *table["case"].chunk(0).buffers()[1:])
    pq.write_table(table.set_column(0, "case", broken), tmp_path / "log.parquet")
    with pytest.raises(DataError, match=r"cannot be read as \.parquet: .*UTF8"):
        read(tmp_path / "log.parquet")


def test_a_feather_file_with_offsets_beyond_its_data_is_refused(tmp_path: Path) -> None:
    data = bytearray(packed(LOG, "feather"))
    place = data.find(np.arange(1, 5, dtype=np.int64).tobytes())
    assert place > 0
    data[place : place + 8] = (2**40).to_bytes(8, "little")
    (tmp_path / "log.feather").write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"cannot be read as \.feather"):
        read(tmp_path / "log.feather")


@pytest.mark.parametrize(
    "sheet", [b"", b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet>&a;</worksheet>', b"\xff"]
)
def test_workbooks_of_damaged_parts_are_told(tmp_path: Path, sheet: bytes) -> None:
    path = tmp_path / "log.xlsx"
    pd.DataFrame({"case": [1], "activity": ["A"], "end": ["2025-03-03"]}).to_excel(path, index=False)
    with zipfile.ZipFile(path) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    parts["xl/worksheets/sheet1.xml"] = sheet
    with zipfile.ZipFile(path, "w") as damaged:
        for name, content in parts.items():
            damaged.writestr(name, content)
    with pytest.raises(DataError):
        read(path)
