"""Calibration along a process: chances of its ways, what enabled what, and what is told of what does not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta

import mkmine as mk
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.simulation import SimulationModel, compare_routings, simulate
from mkmine.simulation.calibration.along import along_process
from mkmine.simulation.experiments.uncertainty import drawn as with_drawn_numbers
from mkmine.simulation.model.structure import Structure
from mkmine.targets import Target

from .processes import AGAIN, MAIL, PICTURES, SITE, TODAY, drawn, seen, world


@pytest.fixture(scope="module")
def log() -> EventLog:
    return seen(world(), cases=400)


@pytest.fixture(scope="module")
def model(log: EventLog) -> SimulationModel:
    return mk.calibrate(log, process=drawn())


def chances(model: SimulationModel) -> dict[str, tuple[float, float]]:
    """The chances that the world's truth names, with the number of observations."""
    approval, pictures, where = model.activities["Approval"], model.gateways["Pictures?"], model.gateways["Where?"]
    assert approval.evidence is not None
    found = {
        "again": (sum(route.probability for route in approval.next[0] if route.rework), approval.evidence.routes[0]),
        "pictures": (
            sum(route.probability for route in pictures.next[0] if route.to == "Pictures"),
            pictures.observed[0],
        ),
    }
    return found | {way.to: (way.probability, n) for way, n in zip(where.ways, where.observed, strict=True)}


TRUTH = {"again": AGAIN, "pictures": PICTURES, "Site": SITE, "Mail": MAIL}


def test_branches_run_side_by_side_and_join(model: SimulationModel) -> None:
    assert model.gateways["Make"].kind == "and"
    again = simulate(model, cases=300, seed=5)
    rows = {name: again.activity == again.activities.index(name) for name in ("Text", "Pictures")}
    starts = {name: dict(zip(again.case_of[mask], again.start[mask], strict=True)) for name, mask in rows.items()}
    ends = {name: dict(zip(again.case_of[mask], again.end[mask], strict=True)) for name, mask in rows.items()}
    both = starts["Text"].keys() & starts["Pictures"].keys()
    assert (
        np.mean([starts["Text"][c] < ends["Pictures"][c] and starts["Pictures"][c] < ends["Text"][c] for c in both])
        > 0.5
    )
    assert mk.check(again, Target(model=drawn())).fitness == 1.0


def test_chances_are_those_of_the_world_within_their_intervals() -> None:
    inside = []
    for seed in range(12):
        found = along_process(seen(world(), cases=250, seed=seed), drawn())
        made, _ = found.laid(np.ones(250))
        back = sum(route.probability for route in made.next["Approval"][0] if route.rework)
        pictures, where = made.gateways["Pictures?"], made.gateways["Where?"]
        told = [
            (back, made.observed["Approval"][0], AGAIN),
            (sum(r.probability for r in pictures.next[0] if r.to == "Pictures"), pictures.observed[0], PICTURES),
            *((way.probability, n, TRUTH[way.to]) for way, n in zip(where.ways, where.observed, strict=True)),
        ]
        for share, n, truth in told:
            low, high = beta.ppf([0.025, 0.975], share * n, (1 - share) * n)
            inside.append(low <= truth <= high)
    assert np.mean(inside) >= 0.88


def test_draws_vary_the_chances_as_their_evidence_says(model: SimulationModel) -> None:
    runs = [chances(with_drawn_numbers(model, number, of=40, seed=1)) for number in range(40)]
    for name, (share, n) in chances(model).items():
        values = np.array([run[name][0] for run in runs])
        assert values.mean() == pytest.approx(share, abs=0.03)
        assert values.std() == pytest.approx(np.sqrt(share * (1 - share) / n), rel=0.4)


def test_steps_are_enabled_by_the_structure() -> None:
    full = simulate(world(), cases=200, seed=4)
    found = along_process(replace(full, enabled=None), drawn())
    assert full.enabled is not None
    # When a case arrived before its first step, no log of starts and ends tells.
    later = full.position > 0
    assert (full.enabled < full.start)[later].sum() > 50
    assert (found.log.enabled == full.enabled)[later].all()


