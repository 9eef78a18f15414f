"""A TO-BE that runs: what it borrows, what is said of it, and whether its predicted effect is the true one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import mkmine as mk
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.language import translator
from mkmine.report.retelling import retell
from mkmine.simulation import SimulationModel, simulate
from mkmine.targets import Elicited, ProcessCard, Target

from .processes import INCOMPLETE, SAID, TO_BE, TODAY, drawn, seen, world


@pytest.fixture(scope="module")
def log() -> EventLog:
    return seen(world(), cases=500)


@pytest.fixture(scope="module")
def as_is(log: EventLog) -> SimulationModel:
    return mk.calibrate(log, process=drawn())


@pytest.fixture(scope="module")
def to_be(as_is: SimulationModel) -> SimulationModel:
    return Target(model=drawn(TO_BE)).to_simulation(as_is, elicited=SAID)


def card(**more: Any) -> ProcessCard:
    return ProcessCard.model_validate({"process": "Release", "owner": "Head", **more})


def back(model: SimulationModel, activity: str, number: int = 0) -> float:
    routes = model.activities[activity].next
    return sum(route.probability for route in routes[min(number, len(routes) - 1)] if route.rework)


def test_it_borrows_by_name_what_today_knows(as_is: SimulationModel, to_be: SimulationModel) -> None:
    assert to_be.arrivals == as_is.arrivals
    assert {person.name for person in to_be.people} == {person.name for person in as_is.people}
    for name, one in as_is.activities.items():
        assert to_be.activities[name].duration == one.duration
        assert to_be.activities[name].delay == one.delay
    ways = {way.to: way.probability for way in as_is.gateways["Where?"].ways}
    assert {way.to: way.probability for way in to_be.gateways["Where?"].ways} == ways
    for number, routes in enumerate(as_is.gateways["Pictures?"].next):
        taken = [route.probability for route in to_be.gateways["Pictures?"].next[number]]
        assert taken == pytest.approx([route.probability for route in routes])


def test_what_is_said_is_flagged_wherever_it_matters(as_is: SimulationModel, to_be: SimulationModel) -> None:
    assert back(to_be, "Check") == pytest.approx((0.1 + 4 * 0.2 + 0.35) / 6)
    assert back(to_be, "Approval") == pytest.approx(back(to_be, "Check"))
    told = "\n".join(to_be.notes)
    assert "Assumption: “Check” takes 0.2 to 0.8 h of work, most likely 0.4" in told
    assert "at “Complete?”, “no” is taken in 10% to 35% of the cases, most likely 20%" in told
    assert "assumed, 0.2 to 0.8 h on average" in repr(to_be)
    assert "chances of what follows assumed" in repr(to_be)
    again = SimulationModel.from_dict(to_be.to_dict())
    assert again == to_be
    found = mk.experiment(as_is, [to_be], replications=4, draws=4, weeks=8)
    assert found.answers["assumed"].all()
    assert any("Check" in note for note in found.notes[to_be.name])
    assert any("Check" in note for note in found.to_dict()["notes"][to_be.name])
    assert "note: Assumption" in repr(found)
    assert (
        not mk.experiment(as_is, [mk.Scenario("one more").staff("Writer", +1)], replications=2, draws=2, weeks=4)
        .answers["assumed"]
        .any()
    )


def test_the_simulated_to_be_goes_through_the_same_maps(to_be: SimulationModel) -> None:
    log = simulate(to_be, cases=200, seed=1)
    target = Target(model=drawn(TO_BE))
    assert mk.check(log, target).fitness == 1.0
    assert "Check" in repr(mk.discover(log))
    assert len(mk.diagnose(log).bottlenecks)


def test_a_wider_range_widens_the_interval(as_is: SimulationModel) -> None:
    def width(duration: list[float]) -> float:
        said = {"activities": {"Check": duration}, "choices": {"Complete?": {"no": 0.2}}}
        made = Target(model=drawn(TO_BE)).to_simulation(as_is, elicited=said)
        row = mk.experiment(as_is, [made], replications=8, draws=8, weeks=10).answer(made.name, "processing_per_case_h")
        return float(row["high"] - row["low"])

    assert width([0.1, 0.4, 6.0]) > 1.2 * width([1.38, 1.38, 1.38])


def test_the_same_process_makes_no_difference(as_is: SimulationModel) -> None:
    same = Target(model=drawn()).to_simulation(as_is, name="as it is")
    found = mk.experiment(as_is, [same], replications=4, draws=0, weeks=10)
    for key in ("cycle_mean_h", "rework_per_case", "throughput_per_week"):
        row = found.answer("as it is", key)
        assert abs(row["relative"]) < 0.02


@pytest.mark.parametrize("seed", [11, 12])
def test_the_predicted_effect_is_the_true_one(seed: int) -> None:
    chances = {"Good?": {"again": 0.2, "fine": 0.8}, "Complete?": {"no": INCOMPLETE, "yes": 1 - INCOMPLETE}}
    truth = mk.experiment(world(), [world(TO_BE, **chances)], replications=20, draws=0, weeks=16)
    model = mk.calibrate(seen(world(), cases=600, seed=seed), process=drawn())
    made = Target(model=drawn(TO_BE)).to_simulation(model, elicited=SAID)
    found = mk.experiment(model, [made], replications=10, draws=10, weeks=16)
    true_name = f"true {drawn(TO_BE).name}"
    for key in ("cycle_mean_h", "rework_per_case", "processing_per_case_h", "waiting_per_case_h"):
        row, real = found.answer(made.name, key), truth.answer(true_name, key)
        assert row["low"] <= real["difference"] <= row["high"], key


def test_a_choice_is_borrowed_through_steps_that_are_new_or_gone(as_is: SimulationModel) -> None:
    shorter = """process: Short
