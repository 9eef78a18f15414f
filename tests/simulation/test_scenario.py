from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError, MkmineError, UnknownNameError
from mkmine.simulation import Scenario, SimulationModel, simulate

from .conftest import article_values


def chances(model: SimulationModel, activity: str, number: int = 0) -> dict[str | None, float]:
    return {route.to: pytest.approx(route.probability) for route in model.activities[activity].next[number]}


# -- the verbs ---------------------------------------------------------------------------------------------------------


def test_staff_adds_people_with_the_hours_of_the_role(article: SimulationModel) -> None:
    changed = Scenario("more").staff("Approver", +2).apply(article)
    assert [one.name for one in changed.staff("Approver")] == ["Dan", "Approver +1", "Approver +2"]
    assert {one.calendar for one in changed.staff("Approver")} == {"approver"}
    assert changed.staff("Approver")[1].absences == []
    assert len(article.staff("Approver")) == 1, "the base must not change"


def test_staff_takes_the_last_ones_and_leaves_their_other_roles(article: SimulationModel) -> None:
    changed = Scenario("less").staff("Writer", -1).apply(article)
    assert [one.name for one in changed.staff("Writer")] == ["Bob"]
    assert [one.name for one in changed.staff("Designer")] == ["Cat"]


def test_staff_twice_gives_new_names(article: SimulationModel) -> None:
    changed = Scenario("more").staff("Approver", 1).staff("Approver", 1).apply(article)
    assert len(changed.staff("Approver")) == 3


def test_rework_scales_every_round(article: SimulationModel) -> None:
    changed = Scenario("half").rework("Approval", factor=0.5).apply(article)
    assert chances(changed, "Approval", 0) == {"Text": 0.2, "Design": 0.8}
    assert chances(changed, "Approval", 1) == {"Text": 0.1, "Design": 0.9}


def test_rework_scales_contexts_too(values: dict[str, Any]) -> None:
    values["activities"]["Approval"]["contexts"] = [
        {
            "before": ["Text"],
            "round": 1,
            "next": [{"to": "Text", "probability": 0.8, "rework": True}, {"to": "Design", "probability": 0.2}],
        }
    ]
    changed = Scenario("half").rework("Approval", factor=0.5).apply(SimulationModel.from_dict(values))
    routes = {route.to: route.probability for route in changed.activities["Approval"].contexts[0].next}
    assert routes == {"Text": pytest.approx(0.4), "Design": pytest.approx(0.6)}


def test_rework_of_a_round_that_always_goes_back_finds_the_way_on(values: dict[str, Any]) -> None:
    values["activities"]["Approval"]["next"][0] = [{"to": "Text", "probability": 1, "rework": True}]
    changed = Scenario("half").rework("Approval", factor=0.5).apply(SimulationModel.from_dict(values))
    assert chances(changed, "Approval", 0) == {"Text": 0.5, "Design": 0.5}


def test_rework_is_at_most_95_per_cent(article: SimulationModel) -> None:
    changed = Scenario("much").rework("Approval", factor=50).apply(article)
    assert chances(changed, "Approval", 0) == {"Text": 0.95, "Design": 0.05}


@given(st.floats(0, 100))
def test_any_factor_of_rework_leaves_a_model_that_can_run(factor: float) -> None:
    model = SimulationModel.from_dict(article_values())
    changed = Scenario("x").rework("Approval", factor=factor).apply(model)
    for before, after in zip(model.activities["Approval"].next, changed.activities["Approval"].next, strict=True):
        back = [sum(route.probability for route in routes if route.rework) for routes in (before, after)]
        assert back[1] == pytest.approx(min(back[0] * factor, 0.95))


def test_duration_and_delay(article: SimulationModel) -> None:
    changed = Scenario("quick").duration("Text", factor=0.5).delay("Approval", factor=3).apply(article)
    assert [one.mean_h for one in changed.activities["Text"].duration] == pytest.approx([2.5, 0.75])
    assert changed.activities["Approval"].delay is not None
    assert changed.activities["Approval"].delay.mean_h == pytest.approx(3)
    assert changed.activities["Approval"].duration == article.activities["Approval"].duration


