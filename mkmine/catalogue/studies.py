"""A folder to begin a study in: TO-BE, card, world, a sample log of it, and the commands that come next."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import yaml

from mkmine.calendars import to_us, zone
from mkmine.catalogue.mess import Mess, tracker_history
from mkmine.catalogue.reference import Reference, load
from mkmine.catalogue.tracker_files import history_table, issue_table
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats.write import write
from mkmine.eventlog.observation import as_observed
from mkmine.files import checked_path, write_text
from mkmine.language import Language
from mkmine.simulation.engine import simulate
from mkmine.targets import write_bpmn, write_outline
from mkmine.trackers import StatusMapping, StatusRule

__all__ = ["new_study", "tracker_mapping"]

CASES: Final = 400
_WEEKS: Final = (26, 104)
_TEXTS: Final = Path(__file__).parent / "study"
_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {"new": "New", "waits": "Waits: {step}", "cancelled": "Cancelled", "priority": "Medium"},
    "ru": {"new": "Новая", "waits": "Ждёт: {step}", "cancelled": "Отменено", "priority": "Средний"},
}
_HEADLINES: Final[dict[Language, str]] = {
    "en": "{name}: from the log to the report",
    "ru": "{name}: от журнала до отчёта",
}
_LOGS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "tracker.csv": "`tracker.csv`, `issues.csv`, `mapping.yaml` | a task tracker's history, issues and statuses",
        "log.csv": "`log.csv` | a log of events: work goes on side by side, which one status of a tracker cannot show",
    },
    "ru": {
        "tracker.csv": "`tracker.csv`, `issues.csv`, `mapping.yaml` | история, задачи и статусы трекера",
        "log.csv": "`log.csv` | журнал событий: работы идут параллельно, одним статусом трекера этого не показать",
    },
}


def new_study(
    name: str,
    folder: str | Path | None = None,
    *,
    variants: Sequence[str] | str = (),
    language: Language = "en",
    seed: int = 7,
) -> Path:
    """Start a study folder from a process of the catalogue and return it; by default it is called as the process.

    The folder is made whole or not at all, and never into one that holds anything. Raises `DataError` if there is
    something at its place already or it cannot be written, and whatever `load` raises.
    """
    reference = load(name, variants=variants, language=language)
    place = checked_path(name if folder is None else folder)
    if os.path.lexists(place) and not _is_empty(place):
        raise DataError(f'there is something at "{place}" already; name a folder that does not exist yet')
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=place.parent, prefix=".mkmine-new-"))
    except OSError as error:
        raise DataError(f'cannot make "{place}": {error.strerror or error}; choose another place') from None
    try:
        _fill(made, reference, seed)
        mask = os.umask(0)
        os.umask(mask)
        made.chmod(0o777 & ~mask)
        _put(made, place)
    except OSError as error:
        raise DataError(f'cannot make "{place}": {error.strerror or error}; choose another place') from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return place


def _is_empty(place: Path) -> bool:
    try:
        return place.is_dir() and not place.is_symlink() and not any(place.iterdir())
    except OSError:
        return False


def _put(made: Path, place: Path) -> None:
    """Move a folder to its place; an empty folder there makes way, and the one that somebody stands in stays itself."""
    if os.path.lexists(place) and place.resolve() == Path.cwd():
        for path in sorted(made.iterdir()):
            path.rename(place / path.name)
        return
    if os.path.lexists(place):
        place.rmdir()
    made.rename(place)


def _fill(folder: Path, reference: Reference, seed: int) -> None:
    target, world = reference.target, reference.world
    assert target.card is not None
    write_bpmn(target.model, folder / "to_be.bpmn")
    write_outline(target.model, folder / "to_be.yaml")
    card = {key: value for key, value in target.card.to_dict().items() if value}
    write_text(folder / "to_be.card.yaml", yaml.safe_dump(card, allow_unicode=True, sort_keys=False, width=110))
    world.save(folder / "world.yaml")
    write_text(folder / "parameters.csv", reference.parameters.to_csv(index=False, lineterminator="\n"))
    shortest, longest = _WEEKS
    weeks = min(max(round(CASES / world.arrivals.per_week), shortest), longest)
    log = simulate(world, seed=seed, weeks=weeks)
    if any(gate.kind == "and" for gate in world.gateways.values()):
        file = "log.csv"
        write(log, folder / file)
    else:
        file = "tracker.csv"
        log = _write_tracker(folder, reference, log, weeks=weeks, seed=seed)
    values = {
        "name": reference.name,
        "headline": _HEADLINES[reference.language].format(name=reference.name),
        "what": reference.what,
        "command": " ".join([reference.key, *(f"--variant {one}" for one in reference.variants)]),
        "log_rows": _LOGS[reference.language][file],
        "log": file,
        "cases": log.n_cases,
        "seed": seed,
        "role": max(world.roles, key=lambda role: len(world.staff(role))),
        "key": reference.key,
        "language": reference.language,
    }
    for text, written in ((f"README.{reference.language}.md", "README.md"), ("study.txt", "study.py")):
        write_text(folder / written, (_TEXTS / text).read_text(encoding="utf-8").format(**values))


def tracker_mapping(reference: Reference) -> StatusMapping:
    """Return the statuses of a tracker in which the process is kept: a queue and a status of work for each step.

    The last step leaves only the moment at which a task is closed.
    """
    words, world = _WORDS[reference.language], reference.world
    statuses: dict[str, StatusRule] = {}
    *steps, last = world.activities
    for number, step in enumerate(world.activities):
        role = world.activities[step].role
        queue = words["waits"].format(step=step) if number else words["new"]
        if role is not None or not number:
            statuses[queue] = StatusRule(kind="queue", activity=step)
        if step in steps:
            statuses[step] = StatusRule(kind="work" if role is not None else "outside", role=role)
    statuses[last] = StatusRule(kind="done", activity=last, role=world.activities[last].role)
    statuses[words["cancelled"]] = StatusRule(kind="cancelled")
    return StatusMapping(
        name=reference.name,
        statuses=statuses,
        people={person.name: person.roles[0] for person in world.people},
        time_zone=world.time_zone,
        calendar=world.calendar(world.office).to_dict(),
    )


def _write_tracker(folder: Path, reference: Reference, log: EventLog, *, weeks: int, seed: int) -> EventLog:
    """Write what a tracker would have kept of a log until arrivals end, and return what is seen of it."""
    world, words = reference.world, _WORDS[reference.language]
    keys = [f"{reference.key[:3].upper()}-{number}" for number in range(1, log.n_cases + 1)]
    log = replace(log, case_names=np.array(keys, dtype=object))
    first = datetime.combine(world.start, time(), zone(world.time_zone))
    last = first + timedelta(weeks=weeks)
    mapping = tracker_mapping(reference).model_copy(update={"exported_at": last, "complete_since": first})
    export, _ = tracker_history(log, mapping, seed=seed, taken_at=to_us(last), mess=Mess())
    titles = [f"{reference.name} {key.partition('-')[2]}" for key in export.issues["issue"]]
    issues = export.issues.assign(title=titles, type=reference.name, priority=words["priority"], area="", due="")
    export = replace(export, issues=pd.DataFrame(issues))
    write_text(folder / "tracker.csv", history_table(export, reference.language), encoding="utf-8-sig")
    write_text(folder / "issues.csv", issue_table(export, reference.language), encoding="utf-8-sig")
    mapping.save(folder / "mapping.yaml")
    return as_observed(log, (to_us(first), to_us(last)))
