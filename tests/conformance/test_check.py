from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mkmine.calendars import Calendar
from mkmine.conformance import Conformance, check
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.targets import Flow, Node, ProcessCard, ProcessModel, Target
from tests.conformance.models import log, model

LINE = model("s>A A>B B>C C>e", lanes={"A": "role A", "B": "role B", "C": "Editor"})


def target(**values: object) -> Target:
    card = ProcessCard.model_validate({"process": "P", "owner": "Head", "customer": "Sales", **values})
    return Target(model=LINE, card=card)


def row(result: Conformance, kind: str, activity: str) -> pd.Series:
    frame = result.deviations
    found = frame[(frame["kind"] == kind) & (frame["activity"] == activity)]
    assert len(found) == 1, result
    return found.iloc[0]


def test_fitting_and_deviating_cases() -> None:
    result = check(log(["ABC", "ABC", "AC", "ABBC", "AZBC"]), target())
    assert (result.cases, result.fitting_cases, result.unknown_cases) == (5, 2, 0)
    assert result.fitness == pytest.approx((1 + 1 + (1 - 1 / 5) + (1 - 1 / 7) + (1 - 1 / 7)) / 5)
    assert result.fitness_low == pytest.approx(result.fitness) == result.fitness_high
    skipped = row(result, "skipped", "B")
    assert (skipped["after"], skipped["cases"], skipped["occurrences"]) == ("A", 1, 1)
    assert skipped["share_of_cases"] == pytest.approx(0.2)
    assert skipped["examples"] == ("c2",)
    assert row(result, "repeated", "B")["after"] == "B"
    assert row(result, "extra", "Z")["after"] == "A"
    assert result.only_in_log == ("Z",)
    assert result.only_in_target == ()
    moves = dict(zip(result.variants["variant"], result.variants["moves"], strict=True))
    assert moves["A", "C"] == ("= A", "- B", "= C")


def test_a_deviation_counts_each_occurrence_but_each_case_once() -> None:
    result = check(log(["ABBBC", "ABC"]), target())
    again = row(result, "repeated", "B")
    assert (again["cases"], again["occurrences"]) == (1, 2)


def test_an_open_case_has_not_skipped_what_lies_ahead() -> None:
    result = check(log(["A", "AB", "AC", "A"], open_cases=[0, 1, 2]), target())
    assert result.fitting_cases == 2
    assert row(result, "skipped", "B")["cases"] == 2
    assert row(result, "skipped", "C")["examples"] == ("c3",)


def test_aliases_join_names_of_the_log_and_the_model() -> None:
    names = {"B": "На согласовании"}
    without = check(log(["ABC"], names=names), target())
    assert without.only_in_log == ("На согласовании",)
    assert without.only_in_target == ("B",)
    joined = check(log(["ABC"], names=names), target(aliases={"На согласовании": "B"}))
    assert joined.fitness == 1.0
    assert joined.only_in_log == joined.only_in_target == ()


def test_a_log_that_has_nothing_of_the_target() -> None:
    result = check(log(["XY", "XX"]), target())
    assert result.fitness == 0.0
    assert result.only_in_target == ("A", "B", "C")
    assert set(result.deviations["kind"]) == {"extra", "skipped"}


def test_the_difference_in_cycle_time_is_welchs() -> None:
    chance = random.Random(3)
    cases = ["ABC"] * 30 + ["AC"] * 12
    hours = [1 + chance.random() for _ in cases]
    result = check(log(cases, hours=hours, open_cases=[41]), target())
    cycle = np.array([h * len(c) for h, c in zip(hours, cases, strict=True)])
    expected = stats.ttest_ind(cycle[30:41], cycle[:30], equal_var=False)
    interval = expected.confidence_interval()
    found = row(result, "skipped", "B")
    assert found["cycle_difference_h"] == pytest.approx(cycle[30:41].mean() - cycle[:30].mean())
    # Of neighbouring cases that go along with each other, if only by chance, it is a little wider.
    assert interval.low - 0.1 < found["cycle_difference_low_h"] <= interval.low
    assert interval.high <= found["cycle_difference_high_h"] < interval.high + 0.1


def test_too_few_cases_give_no_interval() -> None:
    found = row(check(log(["ABC", "ABC", "AC"]), target()), "skipped", "B")
    assert found["cycle_difference_h"] == pytest.approx(-1.0)
    assert np.isnan(found["cycle_difference_low_h"])
    assert np.isnan(row(check(log(["AC", "AC"]), target()), "skipped", "B")["cycle_difference_h"])
    assert row(check(log(["ABC", "ABC", "AC", "AC"]), target()), "skipped", "B")["cycle_difference_low_h"] == -1.0