def test_the_delay_of_an_outside_wait_is_its_duration(article: SimulationModel) -> None:
    changed = Scenario("quick").delay("Publication", factor=0.5).apply(article)
    assert changed.activities["Publication"].duration[0].mean_h == pytest.approx(10.25)


@pytest.mark.parametrize("activity", ["Brief", "Text", "Approval", "Design", "Publication"])
def test_no_time_at_all(article: SimulationModel, activity: str) -> None:
    changed = Scenario("at once").duration(activity, factor=0).apply(article)
    assert changed.activities[activity].duration[0].mean_h == 0


def test_times_beyond_reason_are_refused(article: SimulationModel) -> None:
    scenario = Scenario("slow")
    for _ in range(4):
        scenario = scenario.duration("Text", factor=100)
    with pytest.raises(DataError, match=r'"slow": 100 times the hours of "Text" is over a million'):
        scenario.apply(article)


def test_arrivals(article: SimulationModel) -> None:
    changed = Scenario("peak").arrivals(factor=2).arrivals(factor=1.5).apply(article)
    assert changed.arrivals.per_week == pytest.approx(3 * article.arrivals.per_week)


def test_calendar(article: SimulationModel) -> None:
    changed = Scenario("often").calendar("Approver", {"Mon-Fri": "10:00-12:00"}).apply(article)
    person = changed.staff("Approver")[0]
    assert changed.calendar(person.calendar).hours_per_week == 10
    assert changed.calendars[person.calendar].holidays == "RU"
    assert person.absences == article.staff("Approver")[0].absences
    assert changed.staff("Writer")[0].calendar == "office"


# -- leaving an activity out -------------------------------------------------------------------------------------------


def test_remove_joins_what_was_before_and_after(article: SimulationModel) -> None:
    changed = Scenario("no design").remove("Design").apply(article)
    assert "Design" not in changed.activities
    assert chances(changed, "Approval", 0) == {"Text": 0.4, "Publication": 0.6}
    assert [one.name for one in changed.people] == ["Ann", "Bob", "Cat", "Dan"]
    assert changed.people[2].roles == ["Writer"]


def test_remove_takes_who_is_not_needed_any_more(article: SimulationModel) -> None:
    changed = Scenario("no approval").remove("Approval").apply(article)
    assert [one.name for one in changed.people] == ["Ann", "Bob", "Cat"]
    assert chances(changed, "Text") == {"Design": 1.0}


def test_remove_the_first_activity_and_the_cases_that_ended_there(article: SimulationModel) -> None:
    changed = Scenario("no brief").remove("Brief").apply(article)
    assert [(route.to, route.probability) for route in changed.begin] == [("Text", pytest.approx(1.0))]
    assert changed.arrivals.per_week == pytest.approx(0.95 * article.arrivals.per_week)


def test_remove_forgets_contexts_that_it_was_part_of(values: dict[str, Any]) -> None:
    routes = [{"to": "Text", "probability": 0.5, "rework": True}, {"to": "Design", "probability": 0.5}]
    values["activities"]["Approval"]["contexts"] = [
        {"before": ["Brief", "Text"], "next": routes},
        {"before": ["Text"], "next": routes},
    ]
    values["activities"]["Brief"]["next"] = [[{"to": "Text", "probability": 1}]]
    changed = Scenario("no brief").remove("Brief").apply(SimulationModel.from_dict(values))
    assert [one.before for one in changed.activities["Approval"].contexts] == [["Text"]]