def test_way_that_nobody_took_stays_possible_and_is_told(log: EventLog) -> None:
    text = TODAY.replace("      fine: []\n", "      fine: []\n      away: {end: Dropped}\n")
    process = drawn(text.replace("{end: Dropped}", "[{end: Dropped}]"))
    model = mk.calibrate(log, process=process)
    ended = [route for route in model.activities["Approval"].next[0] if route.to is None]
    assert len(ended) == 1
    assert 0 < ended[0].probability < 0.002
    # All ways share one imagined decision: 0 of n is (1 / 3) / (n + 1) in each round, and draws vary around that.
    evidence = model.activities["Approval"].evidence
    assert evidence is not None
    assert ended[0].probability * sum(evidence.routes) == pytest.approx(1 / 3, rel=0.05)
    chances = [
        next(route.probability for route in one.activities["Approval"].next[0] if route.to is None)
        for one in (with_drawn_numbers(model, number, of=200) for number in range(200))
    ]
    assert min(chances) > 0
    assert np.mean(chances) == pytest.approx(ended[0].probability, rel=0.35)
    assert max(chances) > 4 * ended[0].probability
    assert any("No case took these ways" in note and '"Approval" > the end' in note for note in model.notes)


def test_activities_that_the_process_lacks_are_told_and_too_many_refused(log: EventLog) -> None:
    less = TODAY.replace(
        "            yes: [{step: Pictures, role: Designer}]\n", "            yes: [{event: Pictures}]\n"
    )
    model = mk.calibrate(log, process=drawn(less))
    assert "Pictures" not in model.activities
    assert any("The process lacks “Pictures”" in note for note in model.notes)
    with pytest.raises(DataError, match=r'of the executions are of activities that "Other" lacks \("'):
        mk.calibrate(log, process=drawn("process: Other\nsteps: [Brief, Mail]\n"))


def test_names_of_the_log_are_those_of_the_aliases(log: EventLog) -> None:
    target = Target(model=drawn(TODAY.replace("Text", "Writing"))).with_aliases({"Text": "Writing"})
    model = mk.calibrate(log, process=target)
    assert "Writing" in model.activities
    assert "Text" not in model.activities
    assert not any("lacks" in note for note in model.notes)


def test_a_step_that_no_case_has_needs_to_be_said(log: EventLog) -> None:
    more = drawn(TODAY.replace("  - {step: Approval", "  - {step: Review, role: Lawyer}\n  - {step: Approval"))
    with pytest.raises(DataError, match=r'the log has no "Review"; say how long it takes, as in elicited='):
        mk.calibrate(log, process=more)
    with pytest.raises(DataError, match=r'nobody has the role "Lawyer", which does "Review"'):
        mk.calibrate(log, process=more, elicited={"Review": [1, 2, 4]})
    with pytest.raises(UnknownNameError, match=r'unknown step "Reveiw".*did you mean "Review"'):
        mk.calibrate(log, process=more, elicited={"Reveiw": [1, 2, 4]})
    with pytest.raises(DataError, match=r"elicited: activities: Review: duration: .*not in rising order"):
        mk.calibrate(log, process=more, elicited={"Review": [4, 2, 1]})
    model = mk.calibrate(log, process=more, elicited={"activities": {"Review": [1, 2, 4]}, "people": {"Lawyer": 1}})
    assert [person.name for person in model.staff("Lawyer")] == ["Lawyer 1"]
    assert any(note.startswith("Assumption: “Review” takes 1 to 4 h") for note in model.notes)
    assert "assumed, 1 to 4 h on average" in repr(model)
    assert SimulationModel.from_dict(model.to_dict()) == model


