from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mkmine.simulation import Scenario, SimulationModel, experiment, simulate
from mkmine.simulation.calibration import calibrate
from mkmine.simulation.calibration.estimators.variants import shrunk_factors
from mkmine.simulation.experiments.uncertainty import drawn, uncertain
from mkmine.simulation.model.mixture import marginal


def office(*, telling: bool) -> SimulationModel:
    """A small department; with `telling`, whitepapers take longer and come back, and agencies wait longer."""
    long, back = (
        {"factor": 2.5},
        [{"to": "Design", "probability": 0.6, "rework": True}, {"to": None, "probability": 0.4}],
    )
    slow, few = (
        {"delay_factor": 3.0},
        [{"to": "Design", "probability": 0.1, "rework": True}, {"to": None, "probability": 0.9}],
    )
    work = {"kind": "gamma", "mean": 3, "cv": 0.6}
    return SimulationModel.from_dict(
        {
            "name": "department",
            "start": "2025-01-06",
            "office": "office",
            "calendars": {"office": {"weekly": {"Mon-Fri": "09:00-18:00"}}},
            "people": [{"name": f"D{n}", "roles": ["Designer"], "calendar": "office"} for n in range(4)]
            + [{"name": "A", "roles": ["Approver"], "calendar": "office"}],
            "activities": {
                "Design": {
                    "role": "Designer",
                    "duration": work,
                    "variants": [{"when": {"type": "Whitepaper"}, **long}] if telling else [],
                    "next": "Approval",
                },
                "Approval": {
                    "role": "Approver",
                    "duration": 0.3,
                    "delay": {"kind": "gamma", "mean": 6, "cv": 0.6},
                    "calendar": "office",
                    "variants": [
                        {"when": {"type": "Whitepaper"}, "next": [back]},
                        {"when": {"channel": "agency"}, **slow},
                    ]
                    if telling
                    else [],
                    "next": [few],
                },
            },
            "begin": "Design",
            "arrivals": {"weekly": {"Mon-Fri": {"09:00-18:00": 0.25}}},
            "attributes": {"noise": {"a": 0.5, "b": 0.3, "c": 0.2}},
            "profiles": [
                {"share": 0.45, "values": {"type": "Blog", "channel": "own"}},
                {"share": 0.25, "values": {"type": "Blog", "channel": "agency"}},
                {"share": 0.05, "values": {"type": "Whitepaper", "channel": "own"}},
                {"share": 0.25, "values": {"type": "Whitepaper", "channel": "agency"}},
            ],
        }
    )


@pytest.fixture(scope="module")
def found() -> SimulationModel:
    return calibrate(simulate(office(telling=True), cases=500, seed=4))


def test_what_attributes_change_is_recovered(found: SimulationModel) -> None:
    assert set(found.case_values) == {"type", "channel"}, "and what changes nothing is left out"
    design = {one.when["type"]: one for one in found.activities["Design"].variants}
    assert design["Whitepaper"].factor / design["Blog"].factor == pytest.approx(2.5, rel=0.15)
    approval = found.activities["Approval"]
    delays = {one.when["channel"]: one.delay_factor for one in approval.variants if one.speaks_of("delay")}
    assert delays["agency"] / delays["own"] == pytest.approx(3, rel=0.25)
    back = {
        one.when["type"]: sum(route.probability for route in one.next[0] if route.rework)
        for one in approval.variants
        if one.next
    }
    assert back == {"Whitepaper": pytest.approx(0.6, abs=0.1), "Blog": pytest.approx(0.1, abs=0.05)}
    truth = {tuple(one.values.values()): one.share for one in office(telling=True).profiles}
    shares = {(one.values["type"], one.values["channel"]): one.share for one in found.profiles}
    assert shares == {key: pytest.approx(share, abs=0.06) for key, share in truth.items()}


def test_the_model_of_it_replays_the_kinds_of_cases(found: SimulationModel) -> None:
    def cycle(model: SimulationModel) -> dict[tuple[str, str], float]:
        log = simulate(model, cases=1_500, seed=9)
        hours = (np.maximum.reduceat(log.end, log.offsets[:-1]) - log.start[log.offsets[:-1]]) / 3.6e9
        keys = [log.case_attributes[name] for name in ("type", "channel")]
        return pd.Series(hours).groupby(keys).median().to_dict()

    real, own = cycle(office(telling=True)), cycle(found)
    assert own == {kind: pytest.approx(hours, rel=0.3) for kind, hours in real.items()}
    assert max(real.values()) > 3 * min(real.values())


