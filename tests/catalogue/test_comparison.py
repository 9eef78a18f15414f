"""A log beside published figures: what may be said, in which units, and what may not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mkmine.catalogue import benchmark, load
from mkmine.catalogue.comparison import _place
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.simulation.engine import simulate

APPROVAL = "Approval of the text"


def rounds(*numbers: int, days: float = 1.0) -> list[tuple[str, str, float, float]]:
    """Cases with so many approvals, one every `days`, an hour each."""
    rows: list[tuple[str, str, float, float]] = []
    for case, number in enumerate(numbers):
        for n in range(number):
            rows.append((f"c{case}", APPROVAL, 24 * days * n, 24 * days * n + 1))
    return rows


def test_times_versions_and_rounds_are_those_of_the_cases(make_log: Callable[..., EventLog]) -> None:
    found = benchmark(make_log(rounds(3, 5)), "article").table.set_index("figure")
    # From the first submission to the end of the last approval, in days of the calendar.
    assert found.loc["approval_days", "value"] == pytest.approx((2 + 4) / 2 + 1 / 24)
    assert found.loc["approval_versions", "value"] == 4
    assert found.loc["review_rounds", ["below", "above"]].tolist() == pytest.approx([0.07, 0.58])
    assert math.isnan(found.loc["approval_days", "below"])


@pytest.mark.parametrize(
    ("value", "strictly", "below", "above"),
    [
        (2, False, 0.0, 0.93),
        (3, False, 0.07, 0.58),
        (4.9, False, 0.07, 0.58),
        (5, False, 0.42, 0.14),
        (12, False, 0.86, 0.0),
    ],
)
def test_a_place_is_told_only_as_far_as_it_is_published(
    value: float, strictly: bool, below: float, above: float
) -> None:
    assert _place({1: 1, 3: 0.93, 5: 0.58, 10: 0.14}, value, strictly=strictly) == pytest.approx((below, above))


def test_a_place_among_times_begins_after_the_published_one() -> None:
    answers = {7: 0.77, 30: 0.21}
    assert _place(answers, 7, strictly=True) == (0, 0.77)
    assert _place(answers, 7.1, strictly=True) == pytest.approx((0.23, 0.21))


def test_a_single_mean_supports_no_share_of_teams(make_log: Callable[..., EventLog]) -> None:
    text = repr(benchmark(make_log(rounds(*[12] * 20)), "article"))
    assert "published 8: more than published (no distribution is published)" in text
    assert "more than at least 86% of the answers" in text


def test_days_are_of_the_calendar_and_days_of_work_stand_beside() -> None:
    found = benchmark(simulate(load("email").world, seed=1, cases=300), "email")
    row = found.table.set_index("figure").loc["approval_days"]
    # A week has five days of work.
    assert row["value_working_days"] == pytest.approx(row["value"] * 5 / 7, rel=0.1)
    assert row["verdict"] == "alike"
    days = f"{row['value_working_days']:.3g}"
    assert f"Counted in working days, a mean of {days} would be less than published." in found.notes
    assert any(note.startswith("Days are of the calendar") and days in note for note in found.notes)


def test_steps_are_found_in_russian_and_by_aliases(make_log: Callable[..., EventLog]) -> None:
    rows = [("a", "Согласование текста", 0, 1), ("a", "Согласование текста", 24, 25)]
    assert benchmark(make_log(rows), "article").table["step"].unique().tolist() == ["Согласование текста"]
    rows = [("a", "OK", 0, 1), ("a", "Sending", 24, 25)]
    found = benchmark(make_log(rows), "email", aliases={"OK": "Approval of the e-mail"})
    assert set(found.table["step"]) == {"OK", "Sending"}
    partly = benchmark(make_log([("a", "OK", 0, 1)]), "email", aliases={"OK": "Согласование письма"})
    assert 'The log has no "Sending", and what is published about it is left out.' in partly.notes


def test_open_and_cancelled_cases_are_left_out(make_log: Callable[..., EventLog]) -> None:
    log = make_log(rounds(2, 4, 9))
    found = benchmark(replace(log, completed=np.array([True, True, False])), "article")
    assert found.table["cases"].tolist() == [2, 2, 2]
    assert found.notes[0].startswith("Open cases are left out (1)")
    outcomes = pd.DataFrame({"outcome": ["completed", "completed", "cancelled"]})
    assert benchmark(replace(log, case_attributes=outcomes), "article").table["cases"].tolist() == [2, 2, 2]


def test_what_cannot_be_compared_is_said(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("a", "Review", 0, 1)])
    with pytest.raises(DataError, match=r'aliases=\{"Review": "Approval of the text"\} or --alias'):
        benchmark(log, "article")
    with pytest.raises(UnknownNameError, match='unknown activity "Revue" in aliases; did you mean "Review"'):
        benchmark(log, "article", aliases={"Revue": APPROVAL})
    with pytest.raises(UnknownNameError, match="unknown step"):
        benchmark(log, "article", aliases={"Review": "Publication"})
    with pytest.raises(UnknownNameError, match="unknown process"):
        benchmark(log, "artikel")
    with pytest.raises(DataError, match="no completed case"):
        benchmark(replace(make_log(rounds(1)), completed=np.array([False])), "article")


def test_it_prints_and_converts(make_log: Callable[..., EventLog]) -> None:
    found = benchmark(make_log(rounds(3, 5)), "article")
    values = found.to_dict()
    assert values["table"][0]["below"] is None
    assert values["provenance"]["cases"] == 2
    assert "<table" in found._repr_html_()
    assert len(found.to_pandas()) == 3
