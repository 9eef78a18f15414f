"""The door for exports: formats, siblings, encodings, and files that are not exports at all."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mkmine.errors import DataError, MkmineError, UnknownNameError
from mkmine.trackers import StatusMapping, StatusRule, looks_like_export, read_export

HISTORY = """Ключ задачи;Дата изменения;Автор;Поле;Было;Стало
A-1;10.01.2025 10:00:00;Анна;Статус;К выполнению;В работе
A-1;10.01.2025 10:00:00;Анна;Исполнитель;;Анна
A-1;10.01.2025 15:30:00;Анна;Статус;В работе;Готово
A-2;11.01.2025 09:00:00;Удалённый пользователь;Статус;К выполнению;В работе
"""
ISSUES = """Ключ;Тема;Исполнитель;Статус;Создано
A-1;=cmd|' /C calc'!A0;Анна;Готово;09.01.2025 18:00:00
A-2;<script>alert(1)</script>;Удалённый пользователь;В работе;10.01.2025 09:00:00
"""


def put(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def jira_issue(key: str = "A-1", **changes: Any) -> dict[str, Any]:
    histories = [
        {
            "created": "2025-01-10T10:00:00.000+0300",
            "author": {"accountId": "u1", "displayName": "Анна"},
            "items": [{"field": "status", "fromString": "К выполнению", "toString": "В работе"}],
        },
        {
            "created": "2025-01-10T15:30:00.000+0300",
            "author": {"accountId": "u1", "displayName": "Анна"},
            "items": [{"field": "status", "fromString": "В работе", "toString": "Готово"}],
        },
    ]
    fields = {
        "created": "2025-01-09T18:00:00.000+0300",
        "status": {"name": "Готово", "statusCategory": {"key": "done"}},
        "assignee": {"accountId": "u1", "displayName": "Анна"},
        "summary": "Статья",
    }
    return {"key": key, "fields": fields, "changelog": {"histories": histories}} | changes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
def test_tables_are_read_in_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    put(tmp_path, "issues.csv", ISSUES, encoding)
    path = put(tmp_path, "history.csv", HISTORY, encoding)
    assert looks_like_export(path)
    log = read_export(path, time_zone="Europe/Moscow")
    frame = log.to_pandas()
    assert log.activities == ("В работе",)
    assert str(frame["start"].iloc[0]) == "2025-01-10 10:00:00+03:00"
    assert str(frame["enabled"].iloc[0]) == "2025-01-09 18:00:00+03:00"
    assert frame["resource"].tolist() == ["Анна", "Deleted user 1"]
    assert log.case_attributes["title"].iloc[1] == "<script>alert(1)</script>"


def test_a_history_alone_does_not_invent_the_time_before_it(tmp_path: Path) -> None:
    log = read_export(put(tmp_path, "history.csv", HISTORY), time_zone="Europe/Moscow")
    assert log.enabled is not None
    assert (log.enabled == log.start).all()
    assert any("creation is not in the export" in str(step) for step in log.history)


def test_mapping_and_issues_beside_the_export_are_used_and_told(tmp_path: Path) -> None:
    put(tmp_path, "history.issues.csv", ISSUES)
    rules = {
        "К выполнению": StatusRule(kind="queue"),
        "В работе": StatusRule(kind="work", activity="Текст"),
        "Готово": StatusRule(kind="done"),
    }
    StatusMapping(statuses=rules, time_zone="Europe/Moscow").save(tmp_path / "mapping.yaml")
    log = read_export(put(tmp_path, "history.csv", HISTORY))
    assert log.activities == ("Текст",)
    assert log.time_zone == "Europe/Moscow"
    said = " ".join(map(str, log.history))
    assert "mapping.yaml" in said
    assert "history.issues.csv" in said


@pytest.mark.parametrize("aliases", [(), ("Пишется",)])
@pytest.mark.parametrize("wrong", ["В рaботе", "в работе", "В  работе", "В раюоте"])
def test_a_misspelt_status_is_told(tmp_path: Path, wrong: str, aliases: tuple[str, ...]) -> None:
    path = put(tmp_path, "history.csv", HISTORY)
    rules = {wrong: StatusRule(kind="work", activity="Текст", aliases=aliases), "Готово": StatusRule(kind="done")}
    with pytest.raises(UnknownNameError, match=f'the status "{wrong}", which is not in the export.*"В работе"'):
        read_export(path, mapping=StatusMapping(statuses=rules))


def test_statuses_that_an_export_lacks_are_none_that_are_misspelt(tmp_path: Path) -> None:
    path = put(tmp_path, "history.csv", HISTORY)
    rules = {
        "Пишется": StatusRule(kind="work", aliases=("В работе", "В раюоте")),
        "Отложено навсегда": StatusRule(kind="outside"),
    }
    assert read_export(path, mapping=StatusMapping(statuses=rules)).activities == ("Пишется",)


def test_columns_without_a_usual_name_can_be_told(tmp_path: Path) -> None:
    path = put(tmp_path, "h.csv", HISTORY.replace("Дата изменения", "Моментик"))
    with pytest.raises(DataError, match=r"no column for the time of the change.*Моментик"):
        read_export(path)
    log = read_export(path, mapping=StatusMapping(columns={"at": "Моментик"}))
    assert len(log) == 2
    with pytest.raises(UnknownNameError, match="did you mean"):
        read_export(path, mapping=StatusMapping(columns={"at": "Моментек"}))


def test_english_headers_and_american_dates(tmp_path: Path) -> None:
    text = (
        "Issue key,Changed at,User,From,To\n"
        "A-1,01/10/2025 09:43 AM,Ann,To Do,In Progress\n"
        "A-1,01/30/2025 05:00 PM,Ann,In Progress,Done\n"
    )
    log = read_export(put(tmp_path, "history.csv", text))
    assert str(log.to_pandas()["end"].iloc[0]) == "2025-01-30 17:00:00+00:00"


@pytest.mark.parametrize("name", ["x.json", "x.json.gz", "x.jsonl"])
def test_json_pages_lists_lines_and_gzip(tmp_path: Path, name: str) -> None:
    text = json.dumps({"issues": [jira_issue("A-1"), jira_issue("A-2")]})
    if name.endswith("l"):
        text = "\n".join(json.dumps(jira_issue(key)) for key in ("A-1", "A-2"))
    data = text.encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert looks_like_export(path)
    log = read_export(path)
    assert log.n_cases == 2
    assert log.activities == ("В работе",)
    assert log.completed.all()


def test_json_and_table_give_the_same_instances(tmp_path: Path) -> None:
    first = put(tmp_path, "a.json", json.dumps([jira_issue()]))
    one = "\n".join(line for line in HISTORY.splitlines() if not line.startswith("A-2"))
    put(tmp_path, "b.issues.csv", "\n".join(ISSUES.splitlines()[:2]))
    second = put(tmp_path, "b.csv", one)
    logs = [read_export(path, time_zone="Europe/Moscow") for path in (first, second)]
    columns = ["case", "activity", "enabled", "start", "end", "resource"]
    assert logs[0].to_pandas()[columns].equals(logs[1].to_pandas()[columns])


MALFORMED: dict[str, tuple[str, str]] = {
    "not_json.json": ('{"issues": [', "not valid JSON .line 1, column"),
    "deep.json": ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
    "huge_number.json": ('{"issues": ' + "9" * 10_000 + "}", "cannot be read"),
    "empty.json": ("", "is empty"),
    "no_issues.json": ('{"issues": []}', "is empty: its list of issues has none"),
    "other.json": ('{"people": [1, 2]}', "not of a known tracker"),
    "scalar.json": ("42", "not of a known tracker"),
    "no_journals.json": (
        '{"issues": [{"id": 1, "created_on": "2025-01-01T00:00:00Z", "status": {"name": "New"}}]}',
        "include=journals",
    ),
    "header_only.csv": (HISTORY.splitlines()[0] + "\n", "is empty"),
    "no_status.csv": (HISTORY.replace("Статус", "Метка"), "says nowhere that a status changed"),
    "bad_date.csv": (HISTORY.replace("10.01.2025 15:30:00", "31.02.2025 15:30:00"), r"1 of 4 rows.*31\.02\.2025"),
    "mixed.csv": (HISTORY.replace("10.01.2025 15:30:00", "2025-01-10T15:30:00+03:00"), "UTC offset among times"),
    "notes.md": ("# Notes", "not the export of a tracker by its ending"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_cannot_be_read_is_a_clear_error(tmp_path: Path, name: str) -> None:
    text, message = MALFORMED[name]
    with pytest.raises(DataError, match=message):
        read_export(put(tmp_path, name, text))


def test_bad_dates_can_be_set_aside_with_the_reason(tmp_path: Path) -> None:
    path = put(tmp_path, "h.csv", HISTORY.replace("10.01.2025 15:30:00", "вчера"))
    log = read_export(path, errors="quarantine")
    assert len(log.quarantine) == 1
    assert "time of change" in log.quarantine["reason"].iloc[0]
    assert any(step.action == "quarantine" for step in log.history)


def test_changes_of_unlisted_issues_are_set_aside(tmp_path: Path) -> None:
    put(tmp_path, "issues.csv", "\n".join(ISSUES.splitlines()[:2]))
    log = read_export(put(tmp_path, "h.csv", HISTORY))
    assert log.quarantine["reason"].tolist() == ["change of an issue that the list lacks"]


def test_lost_letters_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_bytes(HISTORY.replace("В работе", "? ??????").encode())
    with pytest.raises(DataError, match=r"letters of .* statuses were lost"):
        read_export(path)


def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.json.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(70):
            file.write(b" " * (1 << 20))
    with pytest.raises(DataError, match="unpacks to more than"):
        read_export(path)


def test_a_damaged_gzip_and_a_missing_file_are_clear(tmp_path: Path) -> None:
    path = tmp_path / "x.json.gz"
    path.write_bytes(gzip.compress(b'{"issues": []}' * 1000)[:-12])
    with pytest.raises(DataError, match="gzip"):
        read_export(path)
    with pytest.raises(DataError, match="no file"):
        read_export(tmp_path / "absent.json")
    with pytest.raises(DataError, match="folder"):
        read_export(tmp_path)


JUNK: tuple[Any, ...] = (
    {"issues": [jira_issue(changelog=None)]},
    {"issues": [jira_issue(changelog={"histories": [None, 7, {"items": [None, {"field": "status"}]}]})]},
    {"issues": [jira_issue(fields={"created": None, "status": None})]},
    {"issues": [jira_issue(fields={"created": ["x"], "status": {"name": ["y"]}, "assignee": 5})]},
    {"issues": [{"id": 1, "created_on": "2025-01-01", "status": {"name": None}, "journals": [{"details": [3]}]}]},
    {"issues": [{"key": "A-1", "fields": {}}]},
    {"issues": "none"},
    [[[]]],
    [None],
)


@pytest.mark.parametrize("number", range(len(JUNK)))
def test_strange_json_is_read_or_refused_but_never_ends_in_a_traceback(tmp_path: Path, number: int) -> None:
    path = put(tmp_path, "junk.json", json.dumps(JUNK[number]))
    for errors in ("raise", "quarantine"):
        with suppress(MkmineError):
            assert len(read_export(path, errors=errors)) > 0  # type: ignore[arg-type]


def test_other_files_do_not_look_like_exports(tmp_path: Path) -> None:
    plain = put(tmp_path, "log.csv", "case,activity,start,end\n1,a,2025-01-01,2025-01-02\n")
    ocel = put(tmp_path, "ocel.json", '{"ocel:events": {}, "objects": []}')
    empty = put(tmp_path, "empty.csv", "")
    spans = put(tmp_path, "spans.csv", "task,date,from,to\nA,x,2025-01-01 10:00,2025-01-02 10:00\n")
    for path in (spans, plain, ocel, empty, tmp_path / "absent.csv", tmp_path):
        assert not looks_like_export(path)


@pytest.mark.parametrize("pad", range(4))
def test_a_long_export_is_known_wherever_its_first_part_is_cut(tmp_path: Path, pad: int) -> None:
    """What is looked at ends in the middle of a letter in some, with a byte order mark as without."""
    row = f"A-1;10.01.2025 10:00:00;Анна{'x' * pad};Статус;К выполнению;В работе\n"
    for encoding in ("utf-8-sig", "utf-8"):
        assert looks_like_export(put(tmp_path, "history.csv", HISTORY + row * 2000, encoding))
