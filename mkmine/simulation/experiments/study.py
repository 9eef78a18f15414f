"""One folder per study: what was asked, every finished replication, and a manifest by which it is made again."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from errno import ENOSPC
from functools import lru_cache
from importlib.metadata import version
from os import strerror
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import yaml

from mkmine.errors import DataError, MkmineError
from mkmine.eventlog import EventLog
from mkmine.files import read_yaml, write_text
from mkmine.simulation.experiments.replication import Outcome, Plan
from mkmine.simulation.experiments.workforce import Pressure
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.scenarios.scenario import Scenario

__all__ = ["Study", "fingerprint", "versions"]

MANIFEST, MODEL, JOURNAL = "manifest.yaml", "model.yaml", "runs.jsonl"
_LIBRARIES = ("numpy", "scipy", "pandas", "simpy")
# What a number of an experiment is computed by.
_ROOMS = ("simulation/**/*.py", "eventlog/**/*.py", "calendars/**/*.py", "streams.py")


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Return the versions that a number may depend on, and a hash of the code that computes it."""
    root = Path(__file__).resolve().parents[2]
    code = hashlib.sha256()
    for path in sorted(path for room in _ROOMS for path in root.glob(room)):
        code.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    own = str(vars(sys.modules[root.name])["__version__"])
    found = {name: version(name) for name in _LIBRARIES}
    return {"mkmine": own, "code": code.hexdigest()[:16], "python": platform.python_version(), **found}


