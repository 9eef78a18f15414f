"""A log larger than memory against DuckDB and Polars: CPU seconds, peak memory, and how time grows with the log.

    python benchmarks/partitions.py [--quick] [--json] [--events N ...]

Logs of about 10 events a case, in order of time, events of many cases at once, are written as Parquet cohort by cohort.
Every task is a process of its own, on one thread, stopped if it takes more than 4 GB. mkmine deals the log out by case
and counts directly-follows pairs; then it answers a second question (variants) from what lies on the disk. DuckDB
(memory_limit 3 GB, spilling to the same disk) and Polars (its streaming engine) answer both from the file. All counts
are compared. By default 10 and 100 million events, once each; `--quick` takes 1 and 2 million.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from table import row, show

QUICK, FULL = (1_000_000, 2_000_000), (10_000_000, 100_000_000)
ACTIVITIES, PEOPLE = 20, 50
COHORT, WEEK = 100_000, 7 * 86_400_000_000
LIMIT = 4 << 30
# What the issue of the day asks: within 4 GB, and per event at most 1.5 times what a tenth of the log takes.
GROWTH = 1.5
SCHEMA = pa.schema(
    [
        ("case_id", pa.string()),
        ("activity", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("resource", pa.string()),
    ]
)
COLUMNS = {"case": "case_id", "activity": "activity", "end": "timestamp", "resource": "resource"}


def write_log(path: Path, events: int) -> None:
    """Write random walks with a habit, one row group per week; what outlasts its week is carried to the next."""
    rng = np.random.default_rng(7)
    cases, begin = events // 10, 1_735_689_600_000_000
    late = [np.zeros(0, dtype=np.int64)] * 4
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", store_schema=False) as sink:
        for first in range(0, cases, COHORT):
            made = cohort(rng, first, min(COHORT, cases - first), begin)
            rows = [np.concatenate(pair) for pair in zip(late, made, strict=True)]
            order = np.argsort(rows[0], kind="stable")
            begin += WEEK
            cut = len(order) if first + COHORT >= cases else int(np.searchsorted(rows[0], begin, sorter=order))
            sink.write_table(table_of([column[order[:cut]] for column in rows]))
            late = [column[order[cut:]] for column in rows]


def cohort(rng: np.random.Generator, first: int, cases: int, begin: int) -> list[Any]:
    """Return the moments (µs), cases, activities and people of the events of cases that begin in one week."""
    size = 1 + rng.poisson(9, cases)
    case = np.repeat(np.arange(cases), size)
    starts = np.append(True, case[1:] != case[:-1])
    step = np.where(rng.random(len(case)) < 0.8, 1, rng.integers(-3, 6, len(case)))
    step[starts] = 0
    walked = np.cumsum(step)
    gaps = np.where(starts, 0, rng.exponential(8 * 3.6e9, len(case))).astype(np.int64)
    elapsed = np.cumsum(gaps)
    moment = np.repeat(begin + np.sort(rng.integers(0, WEEK, cases)) - elapsed[starts], size) + elapsed
    activity = (walked - np.repeat(walked[starts], size)) % ACTIVITIES
    return [moment, first + case, activity, rng.integers(0, PEOPLE, len(case))]


def table_of(rows: list[Any]) -> pa.Table:
    """Return numbers as the names that a log has."""
    moment, case, activity, person = rows
    names = [pa.array([f"{what} {i}" for i in range(n)]) for what, n in (("Activity", ACTIVITIES), ("R", PEOPLE))]
    return pa.table(
        [
            pc.binary_join_element_wise("C", pa.array(case).cast(pa.string()), ""),
            names[0].take(pa.array(activity)),
            pa.array(moment).cast(pa.timestamp("us")).cast(SCHEMA.field("timestamp").type),
            names[1].take(pa.array(person)),
        ],
        schema=SCHEMA,
    )


# -- the tasks, each in a process of its own ---------------------------------------------------------------------------


def partition_and_count(log: Path, folder: Path) -> int:
    """Deal the log out by case and count directly-follows pairs, as mkmine does."""
    from mkmine.eventlog.partitions import partition
    from mkmine.eventlog.summaries import directly_follows

    parts = partition(log, folder / "parts", memory="2 GB", **COLUMNS)
    return sum(parts.summarise(directly_follows).edges.values())


def count_variants(log: Path, folder: Path) -> int:
    """Count the variants of a log that was dealt out before."""
    from mkmine.eventlog.partitions import Partitions
    from mkmine.eventlog.summaries import variant_counts

    return len(Partitions.open(folder / "parts").summarise(variant_counts).counts)


def duckdb(log: Path, folder: Path, query: str) -> int:
    """Answer a question with DuckDB."""
    import duckdb as engine

    settings = {"memory_limit": "3GB", "temp_directory": str(folder / "spilled"), "threads": 1}
    with engine.connect(config=settings) as database:
        return int(database.execute(query.format(log=log)).fetchone()[0])


DUCKDB_EDGES = """
    SELECT sum(n) FROM (SELECT a, b, count(*) AS n FROM (
        SELECT activity AS a, lead(activity) OVER (PARTITION BY case_id ORDER BY timestamp) AS b
        FROM read_parquet('{log}')) WHERE b IS NOT NULL GROUP BY a, b)"""
DUCKDB_VARIANTS = """
    SELECT count(*) FROM (SELECT v, count(*) FROM (
        SELECT list(activity ORDER BY timestamp) AS v FROM read_parquet('{log}') GROUP BY case_id) GROUP BY v)"""


def polars_edges(log: Path, folder: Path) -> int:
    """Count directly-follows pairs with Polars' streaming engine."""
    import polars as pl

    events = pl.scan_parquet(log).select("case_id", "activity", "timestamp").sort("case_id", "timestamp")
    pairs = events.select(
        pl.col("activity"),
        pl.col("activity").shift(-1).alias("next"),
        (pl.col("case_id") == pl.col("case_id").shift(-1)).alias("same"),
    )
    counts = pairs.filter("same").group_by("activity", "next").len()
    return int(counts.collect(engine="streaming")["len"].sum())