def test_only_cases_that_came_as_far_are_compared() -> None:
    cases = ["ABC"] * 5 + ["ABBC"] * 5 + ["A"] * 5
    hours = [1.0] * 15
    found = row(check(log(cases, hours=hours), target()), "repeated", "B")
    assert found["cycle_difference_h"] == pytest.approx(1.0)


def test_what_the_log_never_has_is_not_compared() -> None:
    result = check(log(["AC", "AC", "A", "A"]), target())
    assert result.only_in_target == ("B",)
    skipped = result.deviations[result.deviations["activity"] == "B"]
    assert len(skipped)
    assert skipped["cycle_difference_h"].isna().all()


def test_time_limits() -> None:
    result = check(log(["ABC", "ABC", "ABC"], hours=[1.0, 2.0, 4.0], open_cases=[2]), target(limits={"B": 1.5}))
    limit = result.limits.iloc[0]
    assert (limit["activity"], limit["checked"], limit["exceeded"], limit["measured"]) == ("B", 3, 2, "enabled")
    assert limit["share"] == pytest.approx(2 / 3)
    whole = check(log(["ABC", "ABC", "ABC"], hours=[1.0, 2.0, 4.0], open_cases=[2]), target(case_limit_h=5)).limits
    assert whole.iloc[0][["activity", "checked", "exceeded", "open_exceeded"]].tolist() == ["", 2, 1, 1]


def test_limits_from_the_moment_work_could_begin_and_of_unfinished_work() -> None:
    frame = log(["AB", "AB"]).to_pandas()
    frame["ready"] = frame["start"] - pd.Timedelta(hours=3)
    frame["going"] = [False, False, False, True]
    waiting = EventLog.from_pandas(frame, start="start", enabled="ready", ongoing="going", calendar=log(["A"]).calendar)
    limit = check(waiting, target(limits={"B": 3.5})).limits.iloc[0]
    assert limit[["checked", "exceeded", "open_exceeded", "measured"]].tolist() == [1, 1, 1, "enabled"]


def test_limits_count_the_wait_where_the_log_does_not_record_it() -> None:
    frame = log(["AB", "AB"]).to_pandas()
    late = frame["activity"] == "B"
    frame.loc[late, ["start", "end"]] += pd.Timedelta(hours=3)
    waiting = EventLog.from_pandas(frame, start="start", calendar=log(["A"]).calendar)
    limit = check(waiting, target(limits={"B": 3.5})).limits.iloc[0]
    assert limit[["checked", "exceeded", "measured"]].tolist() == [2, 2, "enabled"]


def test_a_case_that_skips_an_activity_in_two_places_counts_once() -> None:
    result = check(log(["ABC", "AC", "AC", "ABBC"]), target())
    totals = result.by_activity()
    assert totals.values.tolist()[0] == ["skipped", "B", 2, 0.5]
    assert ["repeated", "B", 1, 0.25] in totals.values.tolist()
    for kind, activity, cases in totals[["kind", "activity", "cases"]].itertuples(index=False):
        rows = result.deviations[(result.deviations["kind"] == kind) & (result.deviations["activity"] == activity)]
        assert rows["cases"].max() <= cases <= rows["cases"].sum()


def test_the_text_tells_kept_limits_rounds_and_notes() -> None:
    text = repr(check(log(["ABC"]), target(limits={"B": 100}, case_limit_h=500, max_rounds={"B": 2})))
    assert "limit    B: 0 of 1 over 100 h" in text
    assert "limit    whole case: 0 of 1 over 500 h" in text
    assert "rounds   B: 0 cases over 2 (most: 1)" in text


def test_limits_and_limits_by_role_count_what_has_ended(make_log: Callable[..., EventLog]) -> None:
    rows = [("1", "A", 0, 9), ("2", "A", 0, 2), ("3", "A", 0, 90, None, True)]
    found = check(make_log(rows, completed=pd.Series({"3": False})), target(limits={"A": 4}))
    for table in (found.limits, found.limits_by_role):
        assert table[["activity", "checked", "exceeded"]].values.tolist() == [["A", 2, 1]]
    assert found.limits["open_exceeded"].tolist() == [1]


def test_limits_where_only_completions_are_known() -> None:
    frame = log(["ABC"], hours=2.0).to_pandas()
    ends = EventLog.from_pandas(frame, calendar=log(["A"]).calendar)
    result = check(ends, target(limits={"A": 1, "B": 1}))
    assert result.limits[["checked", "exceeded", "measured"]].values.tolist() == [
        [0, 0, "previous"],
        [1, 1, "previous"],
    ]
    assert any("only completions" in note for note in result.notes)


