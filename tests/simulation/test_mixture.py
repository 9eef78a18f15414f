from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mkmine.errors import DataError, UnknownNameError
from mkmine.simulation import Scenario, SimulationModel, simulate
from mkmine.simulation.engine.underway import work_in_progress
from mkmine.simulation.model import Profile
from mkmine.simulation.model.mixture import drawn_profiles, marginal, value_of, with_marginal
from mkmine.streams import Streams

from .conftest import single_queue

FIXED = {"kind": "fixed", "hours": 1.0}
PROFILES = [
    {"share": 0.4, "values": {"type": "Blog", "channel": "own"}},
    {"share": 0.3, "values": {"type": "Blog", "channel": "agency"}},
    {"share": 0.3, "values": {"type": "Whitepaper", "channel": "agency"}},
]


def mixed(**more: Any) -> SimulationModel:
    values = single_queue(rate=0.1, servers=2, service=FIXED).to_dict() | {"profiles": PROFILES} | more
    values["activities"]["Serve"]["variants"] = [{"when": {"type": "Whitepaper"}, "factor": 3}]
    return SimulationModel.from_dict(values)


def test_attributes_are_drawn_together() -> None:
    log = simulate(mixed(), cases=4_000)
    cases = log.case_attributes
    shares = cases.groupby(["type", "channel"]).size() / len(cases)
    assert shares.to_dict() == {
        ("Blog", "own"): pytest.approx(0.4, abs=0.03),
        ("Blog", "agency"): pytest.approx(0.3, abs=0.03),
        ("Whitepaper", "agency"): pytest.approx(0.3, abs=0.03),
    }
    hours = (log.end - log.start) / 3.6e9
    assert set(hours[(cases["type"] == "Whitepaper").to_numpy()]) == {3}
    assert set(hours[(cases["type"] == "Blog").to_numpy()]) == {1}


def test_another_mix_changes_few_more_cases_than_it_must() -> None:
    profiles = [Profile(**one) for one in PROFILES]
    before = drawn_profiles(profiles, Streams(1), 20_000)
    after = drawn_profiles(with_marginal(profiles, "type", {"Blog": 0.6, "Whitepaper": 0.4}), Streams(1), 20_000)
    assert (before != after).mean() < 0.15
    assert not ((before == 2) & (after != 2)).any(), "nobody leaves what there is more of"
    assert not ((before != after) & (after != 2)).any(), "and who moves, moves there"
    assert np.array_equal(before[:1_000], drawn_profiles(profiles, Streams(1), 1_000))


def test_a_scenario_changes_the_mix_and_what_goes_with_it() -> None:
    changed = Scenario("more").mix("type", {"Whitepaper": 0.6}).apply(mixed())
    assert marginal(changed.profiles, "type") == {"Blog": pytest.approx(0.4), "Whitepaper": pytest.approx(0.6)}
    assert marginal(changed.profiles, "channel")["own"] == pytest.approx(0.4 / 0.7 * 0.4)
    none = Scenario("none").mix("type", {"Whitepaper": 0}).apply(mixed())
    assert set(simulate(none, cases=200).case_attributes["type"]) == {"Blog"}


def test_the_mix_of_case_types_and_of_single_attributes_changes_too() -> None:
    values = single_queue(rate=0.1, servers=2, service=FIXED).to_dict()
    values["attributes"] = {"size": {"S": 0.5, "M": 0.3, "L": 0.2}}
    values["case_types"] = {"News": {"share": 0.25}, "Blog": {"share": 0.75}}
    model = SimulationModel.from_dict(values)
    changed = Scenario("s").mix("size", {"L": 0.6}).mix("type", {"News": 0.5}).apply(model)
    assert changed.attributes["size"] == {
        "S": pytest.approx(0.25), "M": pytest.approx(0.15), "L": pytest.approx(0.6)
    }  # fmt: skip
    assert changed.case_types["Blog"].share == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("attribute", "shares", "told"),
    [
        ("typ", {"Blog": 1}, "type"),
        ("type", {"Blgo": 1}, "Blog"),
        ("type", {"Blog": 0.7, "Whitepaper": 0.7}, "add up to 1.4"),
        ("type", {"Blog": 0.2, "Whitepaper": 0.2}, "no other value takes"),
        ("type", {"Blog": -0.2}, "not negative"),
        ("type", {}, "write e.g."),
        ("type", {"Blog": float("nan")}, "not negative"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(attribute: str, shares: dict[str, float], told: str) -> None:
    with pytest.raises((DataError, UnknownNameError), match=told):
        Scenario("s").mix(attribute, shares).apply(mixed())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"profiles": PROFILES[:2]}, "add up to 0.7"),
        ({"profiles": [*PROFILES[:2], {"share": 0.3, "values": {"type": "Blog"}}]}, "same attributes"),
        ({"profiles": [*PROFILES[:2], {"share": 0.3, "values": PROFILES[0]["values"]}]}, "there already"),
        ({"attributes": {"channel": {"own": 1}}}, "leave it out of one"),
        ({"case_types": {"Blog": {"share": 1}}}, "meaning of its own"),
        ({"profiles": [{"share": 1, "values": {"outcome": "x"}}]}, "meaning of its own"),
    ],
)
def test_profiles_that_make_no_distribution_are_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        mixed(**more)