def test_the_account_and_the_file_tell_of_it(found: SimulationModel, tmp_path: object) -> None:
    told = str(found)
    assert "cases drawn together: channel" in told
    assert "; by type: Blog" in told
    assert "outside delay by channel: own" in told
    assert SimulationModel.from_dict(found.to_dict()) == found


def test_where_attributes_change_nothing_the_model_is_as_if_there_were_none() -> None:
    log = simulate(office(telling=False), cases=200, seed=5)
    bare = replace(log, case_attributes=log.case_attributes[["outcome"]])
    found = calibrate(log)
    assert found.profiles == []
    assert found.model_dump(exclude={"source"}) == calibrate(bare).model_dump(exclude={"source"})


def test_one_log_gives_one_file(found: SimulationModel) -> None:
    again = calibrate(simulate(office(telling=True), cases=500, seed=4))
    assert again.to_yaml() == found.to_yaml()


def test_draws_vary_what_variants_rest_on(found: SimulationModel) -> None:
    assert uncertain(found)
    models = [drawn(found, number, of=20) for number in range(20)]
    factors = np.array([one.activities["Design"].variants[0].factor for one in models])
    known = found.activities["Design"].variants[0]
    assert known.evidence is not None
    assert np.log(factors).std() == pytest.approx(known.evidence.duration[0].error, rel=0.3)  # type: ignore[union-attr]
    shares = np.array([[profile.share for profile in one.profiles] for one in models])
    assert shares.std(axis=0).min() > 0
    assert shares.sum(axis=1) == pytest.approx(np.ones(20))


def test_another_mix_is_an_answerable_question(found: SimulationModel) -> None:
    more = Scenario("more whitepapers").mix("type", {"Whitepaper": 0.4})
    assert marginal(more.apply(found).profiles, "type")["Whitepaper"] == pytest.approx(0.4)
    answer = experiment(found, [more], replications=6, weeks=13, seed=3)
    row = answer.to_pandas().query("scenario == 'more whitepapers' and kpi == 'cycle_mean_h'")
    assert row["difference"].iloc[0] > 0


def test_factors_are_shrunk_by_how_uncertain_they_are() -> None:
    rng = np.random.default_rng(7)
    code = np.repeat([0, 1, 2], [400, 400, 3])
    values = rng.lognormal(-0.125, 0.5, len(code)) * np.array([0.5, 1.5, 4.0])[code]
    found = shrunk_factors(values, code, np.ones(len(code)), 4)
    assert found.value[1] / found.value[0] == pytest.approx(3, rel=0.12)
    assert found.value[2] / found.value[1] < values[code == 2].mean() / values[code == 1].mean()
    assert found.error[2] > 3 * found.error[0]
    assert found.value[3] == 1, "of what was never seen nothing is known"
    alike = shrunk_factors(rng.lognormal(0, 0.5, 600), np.repeat([0, 1, 2], 200), np.ones(600), 3)
    assert alike.value == pytest.approx(np.ones(3), abs=0.06)


def test_hostile_attributes_are_no_hindrance_and_what_is_not_looked_at_is_told() -> None:
    log = simulate(office(telling=True), weeks=26, seed=1)
    n, rng = log.n_cases, np.random.default_rng(0)
    frame = log.case_attributes.copy()
    frame["huge"] = pd.Series([10**400 if k % 2 else k for k in range(n)], dtype=object)
    frame["surrogate"] = pd.Series([["a", "\ud800"][k % 2] for k in range(n)], dtype=object)
    noise = pd.DataFrame({f"a{k:03}": rng.choice(["p", "q"], n) for k in range(70)})
    model = calibrate(replace(log, case_attributes=pd.concat([noise, frame], axis=1)))
    assert {name for one in model.activities.values() for variant in one.variants for name in variant.when} >= {"type"}
    assert any(note.startswith("Cases have 7") and "60 that foretell most" in note for note in model.notes)
    assert SimulationModel.from_dict(model.to_dict()) == model
