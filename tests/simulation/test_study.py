from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
import yaml

from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.simulation import Experiment, Scenario, SimulationModel, experiment, resume
from mkmine.simulation.experiments import campaign
from mkmine.simulation.experiments.replication import Outcome
from mkmine.simulation.experiments.study import Study, fingerprint, versions
from mkmine.simulation.experiments.workforce import Pressure

STAFF = Scenario("one more writer").staff("Writer", +1)
REWORK = Scenario("Половина возвратов").rework("Approval", factor=0.5)
SETTINGS: dict[str, Any] = {"weeks": 4, "warm_up_weeks": 2, "seed": 3}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "simulations" / "study"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What is really simulated: scenario and replication."""
    seen: list[tuple[str, int]] = []
    inner = campaign.replicate

    def replicate(model: Any, plan: Any, scenario: str, replication: int, engine: Any) -> Any:
        seen.append((scenario, replication))
        return inner(model, plan, scenario, replication, engine)

    monkeypatch.setattr(campaign, "replicate", replicate)
    return seen


def same(one: Experiment, other: Experiment) -> None:
    pd.testing.assert_frame_equal(one.answers, other.answers)
    pd.testing.assert_frame_equal(one.kpis, other.kpis)
    assert {name: log.content_hash for name, log in one.logs.items()} == {
        name: log.content_hash for name, log in other.logs.items()
    }


def test_a_study_keeps_everything_and_simulates_nothing_twice(
    article: SimulationModel, folder: Path, counted: list[tuple[str, int]]
) -> None:
    first = experiment(article, [STAFF], replications=3, study=folder, **SETTINGS)
    assert len(counted) == 6
    again = experiment(article, [STAFF], replications=3, study=folder, **SETTINGS)
    assert len(counted) == 6
    same(first, again)
    same(first, experiment(article, [STAFF], replications=3, **SETTINGS))
    assert first.study == str(folder)
    # More replications and another scenario cost only themselves.
    del counted[:]
    more = experiment(article, [STAFF, REWORK], replications=4, study=folder, **SETTINGS)
    assert sorted(counted) == sorted([(REWORK.name, number) for number in range(4)] + [("", 3), (STAFF.name, 3)])
    same(more, experiment(article, [STAFF, REWORK], replications=4, **SETTINGS))


def test_the_folder_can_be_read_by_people(article: SimulationModel, folder: Path) -> None:
    found = experiment(article, [STAFF, REWORK], replications=2, study=folder, **SETTINGS)
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "manifest.yaml", "model.yaml", "runs.jsonl", "kpis.csv", "answers.csv", "logs", "one_more_writer.yaml",
        "половина_возвратов.yaml",
    }  # fmt: skip
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text(encoding="utf-8"))
    assert manifest["settings"]["seed"] == 3
    assert manifest["versions"] == versions()
    assert [one["name"] for one in manifest["scenarios"]] == [STAFF.name, REWORK.name]
    assert SimulationModel.load(folder / "model.yaml") == article
    assert Scenario.load(folder / "половина_возвратов.yaml").to_dict() == REWORK.to_dict()
    saved = pd.read_csv(folder / "answers.csv")
    assert saved["difference"].to_numpy() == pytest.approx(found.answers["difference"].to_numpy(), nan_ok=True)
    log = EventLog.open(folder / "logs" / f"{manifest['model']['run']}.parquet")
    assert log.content_hash == found.logs["article"].content_hash


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_study_is_resumed(
    article: SimulationModel, folder: Path, counted: list[tuple[str, int]], workers: int
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment(
            article, [STAFF], replications=8, study=folder, progress=interrupt, workers=workers, executor="threads",
            **SETTINGS,
        )  # fmt: skip
    before = len(counted)
    assert 5 <= before < 16
    found = resume(folder)
    assert len(counted) == 16
    same(found, experiment(article, [STAFF], replications=8, **SETTINGS))


def test_a_torn_line_costs_one_replication(
    article: SimulationModel, folder: Path, counted: list[tuple[str, int]]
) -> None:
    first = experiment(article, [STAFF], replications=3, study=folder, **SETTINGS)
    path = folder / "runs.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:-20], encoding="utf-8")
    del counted[:]
    same(first, experiment(article, [STAFF], replications=3, study=folder, **SETTINGS))
    assert len(counted) == 1
    del counted[:]
    same(first, resume(folder))
    assert counted == []
    # What was changed by hand does not pass for a result.
    rows = path.read_text(encoding="utf-8").splitlines()
    check, _, body = rows[0].partition(" ")
    line = json.loads(body)
    line["values"]["cycle_mean_h"] = 1.0
    path.write_text("\n".join([f"{check} {json.dumps(line)}", *rows[1:]]) + "\n", encoding="utf-8")
    same(first, experiment(article, [STAFF], replications=3, study=folder, **SETTINGS))


def test_a_lost_log_is_made_again(article: SimulationModel, folder: Path) -> None:
    first = experiment(article, [STAFF], replications=2, study=folder, **SETTINGS)
    for path in (folder / "logs").iterdir():
        path.write_bytes(b"PAR1 no")
    same(first, resume(folder))


@pytest.mark.parametrize("change", [{"seed": 4}, {"weeks": 5}, {"warm_up_weeks": 3}, {"sla_h": 40}])
def test_other_settings_are_other_runs(
    article: SimulationModel, folder: Path, counted: list[tuple[str, int]], change: dict[str, Any]
) -> None:
    experiment(article, [], replications=2, study=folder, **SETTINGS)
    del counted[:]
    found = experiment(article, [], replications=2, study=folder, **(SETTINGS | change))
    assert len(counted) == 2
    same(found, experiment(article, [], replications=2, **(SETTINGS | change)))


def test_other_versions_are_not_mixed(
    article: SimulationModel, folder: Path, counted: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment(article, [], replications=2, study=folder, **SETTINGS)
    del counted[:]
    monkeypatch.setattr("mkmine.simulation.experiments.study.versions", lambda: {"mkmine": "99"})
    experiment(article, [], replications=2, study=folder, **SETTINGS)
    assert len(counted) == 2


def test_a_changed_scenario_keeps_its_file_and_not_its_runs(
    article: SimulationModel, folder: Path, counted: list[tuple[str, int]]
) -> None:
    folder.mkdir(parents=True)
    STAFF.save(folder / "my own name.yaml")
    experiment(article, [STAFF], replications=2, study=folder, **SETTINGS)
    assert not (folder / "one_more_writer.yaml").exists()
    del counted[:]
    two = Scenario(STAFF.name).staff("Writer", +2)
    experiment(article, [two], replications=2, study=folder, **SETTINGS)
    assert counted == [(STAFF.name, 0), (STAFF.name, 1)]
    assert Scenario.load(folder / "my own name.yaml").to_dict() == two.to_dict()


def test_names_become_files_and_nothing_else(article: SimulationModel, folder: Path) -> None:
    names = ["../../up", "model", "manifest", "a/b\\c:d", "A B", "a_b", "x" * 300, "…"]
    scenarios = [Scenario(name).staff("Writer", +1) for name in names]
    experiment(article, scenarios, replications=2, study=folder, **SETTINGS)
    assert {path.parent for path in folder.parents[1].rglob("*.yaml")} == {folder}
    assert [one.name for one in Study(folder).read()[1]] == names


def test_what_was_changed_since_is_not_taken_for_the_study(article: SimulationModel, folder: Path) -> None:
    experiment(article, [STAFF], replications=2, study=folder, **SETTINGS)
    (folder / "one_more_writer.yaml").write_text("name: one more writer\nchanges: []\n", encoding="utf-8")
    with pytest.raises(DataError, match="was changed since its results were made"):
        resume(folder)


@pytest.mark.parametrize("text", ["[]", "model: 3", "model: {file: model.yaml}\nscenarios: []"])
def test_a_manifest_that_is_none(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "manifest.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="manifest"):
        resume(folder)


def test_places_that_are_no_folder(article: SimulationModel, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        resume(tmp_path / "nothing")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file; give a folder"):
        experiment(article, [], study=tmp_path / "file", **SETTINGS)
    with pytest.raises(DataError, match="cannot make the folder"):
        experiment(article, [], study=tmp_path / "file" / "study", **SETTINGS)


def test_a_fingerprint_is_of_the_content_alone() -> None:
    assert fingerprint({"a": 1, "b": [2.5]}) == fingerprint({"b": [2.5], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_numbers_of_numpy_are_numbers(article: SimulationModel, folder: Path) -> None:
    first = experiment(
        article, [STAFF], replications=np.int64(2), precision={"cycle_mean_h": np.float64(500)}, most=3,
        confidence=np.float64(0.9), weeks=np.float64(4), warm_up_weeks=np.int64(2), seed=np.int64(3), study=folder,
    )  # fmt: skip
    same(first, resume(folder))


@pytest.mark.parametrize(
    "spoilt",
    ["[]", "3", "{}", '{"run": 1}', '{"run": "a", "replication": {}}', "values", "pressure", "not JSON"],
)
def test_lines_that_are_no_replications_are_passed_over(article: SimulationModel, folder: Path, spoilt: str) -> None:
    """A right checksum does not make a line right: anybody can write one."""
    first = experiment(article, [], replications=2, study=folder, **SETTINGS)
    path = folder / "runs.jsonl"
    bodies = [row.partition(" ")[2] for row in path.read_text(encoding="utf-8").splitlines()]
    if spoilt in ("values", "pressure"):
        bodies = [json.dumps(json.loads(body) | {spoilt: 3}) for body in bodies]
    else:
        bodies.append(spoilt)
    path.write_text("".join(f"{crc32(body.encode()):08x} {body}\n" for body in bodies), encoding="utf-8")
    same(first, resume(folder))


@pytest.mark.parametrize(
    "change",
    [{"workers": 64}, {"model": 1}, {"weeks": None}, {"draws": "a"}, {"confidence": "a"}, {"seed": True, "x": 1}],
)
def test_settings_that_an_experiment_does_not_have(
    article: SimulationModel, folder: Path, change: dict[str, Any]
) -> None:
    experiment(article, [], replications=2, study=folder, **SETTINGS)
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text(encoding="utf-8"))
    manifest["settings"] |= change
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    with pytest.raises(DataError, match=f"setting {list(change)[-1]}=.* cannot be read"):
        resume(folder)


def test_two_writers_do_not_tear_each_others_lines(folder: Path) -> None:
    """Lines longer than a buffer are appended whole."""
    values = {f"person:{'x' * 200}{number}": 0.5 for number in range(200)}
    outcome = Outcome(
        scenario="", replication=1, values=values, pressure=Pressure(0.0, {}, {}, 0.5, False), longest_weeks=1.0
    )
    studies = [Study(folder), Study(folder)]
    with ThreadPoolExecutor(2) as pool:
        for number in range(40):
            for run, study in zip("ab", studies, strict=True):
                pool.submit(study.keep, run, replace(outcome, replication=number))
    read = Study(folder)
    assert all(read.finished(run, "", number, logged=False) for run in "ab" for number in range(40))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told(folder: Path) -> None:
    outcome = Outcome(
        scenario="", replication=1, values={}, pressure=Pressure(0.0, {}, {}, 0.5, False), longest_weeks=1.0
    )
    study = Study(folder)
    (folder / "runs.jsonl").symlink_to("/dev/full")
    with pytest.raises(DataError, match=r"cannot write .*runs.jsonl.*No space left on device"):
        study.keep("a", outcome)
