from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.simulation import Scenario, SimulationModel, experiment
from mkmine.simulation.experiments.course import longest_course
from mkmine.simulation.experiments.uncertainty import Doubt, Doubts, drawn, uncertain
from mkmine.simulation.model.evidence import Known, Range

from .conftest import article_values

DRAWS = 40


def evident_values() -> dict[str, Any]:
    """The article process, with what its numbers rest on."""
    values = article_values()
    values["arrivals"]["evidence"] = {"n": 400, "error": 0.05}
    values["arrivals"]["seasons"] = [{"first": "2025-03-01", "last": "2025-03-31", "factor": 1.2, "observed": 50}]
    values["people"][0]["range"] = {"low": 0.5, "likely": 0.8, "high": 1.0}
    values["activities"]["Text"]["evidence"] = {"duration": [{"n": 200, "error": 0.1}, None]}
    values["activities"]["Approval"]["evidence"] = {"routes": [80, 0], "delay": {"n": 30, "error": 0.2}}
    values["activities"]["Design"]["evidence"] = {"duration": [{"low": 2, "likely": 3, "high": 6}]}
    return values


@pytest.fixture(scope="module")
def evident() -> SimulationModel:
    return SimulationModel.from_dict(evident_values())


@pytest.fixture(scope="module")
def draws(evident: SimulationModel) -> list[SimulationModel]:
    return [drawn(evident, number, of=DRAWS) for number in range(DRAWS)]


def test_means_are_drawn_with_their_standard_error(draws: list[SimulationModel], evident: SimulationModel) -> None:
    arrivals = np.array([one.arrivals.per_week for one in draws]) / evident.arrivals.per_week
    assert arrivals.mean() == pytest.approx(1, abs=0.01)
    assert arrivals.std() == pytest.approx(0.05, rel=0.15)
    hours = np.array([one.activities["Text"].duration[0].mean_h for one in draws]) / 5
    assert hours.mean() == pytest.approx(1, abs=0.01)
    assert hours.std() == pytest.approx(0.1, rel=0.15)
    delays = np.array([one.activities["Approval"].delay.mean_h for one in draws])  # type: ignore[union-attr]
    assert delays.std() == pytest.approx(0.2, rel=0.2)
    # Numbers that are drawn apart are independent.
    assert abs(np.corrcoef(arrivals, hours)[0, 1]) < 0.4


def test_shares_are_drawn_with_the_counts_they_rest_on(draws: list[SimulationModel]) -> None:
    back = np.array([one.activities["Approval"].next[0][0].probability for one in draws])
    assert back.mean() == pytest.approx(0.4, abs=0.01)
    assert back.std() == pytest.approx((0.4 * 0.6 / 81) ** 0.5, rel=0.25)
    for one in draws:
        for routes in one.activities["Approval"].next:
            assert sum(route.probability for route in routes) == pytest.approx(1)


def test_a_stated_range_is_kept(draws: list[SimulationModel]) -> None:
    hours = np.array([one.activities["Design"].duration[0].mean_h for one in draws])
    assert hours.min() >= 2
    assert hours.max() <= 6
    assert hours.mean() == pytest.approx((2 + 4 * 3 + 6) / 6, rel=0.02)
    given = np.array([one.people[0].availability for one in draws])
    assert (given.min() >= 0.5, given.max() <= 1) == (True, True)
    assert given.mean() == pytest.approx((0.5 + 4 * 0.8 + 1) / 6, rel=0.02)


def test_what_rests_on_nothing_is_certain(draws: list[SimulationModel], evident: SimulationModel) -> None:
    for one in draws:
        assert one.activities["Brief"] == evident.activities["Brief"]
        assert one.activities["Text"].duration[1] == evident.activities["Text"].duration[1]
        assert one.activities["Approval"].next[1] == evident.activities["Approval"].next[1]
        assert one.calendars == evident.calendars


def test_draws_are_models_and_always_the_same(draws: list[SimulationModel], evident: SimulationModel) -> None:
    for number, one in enumerate(draws[:5]):
        assert SimulationModel.from_dict(one.to_dict()) == one
        assert drawn(evident, number, of=DRAWS) == one
    assert drawn(evident, 0, of=DRAWS, seed=1) != draws[0]
    assert draws[0] != draws[1]


def test_rework_in_a_range() -> None:
    values = article_values()
    values["activities"]["Approval"]["evidence"] = {"rework": {"low": 0.1, "likely": 0.4, "high": 0.6}}
    model = SimulationModel.from_dict(values)
    for number in range(10):
        first, second = drawn(model, number, of=10).activities["Approval"].next
        assert 0.1 <= first[0].probability <= 0.6
        # Twice as many come back in the first round as in the second, as in the model.
        assert second[0].probability == pytest.approx(first[0].probability / 2)


