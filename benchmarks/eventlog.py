"""The event log against pm4py, Polars, DuckDB and pandas. CPU seconds.

    python benchmarks/eventlog.py [--quick] [--json] [--events N] [--only summaries|reading]

A process of 20 activities, about 10 events a case, events of different cases interleaved in time; and one of which
nearly every case is a variant of its own. Every task is run by ours and by the peer in turn, and medians of the CPU
time of the process are compared. Each library works on what it has made ready itself (see `peers`), and before
anything is timed its answers are compared with ours. pm4py keeps every pair of events of a case, or compares every
case with every other, in some tasks: these are measured on a part of the log, named with its size.
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

import cold
import numpy as np
import pandas as pd
from peers import DuckDB, Pandas, Polars, pandas_frame, pm4py_frame
from table import row, show

from mkmine.discovery import discover
from mkmine.eventlog import EventLog
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.summaries import (
    batches,
    case_overlap,
    case_times,
    directly_follows,
    edge_times,
    eventually_follows,
    hand_overs,
    rework_counts,
    summarise,
    temporal_profile,
    variant_counts,
)

ACTIVITIES, PEOPLE = 20, 50
QUICK, FULL = 100_000, 1_000_000
# What pm4py compares event by event, and case by case, is measured on so many events at most.
PAIRED, CROSSED = 1_000_000, 20_000
# A run that takes so many seconds is not repeated.
LONG = 30.0


@dataclass(frozen=True, kw_only=True)
class Task:
    """One comparison: what is timed on each side, and how many times faster ours should be."""

    name: str
    ours: Callable[[], Any]
    peer: Callable[[], Any]
    peer_name: str
    target: float


def make_log(events: int, *, habit: float = 0.8) -> pd.DataFrame:
    """Random walks: with the probability of the habit the next activity, or else any near it; in order of time."""
    rng = np.random.default_rng(7)
    cases = events // 10
    size = 1 + rng.poisson(9, cases)
    case = np.repeat(np.arange(cases), size)
    step = np.where(rng.random(len(case)) < habit, 1, rng.integers(-3, 6, len(case)))
    first = np.append(True, case[1:] != case[:-1])
    step[first] = 0
    walked = np.cumsum(step)
    start = np.repeat(walked[first], size)
    activity = (walked - start) % ACTIVITIES
    begin = rng.integers(0, 365 * 86_400, cases)
    gaps = np.where(first, 0, rng.exponential(8 * 3600, len(case))).astype(np.int64)
    elapsed = np.cumsum(gaps)
    second = begin[case] + elapsed - np.repeat(elapsed[first], size)
    order = np.argsort(second, kind="stable")
    people = rng.integers(0, PEOPLE, len(case))
    return pd.DataFrame(
        {
            "case_id": np.array([f"C{one}" for one in range(cases)], dtype=object)[case[order]],
            "activity": np.array([f"Activity {one}" for one in range(ACTIVITIES)], dtype=object)[activity[order]],
            "timestamp": pd.to_datetime(1_735_689_600 + second[order], unit="s", utc=True),
            "resource": np.array([f"R{one}" for one in range(PEOPLE)], dtype=object)[people[order]],
        }
    )


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


def opened(frame: pd.DataFrame) -> EventLog:
    """Return the log of a frame, with what it computes once (its calendar and its hash) computed."""
    log = EventLog.from_pandas(frame, case="case_id", end="timestamp", resource="resource")
    log.working_calendar()
    assert log.content_hash
    return log


def edge_statistics(log: EventLog, *, exact: bool) -> Any:
    """Mean, median and 95th percentile of the time on each edge."""
    found = edge_times(log, exact=exact)
    return found.mean, found.quantile(0.5), found.quantile(0.95)


def agree(log: EventLog, theirs: pd.DataFrame, peers: dict[str, Any]) -> None:
    """Raise `AssertionError` if a peer does not answer as we do."""
    import pm4py

    follows, times = directly_follows(log), edge_times(log, exact=True)
    assert follows.edges == dict(pm4py.discover_dfg(theirs)[0])
    performance = pm4py.discover_performance_dfg(theirs)[0]
    for name, median_ in zip(times.names, times.quantile(0.5), strict=True):
        assert abs(performance[name]["median"] - median_ / 1e6) < 1e-3
    variants, cases, handed = variant_counts(log), case_times(log), hand_overs(log)
    assert len(variants) == len(pm4py.get_variants(theirs))
    durations = np.sort(cases.cycle) / 1e6
    np.testing.assert_allclose(durations, np.sort(pm4py.get_all_case_durations(theirs)))
    again = rework_counts(log).cases
    assert again == pm4py.get_rework_cases_per_activity(theirs)
    network = pm4py.discover_handover_of_work_network(theirs).connections
    total = sum(handed.counts.values())
    assert all(abs(network[pair] - count / total) < 1e-12 for pair, count in handed.counts.items())
    polars, duckdb, pandas = (peers[name] for name in ("Polars", "DuckDB", "pandas"))
    edges = sorted(follows.edges.values())
    assert edges == sorted(polars.edges()["len"].to_list()) == sorted(pandas.edges().tolist())
    assert edges == sorted(duckdb.edges()["len"].to_pylist())
    medians = np.sort(times.quantile(0.5)) / 1e6
    np.testing.assert_allclose(medians, np.sort(polars.times()["median"].to_numpy()))
    np.testing.assert_allclose(medians, np.sort([one[0] for one in duckdb.times().column(3).to_pylist()]))
    np.testing.assert_allclose(medians, np.sort(pandas.times()[1].xs(0.5, level=1)))
    assert len(variants) == len(polars.variants()) == len(pandas.variants()) == duckdb.variants().num_rows
    for cycles in (polars.cases()["cycle"].to_numpy(), duckdb.cases()["cycle"].to_numpy(), pandas.cases()[0]):
        np.testing.assert_allclose(durations, np.sort(cycles))
    reworked = sorted(again.values())
    assert reworked == sorted(polars.rework()["len"]) == sorted(pandas.rework())
    assert reworked == sorted(duckdb.rework()["len"].to_pylist())
    assert sorted(handed.counts.values()) == sorted(polars.hand_overs()["len"]) == sorted(pandas.hand_overs())
    assert sorted(handed.counts.values()) == sorted(duckdb.hand_overs()["len"].to_pylist())


def summary_tasks(frame: pd.DataFrame, kind: str = "") -> Iterator[Task]:
    """Yield the comparisons of summaries of an opened log."""
    import pm4py

    log, theirs, ready = opened(frame), pm4py_frame(frame), pandas_frame(frame)
    peers = {"Polars": Polars(ready), "DuckDB": DuckDB(ready), "pandas": Pandas(ready)}
    agree(log, theirs, peers)
    label = f"{len(frame):,} events{kind}"
    # Question, ours, the peers' method, pm4py's function, target against it and against Polars.
    questions: list[tuple[str, Callable[[], Any], str, Callable[[], Any], float, float]] = [
        ("directly-follows counts", lambda: directly_follows(log), "edges",
         lambda: pm4py.discover_dfg(theirs), 500, 4),
        ("mean, median, p95 per edge (exact)", lambda: edge_statistics(log, exact=True), "times",
         lambda: pm4py.discover_performance_dfg(theirs), 40, 1),
        ("mean, median, p95 per edge (sketch, 1 %)", lambda: edge_statistics(log, exact=False), "times",
         lambda: pm4py.discover_performance_dfg(theirs), 40, 1),
        ("variants", lambda: variant_counts(log), "variants", lambda: pm4py.get_variants(theirs), 40, 1),
        ("case table", lambda: case_times(log), "cases", lambda: pm4py.get_all_case_durations(theirs), 40, 1),
        ("rework", lambda: rework_counts(log), "rework",
         lambda: pm4py.get_rework_cases_per_activity(theirs), 40, 1),
        ("hand-overs", lambda: hand_overs(log), "hand_overs",
         lambda: pm4py.discover_handover_of_work_network(theirs), 40, 1),
    ]  # fmt: skip
    for name, ours, method, peer, target, against_polars in questions:
        yield Task(name=f"{name}, {label}", ours=ours, peer=peer, peer_name="pm4py", target=target)
        for library, answers in peers.items():
            least = against_polars if library == "Polars" else 1
            yield Task(
                name=f"{name}, {label}", ours=ours, peer=getattr(answers, method), peer_name=library, target=least
            )
    yield Task(
        name=f"process map, working time, {label}",
        ours=lambda: discover(log),
        peer=lambda: pm4py.discover_performance_dfg(theirs),
        peer_name="pm4py (performance DFG, wall clock)",
        target=40,
    )
    yield Task(
        name=f"everything that merges, {label}",
        ours=lambda: summarise(log),
        peer=lambda: pm4py.discover_performance_dfg(theirs),
        peer_name="pm4py (performance DFG alone)",
        target=1,
    )


def relation_tasks(frame: pd.DataFrame) -> Iterator[Task]:
    """Yield the comparisons of what pm4py finds pair by pair, on as much of the log as it can."""
    import pm4py

    def part(events: int) -> tuple[EventLog, pd.DataFrame, str]:
        chosen = frame
        if len(frame) > events * 1.01:
            few = frame["case_id"].drop_duplicates().head(events // 10)
            chosen = frame[frame["case_id"].isin(few)].reset_index(drop=True)
        return opened(chosen), pm4py_frame(chosen), f"{len(chosen):,} events"

    log, theirs, label = part(PAIRED)
    counts = eventually_follows(log).counts
    assert {pair: one[0] for pair, one in counts.items()} == pm4py.discover_eventually_follows_graph(theirs)
    profile = pm4py.discover_temporal_profile(theirs)
    for pair, (mean, spread) in temporal_profile(log).profile.items():
        np.testing.assert_allclose((mean, spread), profile[pair])
    yield Task(
        name=f"eventually-follows, {label}",
        ours=lambda: eventually_follows(log),
        peer=lambda: pm4py.discover_eventually_follows_graph(theirs),
        peer_name="pm4py",
        target=300,
    )
    yield Task(
        name=f"temporal profile, {label}",
        ours=lambda: temporal_profile(log),
        peer=lambda: pm4py.discover_temporal_profile(theirs),
        peer_name="pm4py",
        target=300,
    )
    # Batches are of work that takes time: half an hour in the mean.
    lengths = pd.to_timedelta(np.random.default_rng(3).exponential(1800, len(theirs)).astype(np.int64), unit="s")
    columns = {"case_id": "case:concept:name", "activity_key": "concept:name", "timestamp_key": "time:timestamp"}
    timed = pm4py.format_dataframe(
        theirs.assign(begin=theirs["time:timestamp"] - lengths), start_timestamp_key="begin", **columns
    )
    worked = EventLog.from_pandas(
        timed,
        case="case:concept:name",
        activity="concept:name",
        start="begin",
        end="time:timestamp",
        resource="org:resource",
    )
    yield Task(
        name=f"batches, {label}",
        ours=lambda: batches(worked),
        peer=lambda: pm4py.discover_batches(timed),
        peer_name="pm4py (joins some that lie apart)",
        target=300,
    )
    crossed, lives, label = part(CROSSED)
    assert sorted(case_overlap(crossed).tolist()) == sorted(pm4py.get_case_overlap(lives))
    yield Task(
        name=f"case overlap, {label}",
        ours=lambda: case_overlap(crossed),
        peer=lambda: pm4py.get_case_overlap(lives),
        peer_name="pm4py",
        target=300,
    )


def reading_tasks(folder: Path, frame: pd.DataFrame) -> Iterator[Task]:
    """Yield the comparisons from a file to a log that is ready."""
    import pm4py

    csv, parquet, xes = folder / "log.csv", folder / "log.parquet", folder / "log.xes"
    frame.to_csv(csv, index=False)
    frame.to_parquet(parquet, row_group_size=1 << 20)
    label = f"{len(frame):,} events"
    for peer, name, target in ((pm4py_read, "pm4py", 8.0), (polars_read, "Polars", 1.0)):
        yield Task(
            name=f"CSV to ready, {label}",
            ours=lambda: read(csv),
            peer=lambda peer=peer: peer(csv),
            peer_name=name,
            target=target,
        )
    counts = directly_follows(read(parquet)).edges
    assert counts == cold.polars_counts(parquet) == dict(cold.pm4py_counts(parquet)), "the counts differ"
    # DuckDB puts events of one moment in an order of its own.
    assert sum(counts.values()) == sum(n for _, _, n in cold.duckdb_counts(parquet)), "the numbers of pairs differ"
    peers = (
        (cold.pm4py_counts, "pm4py", 10.0),
        (cold.polars_counts, "Polars", 1.0),
        (cold.duckdb_counts, "DuckDB", 1.0),
    )
    for peer, name, target in (*peers, (cold.floor, "the floor", 1 / 3)):
        yield Task(
            name=f"Parquet to ready and directly-follows, {label}",
            ours=lambda: directly_follows(read(parquet)),
            peer=lambda peer=peer: peer(parquet),
            peer_name=name,
            target=target,
        )
    few = frame[frame["case_id"].isin(frame["case_id"].unique()[: min(len(frame), QUICK) // 10])]
    write_xes(few, xes)
    yield Task(
        name=f"XES to ready, {len(few):,} events",
        ours=lambda: read(xes),
        peer=lambda: pm4py.read_xes(str(xes)),
        peer_name="pm4py",
        target=4,
    )


def memory(folder: Path, events: int) -> list[dict[str, Any]]:
    """Return the rows about memory, with a small log that is opened first, so that only the large one is counted."""
    small = folder / "small.parquet"
    make_log(QUICK).to_parquet(small)
    return cold.memory_rows(small, folder / "log.parquet", events)


def tasks(folder: Path, events: int, only: str | None) -> Iterator[Task]:
    """Make the logs and yield the comparisons."""
    frame = make_log(events)
    if only != "reading":
        yield from summary_tasks(frame)
        yield from relation_tasks(frame)
        yield from (
            task for task in summary_tasks(make_log(events, habit=0.2), ", many variants") if "variants," in task.name
        )
    if only != "summaries":
        yield from reading_tasks(folder, frame)


def cpu(run: Callable[[], Any]) -> float:
    """CPU seconds of one run, of the mean of several where one is very short."""
    begin, runs = time.process_time(), 0
    while not runs or (time.process_time() - begin < 0.05 and runs < 100):
        run()
        runs += 1
    return (time.process_time() - begin) / runs


def measure(task: Task, repeats: int) -> dict[str, Any]:
    """Run ours and the peer in turn and compare the medians."""
    # The peers have answered once, when the answers were compared; what we compile is not counted either.
    task.ours()
    ours, peer = [], []
    while len(ours) < repeats and sum(peer) < LONG:
        ours.append(cpu(task.ours))
        peer.append(cpu(task.peer))
    return row(task.name, median(ours), median(peer), peer_name=task.peer_name, unit="CPU s", target=task.target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} events instead of {FULL:,}")
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    parser.add_argument("--events", type=int, help="number of events")
    parser.add_argument("--only", choices=["summaries", "reading"], help="only these tasks")
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
        rows = [measure(task, 3 if arguments.quick else 5) for task in tasks(Path(folder), events, arguments.only)]
        if events >= cold.EVENTS and arguments.only != "summaries":
            rows += memory(Path(folder), events)
    show(rows, as_json=arguments.json)


if __name__ == "__main__":
    main()