def test_work_sent_back_through_a_removed_detour_is_still_sent_back(values: dict[str, Any]) -> None:
    """Approval -> Return -> Brief: without Return, the way from Approval to Brief is rework."""
    values["activities"]["Return"] = {
        "duration": [{"kind": "fixed", "hours": 4}],
        "next": [[{"to": "Brief", "probability": 1}]],
    }
    values["activities"]["Approval"]["next"] = [
        [{"to": "Return", "probability": 0.3, "rework": True}, {"to": "Design", "probability": 0.7}]
    ]
    changed = Scenario("direct").remove("Return").apply(SimulationModel.from_dict(values))
    routes = {route.to: (route.probability, route.rework) for route in changed.activities["Approval"].next[0]}
    assert routes == {"Brief": (pytest.approx(0.3), True), "Design": (pytest.approx(0.7), False)}
    assert chances(Scenario("half").rework("Approval", factor=0.5).apply(changed), "Approval")["Brief"] == 0.15


def test_a_way_back_to_where_it_came_from_is_left_out(values: dict[str, Any]) -> None:
    values["activities"]["Text"]["next"] = [
        [{"to": "Check", "probability": 0.5}, {"to": "Approval", "probability": 0.5}]
    ]
    values["activities"]["Check"] = {
        "duration": [{"kind": "fixed", "hours": 1}],
        "next": [[{"to": "Text", "probability": 0.5}, {"to": "Approval", "probability": 0.5}]],
    }
    changed = Scenario("x").remove("Check").apply(SimulationModel.from_dict(values))
    assert chances(changed, "Text") == {"Approval": 1.0}


def test_what_cannot_be_removed(values: dict[str, Any], article: SimulationModel) -> None:
    values["activities"] = {"Brief": values["activities"]["Brief"] | {"next": [[{"to": None, "probability": 1}]]}}
    with pytest.raises(DataError, match='"Brief" is the only activity'):
        Scenario("x").remove("Brief").apply(SimulationModel.from_dict(values))
    back = article_values()
    back["activities"]["Design"]["next"] = [
        [{"to": "Text", "probability": 1, "rework": True}],
        [{"to": "Publication", "probability": 1}],
    ]
    with pytest.raises(DataError, match='every route after "Design" leads back'):
        Scenario("x").remove("Design").apply(SimulationModel.from_dict(back))
    alone = article_values()
    alone["activities"]["Check"] = {
        "duration": [{"kind": "fixed", "hours": 1}],
        "next": [[{"to": "Text", "probability": 1}], [{"to": "Approval", "probability": 1}]],
    }
    alone["activities"]["Text"]["next"] = [[{"to": "Check", "probability": 1}]]
    with pytest.raises(DataError, match='without "Check", nothing comes after "Text"'):
        Scenario("x").remove("Check").apply(SimulationModel.from_dict(alone))


# -- mistakes, composition, files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (Scenario("x").staff("Desinger", 1), r'unknown role "Desinger" in scenario "x"; did you mean "Designer"'),
        (Scenario("x").calendar("Writter", {"Mon": "09:00-10:00"}), 'did you mean "Writer"'),
        (Scenario("x").rework("Aproval", factor=1), 'unknown activity "Aproval".*did you mean "Approval"'),
        (Scenario("x").duration("Txet", factor=1), 'unknown activity "Txet"'),
        (Scenario("x").delay("Txet", factor=1), 'unknown activity "Txet"'),
        (Scenario("x").remove("Desing"), 'did you mean "Design"'),
    ],
)
def test_a_misspelt_name_is_told_the_nearest(article: SimulationModel, scenario: Scenario, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        scenario.apply(article)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (Scenario("x").staff("Approver", -1), 'the role "Approver" has 1 people; taking away 1 would leave nobody'),
        (Scenario("x").rework("Text", factor=0.5), 'nothing is sent back after "Text"; .* after: Approval'),
        (Scenario("x").delay("Text", factor=0.5), '"Text" has no outside delay'),
    ],
)
def test_what_cannot_be_changed(article: SimulationModel, scenario: Scenario, message: str) -> None:
    with pytest.raises(DataError, match=message):
        scenario.apply(article)