def fingerprint(values: Any) -> str:
    """Return a hash of plain values, the same on every machine."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Study:
    """The folder of one study.

    `model.yaml` and one YAML file per scenario say what was asked; `runs.jsonl` has one line per finished replication,
    written as soon as it is finished; `logs/` has the simulated log of replication 0 of each scenario; `kpis.csv`,
    `answers.csv` and `manifest.yaml` are written when the experiment is done. A replication is known by a fingerprint
    of all that its numbers depend on (the changed model, seed, spans, versions and code), so that a study can be
    resumed, extended by scenarios or replications, and never mixes numbers of two versions.

    Raises `DataError` if the folder cannot be made or its journal cannot be read.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise DataError(f'study="{self.folder}" is a file; give a folder, such as simulations/article')
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f'study: cannot make the folder "{self.folder}": {error.strerror or error}') from None
        self._known = dict(self._journal())

    # -- replications ----------------------------------------------------------------------------------------------

    def run_of(self, model: SimulationModel, plan: Plan) -> str:
        """Return the fingerprint of what the replications of a (changed) model under a plan depend on."""
        return fingerprint({"model": model.to_dict(), "plan": plan.to_dict(), "versions": versions()})

    def finished(self, run: str, scenario: str, replication: int, *, logged: bool = True) -> Outcome | None:
        """Return a finished replication, or None if it is not there (or, if `logged`, its log should be and is not)."""
        outcome = self._known.get((run, replication))
        if outcome is None:
            return None
        log = self._log(run) if logged and replication == 0 else None
        if logged and replication == 0 and log is None:
            return None
        return replace(outcome, scenario=scenario, log=log)

    def keep(self, run: str, outcome: Outcome) -> None:
        """Write a finished replication down. Raises `DataError` if the folder cannot be written."""
        line = {
            "run": run,
            "replication": outcome.replication,
            "values": {key: _plain(value) for key, value in outcome.values.items()},
            "pressure": asdict(outcome.pressure),
            "longest_weeks": outcome.longest_weeks,
        }
        if outcome.log is not None:
            outcome.log.save(self.folder / "logs" / f"{run}.parquet")
        text = json.dumps(line, ensure_ascii=False, allow_nan=True).encode()
        path = self.folder / JOURNAL
        try:
            torn = path.exists() and path.stat().st_size > 0 and not _ends_line(path)
            # In one piece: whoever else writes into the same study must not tear it.
            with path.open("ab", buffering=0) as journal:
                # A line that a crash has torn must not swallow this one.
                whole = b"\n" * torn + b"%08x %s\n" % (crc32(text), text)
                if journal.write(whole) < len(whole):
                    raise OSError(ENOSPC, strerror(ENOSPC))
        except OSError as error:
            raise DataError(f'study: cannot write "{path}": {error.strerror or error}') from None
        self._known[run, outcome.replication] = replace(outcome, log=None)

    def _journal(self) -> Iterator[tuple[tuple[str, int], Outcome]]:
        path = self.folder / JOURNAL
        if not path.exists():
            return
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise DataError(f'study: cannot read "{path}": {error.strerror or error}') from None
        for row in text.split("\n"):
            check, _, body = row.partition(" ")
            # What does not match its checksum was torn by a crash; that replication is simply made again.
            if body and check == f"{crc32(body.encode()):08x}":
                # Nor is it trusted for that: anybody can write lines with checksums.
                with suppress(ValueError, KeyError, TypeError, AttributeError):
                    yield _read_line(json.loads(body))

    def _log(self, run: str) -> EventLog | None:
        try:
            return EventLog.open(self.folder / "logs" / f"{run}.parquet")
        except (MkmineError, OSError):
            return None

    # -- what was asked, and what came out -------------------------------------------------------------------------

    def write(
        self,
        *,
        model: SimulationModel,
        scenarios: Sequence[Scenario],
        runs: Mapping[str, str],
        settings: Mapping[str, Any],
        tables: Mapping[str, pd.DataFrame],
    ) -> Path:
        """Write model, scenarios, tables and the manifest; return the manifest's path.

        `runs` has the fingerprint of each scenario's replications by name, that of the base under "".
        """
        model.save(self.folder / MODEL)
        files = self._scenario_files(scenarios)
        for name, table in tables.items():
            write_text(self.folder / name, table.to_csv(index=False, lineterminator="\n"))
        manifest = {
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": versions(),
            "settings": _own(settings),
            "model": {"file": MODEL, "sha256": _sha256(self.folder / MODEL), "run": runs[""]},
            "scenarios": [
                {"name": one.name, "file": file, "sha256": _sha256(self.folder / file), "run": runs[one.name]}
                for one, file in zip(scenarios, files, strict=True)
            ],
            "results": {name: _sha256(self.folder / name) for name in tables},
        }
        text = yaml.safe_dump(manifest, allow_unicode=True, sort_keys=False, width=120)
        return write_text(self.folder / MANIFEST, text)

    def read(self) -> tuple[SimulationModel, list[Scenario], dict[str, Any]]:
        """Return the model, the scenarios and the settings of the manifest.

        Raises `DataError` if the manifest cannot be read, or a file is not the one that it names.
        """
        manifest = read_yaml(self.folder / MANIFEST, what="manifest of the study")
        try:
            parts = [manifest["model"], *manifest["scenarios"]]
            for part in parts:
                place = self.folder / Path(str(part["file"])).name
                if _sha256(place) != part["sha256"]:
                    raise DataError(f'study: "{place}" was changed since its results were made; ask the study anew')
            model = SimulationModel.load(self.folder / MODEL)
            scenarios = [Scenario.load(self.folder / Path(str(part["file"])).name) for part in parts[1:]]
            return model, scenarios, dict(manifest["settings"])
        except (KeyError, TypeError) as error:
            raise DataError(f'study: "{self.folder / MANIFEST}" is not a manifest of a study ({error})') from None

    def _scenario_files(self, scenarios: Sequence[Scenario]) -> list[str]:
        """Write each scenario to its file: the one in the folder that has its name, or a new one."""
        there = {}
        for path in sorted(self.folder.glob("*.yaml")):
            if path.name not in (MANIFEST, MODEL):
                try:
                    there[Scenario.load(path).name] = path
                except MkmineError:
                    continue
        out = []
        for one in scenarios:
            path = there.get(one.name) or self._free(one.name)
            if not path.exists() or Scenario.load(path).to_dict() != one.to_dict():
                one.save(path)
            out.append(path.name)
        return out

    def _free(self, name: str) -> Path:
        stem = re.sub(r"\W+", "_", name.casefold()).strip("_")[:60] or "scenario"
        names = (stem if number == 1 else f"{stem}_{number}" for number in range(1, 10_000))
        taken = {Path(MANIFEST).stem, Path(MODEL).stem}
        return next(self.folder / f"{one}.yaml" for one in names if one not in taken and not self._has(one))

    def _has(self, stem: str) -> bool:
        return (self.folder / f"{stem}.yaml").exists()


def _read_line(line: Mapping[str, Any]) -> tuple[tuple[str, int], Outcome]:
    run, replication = str(line["run"]), int(line["replication"])
    values = {str(key): _number(value) for key, value in line["values"].items()}
    pressure = Pressure(**line["pressure"])
    weeks = float(line["longest_weeks"])
    return (run, replication), Outcome(
        scenario="", replication=replication, values=values, pressure=pressure, longest_weeks=weeks
    )


def _own(value: Any) -> Any:
    """Return a value without NumPy's types, which YAML cannot write."""
    if isinstance(value, Mapping):
        return {key: _own(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_own(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def _ends_line(path: Path) -> bool:
    with path.open("rb") as journal:
        journal.seek(-1, 2)
        return journal.read(1) == b"\n"


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f'study: cannot read "{path}": {error.strerror or error}') from None


def _plain(value: float) -> float | None:
    return None if value != value else float(value)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
