"""The aligned protocol beside Simod 5.2.1, run here and scored by the same distances.

`python benchmarks/simod.py --logs FOLDER --simod FOLDER/bin/simod [--distances PYTHON] [--runs FOLDER]
[--only NAME ...] [--json]`. FOLDER of the logs and PYTHON are those of `calibration.py`. Simod wants an environment of
its own: `python3.11 -m venv FOLDER && FOLDER/bin/pip install simod==5.2.1`, and Java. What it has made is kept in
`--runs` and not made again.

Aligned protocol: a model is fitted on the train log and simulated ten times for the number of test cases from the first
test case on; simulated cases that end after the last recorded end are left out, as the real ones were. Simod's settings
are smaller than those of its own benchmark (five iterations of each search), so that a log takes a minute of CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from calibration import METRICS, ONE_THREAD, PUBLISHED, RUNS, measured, summary

SETTINGS = """version: 5
common:
  train_log_path: {folder}/train.csv
  test_log_path: {folder}/test.csv
  log_ids:
    {{case: case_id, activity: activity, resource: resource, start_time: start_time, end_time: end_time}}
  num_final_evaluations: {runs}
  evaluation_metrics: [three_gram_distance]
  clean_intermediate_files: false
preprocessing: {{multitasking: false, enable_time_concurrency_threshold: 0.5}}
control_flow:
  mining_algorithm: sm1
  num_iterations: 5
  num_evaluations_per_iteration: 1
  gateway_probabilities: discovery
  epsilon: [0.05, 0.4]
  eta: [0.2, 0.7]
  prioritize_parallelism: true
  replace_or_joins: [true, false]
resource_model:
  num_iterations: 5
  num_evaluations_per_iteration: 1
  discovery_type: differentiated
  granularity: 60
  confidence: [0.5, 0.85]
  support: [0.05, 0.5]
  participation: 0.4
extraneous_activity_delays:
  num_iterations: 1
  num_evaluations_per_iteration: 1
  discovery_method: eclipse-aware
"""
COLUMNS = {"case_id": "case", "activity": "activity", "start_time": "start", "end_time": "end"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=Path, default=os.environ.get("MKMINE_LOGS"), help="folder of the logs")
    parser.add_argument("--simod", required=True, help="the command of Simod")
    parser.add_argument("--distances", default=os.environ.get("MKMINE_DISTANCES", sys.executable))
    parser.add_argument("--runs", type=Path, default=Path("simod-runs"), help="where its runs are kept")
    parser.add_argument("--only", nargs="*", default=list(PUBLISHED), choices=list(PUBLISHED))
    parser.add_argument("--quick", action="store_true", help="two runs of ours")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.logs is None:
        parser.error("say where the logs are: --logs FOLDER, or the environment variable MKMINE_LOGS")
    found = {name: beside(name, arguments) for name in arguments.only}
    print(json.dumps(found, indent=2) if arguments.json else told(found))


def beside(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the distances of Simod and ours for a log, in both protocols."""
    folder = (arguments.runs / name).resolve()
    cpu = run_simod(arguments.simod, Path(arguments.logs) / name, folder)
    logs = sorted(folder.glob("out/best_result/evaluation/simulated_log_*.csv"))
    test = _read(folder / "test.csv")
    pairs, left_out = [], []
    last = test["end"].max()
    for path in logs:
        log = _read(path)
        in_time = log.groupby("case")["end"].transform("max") <= last
        left_out.append(1 - log.loc[in_time, "case"].nunique() / log["case"].nunique())
        pairs += [_written(folder, "published", path, log), _written(folder, "aligned", path, log[in_time])]
    real = _written(folder, "test", folder / "test.csv", test)
    script = Path(__file__).with_name("distances.py")
    scored = subprocess.run(
        [arguments.distances, str(script)],
        input=json.dumps([[real, path] for path in pairs]),
        capture_output=True,
        text=True,
    )
    if scored.returncode:
        raise SystemExit(f"{scored.stderr}\n{arguments.distances} cannot measure distances; see {script}")
    distances = json.loads(scored.stdout)
    ours = measured(Path(arguments.logs) / name, arguments)
    simod = {"published": summary(distances[::2]), "aligned": summary(distances[1::2])}
    return {"simod": simod | {"cpu_s": cpu, "left_out": float(np.mean(left_out))}, "ours": ours}


def run_simod(command: str, source: Path, folder: Path) -> float:
    """Run Simod on a train log, unless that was done; return its CPU, s."""
    done = folder / "cpu.json"
    if done.exists():
        return float(json.loads(done.read_text()))
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "test"):
        pd.read_csv(source / f"{part}.csv.gz").to_csv(folder / f"{part}.csv", index=False)
    (folder / "settings.yml").write_text(SETTINGS.format(folder=folder, runs=RUNS))
    before = _children()
    ran = subprocess.run(
        [command, "-c", str(folder / "settings.yml"), "-o", str(folder / "out")],
        capture_output=True,
        text=True,
        env={**os.environ, **ONE_THREAD},
    )
    if ran.returncode:
        raise SystemExit(f"{source.name}: {ran.stderr[-2000:]}")
    cpu = _children() - before
    done.write_text(json.dumps(cpu))
    return cpu


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _read(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype={"case_id": str, "activity": str})[list(COLUMNS)].rename(columns=COLUMNS)
    for column in ("start", "end"):
        frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
    return frame


def _written(folder: Path, kind: str, path: Path, log: pd.DataFrame) -> str:
    """Write a log as `distances.py` reads it; return where it is."""
    out = folder / f"{kind}-{path.stem}.csv"
    micro = {column: log[column].dt.as_unit("us").astype("int64") for column in ("start", "end")}
    log.assign(**micro).to_csv(out, index=False)
    return str(out)


def told(found: dict[str, dict[str, Any]]) -> str:
    """Return the table as text, with the cells in which ours is nearer."""
    lines, nearer = [], 0
    for name, one in found.items():
        lines += [f"\n{name}", f"{'':<24}" + "".join(f"{metric:>17}" for metric in METRICS)]
        for protocol in ("aligned", "published"):
            for who, label in (("ours", "mkmine"), ("simod", "Simod")):
                cells = "".join(f"{mean:>9.4g} ({sd:>5.2g})" for mean, sd in one[who][protocol].values())
                lines.append(f"{label + ', ' + protocol:<24}{cells}")
        floor = PUBLISHED[name]["noise floor"]
        lines.append(f"{'noise floor':<24}" + "".join(f"{value:>9.4g}        " for value in floor))
        lines.append(
            f"CPU of fit and runs: mkmine {one['ours']['cpu_s']:.1f} s, Simod {one['simod']['cpu_s']:.1f} s; "
            f"cases left out: mkmine {one['ours']['left_out']:.0%}, Simod {one['simod']['left_out']:.0%}"
        )
        nearer += sum(one["ours"]["aligned"][metric][0] < one["simod"]["aligned"][metric][0] for metric in METRICS)
    lines.append(f"aligned: nearer than Simod in {nearer} of {len(METRICS) * len(found)} cells")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