@pytest.mark.parametrize("change", [0, 1.0, "1", True, None, 10**6])
def test_a_wrong_number_of_people(change: Any) -> None:
    with pytest.raises(DataError, match="staff"):
        Scenario("x").staff("Writer", change)


@pytest.mark.parametrize("factor", [-0.1, float("nan"), float("inf"), "0.5", None, True, 101])
def test_a_wrong_factor(factor: Any) -> None:
    for verb in ("rework", "duration", "delay"):
        with pytest.raises(DataError, match="the factor is a number between 0 and 100"):
            getattr(Scenario("x"), verb)("Text", factor=factor)
    with pytest.raises(DataError, match="factor"):
        Scenario("x").arrivals(factor=factor)
    with pytest.raises(DataError, match="leaves no cases"):
        Scenario("x").arrivals(factor=0)


@pytest.mark.parametrize("weekly", [{}, {"Mon": 9}, "09:00-18:00", None, {"Mon": "nine"}, {"Mun": "09:00-18:00"}])
def test_wrong_hours(weekly: Any) -> None:
    with pytest.raises(DataError):
        Scenario("x").calendar("Writer", weekly)


def test_a_scenario_needs_a_name() -> None:
    with pytest.raises(DataError, match="a scenario needs a name"):
        Scenario(" ")


def test_scenarios_compose_in_order_and_do_not_touch_their_parts(article: SimulationModel) -> None:
    a, b = Scenario("a").staff("Writer", 1), Scenario("b").rework("Approval", factor=0.5)
    both = a & b
    assert both.name == "a + b"
    assert both.changes == a.changes + b.changes
    assert (len(a.changes), len(b.changes)) == (1, 1)
    assert both.apply(article) == b.apply(a.apply(article))
    assert Scenario("nothing").apply(article) == article


FULL = (
    Scenario("всё сразу")
    .staff("Writer", 1)
    .rework("Approval", factor=0.5)
    .duration("Text", factor=0.9)
    .delay("Approval", factor=0.5)
    .arrivals(factor=1.1)
    .calendar("Approver", {"Mon-Fri": "10:00-12:00"})
    .remove("Design")
)


def test_yaml_round_trip(article: SimulationModel, tmp_path: Path) -> None:
    again = Scenario.load(FULL.save(tmp_path / "all.yaml"))
    assert again == FULL
    assert again.apply(article) == FULL.apply(article)
    assert "всё сразу" in (tmp_path / "all.yaml").read_text(encoding="utf-8")


