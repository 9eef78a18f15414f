"""From a Parquet file to directly-follows counts by pm4py, Polars, DuckDB and bare Arrow; and the memory of opening it.

Each is asked in the fastest way that was found, on one thread. The floor is what no log can do without: reading the
three columns with dictionaries, making one dictionary of those of the cases, and one pass that puts rows by case.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from table import row

COLUMNS = ["case_id", "activity", "timestamp"]
# What opening 10 million events may take at most: MB at the peak, and bytes an event when it is open.
EVENTS, PEAK, RESIDENT = 10_000_000, 1_100, 40
OPENING = """
import resource, sys
from pathlib import Path

import pyarrow.parquet
import mkmine.eventlog.kernels
from mkmine.eventlog.formats.read import read

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

small, large = sys.argv[1:]
read(small)
# What the small log has left behind would be filled again, and hide a part of the large one.
pyarrow.default_memory_pool().release_unused()
before = resident()
log = read(large)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, (resident() - before) / len(log))
"""


def pm4py_counts(path: Path) -> Any:
    """Directly-follows counts in pm4py, with the types it can work with (nanoseconds, object strings)."""
    import pm4py

    frame = pd.read_parquet(path).astype({"case_id": object, "activity": object})
    frame["timestamp"] = frame["timestamp"].astype("datetime64[ns, UTC]")
    columns = {"case_id": "case_id", "activity_key": "activity", "timestamp_key": "timestamp"}
    return pm4py.discover_dfg(pm4py.format_dataframe(frame, **columns))[0]


def polars_counts(path: Path) -> dict[tuple[str, str], int]:
    """Directly-follows counts in Polars: cases and activities encoded, then sorted by case and time."""
    import polars as pl

    frame = pl.read_parquet(path, columns=COLUMNS).with_columns(
        pl.col("case_id").cast(pl.Categorical).to_physical().alias("case"), pl.col("activity").cast(pl.Categorical)
    )
    ready = frame.select("case", "activity", "timestamp").sort("case", "timestamp", maintain_order=True)
    following = ready.select(
        pl.col("activity"),
        pl.col("activity").shift(-1).alias("next"),
        (pl.col("case") == pl.col("case").shift(-1)).alias("same"),
    )
    counts = following.filter("same").group_by("activity", "next").len()
    return {(a, b): n for a, b, n in counts.cast({"activity": pl.String, "next": pl.String}).iter_rows()}


def duckdb_counts(path: Path) -> Any:
    """Directly-follows counts in DuckDB, one window over the file."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        return connection.execute(
            "select activity, next, count(*) from (select activity, lead(activity) over (partition by case_id order by "
            f"timestamp) as next from '{path}') where next is not null group by all"
        ).fetchall()


def floor(path: Path) -> Any:
    """Read the three columns with dictionaries, make one of those of the cases, and put the rows by case."""
    from pyarrow import parquet

    from mkmine.eventlog import kernels

    coded = ["case_id", "activity"]
    table = parquet.read_table(path, columns=COLUMNS, read_dictionary=coded, use_threads=False)
    cases = table["case_id"].unify_dictionaries()
    codes = np.concatenate([one.indices.to_numpy() for one in cases.chunks])
    return kernels.counting_order(codes, len(cases.chunk(0).dictionary))


def memory_rows(small: Path, large: Path, events: int) -> list[dict[str, Any]]:
    """Return the memory of opening a log in a process of its own, against the limits that were set for it."""
    command = [sys.executable, "-c", OPENING, str(small), str(large)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    peak, resident = map(float, told.stdout.split())
    label = f"{events:,} events"
    return [
        row(f"peak memory while opening, {label}", peak, PEAK, peer_name="the limit", unit="MB", target=1),
        row(f"memory when open, {label}", resident, RESIDENT, peer_name="the limit", unit="bytes an event", target=1),
    ]
