"""Discovery: models against pm4py in time and quality, and how often differences and changes are found where none are.

    python benchmarks/discovery.py [--quick] [--json] [--errors] [--shared ../shared/logs]

Models are mined from public logs by both inductive miners, with and without noise: CPU seconds from the opened log to
the model, and alignment fitness and precision of both results by one ruler, that of mkmine. `--errors` simulates an
office that stays as it is, and one whose approver sends back twice as much from the middle on, and counts how often
`mk.compare` (its two halves) and `mk.drift` say that it changed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pm4py
from office import STAFF, office
from table import row, seconds, show

import mkmine as mk
from mkmine.eventlog import EventLog
from mkmine.simulation import simulate
from mkmine.targets import read_bpmn

LOGS = ("calibration/LoanApp/train.csv.gz", "calibration/P2P/train.csv.gz", "mining/bpic2012.xes.gz")
# Seconds for the quality of a model; what is not known by then counts with its lower bound.
BUDGET = 20.0
NOISE = (0.0, 0.2)
WEEKS = 52


def theirs(log: EventLog) -> pd.DataFrame:
    """The completed cases as pm4py takes them."""
    frame = log.to_pandas()
    done = set(log.case_ids[log.completed & ~log.cancelled].tolist())
    kept = frame[frame["case"].isin(done)]
    return pm4py.format_dataframe(
        pd.DataFrame({"case": kept["case"].astype(str), "activity": kept["activity"], "time": kept["end"]}),
        case_id="case",
        activity_key="activity",
        timestamp_key="time",
    )


def models(path: Path) -> list[dict[str, Any]]:
    """Rows of the time and the quality of both miners on one log."""
    log = mk.read(path)
    frame = theirs(log)
    rows = []
    for noise in NOISE:
        task = f"{path.parent.name if path.stem.startswith('train') else path.name}, noise {noise:g}: "
        ours = seconds(lambda noise=noise: mk.discover_model(log, noise=noise), repeats=1)
        peer = seconds(lambda noise=noise: pm4py.discover_process_tree_inductive(frame, noise), repeats=1)
        rows.append(row(task + "model", ours, peer, peer_name="pm4py", unit="CPU s", target=1))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.bpmn"
            # Their layout needs Graphviz's program; the model itself does not.
            pm4py.write_bpmn(pm4py.discover_bpmn_inductive(frame, noise), str(file), auto_layout=False)
            found = mk.model_quality(log, mk.discover_model(log, noise=noise), budget_seconds=BUDGET)
            their = mk.model_quality(log, read_bpmn(file), budget_seconds=BUDGET)
        for name in ("fitness", "precision"):
            # The ratio of this table is peer by ours; here more is better, so ours stands as the peer.
            rows.append(
                row(
                    task + f"{name} (ratio: ours by theirs)",
                    getattr(their, name),
                    getattr(found, name),
                    peer_name="ours; pm4py first",
                    unit="share",
                    target=0.99,
                )
            )
    return rows


def halves(seed: int, *, change: float) -> EventLog:
    """A year of the office; in its second half the approver sends back `change` times as much."""
    model = office(STAFF)
    first = simulate(model, seed=seed, weeks=WEEKS // 2)
    other = mk.Scenario("later").rework("Approve", factor=change).apply(model)
    later = other.model_copy(update={"start": model.start + timedelta(weeks=WEEKS // 2)})
    second = simulate(later, seed=seed + 100_000, weeks=WEEKS // 2)
    return joined(first, second)


def joined(first: EventLog, second: EventLog) -> EventLog:
    """Both logs as one."""
    frames = []
    for place, log in enumerate((first, second)):
        frame = log.to_pandas()
        frames.append(frame.assign(case=[f"{place}-{one}" for one in frame["case"]]))
    return EventLog.from_pandas(pd.concat(frames, ignore_index=True), name="halves")


def errors(runs: int) -> list[dict[str, Any]]:
    """How often a change is found where there is none, and where there is one."""
    rows = []
    for change, told in ((1.0, "nothing changes"), (2.0, "twice the rework")):
        compared, drifted = [], []
        for seed in range(runs):
            log = halves(seed, change=change)
            half = date.fromisoformat("2025-01-06") + timedelta(weeks=WEEKS // 2)
            compared.append(len(mk.compare(*mk.periods(log, half)).supported()) > 0)
            drifted.append("paths" in set(mk.drift(log).changes["aspect"]))
        for name, found in (("compare", compared), ("drift of paths", drifted)):
            share = float(np.mean(found))
            wanted = (
                {"ours": max(share, 1e-9), "peer": 0.05, "target": 1}
                if change == 1
                else {"ours": 0.9, "peer": share, "target": 1}
            )
            rows.append(row(f"{told}, {runs} runs: {name} finds something", peer_name="share", unit="", **wanted))
    return rows


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one log, 20 runs")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--errors", action="store_true", help="count false and missed discoveries instead")
    parser.add_argument("--shared", type=Path, default=Path("../shared/logs"), help="folder of public logs")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", module="pm4py")
    if given.errors:
        rows = errors(20 if given.quick else 200)
    else:
        chosen = [given.shared / name for name in (LOGS[:1] if given.quick else LOGS)]
        rows = [one for path in chosen for one in models(path)]
    show(rows, as_json=given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