def test_roles() -> None:
    result = check(log(["ABC", "ABC"]), target())
    assert result.roles.values.tolist() == [
        ["C", "Editor", "role C", 2, 1.0, (), "2024-01-01", "2024-01-02"],
    ]
    assert check(log(["ABC"]), target(aliases={"role C": "Editor"})).roles.empty
    without = check(log(["ABC"], role=None), target())
    assert without.roles.empty
    assert any("no roles" in note for note in without.notes)


def test_rounds() -> None:
    result = check(log(["ABBBC", "ABC", "ABBC"]), target(max_rounds={"B": 1, "C": 2}))
    # Case 1 does B twice more than it may, case 3 once; each takes an hour.
    assert result.rounds.values.tolist() == [
        ["B", 1, 2, 3, 3, pytest.approx(2 / 3), 3, 3.0],
        ["C", 2, 0, 1, 3, 0, 0, 0],
    ]


def test_what_is_not_finished_in_time_is_unknown_with_bounds() -> None:
    result = check(log(["ABC", "AC"]), target(), budget_seconds=1e-9)
    assert result.unknown_cases == 2
    assert np.isnan(result.fitness)
    assert (result.fitness_low, result.fitness_high) == (0.0, 1.0)
    assert result.deviations.empty
    assert "unknown" in repr(result)
    assert result.to_dict()["fitness"] is None


@pytest.mark.parametrize("budget", [0, -1, float("nan")])
def test_the_budget_is_above_zero(budget: float) -> None:
    with pytest.raises(DataError, match="budget_seconds"):
        check(log(["A"]), target(), budget_seconds=budget)


def test_it_prints_and_escapes() -> None:
    strange = "<script>alert(1)</script>"
    result = check(log(["AZC", "ABC"], names={"Z": strange}), target(limits={"A": 0.5}))
    assert strange not in result._repr_html_()
    assert "fitness" in repr(result)
    assert "association" in (Conformance.__doc__ or "")
    values = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert values["deviations"][0]["examples"] == ["c0"]
    assert result.to_pandas().equals(result.deviations)


def test_without_a_card_only_order_and_lanes_are_checked() -> None:
    result = check(log(["ABC"]), Target(model=LINE))
    assert result.limits.empty
    assert len(result.roles) == 1
    assert any("no process card" in note for note in result.notes)


def test_the_order_of_cases_changes_nothing() -> None:
    cases = ["ABC", "AC", "ABBC", "CBA", "AZ", "B", ""]
    cases = [case for case in cases if case] * 3
    first = check(log(cases), target())
    frame = log(cases).to_pandas().sample(frac=1.0, random_state=1)
    second = check(EventLog.from_pandas(frame, start="start", role="role", calendar=log(["A"]).calendar), target())
    columns = ["kind", "activity", "after", "cases", "occurrences"]
    pd.testing.assert_frame_equal(first.deviations[columns], second.deviations[columns])
    assert first.fitness == pytest.approx(second.fitness)


def test_a_model_that_asks_for_nothing_is_refused() -> None:
    with pytest.raises(DataError, match='the model of "P" has no task'):
        check(log(["AB"]), Target(model=model("s>x1 x1>e"), card=ProcessCard(process="P", owner="Head")))


def test_limits_by_round(make_log: Callable[..., EventLog]) -> None:
    flows = (Flow(id="f", source="s", target="A"), Flow(id="g", source="A", target="e"))
    nodes = (Node(id="s", kind="start"), Node(id="A", kind="task", name="A", repeats=True), Node(id="e", kind="end"))
    card = ProcessCard(process="P", owner="O", limits={"A": 9}, round_limits={"A": (4, 2)}, case_limit_h=20)
    meant = Target(model=ProcessModel(nodes=nodes, flows=flows), card=card)
    done = make_log(
        [
            ("1", "A", 0, 3, "x"),
            ("1", "A", 3, 6, "x"),
            ("1", "A", 6, 7, "x"),
            ("2", "A", 0, 5, "x"),
            ("3", "A", 0, 1, "x"),
        ]
    )
    found = check(replace(done, calendar=Calendar.always()), meant).limits
    # Three first rounds, of which one took 5 hours; the limit of the second holds for the third too.
    assert found[["activity", "limit_h", "round", "checked", "exceeded"]].to_numpy().tolist() == [
        ["A", 9.0, 0, 5, 0], ["A", 4.0, 1, 3, 1], ["A", 2.0, 2, 2, 1], ["", 20.0, 0, 3, 0],
    ]  # fmt: skip
