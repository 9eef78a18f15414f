"""The simulator against its peers, against itself, and what its experiments gain from keyed random streams.

    python benchmarks/simulation.py [--quick] [--json] [--cases N] [--peers PYTHON]

One process for all but the peers, which need an environment of their own (`--peers` names its interpreter; Prosimos
wants pandas below 3): the office of `office.py`, 10,000 cases (2,000 with --quick); every side ends with a table of
activity instances. Times are CPU seconds, medians of three; mean cycle times of all sides must agree within a quarter.

- The SimPy engine against textbook SimPy (a generator process per case, a `PriorityResource` per role), against a bare
  heap loop over the same tables and draws, against Prosimos and salabim; Ciw has no split, its branches follow each
  other.
- The compiled engine against Prosimos, and against the same heap loop in C (where there is a compiler); both with draws
  and log. Its compilation, which happens once, is timed apart.
- Growth: seconds per case at 1,000,000 cases (100,000 with --quick) against 10,000, and bytes a case beyond the log.
- Replications on two processes and two threads: their time over that of one worker, against the same of two plain
  loops at the same time, which is 0.5 on a quiet machine; the target of 0.85 is then a speed-up of 1.7.
- Keyed streams: variance of the difference between two scenarios under independent random numbers ("peer") against that
  under common ones ("ours"), for a change of staff and of rework.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import Process
from pathlib import Path
from statistics import median
from typing import Any

from office import (
    AFTER,
    BRANCHES,
    CLOSE,
    OPEN,
    PROCESS,
    RATE,
    SHORT,
    STAFF,
    arrivals,
    c_loop,
    compiled_c,
    heap_loop,
    office,
    ours,
    textbook,
)
from table import row, show

from mkmine.simulation import Scenario, experiment
from mkmine.simulation.experiments.executors import Place

QUICK, FULL = 2_000, 10_000
HERE = Path(__file__).resolve().parent
Run = Callable[[], tuple[float, float]]


def timed(run: Callable[[], float]) -> Run:
    """Return a run that gives CPU seconds and the mean cycle time."""

    def measured() -> tuple[float, float]:
        begin = time.process_time()
        found = run()
        return time.process_time() - begin, found

    return measured


def compared(name: str, mine: Run, other: Run, peer: str, target: float, *, alike: bool = True) -> dict[str, Any]:
    """Run both sides three times in turn and compare the medians; the peer has to find like cycle times."""
    runs = [(mine(), other()) for _ in range(3)]
    cycles = runs[0][0][1], runs[0][1][1]
    if alike and abs(cycles[0] / cycles[1] - 1) > 0.25:
        raise SystemExit(f"{peer} does not simulate the same: mean cycle times {cycles[0]:.1f}, {cycles[1]:.1f} h")
    seconds = [median(pair[side][0] for pair in runs) for side in (0, 1)]
    return row(name, *seconds, peer_name=peer, unit="CPU s", target=target)


def office_file(cases: int) -> str:
    """Return the office and the arrivals of so many cases as JSON, for the peers."""
    process = {
        name: (role, mean, cv, {"end" if to is None else to: chance for to, chance in ways.items()})
        for name, (role, mean, cv, ways) in PROCESS.items()
    }
    facts = {"process": process, "staff": STAFF, "open": OPEN, "close": CLOSE, "rate": RATE}
    return json.dumps(facts | {"branches": BRANCHES, "after": AFTER, "arrivals": arrivals(cases)})


def peer(python: str, name: str, cases: int) -> Run:
    """Return a run of a peer in its own interpreter."""
    told = office_file(cases)

    def measured() -> tuple[float, float]:
        command = [python, str(HERE / "simulators.py"), name, str(cases)]
        done = subprocess.run(command, input=told, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name} failed: {done.stderr.strip()[-400:]}")
        seconds, cycle = json.loads(done.stdout.strip().splitlines()[-1])
        return float(seconds), float(cycle)

    return measured


def engines(cases: int, python: str | None, folder: Path) -> Iterator[dict[str, Any]]:
    """Compare both engines with their peers."""
    plain, twin = timed(lambda: ours(STAFF, cases, "simpy")), timed(lambda: ours(STAFF, cases, "kernel"))
    moments = arrivals(cases)
    name = f"SimPy engine, {cases:,} cases"
    yield compared(name, plain, timed(lambda: textbook(STAFF, moments)), "textbook SimPy", 5)
    yield compared(name, plain, timed(lambda: heap_loop(cases)), "bare heap loop", 0.8)
    short = timed(lambda: ours(SHORT, cases, "simpy"))
    yield compared(f"{name}, a role overloaded", short, plain, "not overloaded", 1 / 1.3, alike=False)
    short = timed(lambda: ours(SHORT, cases, "kernel"))
    yield compared(f"compiled engine, {cases:,} cases, a role overloaded", short, twin, "not overloaded", 1 / 1.3,
                   alike=False)  # fmt: skip
    library = compiled_c(folder)
    if library is not None:
        name_c = f"compiled engine, {cases:,} cases, draws and log"
        yield compared(name_c, twin, timed(lambda: c_loop(library, cases)), "heap loop in C", 0.5)
    if python:
        yield compared(name, plain, peer(python, "prosimos", cases), "Prosimos", 50)
        yield compared(f"compiled engine, {cases:,} cases", twin, peer(python, "prosimos", cases), "Prosimos", 400)
        yield compared(name, plain, peer(python, "salabim", cases), "salabim", 1)
        yield compared(name, plain, peer(python, "ciw", cases), "Ciw, no split", 1)


CHILD = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[1])
from office import STAFF, office
from mkmine.simulation import simulate
model, cases = office(STAFF, times=10), int(sys.argv[2])

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()

simulate(model, cases=10_000, engine="kernel")
small = []
for _ in range(3):
    begin = time.process_time()
    simulate(model, cases=10_000, engine="kernel")
    small.append(time.process_time() - begin)
before = resident()
begin = time.process_time()
log = simulate(model, cases=cases, engine="kernel")
spent = time.process_time() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
columns = [log.offsets, log.activity, log.resource, log.role, log.start, log.end, log.enabled, log.ongoing,
           log.completed]
held = sum(one.nbytes for one in columns) + log.case_names.nbytes
held += int(log.case_attributes.memory_usage(deep=True).sum())
print(json.dumps([sorted(small)[1] / 10_000, spent / cases, (peak - before - held) / cases]))
"""