def test_whatever_names_and_values_are_the_file_keeps_them(tmp_path: Any) -> None:
    odd = {"factor": "1.0", "<b>type</b>": "no", "at_closing": "pause", "цвет": "null"}
    values = single_queue(rate=0.1, servers=1, service=FIXED).to_dict()
    values["profiles"] = [{"share": 1, "values": odd}]
    values["activities"]["Serve"]["variants"] = [{"when": odd, "delay_factor": 1, "factor": 2}]
    model = SimulationModel.from_dict(values)
    assert SimulationModel.load(model.save(tmp_path / "model.yaml")) == model
    assert "<b>" not in model._repr_html_()


def test_contexts_of_variants_hold_for_their_cases_only() -> None:
    values = single_queue(rate=0.1, servers=9, service=FIXED).to_dict() | {"profiles": PROFILES}
    again, ends = [[{"to": "Serve", "rework": True}]], [[{"to": None}]]
    first = values["activities"]["Serve"]
    first["next"] = [*again, *ends]
    first["contexts"] = [{"before": ["Serve"], "round": 2, "next": again[0]}]
    # Round 2 came after a round 1, so without a variant each case would go round and round; by the second round of
    # the variant it ends, but for those from an agency, who come a third time.
    first["variants"] = [
        {"when": {"channel": "own"}, "next": [*again, *ends]},
        {
            "when": {"channel": "agency"},
            "next": [*again, *ends],
            "contexts": [
                {"before": ["Serve"], "round": 2, "next": again[0]},
                {"before": ["Serve", "Serve"], "round": 2, "next": ends[0]},
            ],
        },
    ]
    log = simulate(SimulationModel.from_dict(values), cases=200)
    rounds = np.diff(log.offsets)
    agency = (log.case_attributes["channel"] == "agency").to_numpy()
    assert set(rounds[~agency]) == {2}
    assert set(rounds[agency]) == {3}


def test_contexts_of_a_variant_need_its_routes_by_the_same_rounds() -> None:
    values = mixed().to_dict()
    values["activities"]["Serve"]["variants"][0]["contexts"] = [{"before": ["Serve"], "next": [{"to": None}]}]
    with pytest.raises(DataError, match="as many rounds"):
        SimulationModel.from_dict(values)


def test_a_removed_activity_is_left_out_of_variants() -> None:
    values = single_queue(rate=0.1, servers=2, service=FIXED).to_dict() | {"profiles": PROFILES}
    check = {"role": "Server", "duration": FIXED, "next": "End"}
    values["activities"] |= {"Check": check, "End": check | {"next": {"to": None}}}
    values["activities"]["Serve"]["next"] = "End"
    values["activities"]["Serve"]["variants"] = [{"when": {"type": "Whitepaper"}, "next": "Check"}]
    model = Scenario("without").remove("Check").apply(SimulationModel.from_dict(values))
    assert list(model.activities) == ["Serve", "End"]
    assert not model.gateways
    assert [route.to for route in model.activities["Serve"].variants[0].next[0]] == ["End"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("5", "up to 5"),
        ("5.01", "5 to 20"),
        ("20", "5 to 20"),
        ("1e9", "over 20"),
        ("web", "(other)"),
        (None, "(missing)"),
    ],
)
def test_what_a_log_says_is_found_among_the_values(raw: str | None, value: str) -> None:
    values = ("5 to 20", "over 20", "up to 5", "(missing)", "(other)")
    assert values[value_of(values, raw)] == value  # type: ignore[index]


def test_what_is_no_value_is_not_known() -> None:
    assert value_of(("Blog", "way to go"), "News") is None
    assert value_of(("Blog",), None) is None
    assert value_of(("0", "1"), "1.0") == 1


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_cases_that_are_underway_stay_what_they_are(engine: Any) -> None:
    model = mixed()
    log = simulate(model, cases=300, seed=5)
    moment = int(log.start[len(log) // 2])
    started = work_in_progress(log, moment)
    kinds = {one.case: one.attributes["type"] for one in started.cases}
    assert kinds
    after = simulate(model, cases=5, seed=8, in_progress=started, engine=engine)
    names = after.case_ids.tolist()
    assert {case: after.case_attributes["type"][names.index(case)] for case in kinds} == kinds


def test_what_is_left_of_work_depends_on_what_the_case_is() -> None:
    values = mixed().to_dict()
    values["profiles"] = [{"share": 0.5, "values": {"type": name}} for name in ("Blog", "Whitepaper")]
    model = SimulationModel.from_dict(values)
    log = simulate(model, cases=300, seed=5)
    white = np.flatnonzero((log.case_attributes["type"] == "Whitepaper").to_numpy())
    moment = int(log.start[log.offsets[white[40]]]) + 1_800_000_000
    started = work_in_progress(log, moment)
    ends = simulate(model, cases=1, seed=8, in_progress=started)
    for case in (one.case for one in started.cases if one.stage == "working"):
        was, now = (one.end[one.offsets[one.case_ids.tolist().index(case)]] for one in (log, ends))
        assert was == now, "fixed hours, times what the case's type makes of them"
