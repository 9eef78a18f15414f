"""Text tables read into typed columns give what reading them as text gives, and fall back to it when in doubt."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.eventlog.formats import layout, typed
from mkmine.eventlog.formats.layout import lay_out
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.formats.tabular import read_table
from mkmine.eventlog.formats.typed import iso_type, read_delimited

HEAD = "case,activity,timestamp,resource,note\n"


def rows(n: int, stamp: Callable[[int], str]) -> str:
    return HEAD + "".join(f"{i % 7},{'ABC'[i % 3]},{stamp(i)},R{i % 2},n{i}\n" for i in range(n))


def iso(i: int) -> str:
    return f"2025-03-{1 + i % 28:02} {i % 24:02}:00:00"


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed, "BLOCKS", (64, 1 << 10, 1 << 16, 1 << 24))


@pytest.fixture
def short_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "HEAD", 256)


def typed_kinds(path: Path) -> dict[str, pa.DataType]:
    """Read a file as the door does; return the types of its columns."""
    from mkmine.eventlog.formats.mapping import Mapping
    from mkmine.eventlog.formats.read import _Choice

    table = read_delimited(path, choose=_Choice(Mapping(), "the file").types)
    return {name: table.columns[name].type for name in table.columns.column_names}


def test_iso_times_are_read_as_times_and_repeated_text_as_codes(write: Callable[..., Path]) -> None:
    kinds = typed_kinds(write("log.csv", rows(100, iso)))
    assert kinds["timestamp"] == pa.timestamp("us")
    assert pa.types.is_dictionary(kinds["case"])
    assert kinds["note"] == pa.large_string()


@pytest.mark.parametrize(
    ("texts", "spread", "kind"),
    [
        (["2025-03-05", "2025-03-05T10:00", ""], False, pa.timestamp("us")),
        (["2025-03-05 10:00:00.123456"], True, pa.timestamp("us")),
        (["2025-03-05 10:00Z", "2025-03-05 10:00+03:00", "NaT"], True, pa.timestamp("us", tz="UTC")),
        (["2025-03-05 10:00Z"], False, None),
        (["2025-03-05 10:00Z", "2025-03-05 10:00"], True, None),
        (["2025-03-05 10:00:00.123456789"], True, None),
        (["05.03.2025"], True, None),
        (["", None], True, None),
    ],
)
def test_only_plain_iso_times_are_read_at_once(texts: list[str | None], spread: bool, kind: pa.DataType | None) -> None:
    assert iso_type(texts, spread=spread) == kind


cells = st.sampled_from(["", "A", "B ", 'say "no"', "two\nlines", "a,b", "ящик", "007", "1,5", " "])


@given(
    st.lists(st.tuples(st.sampled_from("12"), cells, st.integers(0, 10**6), cells), min_size=1, max_size=30),
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+03:00", "%d.%m.%Y %H:%M:%S"]),
)
def test_a_file_gives_the_same_log_as_the_frame_of_its_texts(table: list[tuple[Any, ...]], form: str) -> None:
    from tempfile import TemporaryDirectory

    base = pd.Timestamp("2025-03-01")
    frame = pd.DataFrame(
        {
            "case": [row[0] for row in table],
            "activity": [row[1] for row in table],
            "timestamp": [(base + pd.Timedelta(seconds=row[2])).strftime(form) for row in table],
            "note": [row[3] for row in table],
        },
        dtype=object,
    )
    if not (frame["activity"].str.strip() != "").any():
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        frame.to_csv(path, index=False)
        ours = read(path, errors="quarantine", name="x")
    theirs = read(frame, errors="quarantine", name="x")
    assert ours.content_hash == theirs.content_hash
    assert ours.time_zone == theirs.time_zone
    assert ours.quarantine["reason"].tolist() == theirs.quarantine["reason"].tolist()


@pytest.mark.usefixtures("small_blocks", "short_head")
def test_rows_longer_than_a_block_and_dictionaries_of_many_blocks(write: Callable[..., Path]) -> None:
    text = rows(300, iso) + f'9,C,2025-03-05 10:00,R1,"{"x" * 5_000}"\n'
    log = read(write("log.csv", text))
    assert (log.n_cases, len(log), log.resources) == (8, 301, ("R0", "R1"))
    assert sum(len(one) for one in log.attributes["note"] if one[0] == "x") == 5_000


@pytest.mark.usefixtures("short_head")
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("9,C,31.02.2025,R1,x", r'"timestamp" of "log.csv" has 1 unusable .*row 402, "31.02.2025": not a date'),
        ("9,C,9999-01-01,R1,x", r'row 402, "9999-01-01": before 1900'),
        (",C,2025-03-05,R1,x", r'case column "case".*row 402, empty'),
        ("9,C,2025-03-05,R1", r"1 rows of another length \(first: row 402, 4 cells"),
        ("9,C,2025-03-05,R1,a\0b", "NUL byte in line 402"),
    ],
)
def test_what_comes_after_the_sample_is_told_as_it_is_written(
    write: Callable[..., Path], row: str, message: str
) -> None:
    path = write("log.csv", rows(400, iso) + row + "\n" + rows(20, iso).removeprefix(HEAD))
    with pytest.raises(DataError, match=message):
        read(path)
    log = read(path, errors="quarantine")
    assert len(log) == 420
    assert log.quarantine["row"].tolist() == [402]


@pytest.mark.usefixtures("short_head")
def test_another_notation_after_the_sample_is_read(write: Callable[..., Path]) -> None:
    path = write("log.csv", rows(400, lambda i: iso(i) if i < 300 else f"{1 + i % 28:02}.03.2025 {i % 24:02}:00"))
    plain = read(write("plain.csv", rows(400, iso)), name="log")
    assert read(path).content_hash == plain.content_hash


@pytest.mark.usefixtures("short_head")
def test_an_encoding_that_shows_late_is_found_out(write: Callable[..., Path]) -> None:
    text = rows(400, iso) + "9,Готово,2025-03-05 10:00,Щукин,x\n" * 3
    for encoding in ("cp1251", "koi8-r"):
        log = read(write("log.csv", text, encoding))
        assert "Готово" in log.activities
        assert encoding in log.history[0].detail


@pytest.mark.usefixtures("short_head")
def test_damaged_utf8_is_told_or_set_aside(write: Callable[..., Path]) -> None:
    text = rows(400, iso).replace(",A,", ",Проверка,")
    data = text.encode() + b"9,Pro\xffverka,2025-03-05 10:00,R1,x\n"
    with pytest.raises(DataError, match="is not utf-8: byte 0xff in line 402"):
        read(write("log.csv", data))
    log = read(write("log.csv", data), errors="quarantine")
    assert log.quarantine[["row", "reason"]].to_numpy().tolist() == [[402, "not utf-8"]]


@pytest.mark.usefixtures("short_head")
def test_offsets_all_over_the_file_tell_the_zone(write: Callable[..., Path]) -> None:
    winter = rows(200, lambda i: f"2025-01-{1 + i % 28:02}T10:00:00+01:00")
    summer = rows(200, lambda i: f"2025-07-{1 + i % 28:02}T10:00:00+02:00").removeprefix(HEAD)
    path = write("log.csv", winter + summer)
    assert read(path).time_zone == "Europe/Berlin"
    packed = write("log.csv.gz", gzip.compress((winter + summer).encode()))
    assert read(packed).time_zone == "Europe/Berlin"
    assert read(packed).content_hash == read(path).content_hash


def test_only_the_columns_that_are_needed_are_read(write: Callable[..., Path]) -> None:
    path = write("log.csv", rows(50, iso))
    log = read(path, attributes=["note"])
    assert list(log.attributes) == ["note"]
    lean = read(path, attributes=[])
    assert list(lean.attributes) == []
    assert lean.resources == ("R0", "R1")


@pytest.mark.parametrize(
    ("text", "names", "first"),
    [
        ("\n\na;b\n1;2\n", ["a", "b"], 4),
        ("sep=;\na;b\n1;2\n", ["a", "b"], 3),
        ('"two\nlines";b\n1;2\n', ["two\nlines", "b"], 2),
        ("\ufeffa;b\n1;2\n", ["a", "b"], 2),
        ("a;b\r1;2\r", ["a", "b"], 2),
    ],
)
def test_headers_of_any_form_are_found(write: Callable[..., Path], text: str, names: list[str], first: int) -> None:
    path = write("log.csv", text)
    found = lay_out(path)
    assert (found.header, found.first) == (names, first)
    table = read_table(path)
    assert table.frame.to_numpy().tolist() == [["1", "2"]]
    assert list(table.rows) == [first]


@pytest.mark.usefixtures("short_head")
def test_the_sample_is_from_all_over_a_plain_file(write: Callable[..., Path]) -> None:
    found = lay_out(write("log.csv", rows(20_000, iso)))
    notes = [int(one[1:]) for one in found.sample["note"].to_pylist()]
    assert found.spread
    assert min(notes) < 100
    assert max(notes) > 19_000
    assert np.diff(sorted(notes)).max() < 1_000
    packed = lay_out(write("log.csv.gz", gzip.compress(rows(20_000, iso).encode())))
    assert not packed.spread
