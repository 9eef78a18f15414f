"""The event log against pm4py and Polars: directly-follows counts, variants, CSV to ready, XES to ready. CPU seconds.

    python benchmarks/eventlog.py [--quick] [--json] [--events N]

A process of 20 activities, about 10 events a case, events of different cases interleaved in time, is written once as
CSV and as XES. Every task is run by ours and by the peer in turn, and medians of CPU time of the process are compared.
Each library works on what it has made ready itself: mkmine on its log, pm4py on a formatted frame, Polars on a frame
sorted by case and time with a dictionary-encoded activity.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from table import row, show

from mkmine.discovery import discover
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.summaries import case_table, directly_follows, rework_counts, variant_counts, variant_index

ACTIVITIES = 20
QUICK, FULL = 100_000, 1_000_000


@dataclass(frozen=True, kw_only=True)
class Task:
    """One comparison: what is timed on each side, and how many times faster ours should be."""

    name: str
    ours: Callable[[], Any]
    peer: Callable[[], Any]
    peer_name: str
    target: float


def make_log(events: int) -> pd.DataFrame:
    """Random walks with a habit: mostly the next activity, sometimes back or elsewhere; in order of time."""
    rng = np.random.default_rng(7)
    cases = events // 10
    size = 1 + rng.poisson(9, cases)
    case = np.repeat(np.arange(cases), size)
    step = np.where(rng.random(len(case)) < 0.8, 1, rng.integers(-3, 6, len(case)))
    first = np.append(True, case[1:] != case[:-1])
    step[first] = 0
    walked = np.cumsum(step)
    start = np.repeat(walked[first], size)
    activity = (walked - start) % ACTIVITIES
    begin = rng.integers(0, 365 * 86_400, cases)
    gaps = np.where(first, 0, rng.exponential(8 * 3600, len(case))).astype(np.int64)
    elapsed = np.cumsum(gaps)
    second = begin[case] + elapsed - np.repeat(elapsed[first], size)
    frame = pd.DataFrame(
        {
            "case_id": np.char.add("C", case.astype(str)),
            "activity": np.char.add("Activity ", activity.astype(str)),
            "timestamp": pd.to_datetime(1_735_689_600 + second, unit="s", utc=True),
            "resource": np.char.add("R", rng.integers(0, 50, len(case)).astype(str)),
        }
    )
    return frame.sort_values("timestamp", kind="stable", ignore_index=True)


def write_xes(frame: pd.DataFrame, path: Path) -> None:
    """Write the log as plain XES, completions only."""
    with path.open("w", encoding="utf-8") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0">\n')
        for case, events in frame.groupby("case_id", sort=False):
            out.write(f'<trace><string key="concept:name" value="{case}"/>\n')
            for row in events.itertuples(index=False):
                out.write(
                    f'<event><string key="concept:name" value="{row.activity}"/>'
                    f'<date key="time:timestamp" value="{row.timestamp.isoformat()}"/>'
                    f'<string key="org:resource" value="{row.resource}"/></event>\n'
                )
            out.write("</trace>\n")
        out.write("</log>\n")


def pm4py_read(path: Path) -> pd.DataFrame:
    """CSV to a formatted pm4py frame, with the types it can work with (nanoseconds, object strings)."""
    import pm4py

    frame = pd.read_csv(path).astype({"case_id": object, "activity": object})
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True).astype("datetime64[ns, UTC]")
    return pm4py.format_dataframe(frame, case_id="case_id", activity_key="activity", timestamp_key="timestamp")


def polars_read(path: Path) -> Any:
    """CSV to a Polars frame sorted by case and time, activities encoded."""
    import polars as pl

    frame = pl.read_csv(path, try_parse_dates=True)
    return frame.sort(["case_id", "timestamp"], maintain_order=True).with_columns(
        pl.col("activity").cast(pl.Categorical), pl.col("case_id").rank("dense").alias("case")
    )


def polars_edges(frame: Any) -> Any:
    """Directly-follows counts in Polars."""
    import polars as pl

    following = frame.select(
        pl.col("activity"),
        pl.col("activity").shift(-1).alias("next"),
        (pl.col("case") == pl.col("case").shift(-1)).alias("same"),
    )
    return following.filter("same").group_by("activity", "next").len()


def polars_variants(frame: Any) -> Any:
    """Variant counts in Polars."""
    import polars as pl

    codes = frame.select("case", pl.col("activity").to_physical())
    return codes.group_by("case", maintain_order=True).agg("activity").group_by("activity").len()


def tasks(folder: Path, events: int) -> Iterator[Task]:
    """Make the log and yield the comparisons."""
    import pm4py

    frame = make_log(events)
    csv, xes = folder / "log.csv", folder / "log.xes"
    frame.to_csv(csv, index=False)
    log, theirs, columns = read(csv), pm4py_read(csv), polars_read(csv)
    found = directly_follows(log)
    assert found.edges == dict(pm4py.discover_dfg(theirs)[0]), "ours and pm4py's counts differ"
    assert sum(found.edges.values()) == polars_edges(columns)["len"].sum()
    assert len(variant_counts(log).counts) == len(pm4py.get_variants(theirs)) == len(polars_variants(columns))
    label = f"{len(frame):,} events"
    yield Task(
        name=f"directly-follows counts, {label}",
        ours=lambda: directly_follows(log),
        peer=lambda: pm4py.discover_dfg(theirs),
        peer_name="pm4py",
        target=500,
    )
    yield Task(
        name=f"directly-follows counts, {label}",
        ours=lambda: directly_follows(log),
        peer=lambda: polars_edges(columns),
        peer_name="Polars",
        target=4,
    )
    yield Task(
        name=f"directly-follows, working-time statistics, {label}",
        ours=lambda: discover(log),
        peer=lambda: pm4py.discover_performance_dfg(theirs),
        peer_name="pm4py (wall clock)",
        target=40,
    )
    yield Task(
        name=f"variants, {label}",
        ours=lambda: variant_counts(log),
        peer=lambda: pm4py.get_variants(theirs),
        peer_name="pm4py",
        target=40,
    )
    yield Task(
        name=f"variants (numbers, no names), {label}",
        ours=lambda: variant_index(log),
        peer=lambda: polars_variants(columns),
        peer_name="Polars",
        target=1,
    )
    yield Task(
        name=f"cases: cycle, processing, waiting, {label}",
        ours=lambda: case_table(log),
        peer=lambda: pm4py.get_all_case_durations(theirs),
        peer_name="pm4py (durations only)",
        target=40,
    )
    yield Task(
        name=f"rework, {label}",
        ours=lambda: rework_counts(log),
        peer=lambda: pm4py.get_rework_cases_per_activity(theirs),
        peer_name="pm4py",
        target=40,
    )
    yield Task(
        name=f"CSV to ready, {label}", ours=lambda: read(csv), peer=lambda: pm4py_read(csv), peer_name="pm4py", target=8
    )
    yield Task(
        name=f"CSV to ready, {label}",
        ours=lambda: read(csv),
        peer=lambda: polars_read(csv),
        peer_name="Polars",
        target=1,
    )
    few = frame[frame["case_id"].isin(frame["case_id"].unique()[: min(events, QUICK) // 10])]
    write_xes(few, xes)
    yield Task(
        name=f"XES to ready, {len(few):,} events",
        ours=lambda: read(xes),
        peer=lambda: pm4py.read_xes(str(xes)),
        peer_name="pm4py",
        target=4,
    )


def cpu(run: Callable[[], Any]) -> float:
    """CPU seconds of one run, of the mean of several where one is very short."""
    begin, runs = time.process_time(), 0
    while not runs or (time.process_time() - begin < 0.05 and runs < 100):
        run()
        runs += 1
    return (time.process_time() - begin) / runs


def measure(task: Task, repeats: int) -> dict[str, Any]:
    """Run ours and the peer in turn and compare the medians."""
    ours, peer = [], []
    for _ in range(repeats):
        ours.append(cpu(task.ours))
        peer.append(cpu(task.peer))
    return row(task.name, median(ours), median(peer), peer_name=task.peer_name, unit="CPU s", target=task.target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} events instead of {FULL:,}")
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    parser.add_argument("--events", type=int, help="number of events")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    # CPU time is compared: threads would only blur it. It must be said before Polars is imported.
    os.environ["POLARS_MAX_THREADS"] = "1"
    events = arguments.events or (QUICK if arguments.quick else FULL)
    # pm4py prints progress bars and a banner.
    with (
        tempfile.TemporaryDirectory() as folder,
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        rows = [measure(task, 3 if arguments.quick else 5) for task in tasks(Path(folder), events)]
    show(rows, as_json=arguments.json)


if __name__ == "__main__":
    main()
