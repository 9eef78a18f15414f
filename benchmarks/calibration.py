"""How well a calibrated model foretells the cases that it has not seen, beside what AgentSimulator and Simod reach.

`python benchmarks/calibration.py --logs FOLDER [--distances PYTHON] [--quick] [--json]`. FOLDER holds a folder per log
with `train.csv.gz` and `test.csv.gz`; PYTHON is that of an environment with `log-distance-measures` 2.2, which wants
pandas below 3 (see `distances.py`).

Published protocol (Kirchdorfer et al. 2024, "AgentSimulator"): the model is fitted on the train log; it may know when
the first case of the test log begins and how many there are; ten runs, arrivals drawn anew in each; the mean distance.
Aligned protocol: simulated cases that end after the last recorded end are left out, as the real ones were.

The peers' numbers were measured with their original code on the same split (AgentSimulator; Simod 5.2.1 at the settings
of its benchmark, `quick` at smaller ones), and so were the floor (train and test shuffled), the joint bootstrap of
train cases (no queues) and the train traces at the true arrivals.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

METRICS = ("NGD", "AED", "CED", "RED", "CTD")
RUNS = 10
Figures = tuple[float, float, float, float, float]

PUBLISHED: dict[str, dict[str, Figures]] = {
    "LoanApp": {
        "AgentSimulator": (0.073, 2.8, 0.24, 1.90, 2.76),
        "Simod": (0.094, 17, 0.34, 4.1, 5.6),
        "joint bootstrap": (0.076, 16, 0.56, 1.47, 2.15),
        "noise floor": (0.045, 13, 0.22, 1.0, 1.3),
        "train traces": (0.073, 4.0, 7.4, 1.0, 1.3),
        "last quarter of them": (0.110, 4.4, 7.4, 1.2, 2.1),
    },
    "P2P": {
        "AgentSimulator": (0.249, 1236, 1.34, 743, 572),
        "Simod": (0.42, 937, 1.34, 704, 671),
        "Simod, quick": (0.41, 845, 1.16, 669, 569),
        "joint bootstrap": (0.214, 876, 1.04, 683, 516),
        "noise floor": (0.059, 54, 0.60, 60, 81),
        "train traces": (0.258, 382, 0.73, 685, 537),
        "last quarter of them": (0.147, 430, 0.85, 723, 530),
    },
    "Production": {
        "AgentSimulator": (0.606, 81, 3.58, 134, 251),
        "Simod, quick": (0.803, 1499, 2.00, 1321, 492),
        "joint bootstrap": (0.556, 348, 1.87, 254, 318),
        "noise floor": (0.202, 13, 1.67, 7.0, 11),
        "train traces": (0.545, 208, 2.64, 179, 293),
        "last quarter of them": (0.471, 95, 2.84, 56, 114),
    },
    "ACR": {
        "AgentSimulator": (0.417, 276, 6.80, 22.9, 65.6),
        "Simod": (0.24, 205, 6.5, 21, 55),
        "Simod, quick": (0.35, 77, 2.9, 174, 470),
        "joint bootstrap": (0.222, 99, 2.05, 74, 144),
        "noise floor": (0.030, 24, 1.00, 4.9, 13),
        "train traces": (0.230, 105, 1.69, 103, 195),
        "last quarter of them": (0.186, 26, 1.54, 26, 60),
    },
    "BPIC12W": {
        "AgentSimulator": (0.156, 125, 1.81, 65, 92),
        "Simod, quick": (0.323, 156, 2.12, 121, 101),
        "joint bootstrap": (0.166, 137, 0.96, 63, 72),
        "noise floor": (0.028, 4.7, 1.44, 4.2, 4.1),
        "train traces": (0.184, 92, 2.13, 83, 54),
        "last quarter of them": (0.176, 21, 2.03, 14, 61),
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=Path, default=os.environ.get("MKMINE_LOGS"), help="folder of the logs")
    parser.add_argument("--only", nargs="*", default=list(PUBLISHED), choices=list(PUBLISHED))
    parser.add_argument("--distances", default=os.environ.get("MKMINE_DISTANCES", sys.executable))
    parser.add_argument("--quick", action="store_true", help="two runs of the small logs")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--fit", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.logs is None:
        parser.error("say where the logs are: --logs FOLDER, or the environment variable MKMINE_LOGS")
    if arguments.fit:
        print(json.dumps(simulated(Path(arguments.logs), Path(arguments.fit), 2 if arguments.quick else RUNS)))
        return
    names = [name for name in arguments.only if not (arguments.quick and name == "BPIC12W")]
    found = {name: measured(Path(arguments.logs) / name, arguments) for name in names}
    print(json.dumps(found, indent=2) if arguments.json else told(found))


def measured(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Fit and simulate in a process of its own, then have the distances measured."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, __file__, "--logs", str(folder), "--fit", out]
        done = subprocess.run(
            command + ["--quick"] * arguments.quick, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}
        )
        if done.returncode:
            raise SystemExit(f"{folder.name}: {done.stderr}")
        costs = json.loads(done.stdout)
        script = Path(__file__).with_name("distances.py")
        pairs = [[costs["test"], path] for path in (*costs["published"], *costs["aligned"])]
        scored = subprocess.run(
            [arguments.distances, str(script)], input=json.dumps(pairs), capture_output=True, text=True
        )
        if scored.returncode:
            raise SystemExit(f"{scored.stderr}\n{arguments.distances} cannot measure distances; see {script}")
        distances = json.loads(scored.stdout)
    runs = len(costs["published"])
    return {
        "published": summary(distances[:runs]),
        "aligned": summary(distances[runs:]),
        **{key: costs[key] for key in ("cpu_s", "fit_s", "peak_mb", "left_out", "notes")},
    }


ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def summary(runs: list[dict[str, float]]) -> dict[str, list[float]]:
    """Return mean and standard deviation of each distance over runs."""
    values = {metric: [run[metric] for run in runs] for metric in METRICS}
    return {metric: [float(np.mean(of)), float(np.std(of, ddof=1))] for metric, of in values.items()}


def simulated(folder: Path, out: Path, runs: int) -> dict[str, Any]:
    """Fit on the train log, simulate, write the logs; return where they are and what it cost."""
    import mkmine as mk
    from mkmine.simulation import simulate
    from mkmine.simulation.model.arrivals import arrivals_from
    from mkmine.streams import Streams

    train, test = (_log(folder / f"{part}.csv.gz") for part in ("train", "test"))
    first = int(test.start.min())
    begin = time.process_time()
    model = mk.calibrate(train)
    fitted = time.process_time()
    logs = []
    for run in range(runs):
        arrivals = arrivals_from(model, Streams(7, replication=run), first, test.n_cases)
        logs.append(simulate(model, seed=7, replication=run, arrivals=arrivals))
    cpu = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    last = int(test.end.max())
    left_out = []
    published, aligned = [], []
    for run, log in enumerate(logs):
        published.append(_write(out / f"published-{run}.csv", log))
        in_time = np.maximum.reduceat(log.end, log.offsets[:-1]) <= last
        left_out.append(1 - float(in_time.mean()))
        aligned.append(_write(out / f"aligned-{run}.csv", log, in_time[log.case_of]))
    return {
        "test": _write(out / "test.csv", test),
        "published": published,
        "aligned": aligned,
        "cpu_s": cpu,
        "fit_s": fitted - begin,
        "peak_mb": peak,
        "left_out": float(np.mean(left_out)),
        "notes": model.notes,
    }


def _log(path: Path) -> Any:
    from mkmine.eventlog import EventLog

    frame = pd.read_csv(path, dtype={"case_id": str, "activity": str, "resource": str})
    for column in ("start_time", "end_time"):
        frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
    return EventLog.from_pandas(
        frame, case="case_id", start="start_time", end="end_time", resource="resource", name=path.parent.name
    )


def _write(path: Path, log: Any, rows: NDArray[np.bool_] | None = None) -> str:
    chosen = slice(None) if rows is None else rows
    activity = np.asarray(log.activities, dtype=object)[log.activity[chosen]]
    columns = {"case": log.case_of[chosen], "activity": activity, "start": log.start[chosen], "end": log.end[chosen]}
    pd.DataFrame(columns).to_csv(path, index=False)
    return str(path)


# -- what is told ------------------------------------------------------------------------------------------------------


def told(found: dict[str, dict[str, Any]]) -> str:
    """Return the tables as text."""
    lines = []
    for name, one in found.items():
        lines += [f"\n{name}", f"{'':<24}" + "".join(f"{metric:>17}" for metric in METRICS)]
        for protocol in ("published", "aligned"):
            cells = "".join(f"{mean:>9.4g} ({sd:>5.2g})" for mean, sd in one[protocol].values())
            lines.append(f"{'mkmine, ' + protocol:<24}{cells}")
        for peer, figures in PUBLISHED[name].items():
            lines.append(f"{peer:<24}" + "".join(f"{value:>9.4g}        " for value in figures))
        lines.append(
            f"fit {one['fit_s']:.1f} s, with runs {one['cpu_s']:.1f} s of CPU, {one['peak_mb']:.0f} MB; "
            f"{one['left_out']:.0%} of the simulated cases end after the log"
        )
    cells = verdicts(found)
    for what, verdict in cells.items():
        missed = [cell for cell, met in verdict.items() if not met]
        lines.append(f"{what}: {len(verdict) - len(missed)} of {len(verdict)}; not: {', '.join(missed) or 'none'}")
    return "\n".join(lines)


def verdicts(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, bool]]:
    """Return for each target which cells meet it."""
    out: dict[str, dict[str, bool]] = {}
    for name, one in found.items():
        for number, metric in enumerate(METRICS):
            ours, cell = one["published"][metric][0], f"{name} {metric}"
            of = {peer: figures[number] for peer, figures in PUBLISHED[name].items()}
            peers = [value for peer, value in of.items() if peer.startswith(("AgentSimulator", "Simod"))]
            named = [value for peer, value in of.items() if peer in ("AgentSimulator", "Simod")]
            out.setdefault("better than both tools (published)", {})[cell] = ours < min(named or peers)
            out.setdefault("and than Simod's quick settings too", {})[cell] = ours < min(peers)
            sketch = of["joint bootstrap"]
            out.setdefault("at most 10 % worse than the joint bootstrap", {})[cell] = ours <= 1.1 * sketch
            if name == "LoanApp":
                out.setdefault("LoanApp within 1.2 of the train traces", {})[cell] = ours <= 1.2 * of["train traces"]
    return out


if __name__ == "__main__":
    main()
