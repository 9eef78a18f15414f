"""Files that mkmine wrote and somebody changed: opened as another log, or refused; never a crash."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
import random
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import mkmine
from mkmine.errors import DataError, MkmineError
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats.mapping import Mapping
from mkmine.eventlog.partitions import Partitions, partition
from mkmine.eventlog.summaries import Summary, summarise

KEY = b"mkmine.log"
PACKED = ({"packed": "AAAA", "type": "<i8"}, {"packed": "AAAAAAAAAIA=", "type": "<i8"})
VALUES = (None, -1, 2**70, 1e999, 0.5, "x", "", [], {}, [[]], True, ["a", "a"], [None], {"a": 1}, "../../../etc/passwd")


@pytest.fixture
def log() -> EventLog:
    times = pd.to_datetime(["2025-03-03 09:00", "2025-03-03 10:00", "2025-03-03 09:00"])
    return mkmine.read(
        pd.DataFrame(
            {
                "case": ["1", "1", "2"],
                "activity": ["A", "B", "A"],
                "start": times,
                "end": times + pd.Timedelta("1h"),
                "resource": ["x", "y", None],
                "role": ["r", None, "q"],
                "note": ["a", None, "b"],
                "number": [1, 2, 3],
                "case:kind": ["u", "u", "v"],
            }
        )
    )


def used(log: EventLog) -> None:
    """Make of a log what is made of any."""
    for make in (repr, EventLog.to_pandas, EventLog.case_frame, EventLog.describe, EventLog.quality, summarise):
        make(log)
    assert len(log.content_hash) == 64


def places(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the places in plain values, of lists the first two."""
    yield path
    inner = values.items() if isinstance(values, dict) else enumerate(values[:2]) if isinstance(values, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def changed(values: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of plain values with another one in a place."""
    if not path:
        return value
    copy = json.loads(json.dumps(values))
    owner = copy
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value
    return copy


@pytest.mark.parametrize(
    "fact",
    ["version", "time_zone", "activities", "resources", "roles", "calendar", "case_attributes", "quarantine", "mixed",
     "name", "timestamps", "observed", "history", "hash", "exact"],
)  # fmt: skip
def test_a_log_with_another_fact_is_opened_or_refused(log: EventLog, tmp_path: Path, fact: str) -> None:
    table = parquet.read_table(log.save(tmp_path / "log.parquet"))
    facts = json.loads(table.schema.metadata[KEY])
    for value in (*VALUES, "\ud800", [["a", "b", "c"]], [2**70, 2**70], ["\ud800"]):
        # What is not compared with its hash is looked at all the same.
        told = json.dumps({**facts, "exact": False, fact: value}).encode()
        parquet.write_table(table.replace_schema_metadata({KEY: told}), tmp_path / "changed.parquet")
        try:
            opened = EventLog.open(tmp_path / "changed.parquet")
        except DataError:
            continue
        used(opened)


@pytest.mark.parametrize(
    "facts",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b'{"version":1}',
        b'{"version":null}',
        b"1e999",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_damaged_facts_are_refused(log: EventLog, tmp_path: Path, facts: bytes) -> None:
    table = parquet.read_table(log.save(tmp_path / "log.parquet"))
    parquet.write_table(table.replace_schema_metadata({KEY: facts}), tmp_path / "log.parquet")
    with pytest.raises(DataError, match="damaged"):
        EventLog.open(tmp_path / "log.parquet")


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("observed", []),
        ("observed", ""),
        ("observed", [5, 4]),
        ("observed", [0, True]),
        ("name", []),
        ("name", None),
        ("name", "\ud800"),
        ("timestamps", "x"),
        ("timestamps", None),
        ("timestamps", "completed"),
        ("history", [["a", "b", "c"]]),
        ("history", [["a", "b"]]),
        ("history", "abc"),
        ("activities", ["A", "B", "A"]),
        ("resources", ["x", 1]),
        ("hash", "0" * 64),
    ],
)
def test_a_wrong_fact_is_named(log: EventLog, tmp_path: Path, fact: str, value: object) -> None:
    table = parquet.read_table(log.save(tmp_path / "log.parquet"))
    facts = json.loads(table.schema.metadata[KEY]) | {fact: value}
    parquet.write_table(table.replace_schema_metadata({KEY: json.dumps(facts).encode()}), tmp_path / "log.parquet")
    told = "its content is not" if fact == "hash" else f'"{fact}" cannot be '
    with pytest.raises(DataError, match=rf'"log.parquet" is damaged \({told}'):
        EventLog.open(tmp_path / "log.parquet")


def test_a_changed_content_is_refused_unless_it_is_not_compared(log: EventLog, tmp_path: Path) -> None:
    table = parquet.read_table(log.save(tmp_path / "log.parquet"))
    note = table.column_names.index("attribute:note")
    parquet.write_table(table.set_column(note, "attribute:note", table["resource"]), tmp_path / "log.parquet")
    with pytest.raises(DataError, match="its content is not that which was saved"):
        EventLog.open(tmp_path / "log.parquet")
    assert EventLog.open(tmp_path / "log.parquet", verify=False).attributes["note"].tolist() == ["x", "y", None]


@pytest.mark.parametrize(
    "flags",
    [pa.array([1] * 3), pa.array(["a"] * 3), pa.nulls(3), pa.array([None, True, True])],
    ids=lambda one: one.type,
)
@pytest.mark.parametrize("column", ["completed", "ongoing"])
def test_flags_that_are_none_are_refused(log: EventLog, tmp_path: Path, flags: pa.Array, column: str) -> None:
    table = parquet.read_table(log.save(tmp_path / "log.parquet"))
    changed = table.drop_columns([column] if column in table.column_names else []).append_column(column, flags)
    parquet.write_table(changed, tmp_path / "log.parquet")
    with pytest.raises(DataError, match=f'"{column}" is not true or false'):
        EventLog.open(tmp_path / "log.parquet")


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("groups", [1, 3])
def test_a_case_in_two_places_is_refused(log: EventLog, tmp_path: Path, exact: bool, groups: int) -> None:
    table = parquet.read_table(log.save(tmp_path / "log.parquet"))
    facts = json.loads(table.schema.metadata[KEY]) | {"exact": exact}
    again = pa.concat_tables([table.slice(0, 1), table.slice(2), table.slice(1, 1)])
    again = again.replace_schema_metadata({KEY: json.dumps(facts).encode()})
    parquet.write_table(again, tmp_path / "log.parquet", row_group_size=3 // groups)
    with pytest.raises(DataError, match="damaged"):
        EventLog.open(tmp_path / "log.parquet")


@pytest.mark.parametrize("unit", ["s", "ms", "ns"])
def test_times_in_other_units_are_the_same_times(log: EventLog, tmp_path: Path, unit: str) -> None:
    table = parquet.read_table(log.save(tmp_path / "log.parquet"))
    for name in ("start", "end"):
        times = table[name].cast(pa.timestamp(unit, tz="UTC"))
        table = table.set_column(table.column_names.index(name), name, times)
    parquet.write_table(table, tmp_path / "log.parquet")
    assert EventLog.open(tmp_path / "log.parquet").content_hash == log.content_hash


@pytest.mark.parametrize("times", [pa.array([0, 1, 2]), pa.array([0.5, 1, 2]), pa.array(["a", "b", "c"])])
def test_times_that_are_numbers_are_refused(log: EventLog, tmp_path: Path, times: pa.Array) -> None:
    table = parquet.read_table(log.save(tmp_path / "log.parquet"))
    parquet.write_table(table.set_column(table.column_names.index("end"), "end", times), tmp_path / "log.parquet")
    with pytest.raises(DataError, match=f"times of the type {times.type}"):
        EventLog.open(tmp_path / "log.parquet")


STAMP = pd.Timestamp("2025-01-01")


@pytest.mark.parametrize(
    "values",
    [
        np.array([np.nan, -np.nan, 1.0]),
        -np.array([np.nan, 0.0, 1.0], dtype=np.float32),
        np.array(["2025-01-01", "NaT", "1700-01-01"], dtype="datetime64[s]"),
        np.array(["2025-01-01", "NaT", "2025-01-01T00:00:00.000000001"], dtype="datetime64[ns]"),
        np.array([1, 2, 3], dtype="timedelta64[s]"),
        np.array([1, None, 3], dtype=object),
        np.array([True, None, False], dtype=object),
        np.array([True, np.nan, False], dtype=object),
        np.array([STAMP, None, STAMP], dtype=object),
        np.array([STAMP.tz_localize("Asia/Tokyo"), None, STAMP], dtype=object),
        np.array([STAMP.date(), None, STAMP], dtype=object),
        np.array([Decimal("1.50"), None, Decimal("2")], dtype=object),
        np.array([b"a", None, b"\xff"], dtype=object),
        np.array(["\ud800", None, "x"], dtype=object),
        np.array(["", None, " "], dtype=object),
        np.array([None, None, None], dtype=object),
        np.array([2**70, 1, None], dtype=object),
        np.array([{"a": 1}, None, {}], dtype=object),
        pd.array([1, None, 3], dtype="Int64"),
        pd.array(["a", None, "b"], dtype="string"),
        pd.Categorical(["a", None, "b"], categories=["b", "c", "a"]),
        pd.Series([STAMP, None, STAMP]).dt.tz_localize("Europe/Moscow").array,
    ],
    ids=range(22),
)
def test_whatever_a_log_holds_its_file_is_opened(log: EventLog, tmp_path: Path, values: Any) -> None:
    facts = pd.DataFrame({"fact": pd.Series(values[:2], dtype=values.dtype)})
    odd = dataclasses.replace(log, attributes={"odd": np.asarray(values)}, case_attributes=facts)
    opened = EventLog.open(odd.save(tmp_path / "log.parquet"))
    used(opened)
    again = EventLog.open(opened.save(tmp_path / "log.parquet"))
    assert again.content_hash == opened.content_hash


@pytest.mark.parametrize("column", ["case", "activity", "start", "end", "resource", "role"])
@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2, 3]),
        pa.array(["a", "b", "c"]),
        pa.nulls(3),
        pa.array([True, False, None]),
        pa.array([1.0, np.nan, 2.0]),
        pa.array([[1], [2], [3]]),
        pa.array([-(2**63), 0, 2**63 - 1]),
        pa.array([b"a", b"\xff", b"c"]),
    ],
    ids=lambda one: str(one.type),
)
def test_a_log_with_another_column_is_opened_or_refused(
    log: EventLog, tmp_path: Path, column: str, values: pa.Array
) -> None:
    table = parquet.read_table(log.save(tmp_path / "log.parquet"))
    parquet.write_table(table.set_column(table.column_names.index(column), column, values), tmp_path / "log.parquet")
    try:
        opened = EventLog.open(tmp_path / "log.parquet")
    except DataError:
        return
    used(opened)


def test_damaged_bytes_of_a_log_are_refused_or_harmless(log: EventLog, tmp_path: Path) -> None:
    whole, dice = log.save(tmp_path / "log.parquet").read_bytes(), random.Random(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        (tmp_path / "damaged.parquet").write_bytes(damaged)
        try:
            opened = EventLog.open(tmp_path / "damaged.parquet")
        except DataError:
            continue
        used(opened)


# -- summaries -----------------------------------------------------------------------------------------------------


def test_a_summary_with_another_value_is_opened_or_refused(log: EventLog, tmp_path: Path) -> None:
    path = summarise(log).save(tmp_path / "summary.json.gz")
    values = json.loads(gzip.decompress(path.read_bytes()))
    refused = 0
    for turn, place in enumerate(places(values)):
        # Every place meets every third value, so that all values meet all kinds of places.
        for value in (*VALUES, *PACKED, "\ud800")[turn % 3 :: 3]:
            path.write_bytes(gzip.compress(json.dumps(changed(values, place, value)).encode(), 1))
            try:
                opened = Summary.open(path)
            except DataError:
                refused += 1
                continue
            assert repr(opened.merge(Summary())) == repr(opened)
            opened._repr_html_()
            for one in (opened.follows, opened.edges, opened.rework, opened.hand_overs, opened.variants):
                one._repr_html_()
                one.to_pandas()
            opened.to_dict()
    assert refused > 100


@pytest.mark.parametrize(
    ("part", "told", "rule"),
    [
        ("rework", {"rounds": [["A", 2, 3, 0, 0]]}, 'round 2 of "A", but not the one before'),
        ("rework", {"rounds": [["A", 0, 3, 0, 0]]}, 'round 0 of "A"'),
        ("rework", {"rounds": [["A", 1, 3, 0, 0], ["A", 1, 2, 0, 0]]}, "twice"),
        ("hand_overs", {"counts": [["\ud800", "x", 1]]}, "half of a sign"),
    ],
)
def test_a_wrong_part_of_a_summary_is_named(
    log: EventLog, tmp_path: Path, part: str, told: dict[str, Any], rule: str
) -> None:
    path = summarise(log).save(tmp_path / "summary.json.gz")
    values = json.loads(gzip.decompress(path.read_bytes()))
    values[part] |= told
    path.write_bytes(gzip.compress(json.dumps(values).encode()))
    with pytest.raises(DataError, match=rule):
        Summary.open(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"x", gzip.compress(b"[" * 200_000), gzip.compress(b'{"a":' * 200_000), gzip.compress(b"NaN"),
     gzip.compress(b"1" * 5000), gzip.compress(b"[" + b"[]," * 60_000_000 + b"1]", 1), gzip.compress(b"{}")[:-4]],
    ids=range(8),
)  # fmt: skip
def test_what_is_no_summary_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "summary.json.gz").write_bytes(content)
    with pytest.raises(DataError):
        Summary.open(tmp_path / "summary.json.gz")


# -- partitions and mappings ---------------------------------------------------------------------------------------


def test_a_manifest_with_another_value_is_opened_or_refused(log: EventLog, tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    log.to_pandas()[["case", "activity", "start", "end"]].to_csv(source, index=False)
    folder = tmp_path / "parts"
    partition(source, folder, partitions=2)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    refused = 0
    for turn, place in enumerate(places(manifest)):
        for value in (*VALUES, "/etc/passwd", "rows-000000-00000000.arrow", "\ud800")[turn % 2 :: 2]:
            (folder / "manifest.json").write_text(json.dumps(changed(manifest, place, value)), encoding="utf-8")
            try:
                parts = Partitions.open(folder)
                repr(parts)
                parts.summarise()
                assert [len(one) for one in parts]
            except DataError:
                refused += 1
    assert refused > 300


@pytest.mark.parametrize(
    ("place", "value", "rule"),
    [
        (("plan", "paired"), True, r'plan\.paired cannot be "true": the rows have no column "lifecycle"'),
        (("plan", "attributes"), ["a", "a"], r'plan\.attributes cannot be \["a", "a"\] \(a column is named twice\)'),
        (("plan", "attributes"), ["a"], r'plan\.attributes cannot be "a": the rows have no column "@a"'),
        (("plan", "case_attributes"), ["a"], r'plan\.case_attributes cannot be "a"'),
        (("plan", "shown"), "Mars", r'plan\.shown cannot be "Mars"'),
        (("facts", "observed"), [2**70, 2**70], r"facts\.observed cannot be \[1180591620717411303424, .*1900 and 2200"),
        (("files", 0, "ends"), [], r"files\.0 cannot be .*not of the same length"),
        (("files", 0, "sums"), [1], r"files\.0 cannot be .*not of the same length"),
        (("files", 0, "ends"), [2, 1], r"files\.0 cannot be .*do not rise"),
        (("files", 0, "counts"), [-1, 4], r"files\.0 cannot be .*fewer than no rows"),
        (("partitions",), "x", r'partitions cannot be "x"'),
    ],
)
def test_a_wrong_value_of_a_manifest_is_named(
    log: EventLog, tmp_path: Path, place: tuple[str, ...], value: object, rule: str
) -> None:
    source, folder = tmp_path / "log.csv", tmp_path / "parts"
    log.to_pandas()[["case", "activity", "start", "end"]].to_csv(source, index=False)
    partition(source, folder, partitions=2)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(changed(manifest, place, value)), encoding="utf-8")
    with pytest.raises(DataError, match=rf'manifest\.json" is damaged: {rule}'):
        Partitions.open(folder)


def test_damaged_pieces_are_refused(log: EventLog, tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    log.to_pandas()[["case", "activity", "start", "end"]].to_csv(source, index=False)
    partition(source, tmp_path / "parts", partitions=2)
    dice = random.Random(0)
    for piece in sorted((tmp_path / "parts").glob("rows-*")):
        whole = piece.read_bytes()
        for _ in range(40):
            damaged = bytearray(whole)
            damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
            piece.write_bytes(damaged)
            with pytest.raises(DataError):
                [len(one) for one in Partitions.open(tmp_path / "parts")]
        piece.write_bytes(whole)
    assert sum(len(one) for one in Partitions.open(tmp_path / "parts")) == len(log)


def test_a_folder_of_others_is_not_touched(log: EventLog, tmp_path: Path) -> None:
    source, folder = tmp_path / "log.csv", tmp_path / "others"
    log.to_pandas()[["case", "activity", "start", "end"]].to_csv(source, index=False)
    folder.mkdir()
    (folder / "precious.txt").write_text("x")
    for place in (folder, tmp_path, Path("/")):
        with pytest.raises(DataError, match="holds other files"):
            partition(source, place)
    assert [one.name for one in folder.iterdir()] == ["precious.txt"]
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "text",
    ["case: !!python/object/apply:os.system [id]", "a: &a [x]\nb: *a", "case: " + "[" * 5000, "- a", "", "\0",
     "final: 3", "case: 1", "case: x\ncase: y", "? [a]\n: b", "case: 2025-01-01", "case: yes", "timestamps: nope",
     "unknown: 1", "attributes: [1, null]", "%YAML 9.9\n---\ncase: x", "case: x\n---\ncase: y"],
)  # fmt: skip
def test_a_hostile_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mapping.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(MkmineError):
        Mapping.load(tmp_path / "mapping.yaml")


def test_a_saved_log_holds_no_code(log: EventLog, tmp_path: Path) -> None:
    table = parquet.read_table(log.save(tmp_path / "log.parquet"))
    facts = json.loads(table.schema.metadata[KEY])
    # What pickle would run is a stream of Arrow to the reader, and none at that.
    facts["quarantine"] = base64.b64encode(b"cos\nsystem\n(S'id'\ntR.").decode()
    parquet.write_table(table.replace_schema_metadata({KEY: json.dumps(facts).encode()}), tmp_path / "log.parquet")
    with pytest.raises(DataError, match="damaged"):
        EventLog.open(tmp_path / "log.parquet")