steps:
  - {step: Brief, role: Marketer}
  - {step: Text, role: Writer}
  - {step: Approval, role: Director}
  - choice: Good?
    ways:
      again: {go_to: Brief}
      fine: [{step: Seal}, {step: Site, role: Marketer}]
"""
    made = Target(model=drawn(shorter)).to_simulation(as_is, elicited={"Seal": [0.1, 0.2, 0.3]})
    assert back(made, "Approval") == pytest.approx(back(as_is, "Approval"), abs=1e-6)
    assert made.activities["Seal"].role is None
    assert [person.name for person in made.people if person.name.startswith("Designer")] == []
    assert any("People without work" in note and "Designer 0" in note for note in made.notes)


def test_todays_memory_is_counted_where_routes_depend_on_it() -> None:
    model = mk.calibrate(seen(world(), cases=400))
    assert model.overlapping
    text = TODAY.replace("  - several: Where?", "  - parallel: Where?")
    choice = text[text.index("      - - choice: Pictures?") : text.index("  - {step: Approval")]
    text = text.replace(choice, "      - [{step: Pictures, role: Designer}]\n")
    made = Target(model=drawn(text.replace("      site:", "      -").replace("      mail:", "      -"))).to_simulation(
        model
    )
    assert back(made, "Approval") == pytest.approx(0.35, abs=0.06)


def test_the_card_limits_rounds_and_says_who(as_is: SimulationModel) -> None:
    told = card(
        roles={"Check": {"responsible": "Director"}},
        max_rounds={"Brief": 2},
        case_limit_h=40,
        rules=[{"four_eyes": ["Check", "Approval"]}],
        elicited=SAID,
    )
    made = Target(model=drawn(TO_BE), card=told).to_simulation(as_is)
    assert back(made, "Approval", 1) == back(made, "Check", 1) == 0
    assert back(made, "Approval") > 0
    assert made.activities["Approval"].other_person_than == "Check"
    assert made.due is not None
    assert made.due.mean_h == 40
    log = simulate(made, cases=150, seed=2)
    who: dict[str, dict[int, int]] = {}
    for name in ("Check", "Approval"):
        rows = log.activity == log.activities.index(name)
        once = rows & (np.bincount(log.case_of[rows], minlength=log.n_cases) == 1)[log.case_of]
        who[name] = dict(zip(log.case_of[once].tolist(), log.resource[once].tolist(), strict=True))
    both = who["Check"].keys() & who["Approval"].keys()
    assert len(both) > 50
    assert all(who["Check"][case] != who["Approval"][case] for case in both)


def test_new_roles_need_people(as_is: SimulationModel) -> None:
    target = Target(model=drawn(TO_BE.replace("{step: Check, role: Director}", "{step: Check, role: Editor}")))
    with pytest.raises(DataError, match=r"(?s)leaves open .*\npeople: \{Editor: 1\}"):
        target.to_simulation(as_is, elicited=SAID)
    hired = target.to_simulation(as_is, elicited=SAID | {"people": {"Editor": 2}})
    assert [person.name for person in hired.staff("Editor")] == ["Editor 1", "Editor 2"]
    lent = target.to_simulation(as_is, elicited=SAID | {"people": {"Editor": "Director"}})
    assert lent.staff("Editor") == lent.staff("Director")
    one = target.to_simulation(as_is, elicited=SAID | {"people": {"Editor": ["Writer 0"]}})
    assert [person.name for person in one.staff("Editor")] == ["Writer 0"]
    with pytest.raises(UnknownNameError, match=r"unknown person .Wirter 0.*Writer 0"):
        target.to_simulation(as_is, elicited=SAID | {"people": {"Editor": ["Wirter 0"]}})


def test_another_role_does_the_same_work(as_is: SimulationModel) -> None:
    target = Target(model=drawn(TODAY.replace("{step: Text, role: Writer}", "{step: Text, role: Marketer}")))
    made = target.to_simulation(as_is)
    assert made.activities["Text"].role == "Marketer"
    assert any("“Text” is done by “Marketer” instead of “Writer”" in note for note in made.notes)
    renamed = Target(model=drawn(TODAY.replace("role: Writer", "role: Author"))).with_aliases({"Writer": "Author"})
    assert len(renamed.to_simulation(as_is).staff("Author")) == len(as_is.staff("Writer"))


def test_what_is_missing_is_named_with_its_remedy(as_is: SimulationModel) -> None:
    target = Target(model=drawn(TO_BE))
    # All at once, as a file that says it.
    with pytest.raises(DataError, match=r"\(in all: 2\)") as raised:
        target.to_simulation(as_is)
    asked = yaml.safe_load(str(raised.value).partition("\n\n")[2])
    assert list(asked["activities"]) == ["Check"]
    assert {gate: list(ways) for gate, ways in asked["choices"].items()} == {"Complete?": ["no"]}
    assert "Check" in target.to_simulation(as_is, elicited=asked).activities
    assert retell(str(raised.value), translator("ru")).startswith("TO-BE «")
    with pytest.raises(DataError, match=r"\(in all: 1\)"):
        target.to_simulation(as_is, elicited={"Check": [1, 2, 3]})
    with pytest.raises(DataError, match=r'"Complete\?" has no way "perhaps"'):
        target.to_simulation(as_is, elicited=SAID | {"choices": {"Complete?": {"perhaps": 0.5}}})
    with pytest.raises(DataError, match="a probability is at most 1"):
        target.to_simulation(as_is, elicited=SAID | {"choices": {"Complete?": {"no": [0.5, 1, 2]}}})
    with pytest.raises(UnknownNameError, match=r'unknown gateway "Complete"'):
        target.to_simulation(as_is, elicited=SAID | {"choices": {"Complete": {"no": 0.5}}})
    with pytest.raises(DataError, match="there is no such field"):
        target.to_simulation(as_is, elicited={"activities": {"Check": {"duration": 1, "hours": 2}}})
    with pytest.raises(DataError, match=r"is called .* as the model is"):
        mk.experiment(as_is, [as_is], replications=2)


def test_events_take_the_time_that_is_said(as_is: SimulationModel) -> None:
    text = TODAY.replace("  - {step: Approval", "  - {event: Cooling off, trigger: timer}\n  - {step: Approval")
    target = Target(model=drawn(text))
    with pytest.raises(DataError, match="leaves open"):
        target.to_simulation(as_is)
    made = target.to_simulation(as_is, elicited={"Cooling off": [10, 20, 30]})
    event = made.gateways["Cooling off"].events[0]
    assert event.after.mean_h == 20
    assert event.range is not None
    sure = target.to_simulation(as_is, elicited={"Cooling off": 0})
    assert sure.gateways["Cooling off"].events[0].range is None


def test_what_is_said_comes_from_a_file_too(as_is: SimulationModel, tmp_path: Path) -> None:
    path = tmp_path / "said.yaml"
    path.write_text("activities:\n  Check: {duration: {low: 0.2, likely: 0.4, high: 0.8, shape: triangular}}\n")
    said = Elicited.read(path)
    assert said.activities["Check"].duration.shape == "triangular"
    made = Target(model=drawn(TO_BE)).to_simulation(as_is, elicited=said | Elicited.read({"choices": SAID["choices"]}))
    evidence = made.activities["Check"].evidence
    assert evidence is not None
    assert made.activities["Check"].duration[0].mean_h == pytest.approx((0.2 + 0.4 + 0.8) / 3)
    path.write_text("activities: [1, 2]\n")
    with pytest.raises(DataError, match=r"said.yaml: activities: give values by name, found"):
        Elicited.read(path)


def test_a_card_that_speaks_of_what_the_model_lacks_is_refused() -> None:
    with pytest.raises(DataError, match='elicited: "Chekc" is not in the model; did you mean "Check"'):
        Target(model=drawn(TO_BE), card=card(elicited={"activities": {"Chekc": [1, 2, 3]}}))


def test_a_log_is_calibrated_first(log: EventLog) -> None:
    with pytest.raises(DataError, match=r"target.to_simulation\(mk.calibrate\(log\)\)"):
        Target(model=drawn(TO_BE)).to_simulation(log)  # type: ignore[arg-type]
