from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.formats.mapping import Mapping, guess


def table(*columns: str, **contents: list[str]) -> pa.Table:
    times = ["2025-03-05 10:00", "2025-03-05 11:00", "2025-03-06 10:00", "2025-03-06 11:00"]
    cases = ["1", "1", "2", "2"]
    values = dict.fromkeys(columns, cases) | contents
    for name in columns:
        if any(word in name.casefold() for word in ("time", "дата", "время", "start", "end", "начал", "заверш")):
            values[name] = times
    return pa.table(values)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (
            ["case:concept:name", "concept:name", "time:timestamp", "org:resource"],
            {
                "case": "case:concept:name",
                "activity": "concept:name",
                "end": "time:timestamp",
                "resource": "org:resource",
            },
        ),
        (
            ["case_id", "Activity", "start_time", "end_timestamp", "Resource", "Role"],
            {"case": "case_id", "activity": "Activity", "start": "start_time", "end": "end_timestamp", "role": "Role"},
        ),
        (
            ["Ключ задачи", "Статус", "Дата изменения", "Исполнитель"],
            {"case": "Ключ задачи", "activity": "Статус", "end": "Дата изменения", "resource": "Исполнитель"},
        ),
        (
            ["Case ID", "Activity", "Start Timestamp", "Complete Timestamp"],
            {"case": "Case ID", "start": "Start Timestamp", "end": "Complete Timestamp"},
        ),
        (
            ["caseID", "activityName", "startTime", "endTime", "enabledTime"],
            {"case": "caseID", "activity": "activityName", "enabled": "enabledTime"},
        ),
        (
            ["Номер заявки", "Этап", "Время начала", "Время завершения"],
            {"case": "Номер заявки", "activity": "Этап", "start": "Время начала", "end": "Время завершения"},
        ),
    ],
)
def test_columns_are_known_by_name(columns: list[str], found: dict[str, str]) -> None:
    mapping, reasons = guess(table(*columns), Mapping())
    assert {name: getattr(mapping, name) for name in found} == found
    assert all(f'"{column}"' in " ".join(reasons) for column in found.values())


def test_what_is_told_is_not_guessed() -> None:
    mapping, _ = guess(table("case_id", "Activity", "Этап", "end_time"), Mapping(activity="Этап"))
    assert mapping.activity == "Этап"


def test_contents_decide_where_names_do_not() -> None:
    frame = pa.table(
        {
            "wann": ["2025-03-05", "2025-03-06", "2025-03-07", "2025-03-08"] * 10,
            "wer": [f"c{i // 4}" for i in range(40)],
            "was": ["a", "b", "c", "d"] * 10,
        }
    )
    mapping, reasons = guess(frame, Mapping(case="wer"))
    assert (mapping.activity, mapping.end) == ("was", "wann")
    assert any("only column of times" in one for one in reasons)


def test_what_cannot_be_decided_lists_the_candidates() -> None:
    frame = table("case_id", "Activity", erstellt=["2025-03-05"] * 4, geändert=["2025-03-05"] * 4)
    with pytest.raises(
        DataError, match=r'time column of "x.csv" cannot be decided; candidates: "erstellt", "geändert"'
    ):
        guess(frame, Mapping(), where='"x.csv"')
    with pytest.raises(DataError, match=r'"Case ID", "case_id" have the same name but for letters or marks'):
        guess(table("Case ID", "case_id", "Activity", "end_time"), Mapping())
    with pytest.raises(DataError, match=r"activity column .* cannot be decided; none of the columns looks like it"):
        guess(table("case_id", "end_time"), Mapping())


def test_a_number_of_the_event_is_not_the_case() -> None:
    frame = table("id", "issue", "Activity", "end_time", id=["1", "2", "3", "4"])
    assert guess(frame, Mapping())[0].case == "issue"


def test_unknown_columns_name_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r'unknown column "Activty".*did you mean "Activity"'):
        guess(table("case_id", "Activity", "end_time"), Mapping(activity="Activty"))


def test_the_meaning_of_the_times_follows_the_columns() -> None:
    assert guess(table("case_id", "Activity", "start_time", "end_time"), Mapping())[0].timestamps == "interval"
    assert guess(table("case_id", "Activity", "end_time"), Mapping())[0].timestamps == "completed"
    assert guess(table("case_id", "Activity", "start_time"), Mapping())[0].timestamps == "entered"


def test_intervals_need_both_times() -> None:
    both = guess(table("case_id", "Activity", "start_time", "end_time"), Mapping(end="end_time", timestamps="interval"))
    assert both[0].start == "start_time"
    with pytest.raises(DataError, match="needs both times"):
        guess(table("case_id", "Activity", "end_time"), Mapping(timestamps="interval"))


def test_statuses_that_a_change_went_from_and_to_are_no_times() -> None:
    frame = table("issue", "From", "To", "changed", changed=["2025-03-05"] * 4)
    mapping, _ = guess(frame.append_column("Status", [["a", "b", "a", "b"]]), Mapping())
    assert (mapping.end, mapping.activity, mapping.start) == ("changed", "Status", None)


def test_a_damaged_column_of_times_is_found_by_its_name() -> None:
    frame = table("case_id", "Activity").append_column("Дата изменения", [["вчера"] * 4])
    assert guess(frame, Mapping())[0].end == "Дата изменения"


def test_a_mapping_survives_its_file(tmp_path: Path) -> None:
    mapping = Mapping(
        case="Ключ", activity=("Статус", "Этап"), end="Дата", time_zone="Europe/Moscow", timestamps="entered"
    )
    mapping.save(tmp_path / "mapping.yaml")
    assert Mapping.load(tmp_path / "mapping.yaml") == mapping


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cese: a", 'unknown key of a mapping "cese".*did you mean "case"'),
        ("- a", "holds a list, not a mapping"),
        ("a: [", "is not valid YAML"),
        ("case: " + "[" * 20_000, "is not valid YAML"),
        ("case: " + "9" * 5_000, "is not valid YAML"),
        ("case: 5", "is not a name"),
        ("timestamps: sometimes", "unknown meaning of timestamps"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mapping.yaml").write_text(text, encoding="utf-8")
    with pytest.raises((DataError, UnknownNameError), match=message):
        Mapping.load(tmp_path / "mapping.yaml")


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the mapping of columns"):
        Mapping.load(tmp_path / "mapping.yaml")
