"""The sample data: where it is, and how it is made again.

`python -m mkmine.catalogue.samples` writes `data/article` anew in the checkout; one seed makes the same files.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from mkmine.calendars import from_us, zone
from mkmine.catalogue import article, article_target, article_tracker, tracker_files, truth
from mkmine.catalogue.dictionary import ARTICLE_DICTIONARY
from mkmine.catalogue.mess import MessReport, tracker_history
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.observation import as_observed
from mkmine.files import write_bytes, write_text
from mkmine.simulation.engine import simulate
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.model.arrivals import midnight
from mkmine.targets import write_bpmn
from mkmine.trackers import StatusMapping, TrackerExport

__all__ = ["ArticleSample", "Sample", "make_article", "sample", "write_article"]

SEED = 2024
_NAMES = ("article",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The files of a sample; usable as the path of its folder."""

    folder: Path

    @property
    def log(self) -> Path:
        """The tracker's history as a table; the list of issues and the mapping of statuses are found beside it."""
        return self.folder / "tracker.csv"

    @property
    def json(self) -> Path:
        """The same history as the tracker's JSON."""
        return self.folder / "tracker.json.gz"

    @property
    def issues(self) -> Path:
        """The list of issues."""
        return self.folder / "issues.csv"

    @property
    def mapping(self) -> Path:
        """What the statuses mean."""
        return self.folder / "mapping.yaml"

    @property
    def to_be(self) -> Path:
        """The TO-BE model; its process card is found beside it."""
        return self.folder / "to_be.bpmn"

    @property
    def truth(self) -> Path:
        """What really happened."""
        return self.folder / "truth.json"

    def __fspath__(self) -> str:
        return str(self.folder)


def sample(name: str = "article") -> Sample:
    """Return the sample data of that name, in the installed package or in the checkout.

    Raises `UnknownNameError` if there is no such sample, and `DataError` if its files are missing.
    """
    if name not in _NAMES:
        raise UnknownNameError.of(kind="sample", name=name, known=_NAMES)
    package = Path(__file__).resolve().parents[1]
    places = (package / "data" / name, package.parent / "data" / name)
    for folder in places:
        if (folder / "tracker.csv").is_file():
            return Sample(folder=folder)
    raise DataError(f'the sample "{name}" is in neither {places[0]} nor {places[1]}; install mkmine again')


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleSample:
    """The article world, run: the model, its whole log, what an observer saw of it, and the messy history."""

    seed: int
    model: SimulationModel
    mapping: StatusMapping
    whole: EventLog
    observed: EventLog
    export: TrackerExport
    mess: MessReport


def make_article(*, seed: int = SEED, first: Any = article.FROM, last: Any = article.UNTIL) -> ArticleSample:
    """Run the article world and return it with the history that its tracker kept between two dates."""
    model = article.article_world()
    weeks = (last - article.WARM_UP) / timedelta(weeks=1)
    whole = simulate(model, seed=seed, weeks=weeks)
    keys = np.array([f"ART-{number}" for number in range(1, whole.n_cases + 1)], dtype=object)
    whole = replace(whole, case_names=keys)
    window = midnight(first, model.time_zone), midnight(last, model.time_zone)
    mapping = article_tracker.article_mapping(model).model_copy(
        update={"exported_at": _local(window[1], model), "complete_since": _local(window[0], model)}
    )
    details = article_tracker.issue_details(model, whole, seed=seed)
    export, mess = tracker_history(
        whole,
        mapping,
        seed=seed,
        taken_at=window[1],
        mess=article_tracker.article_mess(),
        people_of_issues={str(key): str(name) for key, name in details["requester"].items()},
    )
    return ArticleSample(
        seed=seed,
        model=model,
        mapping=mapping,
        whole=whole,
        observed=as_observed(whole, window),
        export=_touched_since(export, window[0], details),
        mess=mess,
    )


def _local(moment: int, model: SimulationModel) -> datetime:
    return from_us(moment, model.time_zone).astimezone(zone(model.time_zone))


def _touched_since(export: TrackerExport, first: int, details: pd.DataFrame) -> TrackerExport:
    """Return the issues that were changed in the window, as the filter `updated >= ...` of a tracker gives them."""
    issues = export.issues[export.issues["updated"] >= first].reset_index(drop=True)
    issues = issues.join(details.drop(columns="requester"), on="issue")
    changes = export.changes[export.changes["issue"].isin(issues["issue"])].reset_index(drop=True)
    return replace(export, issues=issues, changes=changes)


def write_article(folder: str | Path, *, seed: int = SEED) -> Sample:
    """Write the article sample into a folder: tracker exports, mapping, TO-BE with card, truth and data dictionary."""
    made = make_article(seed=seed)
    place = Sample(folder=Path(folder))
    place.folder.mkdir(parents=True, exist_ok=True)
    write_bytes(place.json, tracker_files.packed(tracker_files.jira_json(made.export, made.mapping)))
    write_text(place.log, tracker_files.history_table(made.export), encoding="cp1251")
    write_text(place.issues, tracker_files.issue_table(made.export), encoding="utf-8-sig")
    made.mapping.save(place.mapping)
    write_bpmn(article_target.article_target(), place.to_be)
    card = yaml.safe_dump(article_target.article_card(), allow_unicode=True, sort_keys=False, width=110)
    write_text(place.folder / "to_be.card.yaml", card)
    text = json.dumps(truth_of(made), ensure_ascii=False, indent=1)
    write_text(place.truth, text + "\n")
    write_text(place.folder / "README.md", ARTICLE_DICTIONARY)
    return place


def truth_of(made: ArticleSample) -> dict[str, Any]:
    """Return the ground truth of a run as plain values."""
    window = made.observed.observed
    waits = truth.true_waiting(made.model, made.whole, seed=made.seed)
    within = (made.whole.start >= window[0]) & (made.whole.start < window[1])
    hours = ["waiting_h", "outside_h", "unavailability_h", "contention_h", "waiting_wall_h"]
    by_activity = waits[within].groupby("activity", sort=False)[hours].sum().reset_index()
    by_activity.insert(1, "instances", waits[within].groupby("activity", sort=False).size().to_numpy())
    open_cases = int((~made.observed.completed).sum())
    return {
        "seed": made.seed,
        "world": "mkmine.catalogue.article.article_world, preset light",
        "world_sha256": sha256(made.model.to_yaml().encode("utf-8")).hexdigest(),
        "window": [from_us(moment, made.model.time_zone).isoformat() for moment in window],
        "cases": made.observed.n_cases,
        "open_cases": open_cases,
        "cancelled_cases": int((made.observed.case_attributes["outcome"] == "cancelled").sum()),
        "instances": made.observed.n_instances,
        "waiting": {
            "unit": "working hours of the office calendar; waiting_wall_h in hours of the clock",
            "of": "instances that started in the window",
            "by_activity": truth.as_records(by_activity),
            "not_separable": "contention includes waiting behind work with an earlier deadline (priority); the two "
            "cannot be told apart without fixing an order in which causes are removed",
        },
        "rework": truth.as_records(truth.rework(made.model, made.observed)),
        "capacities": truth.as_records(truth.capacities(made.model, made.whole, window)),
        "mess": {"unit": "moves of the exported issues", **made.mess.counts(set(made.export.issues["issue"]))},
    }


def _main() -> int:
    folder = Path(__file__).resolve().parents[2] / "data" / "article"
    place = write_article(folder)
    sizes = {path.name: path.stat().st_size for path in sorted(place.folder.iterdir())}
    sys.stdout.write("".join(f"{size:>10,}  {name}\n" for name, size in sizes.items()) + f"written to {folder}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
