"""A name that was replaced stands nowhere: not in a message, a file or what is written beside the values of one."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import io
import json
import pickle
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import mkmine
from mkmine.calendars import Absence, Calendar
from mkmine.errors import UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.filters import keep_activities, keep_last, keep_resources

KEY = "0123456789abcdef-secret"
NAMES = ("Ivan Petrov", "Zinaida Kuzmina", "Boris Godunov", "Olga Sidorova")
SECRETS = [part for name in NAMES for part in name.split()]


@pytest.fixture
def log() -> EventLog:
    dice, rows = np.random.default_rng(0), []
    for case in range(60):
        at = pd.Timestamp("2025-03-03 09:00") + pd.Timedelta(hours=3 * case)
        for step, name in enumerate(["Draft", "Edit by Petrov", "Publish", "Edit by Petrov"]):
            who = NAMES[dice.integers(4)]
            role = "Kuzmina's team" if who == NAMES[1] else "writers"
            end = at + pd.Timedelta(hours=int(dice.integers(1, 5)))
            rows.append((f"c{case}", name, at, end, who, role, who if step else None, f"asked {who}, done"))
            at = end
    names = ["case", "activity", "start", "end", "resource", "role", "checked by", "note"]
    frame = pd.DataFrame(rows, columns=names)
    frame.loc[3, "end"] = pd.Timestamp("1850-01-01")
    return mkmine.read(frame, errors="quarantine", name="Petrov's board")


def told(text: str | bytes) -> list[str]:
    """Return which names stand in a text, or in the bytes of one in UTF-8 or UTF-16."""
    whole = text.encode() if isinstance(text, str) else text
    return [one for one in SECRETS if one.encode() in whole or one.encode("utf-16-le") in whole]


def test_no_result_names_anybody(log: EventLog, tmp_path: Path) -> None:
    hidden = mkmine.pseudonymise(log, key=KEY)
    assert told(log._repr_html_()) == SECRETS
    model = mkmine.calibrate(hidden)
    results = [hidden.describe(), mkmine.discover(hidden), mkmine.diagnose(hidden), mkmine.summarise(hidden), model]
    for result in results:
        assert told(repr(result) + json.dumps(result.to_dict(), default=str)) == [], type(result).__name__
    texts = (hidden._repr_html_(), repr(hidden.quality()), repr(hidden.provenance("x")), hidden.quarantine.to_csv())
    assert told("".join(texts)) == []
    mkmine.report(hidden).save(tmp_path / "report.html")
    assert told((tmp_path / "report.html").read_bytes()) == []
    assert told(pickle.dumps(hidden)) == []


def test_no_file_names_anybody(log: EventLog, tmp_path: Path) -> None:
    hidden = mkmine.pseudonymise(keep_last(log, 20), key=KEY)
    path = hidden.save(tmp_path / "saved.parquet")
    table = parquet.read_table(path)
    facts = json.loads(table.schema.metadata[b"mkmine.log"])
    aside = pa.ipc.open_stream(base64.b64decode(facts["quarantine"])).read_all()
    dictionaries = [part.dictionary for one in table if pa.types.is_dictionary(one.type) for part in one.chunks]
    groups = [parquet.ParquetFile(path).metadata.row_group(i) for i in range(parquet.ParquetFile(path).num_row_groups)]
    ranges = [repr(one.column(i).statistics) for one in groups for i in range(one.num_columns)]
    assert told(repr([facts, aside.to_pylist(), [one.to_pylist() for one in dictionaries], ranges])) == []
    assert told(path.read_bytes()) == []
    for name in ("log.csv", "log.xes", "log.jsonocel", "log.parquet", "log.xlsx"):
        content = mkmine.write(hidden, tmp_path / name).path.read_bytes()
        if name.endswith("xlsx"):
            with zipfile.ZipFile(io.BytesIO(content)) as parts:
                content = b"".join(parts.read(one) for one in parts.namelist())
        assert told(content) == [], name
    assert told(repr(pq_texts(tmp_path / "log.parquet"))) == []


def pq_texts(path: Path) -> list[object]:
    table = parquet.read_table(path)
    return [
        [part.dictionary.to_pylist() for part in one.chunks] if pa.types.is_dictionary(one.type) else one.to_pylist()
        for one in table
    ]


def test_no_message_names_anybody(log: EventLog) -> None:
    hidden = mkmine.pseudonymise(log, key=KEY)
    with pytest.raises(UnknownNameError) as caught:
        keep_resources(hidden, "Somebody")
    assert told(str(caught.value)) == []


def test_what_a_filter_did_names_nobody_either(log: EventLog) -> None:
    hidden = mkmine.pseudonymise(keep_resources(log, ["Ivan Petrov", "Olga Sidorova"], invert=True), key=KEY)
    assert told("".join(map(str, hidden.history)) + repr(hidden.provenance("x"))) == []


# -- ways to write a name ------------------------------------------------------------------------------------------

PEOPLE = ("Ivan Petrov", "Anna Belova")


def log_of(people: tuple[str, ...], **columns: list[object]) -> EventLog:
    n, begin = 12, pd.Timestamp("2025-03-03", tz="UTC")
    frame = pd.DataFrame({"case": [f"c{i // 3}" for i in range(n)], "activity": ["D", "E", "P"] * 4})
    frame["end"] = [begin + pd.Timedelta(hours=i) for i in range(n)]
    frame["resource"] = [people[i % len(people)] for i in range(n)]
    for name, values in columns.items():
        plain = isinstance(values[0], str | int | float)
        frame[name] = pd.Series([values[i % len(values)] for i in range(n)], dtype=None if plain else object)
    return EventLog.from_pandas(frame, resource="resource", attributes=list(columns))


@pytest.mark.parametrize(
    ("people", "columns", "secret"),
    [
        (PEOPLE, {"note": ["ask petrov", "x", "y"]}, "petrov"),
        (PEOPLE, {"note": ["asked ivan petrov", "x", "y"]}, "ivan"),
        (PEOPLE, {"note": ["IVAN PETROV", "x", "y"]}, "PETROV"),
        (PEOPLE, {"note": ["ivan.petrov did", "x", "y"]}, "petrov"),
        (PEOPLE, {"note": ["ipetrov, petrov_i", "ivanpetrov", "petroviv"]}, "ipetrov"),
        (PEOPLE, {"note": ["http://x/u/IvanPetrov", "Ivan%20Petrov", "Ivan\xa0Petrov"]}, "Petrov"),
        (("Иван Петров", "А Б"), {"note": ["Petrov did", "ipetrov", "y"]}, "etrov"),
        (("Юлия Хорошая", "А Б"), {"note": ["yhoroshaya", "Khoroshaia", "y"]}, "oroshaya"),
        (("Сергей Йодов", "A B"), {"note": [unicodedata.normalize("NFD", "Йодов"), "x", "y"]}, "одов"),
        ((unicodedata.normalize("NFD", "Jörg Müller"), "A B"), {"note": ["Jörg Müller", "x", "y"]}, "ller"),
        (("Петров И.С.", "А Б"), {"note": ["петрова попросил", "x", "y"]}, "петров"),
        (tuple(f"A{one} Kuznetsov" for one in "abcdefghijkl"), {"note": ["Kuznetsov did", "x", "y"]}, "Kuznetsov"),
        (("kuznetsov2", "A B"), {"note": ["Kuznetsov did", "x", "y"]}, "uznetsov"),
        (("100123", "100456"), {"approver": [100123, 100456, 100123]}, "100123"),
        (("100123", "100456"), {"approver": [100123.0, 100456.0, np.nan]}, "100123"),
        (("100123", "100456"), {"thing": [100123.0, 7.0, np.nan]}, "100123"),
        (("100123.0", "100456.0"), {"thing": [100123, 7, 100123]}, "100123"),
        (("100123", "100456"), {"note": ["asked 100123", "x", "y"]}, "100123"),
        (("1", "2"), {"approver": [1, 2, 1]}, "False,1"),
        (PEOPLE, {"hours of Petrov": [1, 2, 3]}, "Petrov"),
        (PEOPLE, {"note": [("Ivan Petrov", 1), ("x",), ("y",)]}, "Petrov"),
        (PEOPLE, {"note": [["Ivan Petrov"], [], ["y"]]}, "Petrov"),
        (PEOPLE, {"note": [{"who": "Ivan Petrov"}, {}, {}]}, "Petrov"),
        (PEOPLE, {"note": [b"Ivan Petrov", b"", b""]}, "Petrov"),
    ],
)
def test_however_a_name_is_written_it_is_hidden(
    people: tuple[str, ...], columns: dict[str, list[object]], secret: str
) -> None:
    log = log_of(people, **columns)
    frame = log.to_pandas()
    assert secret in frame.drop(columns=["resource", "round"]).to_csv()
    hidden = mkmine.pseudonymise(log, key=KEY)
    assert secret not in hidden.to_pandas().drop(columns="round").to_csv()
    assert secret not in str(hidden.history) + str(list(hidden.attributes))
    assert len(hidden) == len(log)
    for name, new in zip(log.attributes, hidden.attributes, strict=True):
        assert pd.isna(pd.Series(log.attributes[name])).tolist() == pd.isna(pd.Series(hidden.attributes[new])).tolist()


def test_numbers_that_are_no_ids_stay() -> None:
    log = log_of(("1", "2", "100"), hours=[1, 2, 3], amount=[100.5, 100.0, 7.0])
    hidden = mkmine.pseudonymise(log, key=KEY)
    for name in ("hours", "amount"):
        assert hidden.attributes[name].tolist() == log.attributes[name].tolist()


def test_absences_of_a_calendar_tell_nobody() -> None:
    plain = Calendar.parse({"Mon-Fri": "09:00-18:00"})
    away = dataclasses.replace(plain, absences=(Absence(dt.date(2025, 3, 3), dt.date(2025, 3, 9), "Sidorova away"),))
    hidden = mkmine.pseudonymise(dataclasses.replace(log_of(PEOPLE), calendar=away & plain), key=KEY)
    assert hidden.calendar is not None
    assert "Sidorova" not in str(hidden.calendar.to_dict())
    assert "2025-03-09" in str(hidden.calendar.to_dict())


def test_names_of_attributes_stay_apart() -> None:
    log = log_of(PEOPLE, **{"hours of Petrov": [1, 2, 3], "hours of petrov": [4, 5, 6]})
    hidden = mkmine.pseudonymise(log, key=KEY)
    assert len(set(hidden.attributes)) == 2
    assert [values.tolist()[:3] for values in hidden.attributes.values()] == [[1, 2, 3], [4, 5, 6]]


# -- who was left out by a filter ----------------------------------------------------------------------------------


@pytest.fixture
def left() -> EventLog:
    rows = [(f"c{i}", "AB"[i > 2], f"2025-03-{i + 1:02d}", f"Gone {i}" if i < 20 else "Stays") for i in range(25)]
    frame = pd.DataFrame(rows, columns=["case", "activity", "end", "resource"])
    frame = frame.assign(role=frame["resource"].str[:4], note=frame["resource"] + " wrote", seen="Gone 7 was here")
    whole = mkmine.read(frame, name="board of Gone 3")
    facts = pd.DataFrame({"kind": pd.Categorical(frame["resource"])})
    return keep_last(dataclasses.replace(whole, case_attributes=facts), 5)


def test_a_filtered_log_names_nobody_who_was_left_out(left: EventLog, tmp_path: Path) -> None:
    left = mkmine.filters.keep_activities(dataclasses.replace(left, name="board"), ["B"])
    assert left.resources == ("Stays",)
    assert left.roles == ("Stay",)
    assert left.activities == ("B",)
    assert left.describe().resources == 1
    assert list(left.case_attributes["kind"].cat.categories) == ["Stays"]
    path = left.save(tmp_path / "log.parquet")
    assert b"Gone 1" not in path.read_bytes()
    other = mkmine.write(left, tmp_path / "other.parquet").path
    for one in (path, other):
        assert "Gone 1" not in repr(pq_texts(one)) + repr(parquet.read_table(one).schema.metadata)
    assert "Gone 1" not in json.dumps(mkmine.summarise(left).to_dict()) + repr(left.provenance("x")) + repr(left)


def test_who_was_left_out_is_hidden_all_the_same(left: EventLog) -> None:
    hidden = mkmine.pseudonymise(left, key=KEY)
    assert "Gone" not in hidden.name
    assert "Gone 7" not in hidden.to_pandas().to_csv()
    assert b"Gone 7" not in pickle.dumps(hidden)


def test_a_filtered_log_is_the_log_of_what_is_left(left: EventLog) -> None:
    frame = left.to_pandas()
    again = EventLog.from_pandas(
        frame,
        resource="resource",
        role="role",
        attributes=["note", "seen"],
        case_attributes=left.case_attributes.set_axis(left.case_ids),
    )
    assert again.content_hash == left.content_hash
    assert keep_activities(left, ["B"]).content_hash == left.content_hash
