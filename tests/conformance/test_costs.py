"""What deviations go along with, on worlds in which it is known."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.conformance import Conformance, check
from mkmine.conformance.adjustment import added, case_mix, slope, welch
from mkmine.conformance.deviations import cycle_hours
from mkmine.conformance.regulation import ages
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.targets import ProcessCard, Target
from tests.conformance.models import model

LINE = Target(model=model("s>A A>B B>C C>e"), card=ProcessCard(process="P", owner="Head", customer="Sales"))
EFFECT = 10.0
SEEDS = 240


def world(seed: int, *, n: int = 250, confounded: bool = True, effect: float = EFFECT, weekly: float = 0.0) -> EventLog:
    """Cases A B C that skip B more often where they are hard, and hard ones take longer; some are still open.

    To skip B adds `effect` hours. Whole weeks are slow, by `weekly` hours of spread, and some weeks skip B. Cases begin
    over a year that ends before all of them are finished.
    """
    chance = np.random.default_rng(seed)
    hard = chance.integers(0, 3, n)
    begun = np.sort(chance.uniform(0, 8760, n))
    share = np.array([0.05, 0.15, 0.5])[hard] if confounded else np.full(n, 0.2)
    slow = np.zeros(n)
    if weekly:
        slow, careless = chance.normal(0, 1, (2, 53))[:, (begun // 168).astype(int)]
        share = 1 / (1 + (1 / share - 1) * np.exp(-2 * careless))
    skips = chance.random(n) < share
    hours = 60 + 80 * hard + begun / 200 + 60 * chance.lognormal(0, 0.6, n) + effect * skips
    hours = np.maximum(hours + weekly * slow, 1.0)
    again = chance.random(n) < 0.2
    hours += 30 * again
    rows: list[tuple[Any, ...]] = []
    for case in range(n):
        steps = ["A", *([] if skips[case] else ["B"]), *(["C", "C"] if again[case] else ["C"])]
        edges = begun[case] + hours[case] * np.linspace(0, 1, len(steps) + 1)
        rows += [(f"c{case}", step, edges[i], edges[i + 1]) for i, step in enumerate(steps) if edges[i + 1] <= 8800]
        if edges[1] > 8800:
            rows.append((f"c{case}", "A", edges[0], 8800.0))
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end"])
    for name in ("start", "end"):
        frame[name] = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(frame[name].round(6), unit="h")
    names = [f"c{case}" for case in range(n)]
    return EventLog.from_pandas(
        frame,
        start="start",
        completed=pd.Series(begun + hours <= 8800, index=names),
        case_attributes=pd.DataFrame({"difficulty": np.array(["low", "mid", "high"])[hard]}, index=names),
        calendar=Calendar.always(),
    )


def skips_of(log: EventLog) -> NDArray[np.bool_]:
    """The cases that got past B without doing it."""
    frame = log.to_pandas()
    done = frame.groupby("case", sort=False)["activity"].agg(set)
    return done[log.case_ids].map(lambda one: "C" in one and "B" not in one).to_numpy(dtype=np.bool_)


def share_within(truth: float, found: list[tuple[float, float]]) -> float:
    return float(np.mean([low <= truth <= high for low, high in found]))


def test_intervals_hold_a_known_effect_and_the_naive_ones_do_not() -> None:
    adjusted, naive, values = [], [], []
    for seed in range(SEEDS):
        log = world(seed)
        hours = np.where(log.completed, cycle_hours(log), ages(log))
        skips = skips_of(log)
        mix = case_mix(log, hours)
        again = np.bincount(log.case_of[log.round > 1], minlength=log.n_cases).astype(float)
        one = added(hours, skips, ~skips, mix, again)
        plain = welch(np.where(mix.weight > 0, hours, np.nan), skips, ~skips, mix.months)
        adjusted.append((one.low, one.high))
        naive.append((plain.low, plain.high))
        values.append(one.value)
    assert 0.93 <= share_within(EFFECT, adjusted) <= 0.975
    assert share_within(EFFECT, naive) < 0.2
    assert np.mean(values) == pytest.approx(EFFECT, abs=1.5)


def test_slow_weeks_make_the_intervals_wider() -> None:
    found = []
    for seed in range(60):
        log = world(seed, n=800, weekly=30.0)
        hours = np.where(log.completed, cycle_hours(log), ages(log))
        skips, mix = skips_of(log), case_mix(log, hours)
        one = added(hours, skips, ~skips, mix, np.zeros(log.n_cases))
        found.append((one.low, one.high))
    # Errors of independent cases held the truth in three of four.
    assert share_within(EFFECT, found) >= 0.88


def test_weeks_in_which_everybody_departs_make_nobody_a_hot_spot() -> None:
    hot = 0
    for seed in range(20):
        chance = np.random.default_rng(seed)
        late = 1 / (1 + np.exp(1 - chance.normal(0, 1.5, 32)))
        rows: list[tuple[Any, ...]] = []
        for number in range(320):
            # Two work in turn, each for two months.
            who, step = ("Ann", "Bob")[number // 80 % 2], 3.0 if chance.random() < late[number // 10] else 1.0
            rows += case(f"c{number}", 10.0 * number, "ABC", who=who, step=step)
        hot += len(small(rows, limits={"B": 2}).hot_spots)
    # As independent cases, one of them was in more than a third of the worlds.
    assert hot <= 3


def test_without_confounding_both_are_right() -> None:
    found = [check(world(seed, confounded=False, n=200), LINE).costs for seed in range(12)]
    rows = pd.concat([one[one["kind"] == "skipped"] for one in found])
    assert rows["naive_h"].mean() == pytest.approx(EFFECT, abs=8)
    assert rows["added_h"].mean() == pytest.approx(EFFECT, abs=6)
    # Adjusting also makes the answer sharper.
    width = rows["added_high_h"] - rows["added_low_h"]
    assert width.median() < 80


def test_the_confounded_world_through_the_verb() -> None:
    gap = check(world(1, n=800), LINE)
    row = gap.costs[gap.costs["kind"] == "skipped"].iloc[0]
    assert row["naive_h"] > 4 * EFFECT
    assert row["added_low_h"] <= EFFECT <= row["added_high_h"]
    assert row["total_h"] == pytest.approx(row["added_h"] * row["cases"])
    assert gap.adjusted_for == ("start", "difficulty", "rework elsewhere")
    # Hard cases skip more often; nothing else is a hot spot.
    hot = gap.hot_spots[gap.hot_spots["kind"] == "skipped"]
    assert hot[["by", "value"]].values.tolist() == [["difficulty", "high"]]
    assert hot["share"].iloc[0] > 3 * hot["elsewhere"].iloc[0]


def test_only_named_attributes_are_adjusted_for() -> None:
    log = world(1, n=800)
    gap = check(log, LINE, adjust=[])
    row = gap.costs[gap.costs["kind"] == "skipped"].iloc[0]
    assert gap.adjusted_for == ("start", "rework elsewhere")
    assert row["added_h"] > 3 * EFFECT
    assert gap.hot_spots.empty
    with pytest.raises(UnknownNameError, match="case attribute"):
        check(log, LINE, adjust=["dificulty"])


def test_what_is_known_only_after_the_work_is_left_out() -> None:
    log = world(2, n=300)
    status = np.where(log.completed, "done", "open")
    frame = log.case_attributes.assign(status=status)
    assert "status" not in check(replace(log, case_attributes=frame), LINE).adjusted_for


def test_nothing_is_found_where_nothing_is() -> None:
    p = []
    for seed in range(200):
        chance = np.random.default_rng(seed)
        flags = chance.random(120) < 0.3
        p.append(slope(flags, np.sort(chance.uniform(0, 12, 120))).p)
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09


def test_a_growing_share_has_a_trend() -> None:
    chance = np.random.default_rng(5)
    months = np.sort(chance.uniform(0, 12, 600))
    found = slope(chance.random(600) < 0.1 + 0.04 * months, months)
    assert found.low <= 0.04 <= found.high
    assert found.p < 1e-6


def small(rows: list[tuple[Any, ...]], **card: object) -> Conformance:
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end", "resource", "role"])
    for name in ("start", "end"):
        frame[name] = pd.Timestamp("2024-01-30", tz="UTC") + pd.to_timedelta(frame[name], unit="h")
    log = EventLog.from_pandas(frame, start="start", resource="resource", role="role", calendar=Calendar.always())
    values = {"process": "P", "owner": "Head", "roles": {"A": {"responsible": "Writer"}}, **card}
    rates = {"Writer": 100.0} if "Writer" in log.roles else None
    return check(log, Target(model=LINE.model, card=ProcessCard.model_validate(values)), rates=rates)


def case(
    name: str, begin: float, steps: str, *, who: str = "Ann", role: str = "Writer", step: float = 1.0
) -> list[Any]:
    return [(name, one, begin + i * step, begin + (i + 1) * step, who, role) for i, one in enumerate(steps)]


def test_every_kind_of_departure_is_counted() -> None:
    rows = [
        *case("1", 0, "ABC"),
        *case("2", 1, "AC"),
        *case("3", 2, "BAC"),
        *case("4", 3, "ABZC"),
        *case("5", 4, "ABBBC"),
        *case("6", 50, "ABC", who="Bob", role="Editor", step=5),
    ]
    gap = small(rows, max_rounds={"B": 1}, limits={"A": 4}, case_limit_h=12, rules=[{"response": ["A", "B"]}])
    found = {(row["kind"], row["activity"]): row for row in gap.costs.to_dict("records")}
    assert {key: (row["cases"], row["occurrences"]) for key, row in found.items()} == {
        ("skipped", "B"): (1, 1),
        ("order", "B"): (1, 1),
        ("extra", "Z"): (1, 1),
        ("repeated", "B"): (1, 2),
        ("rounds", "B"): (1, 2),
        ("role", "A"): (1, 1),
        ("rule", "B"): (2, 2),
        ("limit", "A"): (1, 1),
        ("limit", ""): (1, 1),
    }
    assert found["role", "A"]["detail"] == "Writer"
    assert found["limit", "A"]["detail"] == "4 h"
    assert np.isnan(found["limit", ""]["added_h"])
    months = gap.periods[gap.periods["kind"] == "limit"]
    assert months[["activity", "period", "checked", "broken"]].values.tolist() == [
        ["A", "2024-01", 5, 0],
        ["A", "2024-02", 1, 1],
        ["", "2024-01", 5, 0],
        ["", "2024-02", 1, 1],
    ]
    by_role = gap.limits_by_role[["role", "activity", "checked", "exceeded", "share"]].values.tolist()
    assert by_role == [["Editor", "A", 1, 1, 1.0], ["Writer", "A", 5, 0, 0.0]]
    role = gap.roles.iloc[0]
    assert (role["actual"], role["people"], role["first"]) == ("Editor", ("Bob (1)",), "2024-02-01")
    json.dumps(gap.to_dict(), allow_nan=False)


def test_who_did_what_two_should_have_done() -> None:
    rows = [*case("1", 0, "ABC"), *case("2", 9, "ABC"), *case("3", 20, "ABC", who="Bob")]
    gap = small(rows, rules=[{"four_eyes": ["A", "B"]}])
    assert gap.rules["people"].iloc[0] == ("Ann (2)", "Bob (1)")


def test_a_person_who_exceeds_limits_more_often_is_a_hot_spot() -> None:
    rows: list[tuple[Any, ...]] = []
    for number in range(60):
        slow = number % 3 == 0
        rows += case(f"c{number}", 10.0 * number, "ABC", who="Slow" if slow else "Quick", step=3.0 if slow else 1.0)
    hot = small(rows, limits={"B": 2}).hot_spots
    assert hot[["kind", "activity", "by", "value", "cases", "of"]].values.tolist() == [
        ["limit", "B", "person", "Slow", 20, 20]
    ]


def test_money_follows_the_rates() -> None:
    rows: list[tuple[Any, ...]] = []
    for number in range(60):
        rows += case(f"c{number}", 10.0 * number, "ABBC" if number % 4 == 0 else "ABC")
    gap = small(rows)
    row = gap.costs[gap.costs["kind"] == "repeated"].iloc[0]
    assert row["added_h"] == pytest.approx(1.0)
    assert row["added_cost"] == pytest.approx(100.0)
    assert row["total_cost"] == pytest.approx(1500.0)
    assert gap.to_dict()["costs"][0]["total_cost"] == pytest.approx(1500.0)


def test_rates_are_of_roles_and_not_below_zero() -> None:
    log = world(1, n=30)
    with pytest.raises(UnknownNameError, match="role"):
        check(log, LINE, rates={"Nobody": 1.0})
    frame = log.to_pandas().assign(role="Writer")
    manned = EventLog.from_pandas(frame, start="start", role="role", calendar=Calendar.always())
    with pytest.raises(DataError, match="rate"):
        check(manned, LINE, rates={"Writer": -1.0})


@pytest.mark.parametrize("rate", [True, 1e308, float("nan"), "10"])
def test_what_is_no_rate_is_refused(rate: Any) -> None:
    log = world(0, n=30)
    manned = replace(log, roles=("Writer",), role=np.zeros(len(log), dtype=np.int32))
    with pytest.raises(DataError, match=r'the rate of "Writer" is .*; give what an hour .*, a number from 0 to 1e\+12'):
        check(manned, LINE, rates={"Writer": rate})


def test_numbers_near_the_largest_float_are_adjusted_for_like_others() -> None:
    log = world(1)
    hours = np.where(log.completed, cycle_hours(log), ages(log))
    amount = np.random.default_rng(0).random(log.n_cases)
    plain, huge = (
        case_mix(replace(log, case_attributes=pd.DataFrame({"amount": amount * size})), hours, ["amount"])
        for size in (1.0, 1.7e308)
    )
    assert "amount" in huge.told
    np.testing.assert_allclose(huge.columns, plain.columns)


def test_many_departures_are_compared_in_no_time() -> None:
    log = world(3, n=300)
    steps = [f"T{number}" for number in range(60)]
    wide = model(" ".join(["s>p1", *(f"p1>{step} {step}>p2" for step in steps), "p2>e"]))
    check(log, LINE)
    begun = time.process_time()
    found = check(log, Target(model=wide), budget_seconds=5)
    assert (found.costs["kind"] == "skipped").sum() == 60
    # One table for each departure and step took a quarter of a minute.
    assert time.process_time() - begun < 8
