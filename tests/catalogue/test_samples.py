"""The sample: made again byte by byte, found, and readable by the doors for logs and targets."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from mkmine.catalogue import article
from mkmine.catalogue.article_target import CHECK
from mkmine.catalogue.samples import ArticleSample, sample, write_article
from mkmine.errors import UnknownNameError
from mkmine.targets import read_target
from mkmine.trackers import looks_like_export, read_export


def test_the_sample_is_found_and_small() -> None:
    place = sample("article")
    files = {path.name: path.stat().st_size for path in place.folder.iterdir()}
    assert set(files) == {
        "README.md", "issues.csv", "mapping.yaml", "to_be.bpmn", "to_be.card.yaml", "tracker.csv", "tracker.json.gz",
        "truth.json",
    }  # fmt: skip
    assert sum(files.values()) < 5_000_000
    with pytest.raises(UnknownNameError, match="article"):
        sample("artcle")


def test_one_seed_makes_the_committed_files(tmp_path: Path) -> None:
    committed, again = sample("article"), write_article(tmp_path)
    for path in sorted(committed.folder.iterdir()):
        old, new = path.read_bytes(), (again.folder / path.name).read_bytes()
        # Packers differ between machines, what is packed does not.
        if path.suffix == ".gz":
            old, new = gzip.decompress(old), gzip.decompress(new)
        assert old == new, f"{path.name}: run python -m mkmine.catalogue.samples"


def test_table_and_json_hold_the_same_instances(made: ArticleSample) -> None:
    place = sample("article")
    logs = []
    for path in (place.log, place.json):
        assert looks_like_export(path)
        logs.append(read_export(path))
    table, json_ = (log.to_pandas() for log in logs)
    assert table.equals(json_)
    assert logs[0].n_cases == made.export.issues.shape[0]
    assert logs[0].observed == made.observed.observed
    assert logs[0].calendar == made.model.calendar(made.model.office)
    assert set(logs[0].roles) == set(made.model.roles)
    assert set(logs[0].activities) == set(made.model.activities)
    assert "Deleted user 1" in logs[0].resources


def test_what_the_tracker_shows_is_close_to_what_happened(made: ArticleSample) -> None:
    log = read_export(sample("article").log)
    true, read = (one.to_pandas().groupby("case")["activity"].agg(tuple) for one in (made.observed, log))
    common = true.index.intersection(read.index)
    assert len(common) >= 0.999 * len(true)
    assert (true[common] == read[common]).mean() > 0.88
    office = made.model.calendar(made.model.office)
    assert made.observed.enabled is not None
    assert log.enabled is not None
    hours = [
        office.working_time(np.asarray(one.enabled)[~one.ongoing], one.start[~one.ongoing]).sum()
        for one in (made.observed, log)
    ]
    assert hours[1] == pytest.approx(hours[0], rel=0.05)


def test_the_statuses_can_be_guessed_without_the_mapping(tmp_path: Path) -> None:
    place = sample("article")
    for path in (place.log, place.issues):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    guessed, mapped = read_export(tmp_path / "tracker.csv", time_zone="Europe/Moscow"), read_export(place.log)
    assert any(step.action == "guess statuses" for step in guessed.history)
    # Without a mapping a renamed status is two, and the statuses give the activities their names.
    names = {"У юристов": article.LEGAL, "У агентства": article.AGENCY, "Опубликовано": article.PUBLICATION}
    found = {names.get(name, name) for name in guessed.activities} - {"Копирайтинг"}
    assert found == set(mapped.activities)
    assert len(guessed) == pytest.approx(len(mapped), rel=0.02)
    assert guessed.n_cases == pytest.approx(mapped.n_cases, abs=15)


def test_the_target_is_readable_and_differs_from_practice(made: ArticleSample) -> None:
    target = read_target(sample("article").to_be)
    assert target.card is not None
    assert target.card.owner == article.HEAD
    assert set(target.activities) - set(made.model.activities) == {CHECK}
    assert set(made.model.activities) - set(target.activities) == {article.AGENCY}
    assert set(target.roles.values()) - set(made.model.roles) == {"Юристы"}
    assert target.card.max_rounds[article.APPROVAL] == 2