@given(low=st.floats(0, 50), first=st.floats(0, 50), second=st.floats(0, 50), u=st.floats(0, 1))
def test_pert_stays_within_its_range(low: float, first: float, second: float, u: float) -> None:
    one = Range(low=low, likely=low + first, high=low + first + second)
    assert one.low <= one.at(u) <= one.high * (1 + 1e-12)


@given(st.lists(st.floats(0, 1e4), max_size=60))
def test_what_is_known_of_a_mean(values: list[float]) -> None:
    found = Known.of(np.array(values))
    if found is None:
        assert not values or max(values) == 0 or np.mean(values) <= 0
    else:
        assert found.n == len(values)
        assert 0 <= found.error <= 1.5


def test_few_observations_do_not_look_certain() -> None:
    found = Known.of(np.array([5.0, 5.1]))
    assert found is not None
    assert found.error > 0.5


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("Design", "duration"), [{"low": 4, "likely": 3, "high": 6}], "not in rising order"),
        (("Approval", "rework"), {"low": 0.5, "likely": 0.8, "high": 0.99}, "hardly ever end"),
        (("Text", "duration"), [{"n": 10}], "error"),
    ],
)
def test_evidence_that_cannot_be_is_refused(place: tuple[str, str], value: Any, message: str) -> None:
    values = article_values()
    values["activities"][place[0]]["evidence"] = {place[1]: value}
    with pytest.raises(DataError, match=message):
        SimulationModel.from_dict(values)


def test_a_draw_that_is_not_one_of_them(evident: SimulationModel) -> None:
    with pytest.raises(DataError, match="from 0 to 9"):
        drawn(evident, 10, of=10)


def test_a_scenario_changes_what_is_drawn(evident: SimulationModel) -> None:
    half = Scenario("half").rework("Approval", factor=0.5)
    models = Doubts(evident, [half], draws=10, seed=7).models(Doubt(3))
    base, changed = (models[name].activities["Approval"].next[0][0].probability for name in ("", "half"))
    assert base != pytest.approx(0.4)
    assert changed == pytest.approx(base / 2)


def test_a_scenario_with_a_model_of_its_own_has_the_same_draws(evident: SimulationModel) -> None:
    mine = evident_values()
    mine["people"].append({"name": "Eve", "roles": ["Writer"], "calendar": "office"})
    other = Scenario("TO-BE").replace(SimulationModel.from_dict(mine))
    models = Doubts(evident, [other], draws=10, seed=7).models(Doubt(3))
    assert models["TO-BE"].arrivals == models[""].arrivals
    assert models["TO-BE"].activities == models[""].activities


def test_what_is_not_known_widens_the_answer(evident: SimulationModel, article: SimulationModel) -> None:
    assert uncertain(evident)
    assert not uncertain(article)
    more = Scenario("one more writer").staff("Writer", +1)
    settings: dict[str, Any] = {"replications": 8, "weeks": 8, "warm_up_weeks": 4}
    doubted = experiment(evident, [more], draws=8, **settings).answer(more.name)
    certain = experiment(evident, [more], draws=0, **settings).answer(more.name)
    # The difference is that of the model's own numbers, however much of them is in doubt.
    assert doubted["difference"] == certain["difference"]
    assert doubted["simulation"] == certain["simulation"] == pytest.approx((certain["high"] - certain["low"]) / 2)
    assert certain["parameters"] == 0
    assert doubted["parameters"] > 0
    assert doubted["low"] < certain["low"]
    assert doubted["high"] > certain["high"]
    plain = experiment(article, [more], draws=8, **settings)
    pd_equal = plain.answer(more.name)
    assert (pd_equal["parameters"], np.isnan(pd_equal["least"])) == (0, True)


def test_no_replications_make_it_narrower_than_what_is_known(evident: SimulationModel) -> None:
    more = Scenario("one more writer").staff("Writer", +1)
    wide = experiment(evident, [more], draws=6, replications=6, weeks=8, warm_up_weeks=4).answer(more.name)
    asked = {"cycle_mean_h": 0.5 * float(wide["parameters"])}
    found = experiment(evident, [more], draws=6, replications=6, weeks=8, warm_up_weeks=4, precision=asked, most=1_000)
    assert found.stopping is not None
    assert (found.stopping.reason, found.replications) == ("parameters", 6)
    assert any("which no number of replications makes smaller" in one for one in found.warnings)


