"""OCEL 2.0: both formats give one log, flattened as by pm4py, what that distorts counted; hostile files are told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mkmine.errors import DataError, MkmineError, UnknownNameError
from mkmine.eventlog.formats.ocel import looks_like_ocel, read_ocel

DOCUMENT: dict[str, Any] = {
    "objectTypes": [
        {"name": "order", "attributes": [{"name": "price", "type": "float"}, {"name": "state", "type": "string"}]},
        {"name": "item", "attributes": [{"name": "size", "type": "integer"}]},
    ],
    "eventTypes": [
        {"name": "place", "attributes": [{"name": "resource", "type": "string"}]},
        {"name": "pick", "attributes": []},
        {"name": "audit", "attributes": []},
    ],
    "objects": [
        {
            "id": "o1",
            "type": "order",
            "attributes": [
                {"name": "price", "time": "1970-01-01T00:00:00Z", "value": 10.5},
                {"name": "state", "time": "2025-03-05T12:00:00Z", "value": "paid"},
                {"name": "state", "time": "1970-01-01T00:00:00Z", "value": "new"},
            ],
        },
        {"id": "o2", "type": "order", "attributes": [{"name": "price", "time": "1970-01-01T00:00:00Z", "value": "7"}]},
        {"id": "i1", "type": "item", "attributes": [{"name": "size", "time": "1970-01-01T00:00:00Z", "value": 3}]},
        {"id": "i2", "type": "item"},
        {"id": "i3", "type": "item"},
    ],
    "events": [
        {
            "id": "e1", "type": "place", "time": "2025-03-05T10:00:00Z",
            "attributes": [{"name": "resource", "value": "Анна"}],
            "relationships": [{"objectId": one, "qualifier": ""} for one in ("o1", "i1", "i2")],
        },
        {"id": "e2", "type": "pick", "time": "2025-03-05T11:00:00+00:00",
         "relationships": [{"objectId": "o1", "qualifier": ""}, {"objectId": "i1", "qualifier": ""}]},
        {"id": "e3", "type": "pick", "time": "2025-03-05T11:30:00Z",
         "relationships": [{"objectId": "o1", "qualifier": ""}, {"objectId": "i2", "qualifier": ""}]},
        {"id": "e4", "type": "place", "time": "2025-03-05T12:00:00Z",
         "relationships": [{"objectId": "o2", "qualifier": ""}, {"objectId": "i3", "qualifier": ""}]},
        {"id": "e5", "type": "audit", "time": "2025-03-05T13:00:00Z",
         "relationships": [{"objectId": "o1", "qualifier": "a"}, {"objectId": "o2", "qualifier": "a"},
                           {"objectId": "o2", "qualifier": "b"}, {"objectId": "lost", "qualifier": ""}]},
        {"id": "e6", "type": "audit", "time": "2025-03-05T14:00:00Z", "relationships": []},
    ],
}  # fmt: skip


@pytest.fixture
def document(write: Callable[..., Path]) -> Path:
    return write("orders.jsonocel", json.dumps(DOCUMENT, ensure_ascii=False))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "orders.sqlite"
    with sqlite3.connect(path) as one:
        one.executescript(
            """
            CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
            CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
            CREATE TABLE event_map_type (ocel_type TEXT, ocel_type_map TEXT);
            CREATE TABLE object_map_type (ocel_type TEXT, ocel_type_map TEXT);
            CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);
            CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT);
            CREATE TABLE event_Place (ocel_id TEXT, ocel_time TIMESTAMP, resource TEXT);
            CREATE TABLE event_Pick (ocel_id TEXT, ocel_time TIMESTAMP);
            CREATE TABLE event_Audit (ocel_id TEXT, ocel_time TIMESTAMP);
            CREATE TABLE object_Order
                (ocel_id TEXT, ocel_time TIMESTAMP, ocel_changed_field TEXT, price REAL, state TEXT);
            CREATE TABLE object_Item (ocel_id TEXT, ocel_time TIMESTAMP, ocel_changed_field TEXT, size INTEGER);
            INSERT INTO event_map_type VALUES ('place', 'Place'), ('pick', 'Pick'), ('audit', 'Audit');
            INSERT INTO object_map_type VALUES ('order', 'Order'), ('item', 'Item');
            INSERT INTO object_Order VALUES ('o1', '1970-01-01 00:00:00', NULL, 10.5, 'new'),
                ('o1', '2025-03-05 12:00:00', 'state', NULL, 'paid'), ('o2', '1970-01-01 00:00:00', NULL, 7, NULL);
            INSERT INTO object_Item VALUES ('i1', '1970-01-01 00:00:00', NULL, 3),
                ('i2', '1970-01-01 00:00:00', NULL, NULL), ('i3', '1970-01-01 00:00:00', NULL, NULL);
            """
        )
        one.executemany("INSERT INTO object VALUES (?, ?)", [(o["id"], o["type"]) for o in DOCUMENT["objects"]])
        for event in DOCUMENT["events"]:
            one.execute("INSERT INTO event VALUES (?, ?)", (event["id"], event["type"]))
            values = [event["id"], event["time"].replace("T", " ").replace("+00:00", "").rstrip("Z")]
            values += [each["value"] for each in event.get("attributes", [])] or [None] * (event["type"] == "place")
            marks = ", ".join("?" * len(values))
            one.execute(f"INSERT INTO event_{event['type'].title()} VALUES ({marks})", values)
            links = [(event["id"], each["objectId"], each["qualifier"]) for each in event["relationships"]]
            one.executemany("INSERT INTO event_object VALUES (?, ?, ?)", links)
    one.close()
    return path


@pytest.mark.parametrize("source", ["document", "database"])
def test_a_log_is_flattened_and_the_distortions_are_counted(source: str, request: pytest.FixtureRequest) -> None:
    log = read_ocel(request.getfixturevalue(source), object_type="order")
    frame = log.to_pandas()
    assert log.case_ids.tolist() == ["o1", "o2"]
    assert frame["activity"].tolist() == ["place", "pick", "pick", "audit", "place", "audit"]
    assert frame["end"].dt.hour.tolist() == [10, 11, 11, 13, 12, 13]
    assert frame["object:item"].astype(object).where(frame["object:item"].notna(), None).tolist() == [
        "i1, i2",
        "i1",
        "i2",
        None,
        "i3",
        None,
    ]
    assert frame["resource"].isna().tolist() == [False, True, True, True, True, True]
    assert log.resources == ("Анна",)
    assert log.case_attributes["price"].tolist() == [10.5, 7]
    assert log.case_attributes["state"].tolist()[0] == "paid"
    assert "size" not in log.case_attributes
    counted = {step.action.removeprefix("flatten: "): step.touched for step in log.history}
    assert counted["read"] == 6
    assert counted["convergence"] == 1
    assert counted["divergence"] == 2
    assert counted["deficiency"] == 1
    assert counted["changed attributes"] == 1
    assert counted["dangling"] == 1
    assert log.name == "orders"


def test_other_objects_make_other_cases(document: Path) -> None:
    log = read_ocel(document, object_type="item")
    assert log.case_ids.tolist() == ["i1", "i2", "i3"]
    assert log.case_attributes["size"].tolist()[0] == 3


def test_a_type_must_be_chosen_of_several(document: Path) -> None:
    with pytest.raises(DataError, match=r'2 types: "item" \(3 objects, 4 events\), "order" \(2 objects, 5 events\)'):
        read_ocel(document)
    with pytest.raises(UnknownNameError, match='did you mean "order"'):
        read_ocel(document, object_type="orders")


@pytest.mark.parametrize("kind", ["order", "item"])
def test_pm4py_flattens_alike(document: Path, tmp_path: Path, kind: str) -> None:
    pm4py = pytest.importorskip("pm4py")
    known = {one["id"] for one in DOCUMENT["objects"]}
    clean = json.loads(json.dumps(DOCUMENT))
    for one in clean["objects"]:
        one.setdefault("attributes", [])
    for event in clean["events"]:
        links = {link["objectId"]: link for link in event["relationships"] if link["objectId"] in known}
        event["relationships"] = list(links.values())
        event.setdefault("attributes", [])
    path = tmp_path / "clean.json"
    path.write_text(json.dumps(clean), encoding="utf-8")
    flat = pm4py.ocel_flattening(pm4py.read_ocel2_json(str(path)), kind)
    # pm4py gives times with or without a zone, depending on the importer that it finds.
    times = pd.to_datetime(flat["time:timestamp"], utc=True)
    expected = sorted(zip(flat["case:concept:name"], times, flat["concept:name"], strict=True))
    frame = read_ocel(path, object_type=kind).to_pandas()
    assert sorted(zip(frame["case"], frame["end"].dt.tz_convert("UTC"), frame["activity"], strict=True)) == expected


def test_ocel_is_told_from_other_files(document: Path, database: Path, write: Callable[..., Path]) -> None:
    assert looks_like_ocel(document)
    assert looks_like_ocel(database)
    assert looks_like_ocel(write("log.json", json.dumps(DOCUMENT)))
    turned = {key: DOCUMENT[key] for key in ("events", "objects", "eventTypes", "objectTypes")}
    assert looks_like_ocel(write("turned.json", json.dumps(turned)))
    assert not looks_like_ocel(write("jira.json", '{"issues": []}'))
    assert not looks_like_ocel(write("log.csv", "a,b"))
    assert not looks_like_ocel(write("text.db", "no database"))
    assert not looks_like_ocel("absent.json")
    other = database.with_name("other.db")
    with sqlite3.connect(other) as one:
        one.execute("CREATE TABLE t (a)")
    one.close()
    assert not looks_like_ocel(other)


# -- hostile files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[1, 2", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is JSON but not OCEL 2.0"),
        ('{"ocel:events": {}}', "is OCEL 1.0; convert it"),
        ('{"events": {}, "objects": []}', "no objects"),
        ('{"events": {"a": 1}, "objects": []}', "events is not a list"),
        ('{"events": [1], "objects": []}', r"events\[0\] is not an object"),
        ('{"events": [{}], "objects": []}', r'events\[0\] has no "type"'),
        ('{"events": [], "objects": [{"id": "a"}]}', r'objects\[0\] has no "type"'),
        ('{"events": [], "objects": [{"id": {}, "type": "a"}]}', r'objects\[0\] has no "id"'),
        ('{"events": [], "objects": [{"id": 1, "type": "a"}, {"id": "1", "type": "a"}]}', "has the id of another"),
        ('{"events": [], "objects": [{"id": "1", "type": "a"}]}', 'no event of "log.json" has an object of type "a"'),
        ('{"events": [{"type": "a", "time": "x", "relationships": [{"objectId": []}]}], "objects": []}', "objectId"),
        ('{"events": [' + "9" * 5000 + '], "objects": []}', "is not JSON"),
    ],
)
def test_bad_documents_are_told(write: Callable[..., Path], text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_ocel(write("log.json", text))
    assert "\n" not in str(caught.value)


def test_times_that_are_none_are_told(write: Callable[..., Path]) -> None:
    broken = json.loads(json.dumps(DOCUMENT))
    broken["events"][1]["time"] = "yesterday"
    path = write("log.json", json.dumps(broken))
    with pytest.raises(DataError, match="yesterday"):
        read_ocel(path, object_type="order")
    assert len(read_ocel(path, object_type="order", errors="quarantine").quarantine) == 1


def test_a_large_document_is_refused(write: Callable[..., Path]) -> None:
    from mkmine.eventlog.formats.ocel.json import from_json

    with pytest.raises(DataError, match="unpacks to more than"):
        from_json(write("log.json", json.dumps(DOCUMENT)), size_limit=1000)


ATTACKS = {
    "a view in place of a table": "DROP TABLE event; CREATE VIEW event AS SELECT 'e1' AS ocel_id, 'place' AS ocel_type",
    "a virtual table": "DROP TABLE event; CREATE VIRTUAL TABLE event USING fts5(ocel_id, ocel_type)",
    "a table that is not there": "UPDATE event_map_type SET ocel_type_map = 'absent'",
    "a name with quotes": """UPDATE object_map_type SET ocel_type_map = 'x" UNION SELECT * FROM "event'""",
    "another table": "UPDATE object_map_type SET ocel_type_map = '../../etc/passwd'",
    "a column that is missing": "ALTER TABLE event_object DROP COLUMN ocel_object_id",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_databases_are_told(database: Path, attack: str) -> None:
    with sqlite3.connect(database) as one:
        one.executescript(ATTACKS[attack])
    one.close()
    before = database.read_bytes()
    with pytest.raises(DataError, match=r"OCEL 2\.0"):
        read_ocel(database, object_type="order")
    assert database.read_bytes() == before


def test_names_with_quotes_are_read(database: Path) -> None:
    with sqlite3.connect(database) as one:
        one.execute('ALTER TABLE event_Place RENAME TO "event_a""; DROP TABLE event; --"')
        one.execute(
            """UPDATE event_map_type SET ocel_type_map = 'a"; DROP TABLE event; --' WHERE ocel_type = 'place'"""
        )
    one.close()
    assert read_ocel(database, object_type="order").n_cases == 2


@pytest.mark.parametrize("at", range(0, 40_000, 2_111))
def test_damaged_databases_never_crash(database: Path, at: int) -> None:
    data = bytearray(database.read_bytes())
    for place in range(at % len(data), len(data), 997):
        data[place] ^= 0x55
    database.write_bytes(bytes(data))
    with suppress(MkmineError):
        read_ocel(database, object_type="order", errors="quarantine")


def test_the_latest_value_counts_whatever_its_offset(write: Callable[..., Path]) -> None:
    states = [("2025-03-05T10:00:00+03:00", "early"), ("2025-03-05T08:00:00Z", "late"), ("never", "no time")]
    attributes = [{"name": "state", "time": time, "value": value} for time, value in states]
    objects = [{"id": "o1", "type": "order", "attributes": attributes}]
    path = write("log.jsonocel", json.dumps(DOCUMENT | {"objects": objects}))
    assert read_ocel(path).case_attributes["state"].tolist() == ["late"]


def test_an_event_that_is_there_twice_is_refused(write: Callable[..., Path]) -> None:
    events = [*DOCUMENT["events"], DOCUMENT["events"][0]]
    path = write("log.jsonocel", json.dumps(DOCUMENT | {"events": events}))
    with pytest.raises(DataError, match=r'events\[6\] has the id of another, "e1"'):
        read_ocel(path, object_type="order")