def polars_variants(log: Path, folder: Path) -> int:
    """Count variants with Polars' streaming engine."""
    import polars as pl

    events = pl.scan_parquet(log).select("case_id", "activity", "timestamp").sort("case_id", "timestamp")
    variants = events.group_by("case_id").agg("activity").group_by("activity").len()
    return int(variants.select(pl.len()).collect(engine="streaming").item())


TASKS: dict[str, Callable[[Path, Path], int]] = {
    "ours": partition_and_count,
    "DuckDB": lambda log, folder: duckdb(log, folder, DUCKDB_EDGES),
    "Polars": polars_edges,
    "ours, variants": count_variants,
    "DuckDB, variants": lambda log, folder: duckdb(log, folder, DUCKDB_VARIANTS),
    "Polars, variants": polars_variants,
}


def run(task: str, log: Path, folder: Path) -> dict[str, Any]:
    """Run a task in a process of its own; return its answer, CPU seconds and peak memory, or that it failed."""
    command = [sys.executable, __file__, "--task", task, "--log", str(log), "--folder", str(folder)]
    # CPU time is compared: threads would only blur it.
    settings = os.environ | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        status = Path(f"/proc/{process.pid}/statm")
        while process.poll() is None:
            time.sleep(0.2)
            try:
                if int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > LIMIT:
                    process.kill()
            except (OSError, IndexError):
                # It is over, or this system does not tell.
                continue
        out = process.stdout.read() if process.stdout else b""
    return json.loads(out) if process.returncode == 0 else {"answer": None, "cpu": None, "peak": LIMIT}


def perform(task: str, log: Path, folder: Path) -> None:
    """Do one task here, and print what it took."""
    import pyarrow

    pyarrow.set_cpu_count(1)
    answer = TASKS[task](log, folder)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"answer": answer, "cpu": used.ru_utime + used.ru_stime, "peak": peak_memory()}))


def peak_memory() -> int:
    """Return the largest resident size of this process in bytes."""
    try:
        # What `getrusage` tells on Linux includes the process that this one was forked from.
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def compare(events: int, folder: Path) -> tuple[list[dict[str, Any]], float]:
    """Compare the three on a log of so many events; return the rows, and our CPU seconds per event."""
    log, label = folder / f"{events}.parquet", f"{events:,} events"
    write_log(log, events)
    rows: list[dict[str, Any]] = []
    per_event = 0.0
    for question, ending in (("directly-follows out of core", ""), ("variants, a second question", ", variants")):
        found = {name: run(f"{name}{ending}", log, folder) for name in ("ours", "DuckDB", "Polars")}
        ours = found.pop("ours")
        assert ours["answer"] is not None, "ours failed within 4 GB"
        answers = {one["answer"] for one in found.values() if one["answer"] is not None}
        assert answers <= {ours["answer"]}, f"the answers differ: {ours} {found}"
        per_event = per_event or ours["cpu"] / events
        for name, peer in found.items():
            failed = peer["answer"] is None
            said = {"peer_name": name + (" (failed within 4 GB)" if failed else ""), "target": 1.0}
            if not failed:
                rows.append(row(f"{question}, {label}", ours["cpu"], peer["cpu"], unit="CPU s", **said))
            rows.append(row(f"{question}, {label}", ours["peak"] / 1e9, peer["peak"] / 1e9, unit="GB peak", **said))
        rows.append(
            row(f"{question}, {label}", ours["peak"] / 1e9, 4.0, peer_name="the limit", unit="GB peak", target=1.0)
        )
    log.unlink()
    return rows, per_event


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1 and 2 million events instead of 10 and 100")
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    parser.add_argument("--events", type=int, nargs="+", help="numbers of events")
    parser.add_argument("--task", choices=list(TASKS), help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        perform(arguments.task, arguments.log, arguments.folder)
        return
    rows: list[dict[str, Any]] = []
    costs: list[tuple[int, float]] = []
    for events in arguments.events or (QUICK if arguments.quick else FULL):
        with tempfile.TemporaryDirectory() as folder:
            found, cost = compare(events, Path(folder))
        rows += found
        costs.append((events, cost * 1e6))
    if len(costs) > 1:
        (few, less), (many, more) = costs[0], costs[-1]
        task = f"directly-follows per event, {many:,} against {few:,} events"
        rows.append(row(task, more, less, peer_name="the smaller log", unit="CPU µs", target=1 / GROWTH))
    show(rows, as_json=arguments.json)


if __name__ == "__main__":
    main()