@pytest.mark.parametrize("draws", [-1, 1, 1001])
def test_a_number_of_draws_that_makes_no_sense(article: SimulationModel, draws: int) -> None:
    with pytest.raises(DataError, match=f"draws={draws}"):
        experiment(article, [], draws=draws)


def test_draws_in_which_the_work_cannot_be_done_are_told() -> None:
    values = evident_values()
    values["arrivals"]["evidence"] = {"low": 1, "likely": 6, "high": 60}
    model = SimulationModel.from_dict(values)
    more = Scenario("one more writer").staff("Writer", +1)
    found = experiment(model, [more], draws=10, replications=4, weeks=8, warm_up_weeks=4)
    said = [one for one in found.warnings if "has more work than people can do" in one]
    # Only the draws of the replications that there are were made.
    assert said
    assert all("of 4 draws" in one for one in said)


def looping_values(observed: float) -> dict[str, Any]:
    """A review that hardly any case is seen to leave after its first round."""
    values = article_values()
    back = [{"to": "Text", "probability": 0.9, "rework": True}, {"to": "Design", "probability": 0.1}]
    values["activities"]["Approval"]["next"] = [back]
    values["activities"]["Approval"]["evidence"] = {"routes": [observed]}
    return values


def test_cases_end_whatever_is_drawn() -> None:
    model = SimulationModel.from_dict(looping_values(3))
    usual = longest_course(model)
    drawings = [drawn(model, number, of=20) for number in range(20)]
    courses = [longest_course(one) for one in drawings]
    # Ends are still drawn, rarer and more frequent ones.
    assert min(courses) < usual / 2 < usual < max(courses) <= max(2 * usual, 100)
    for one in drawings:
        assert sum(route.probability for route in one.activities["Approval"].next[0]) == pytest.approx(1)
        assert SimulationModel.from_dict(one.to_dict()) == one


def test_well_known_routes_are_drawn_as_they_come() -> None:
    model = SimulationModel.from_dict(looping_values(300))
    back = np.array([drawn(model, n, of=DRAWS).activities["Approval"].next[0][0].probability for n in range(DRAWS)])
    assert back.mean() == pytest.approx(0.9, abs=0.005)
    assert back.std() == pytest.approx((0.9 * 0.1 / 301) ** 0.5, rel=0.25)


def test_paces_are_drawn_around_everybodys() -> None:
    values = article_values()
    role = values["activities"]["Text"]["role"]
    able = [one["name"] for one in values["people"] if role in one["roles"]]
    values["activities"]["Text"]["evidence"] = {"pace": dict.fromkeys(able, 0.2)}
    values["activities"]["Text"]["people"] = {able[0]: {"pace": 0.5, "rework": 0.8}}
    model = SimulationModel.from_dict(values)
    found = [drawn(model, number, of=DRAWS).activities["Text"].people for number in range(DRAWS)]
    first = np.array([one[able[0]].pace for one in found])
    assert first.mean() == pytest.approx(0.5, rel=0.03)
    assert 0.05 < first.std() / 0.5 < 0.25
    assert {one[able[0]].rework for one in found} == {0.8}
    together = [one[able[0]].pace / 0.5 + sum(one[who].pace for who in able[1:]) for one in found]
    assert together == pytest.approx([len(able)] * DRAWS)


def test_hours_of_presence_are_drawn_by_calendar() -> None:
    values = article_values()
    for person in values["people"]:
        person["presence"] = {"n": 20, "error": 0.1}
    model = SimulationModel.from_dict(values)
    assert uncertain(model)
    calendar = {one.name: one.calendar for one in model.people}
    there: dict[str, list[float]] = {name: [] for name in calendar.values()}
    for number in range(DRAWS):
        one = drawn(model, number, of=DRAWS)
        assert SimulationModel.from_dict(one.to_dict()) == one
        found: dict[str, set[float]] = {name: set() for name in there}
        for name, activity in one.activities.items():
            for who, habit in activity.people.items():
                day = model.calendar(calendar[who]).hours_per_day
                within = 1 - model.activities[name].duration[0].mean_h / day
                # What takes longer than a day moves with the hours in which it was measured.
                assert within > 0
                found[calendar[who]].add(round(habit.pace ** (-1 / within), 9))
        for name, values in found.items():
            assert len(values) <= 1
            there[name] += values
    assert any(there.values())
    for hours in there.values():
        # Who is there more gets more done in the same hours.
        assert not hours or np.std(hours) == pytest.approx(0.1, rel=0.2)