def test_what_cannot_be_run_is_refused_with_its_place(log: EventLog) -> None:
    stuck = drawn()
    wrong = replace(
        stuck,
        nodes=tuple(
            replace(node, kind="exclusive") if node.kind == "parallel" and len(stuck.outgoing[node.id]) > 1 else node
            for node in stuck.nodes
        ),
    )
    with pytest.raises(DataError, match="can never finish"):
        mk.calibrate(log, process=wrong)


def test_a_way_round_without_a_step_is_left_by_chance(log: EventLog) -> None:
    text = """process: Round
steps:
  - {step: Brief, role: Marketer}
  - parallel: Make
    ways:
      - - choice: Text?
          ways: {yes: [{step: Text, role: Writer}], no: []}
      - - choice: Pictures?
          ways: {yes: [{step: Pictures, role: Designer}], no: []}
  - choice: Good?
    ways:
      again: {go_to: Make}
      fine: []
  - {step: Approval, role: Director}
  - {step: Site, role: Marketer}
"""
    model = mk.calibrate(log, process=drawn(text.replace("parallel: Make", "parallel: Make\n    id: Make")))
    one, other = (simulate(model, cases=300, seed=2, engine=engine) for engine in ("simpy", "kernel"))
    assert one.start.tolist() == other.start.tolist()
    assert len(one) / one.n_cases == pytest.approx(len(log) / log.n_cases, rel=0.3)


def test_the_first_of_several_events_is_a_choice_and_told(log: EventLog) -> None:
    process = drawn()
    race = replace(
        process,
        nodes=tuple(
            replace(node, element="eventBasedGateway") if node.name == "Pictures?" else node for node in process.nodes
        ),
    )
    notes = mk.calibrate(log, process=race).notes
    assert any(note.startswith('Which event comes first after "Pictures?" is taken for a choice') for note in notes)


def test_cancelled_and_open_cases_are_beginnings(log: EventLog) -> None:
    outcome = np.where(np.arange(log.n_cases) % 10 == 0, "cancelled", "completed")
    last = log.offsets[1:] - 1
    kept = np.ones(len(log), dtype=np.bool_)
    kept[last[::10]] = False
    cut = log.keep_instances(kept, action="test")
    cut = replace(cut, case_attributes=cut.case_attributes.assign(outcome=outcome))
    model = mk.calibrate(cut, process=drawn())
    given_up = [r for one in model.activities.values() for r in one.next[0] if r.outcome == "cancelled"]
    assert given_up
    assert all(route.terminate for route in given_up)
    share = np.mean(simulate(model, cases=400, seed=2).cancelled)
    assert share == pytest.approx(0.1, abs=0.06)


def test_gateways_meet_where_alternatives_come_to_a_join() -> None:
    text = """process: Two
steps:
  - parallel: Both
    ways:
      - - choice: Which?
          ways:
            one: [{step: A}]
            two: [{step: B}]
      - [{step: C}]
"""
    structure = Structure(drawn(text))
    assert structure.parallel
    log = seen(world(), cases=30).keep_cases(np.ones(30, dtype=np.bool_), action="test")
    names = {"Text": "A", "Pictures": "C", "Brief": "B"}
    renamed = mk.repairs.rename_activities(log, names)
    found = along_process(
        renamed.keep_instances(
            np.isin(renamed.activity, [renamed.activities.index(one) for one in names.values()]), action="test"
        ),
        structure.process,
    )
    made, _ = found.laid(np.ones(found.log.n_cases))
    merges = [name for name, gate in made.gateways.items() if gate.kind == "merge"]
    assert len(merges) == 1
    assert {route.to for name in ("A", "B") for route in made.next[name][0]} == set(merges)


def test_both_routings_are_compared_on_the_same_weeks(log: EventLog) -> None:
    found = compare_routings(log, drawn(), cuts=1, replications=5)
    assert found.better in ("process", "log", "alike")
    own, along = found.distances
    assert 0 < along < 1.5 * own
    assert "on average" in found.explain()
    assert found.to_dict()["better"] == found.better
    assert any("empty office" in note for note in found.along.notes)
