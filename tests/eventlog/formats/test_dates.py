from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.eventlog.formats.dates import likely_zone, looks_like_times, parse_times


def instants(values: list[object], **options: str | None) -> list[str]:
    parsed = parse_times(pd.Series(values), column="Дата", **options)
    assert not parsed.problem.any()
    return [str(one) for one in parsed.instants.astype("datetime64[us]").astype("datetime64[s]")]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2025-03-05T14:07:09Z", "2025-03-05T14:07:09"),
        ("2025-03-05 14:07:09.123456789", "2025-03-05T14:07:09"),
        ("2025-03-05 14:07:09 +03:00", "2025-03-05T11:07:09"),
        ("05.03.2025 14:07", "2025-03-05T14:07:00"),
        ("5.3.25 9:05", "2025-03-05T09:05:00"),
        ("05.03.2025", "2025-03-05T00:00:00"),
        ("05/мар/25 3:14 PM", "2025-03-05T15:14:00"),
        ("05/Mar/25 12:14 AM", "2025-03-05T00:14:00"),
        ("Mar 5, 2025 3:14 PM", "2025-03-05T15:14:00"),
        ("5 марта 2025", "2025-03-05T00:00:00"),
        ("25/03/2025 08:00", "2025-03-25T08:00:00"),
        ("03/25/2025 08:00", "2025-03-25T08:00:00"),
        ("03/05/2025 08:00 PM", "2025-03-05T20:00:00"),
        ("2025/03/05 08:00", "2025-03-05T08:00:00"),
    ],
)
def test_notations_are_read_as_they_are_meant(text: str, meant: str) -> None:
    assert instants([text]) == [meant]


def test_one_day_above_twelve_settles_the_order_for_the_whole_column() -> None:
    assert instants(["01/02/2025 10:00", "13/02/2025 10:00"]) == ["2025-02-01T10:00:00", "2025-02-13T10:00:00"]


def test_days_and_months_that_cannot_be_told_apart_are_an_error() -> None:
    with pytest.raises(DataError, match="does not tell days from months"):
        parse_times(pd.Series(["01/02/2025", "03/04/2025"]), column="Дата")
    assert instants(["01/02/2025"], date_format="%d/%m/%Y") == ["2025-02-01T00:00:00"]


@pytest.mark.parametrize(
    "text", ["31.02.2025", "00.01.2025", "12:30", "вчера", "2025-13-01", "5.3.25 25:00", "29.02.2025"]
)
def test_what_is_no_date_is_a_problem(text: str) -> None:
    parsed = parse_times(pd.Series([text, "05.03.2025"]), column="Дата")
    assert parsed.problem.tolist() == ["not a date", ""]


def test_the_fewer_of_mixed_offsets_are_problems_unless_the_zone_is_told() -> None:
    mixed = pd.Series(["2025-03-05 10:00+03:00", "2025-03-05 10:00+03:00", "2025-03-05 10:00"])
    assert parse_times(mixed, column="t").problem.tolist() == ["", "", "no UTC offset among times with one"]
    told = parse_times(mixed, column="t", time_zone="Europe/Moscow")
    assert not told.problem.any()
    assert len(set(told.instants.tolist())) == 1


def test_wall_clock_times_follow_the_zone_across_summer_time() -> None:
    assert instants(["2025-01-15 12:00", "2025-07-15 12:00"], time_zone="Europe/Berlin") == [
        "2025-01-15T11:00:00",
        "2025-07-15T10:00:00",
    ]
    assert instants(["30.03.2025 02:30"], time_zone="Europe/Berlin") == ["2025-03-30T01:00:00"]


@pytest.mark.parametrize(
    ("number", "meant"),
    [(45000.5, "2023-03-15T12:00:00"), (1.7e9, "2023-11-14T22:13:20"), (1.7e12, "2023-11-14T22:13:20")],
)
def test_numbers_are_spreadsheet_days_or_epoch_times(number: float, meant: str) -> None:
    assert instants([number]) == [meant]


def test_other_numbers_are_an_error() -> None:
    with pytest.raises(DataError, match="neither epoch times"):
        parse_times(pd.Series([1, 2, 3]), column="n")


def test_empty_values_are_missing_and_not_problems() -> None:
    parsed = parse_times(pd.Series(["", None, "NaT", "05.03.2025"], dtype=object), column="t")
    assert parsed.missing.tolist() == [True, True, True, False]
    assert not parsed.problem.any()


@given(st.lists(st.datetimes(pd.Timestamp("1950-01-01"), pd.Timestamp("2150-01-01")), min_size=1, max_size=20))
def test_iso_and_national_notation_agree(moments: list[pd.Timestamp]) -> None:
    moments = [one.replace(microsecond=0) for one in moments]
    iso = parse_times(pd.Series([one.isoformat() for one in moments]), column="t")
    local = parse_times(pd.Series([one.strftime("%d.%m.%Y %H:%M:%S") for one in moments]), column="t")
    np.testing.assert_array_equal(iso.instants, local.instants)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=10))
def test_any_text_is_a_date_or_a_problem(texts: list[str]) -> None:
    try:
        parsed = parse_times(pd.Series(texts, dtype=object), column="t")
    except DataError:
        return
    fine = ~parsed.missing & (parsed.problem == "")
    assert (parsed.instants[fine] != np.iinfo(np.int64).min).all()


def test_the_zone_that_explains_the_offsets_is_found() -> None:
    text = pd.Series(["2025-01-15T12:00:00+01:00", "2025-07-15T12:00:00+02:00"])
    assert likely_zone(text, parse_times(text, column="t").instants) == "Europe/Berlin"
    fixed = pd.Series(["2025-01-15T12:00:00+03:00", "2025-07-15T12:00:00+03:00"])
    assert likely_zone(fixed, parse_times(fixed, column="t").instants) == "Etc/GMT-3"
    assert likely_zone(pd.Series(["2025-01-15T12:00:00"]), np.zeros(1, dtype=np.int64)) is None


def test_columns_of_times_are_told_from_others() -> None:
    assert looks_like_times(pd.Series(["05.03.2025 14:07", "06.03.2025"]))
    assert not looks_like_times(pd.Series(["A-1", "A-2"]))
    assert not looks_like_times(pd.Series([1, 2]))