def growth(cases: int) -> Iterator[dict[str, Any]]:
    """Compare a large run with a small one, in a process of its own; the office is ten times as large."""
    command = [sys.executable, "-c", CHILD, str(HERE), str(cases)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the large run failed: {done.stderr.strip()[-400:]}")
    small, large, beyond = json.loads(done.stdout)
    name = f"compiled engine, {cases:,} cases"
    yield row(f"{name}: per case", large * 1e6, small * 1e6, peer_name="10,000 cases", unit="CPU µs", target=1 / 1.3)
    yield row(f"{name}: memory beyond the log", beyond, 300, peer_name="allowed", unit="bytes a case", target=1)


def compilation() -> dict[str, Any]:
    """Time the first compilation, and the loading of what was compiled, in fresh processes."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from office import STAFF, ours; ours(STAFF, 10, 'simpy');"
        "begin = time.process_time(); ours(STAFF, 10, 'kernel'); print(time.process_time() - begin)"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        cold, warm = (
            float(
                subprocess.run(
                    [sys.executable, "-c", code, str(HERE)], env=environment, capture_output=True, text=True, check=True
                ).stdout
            )
            for _ in range(2)
        )
    return row("compiled engine: load it", warm, cold, peer_name="compile it once", unit="CPU s", target=1)


def burn(seconds: float) -> None:
    """Use so many CPU seconds."""
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        pass


def clocked(run: Callable[[], Any]) -> float:
    """Return seconds of the clock."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def two_loops() -> float:
    """Return the time of two plain loops at once over that of one after the other: 0.5 where two cores are free."""

    def both() -> None:
        loops = [Process(target=burn, args=(0.5,)) for _ in range(2)]
        for loop in loops:
            loop.start()
        for loop in loops:
            loop.join()

    return clocked(both) / (2 * clocked(lambda: burn(0.5)))


def replications(weeks: float) -> Iterator[dict[str, Any]]:
    """Compare the time of two workers over that of one with what two plain loops make of the machine at that moment."""
    model, change = office(STAFF), [Scenario("one more writer").staff("Writer", +1)]

    def run(**options: Any) -> None:
        experiment(model, change, replications=16, weeks=weeks, warm_up_weeks=8, engine="kernel", **options)

    place: Place
    for place in ("processes", "threads"):
        pairs = []
        for _ in range(3):
            two = clocked(lambda place=place: run(workers=2, executor=place))  # type: ignore[misc]
            pairs.append((two / clocked(run), two_loops()))
        ours_two, loops_two = (median(pair[side] for pair in pairs) for side in (0, 1))
        name = f"32 replications, 2 {place}: time over that of 1"
        yield row(name, ours_two, loops_two, peer_name="2 plain loops", unit="share", target=0.85)


def keyed_streams(count: int) -> Iterator[dict[str, Any]]:
    """Compare the variance of a difference under common and under independent random numbers."""
    model = office(STAFF)
    for change in (
        Scenario("one more writer").staff("Writer", +1),
        Scenario("half the rework").rework("Approve", factor=0.5),
    ):
        settings: dict[str, Any] = {"replications": count, "weeks": 13, "warm_up_weeks": 4, "engine": "kernel"}
        paired, other = (experiment(model, [change], seed=seed, **settings).kpis for seed in (7, 8))

        def values(table: Any, scenario: str) -> Any:
            return table[(table["scenario"] == scenario) & (table["kpi"] == "cycle_mean_h")]["value"].to_numpy()

        base = values(paired, model.name)
        common = (values(paired, change.name) - base).var(ddof=1)
        independent = (values(other, change.name) - base).var(ddof=1)
        yield row(
            f"variance of the difference, {change.name}",
            float(common),
            float(independent),
            peer_name="independent random numbers",
            unit="h²",
            target=10,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} cases instead of {FULL:,}")
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    parser.add_argument("--cases", type=int, help="number of cases")
    parser.add_argument("--peers", metavar="PYTHON", help="interpreter of an environment with Prosimos, salabim, Ciw")
    arguments = parser.parse_args()
    cases = arguments.cases or (QUICK if arguments.quick else FULL)
    ours(STAFF, 10, "kernel")
    with tempfile.TemporaryDirectory() as folder:
        rows = list(engines(cases, arguments.peers, Path(folder)))
    rows += growth(100_000 if arguments.quick else 1_000_000)
    if not arguments.quick:
        rows.append(compilation())
    rows += replications(13 if arguments.quick else 52)
    rows += keyed_streams(30 if arguments.quick else 100)
    show(rows, as_json=arguments.json)


if __name__ == "__main__":
    main()