def test_it_shows_itself() -> None:
    assert repr(Scenario("a").staff("Writer", 1)) == "Scenario('a': staff(role='Writer', change=1))"
    assert repr(Scenario("a")) == "Scenario('a': no change)"
    assert "<b>" not in Scenario("<b>")._repr_html_()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name: x\nchange: []\n", 'unknown key "change"; did you mean "changes"'),
        ("changes: []\n", "a scenario needs a name"),
        ("name: x\nchanges: 5\n", "give a list of changes"),
        ("name: x\nchanges: [5]\n", "change 1: write e.g."),
        ("name: x\nchanges: [{do: staf, role: a, change: 1}]\n", 'change 1; did you mean "staff"'),
        ("name: x\nchanges: [{do: staff, role: a}]\n", "change 1: staff takes change, role; given: role"),
        ("name: x\nchanges: [{do: staff, role: a, change: 1, 5: 6}]\n", "given: role, change, 5"),
        ("name: x\nchanges: [{do: staff, role: 5, change: 1}]\n", "change 1: staff.5.: give the name as text"),
        ("name: x\nchanges: [{do: remove, activity: [1]}]\n", "give the name as text"),
        ("name: x\nchanges: [{do: arrivals, factor: '2'}]\n", "factor='2'"),
        ("name: x\nchanges: [{do: calendar, role: a, weekly: 9}]\n", "weekly=9: write e.g."),
        ("name: x\nchanges: [{do: calendar, role: a, weekly: {Mon: 9:30}}]\n", "write e.g."),
        ("name: x\nchanges: [{do: apply, model: 1}]\n", 'unknown change "apply"'),
        ("a: &a [1]\nb: *a\n", "aliases"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(content)
    with pytest.raises(MkmineError, match=message) as caught:
        Scenario.load(path)
    if "a scenario needs a name" not in message:
        assert "scenario.yaml" in str(caught.value)


# -- the further verbs -------------------------------------------------------------------------------------------------


def test_parallel_lets_a_case_go_on_when_all_are_done(article: SimulationModel) -> None:
    changed = Scenario("at once").parallel("Design", "Publication").apply(article)
    assert chances(changed, "Approval", 0) == {"Text": 0.4, "Design + Publication": 0.6}
    log = simulate(changed, cases=60)
    names = np.array(log.activities, dtype=object)[log.activity]
    for case in range(log.n_cases):
        rows = slice(log.offsets[case], log.offsets[case + 1])
        both = dict(zip(names[rows], range(rows.start, rows.stop), strict=True))
        if "Design" in both:
            assert log.enabled[both["Design"]] == log.enabled[both["Publication"]]
    assert (names == "Design").sum() == (names == "Publication").sum() > 30


def test_parallel_keeps_the_ways_on_and_back(article: SimulationModel) -> None:
    changed = Scenario("at once").parallel("Text", "Approval").apply(article)
    after = changed.gateways["after Text + Approval"]
    assert [{one.to: one.probability for one in routes} for routes in after.next] == [
        {"Text + Approval": 0.4, "Design": 0.6},
        {"Text + Approval": 0.2, "Design": 0.8},
    ]
    assert chances(changed, "Brief")["Text + Approval"] == 0.95
    assert simulate(changed, cases=60).completed.all()


@pytest.mark.parametrize(
    ("activities", "message"),
    [
        (("Brief", "Text"), '"Brief" does not lead to "Text" alone'),
        (("Text", "Design"), '"Text" does not lead to "Design" alone'),
        (("Publication", "Brief"), "does not lead to"),
        (("Text", "Text"), "named twice"),
    ],
)
def test_what_cannot_go_side_by_side(article: SimulationModel, activities: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Scenario("x").parallel(*activities).apply(article)


def test_parallel_refuses_work_that_others_lead_to(values: dict[str, Any]) -> None:
    values["activities"]["Brief"]["next"] = [
        [{"to": "Text", "probability": 0.5}, {"to": "Approval", "probability": 0.5}]
    ]
    with pytest.raises(DataError, match='"Brief" leads to "Approval" as well'):
        Scenario("x").parallel("Text", "Approval").apply(SimulationModel.from_dict(values))


def test_remove_an_activity_that_a_gateway_leads_to(article: SimulationModel) -> None:
    parallel = Scenario("at once").parallel("Design", "Publication").apply(article)
    changed = Scenario("no design").remove("Design").apply(parallel)
    assert "Design" not in changed.activities
    assert changed.gateways["Design"].kind == "merge"
    log = simulate(changed, cases=40)
    assert "Design" not in log.activities
    assert log.completed.all()


def test_batch_limit_queue_priority_and_cost(article: SimulationModel) -> None:
    changed = (
        Scenario("many")
        .batch("Approval", weekly={"Thu": "14:00-16:00"})
        .wip_limit(5)
        .wip_limit(2, activity="Design")
        .priority("Approval", -1)
        .queue("ageing", ageing=8)
        .cost(activity="Design", fixed=100, per_hour=5)
        .cost(role="Writer", per_hour=20)
        .skill("Ann", "Writer")
        .apply(article)
    )
    assert changed.activities["Approval"].batch is not None
    key = changed.activities["Approval"].batch.calendar
    assert changed.calendar(key or "").hours_per_week == 2
    assert (changed.wip_limit, changed.activities["Design"].wip_limit) == (5, 2)
    assert (changed.activities["Approval"].priority, changed.queue, changed.ageing) == (-1, "ageing", 8)
    assert (changed.activities["Design"].cost, changed.activities["Design"].cost_per_hour) == (100, 5)
    assert [one.cost_per_hour for one in changed.people] == [0, 20, 20, 0]
    assert changed.people[0].roles == ["Marketer", "Writer"]
    assert Scenario("first").priority("Design", 1).apply(article).queue == "priority"


def test_replace_takes_another_model(article: SimulationModel, queue: Callable[..., SimulationModel]) -> None:
    other = queue(rate=1, servers=1, service={"kind": "fixed", "hours": 1})
    scenario = Scenario("to be").replace(other).staff("Server", 1)
    assert len(scenario.apply(article).people) == 2
    assert "model='queue'" in repr(scenario)


def test_further_verbs_survive_yaml(article: SimulationModel, tmp_path: Path) -> None:
    scenario = (
        Scenario("all")
        .parallel("Design", "Publication")
        .batch("Approval", size=3, hours=4, together=True, addition=0.5)
        .wip_limit(4, activity="Text")
        .priority("Text", 2)
        .queue("lifo")
        .cost(role="Writer", per_hour=20)
        .skill("Ann", "Writer")
    )
    again = Scenario.load(scenario.save(tmp_path / "all.yaml"))
    assert again == scenario
    assert again.apply(article) == scenario.apply(article)
    whole = Scenario("to be").replace(article)
    assert Scenario.load(whole.save(tmp_path / "whole.yaml")).apply(article) == article


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: Scenario("x").parallel("Text"), "name two or more"),
        (lambda: Scenario("x").batch("Text"), "or it is never handed over"),
        (lambda: Scenario("x").batch("Text", size=0), "whole number of at least 1"),
        (lambda: Scenario("x").batch("Text", weekly={"Mun": "9"}), "not a weekday"),
        (lambda: Scenario("x").wip_limit(1.5), "whole number"),
        (lambda: Scenario("x").priority("Text", 101), "between -100 and 100"),
        (lambda: Scenario("x").queue("priorty"), 'did you mean "priority"'),
        (lambda: Scenario("x").cost(per_hour=5), "write cost"),
        (lambda: Scenario("x").cost(role="Writer", fixed=5), "write cost"),
        (lambda: Scenario("x").cost(role="Writer", per_hour=-5), "not negative"),
        (lambda: Scenario("x").replace(5), "give a SimulationModel"),
    ],
)
def test_mistakes_of_further_verbs(change: Callable[[], Scenario], message: str) -> None:
    with pytest.raises(MkmineError, match=message):
        change()


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (Scenario("x").parallel("Txet", "Approval"), 'did you mean "Text"'),
        (Scenario("x").batch("Txet", size=2), 'did you mean "Text"'),
        (Scenario("x").wip_limit(2, activity="Txet"), 'did you mean "Text"'),
        (Scenario("x").priority("Txet", 2), 'unknown activity or case type "Txet".*did you mean "Text"'),
        (Scenario("x").cost(activity="Txet", fixed=2), 'did you mean "Text"'),
        (Scenario("x").cost(role="Writter", per_hour=2), 'did you mean "Writer"'),
        (Scenario("x").skill("Anne", "Writer"), 'unknown person "Anne".*did you mean "Ann"'),
    ],
)
def test_misspelt_names_of_further_verbs(article: SimulationModel, scenario: Scenario, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        scenario.apply(article)


@pytest.mark.parametrize("values", [[], 3, "staff", None])
def test_what_is_no_scenario(values: Any) -> None:
    with pytest.raises(DataError, match=r"scenario: found .*; give its name and its changes"):
        Scenario.from_dict(values)


def test_a_name_that_no_file_can_hold() -> None:
    with pytest.raises(DataError, match="half of a character"):
        Scenario("\ud83d")
