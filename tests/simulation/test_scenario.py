from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError, MkmineError, UnknownNameError
from mkmine.simulation import Scenario, SimulationModel

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
