"""Optimal alignments: CPU time per variant against pm4py's default A* and r4pm's align_variants, with equal costs.

    python benchmarks/conformance.py [--quick] [--json]

Five models: the TO-BE of the article process, one that pm4py discovers from BPIC 2012, and branches in parallel: six of
three tasks, twelve of one, and twelve of two, which has more states than are listed (aligned by search). Ours is timed
twice: aligning alone (a model is compiled once and serves any number of logs), and with compiling the model and its
tables shared out over the variants. The compiled form is loaded before; the NumPy form, which works where there is less
to do or no numba, has a row of its own. The peers are timed on a sample of the variants, on the model as a Petri net.
Every row says how many costs are equal to both peers'.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from table import row, show

from mkmine.catalogue.article_target import article_target
from mkmine.conformance import Aligner, Alignment, Query, aligner_of
from mkmine.conformance.markings import Rules
from mkmine.targets import Flow, Node, ProcessModel, read_bpmn, write_bpmn

UNIT = "CPU ms per variant"
TARGETS = {"pm4py A*": 500, "r4pm": 10}
SHARED = Path(os.environ.get("MKMINE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@dataclass(frozen=True, kw_only=True)
class Task:
    """A model with its variants, and the same model as the peer's net with initial and final marking."""

    name: str
    model: ProcessModel
    variants: list[tuple[str, ...]]
    net: tuple[Any, Any, Any]


def walk(rules: Rules, names: tuple[str, ...], chance: random.Random, longest: int = 60) -> list[str]:
    """A random run of the model with up to four events dropped, doubled or exchanged with another."""
    marking, run = rules.first, list[str]()
    while marking and len(run) < longest:
        label, marking = chance.choice(list(rules.steps(marking)))
        run += [names[label]] if label >= 0 else []
    for _ in range(chance.randint(0, 4)):
        one, other = chance.randrange(len(run)), chance.randrange(len(run))
        match chance.choice(["drop", "double", "exchange"]):
            case "drop" if len(run) > 1:
                del run[one]
            case "double":
                run.insert(other, run[one])
            case _:
                run[one], run[other] = run[other], run[one]
    return run


def runs(model: ProcessModel, number: int) -> list[tuple[str, ...]]:
    """Different distorted runs of a model."""
    rules, chance = Rules(model), random.Random(7)
    found: dict[tuple[str, ...], None] = {}
    for _ in range(20 * number):
        if len(found) == number:
            break
        found[tuple(walk(rules, model.activities, chance))] = None
    return list(found)


def parallel_model(branches: int, steps: int) -> ProcessModel:
    """So many branches side by side, each with so many tasks one after another."""
    nodes = [Node(id="start", kind="start"), Node(id="split", kind="parallel"), Node(id="join", kind="parallel")]
    pairs = [("start", "split"), ("join", "end")]
    for b in range(branches):
        names = [f"b{b}s{i}" for i in range(steps)]
        nodes += [Node(id=name, kind="task", name=name) for name in names]
        pairs += pairwise(["split", *names, "join"])
    return ProcessModel(
        name=f"{branches} branches of {steps}",
        nodes=(*nodes, Node(id="end", kind="end")),
        flows=tuple(Flow(id=f"f{i}", source=a, target=b) for i, (a, b) in enumerate(pairs)),
    )


def drawn(name: str, model: ProcessModel, number: int) -> Task:
    """A task of random runs; the peer reads the model from the file that we write."""
    import pm4py

    with tempfile.TemporaryDirectory() as folder:
        bpmn = pm4py.read_bpmn(str(write_bpmn(model, Path(folder) / "model.bpmn")))
    return Task(name=name, model=model, variants=runs(model, number), net=pm4py.convert_to_petri_net(bpmn))


def bpic_2012(log: Path) -> Task:
    """Every variant of the completed events, against the model that the inductive miner finds with noise 0.2."""
    import pm4py
    from pm4py.convert import convert_to_bpmn, convert_to_petri_net

    frame = pm4py.read_xes(str(log))
    frame = frame[frame["lifecycle:transition"] == "COMPLETE"]
    variants = frame.groupby("case:concept:name", sort=False)["concept:name"].apply(tuple).value_counts()
    cases = [run for run, n in variants.items() for _ in range(n)]
    tree = pm4py.discover_process_tree_inductive(peer_log(cases), noise_threshold=0.2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.bpmn"
        pm4py.write_bpmn(convert_to_bpmn(tree), str(path), auto_layout=False)
        model = read_bpmn(path)
    return Task(name="BPIC 2012", model=model, variants=list(variants.index), net=convert_to_petri_net(tree))


def peer_log(variants: list[tuple[str, ...]]) -> Any:
    """Sequences as a log of the peer."""
    from pm4py.objects.log.obj import Event, EventLog, Trace

    return EventLog([Trace([Event({"concept:name": name}) for name in run]) for run in variants])


def cpu_ms(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU time of one call in milliseconds, and its result."""
    begin = time.process_time()
    result = work()
    return 1000 * (time.process_time() - begin), result


def r4pm_log(variants: list[tuple[str, ...]]) -> str:
    """Sequences as what the second peer aligns, by its registry id."""
    import polars as pl
    import r4pm

    rows = [(f"c{number:06}", name) for number, run in enumerate(variants) for name in run]
    frame = pl.DataFrame(rows, schema=["case:concept:name", "concept:name"], orient="row").with_columns(
        (pl.datetime(2026, 1, 1, time_zone="UTC") + pl.duration(seconds=pl.int_range(pl.len()))).alias("time:timestamp")
    )
    return str(r4pm.bindings.log_to_activity_projection(r4pm.import_item_from_df("EventLog", frame)))


def r4pm_costs(net: Any, projection: str) -> dict[tuple[str, ...], int]:
    """Costs of the second peer by variant. Raises `KeyError` if it did not finish one."""
    import r4pm

    costs = {"log_move_cost": 1, "model_move_cost": 1, "silent_move_cost": 0, "sync_move_cost": 0}
    options = {"cost_fn": costs, "max_states": 10_000_000}
    found = r4pm.bindings.align_variants(net, projection, options)
    return {tuple(one["activities"]): one["result"]["Ok"]["cost"] for one in found}


def measure(task: Task, *, sample: int, rounds: int) -> list[dict[str, Any]]:
    """Rows of one task. Raises `SystemExit` if any two disagree about a cost."""
    import r4pm.petri_net
    from pm4py.algo.conformance.alignments.petri_net import algorithm

    chosen = random.Random(1).sample(range(len(task.variants)), min(sample, len(task.variants)))
    picked = [task.variants[i] for i in chosen]
    log, projection, net = peer_log(picked), r4pm_log(picked), r4pm.petri_net.from_pm4py(*task.net)
    times: dict[str, list[float]] = {name: [] for name in ("compile", "align", "plain", *TARGETS)}
    os.environ["MKMINE_KERNELS"] = "numba"
    code = {name: i for i, name in enumerate(task.model.activities)}
    queries = [Query(tuple(code.get(name, -1) for name in run)) for run in task.variants]
    aligner_of(task.model).align(queries[:1])
    for _ in range(rounds):
        ms, aligner = cpu_ms(lambda: aligner_of(task.model))
        times["compile"].append(ms)
        ms, ours = cpu_ms(lambda aligner=aligner: aligner.align(queries))
        times["align"].append(ms / len(queries))
        os.environ["MKMINE_KERNELS"] = "numpy"
        ms, same = cpu_ms(lambda aligner=aligner: aligner.align(queries))
        os.environ["MKMINE_KERNELS"] = "numba"
        times["plain"].append(ms / len(queries))
        if same != ours:
            raise SystemExit(f"{task.name}: the two forms differ")
        ms, theirs = cpu_ms(lambda: algorithm.apply(log, *task.net, parameters={"show_progress_bar": False}))
        times["pm4py A*"].append(ms / len(chosen))
        ms, others = cpu_ms(lambda: r4pm_costs(net, projection))
        times["r4pm"].append(ms / len(chosen))
    for i, one in zip(chosen, theirs, strict=True):
        mine, costs = ours[i], (one["cost"] // 10_000, others[task.variants[i]])
        if not isinstance(mine, Alignment) or costs != (mine.cost, mine.cost):
            raise SystemExit(f"{task.name}: {task.variants[i]} costs {mine}, for pm4py and r4pm {costs}")
    unfinished = sum(not isinstance(one, Alignment) for one in ours)
    way = f"{aligner.net.n_states:,} states" if isinstance(aligner, Aligner) else "by search"
    size = f"{way}, {len(queries):,} variants, {unfinished} unfinished, {len(chosen)} costs equal"
    align = median(times["align"])
    whole = align + median(times["compile"]) / len(queries)
    ways = [(f"align ({size})", align), ("compile and align", whole)]
    if isinstance(aligner, Aligner):
        ways.append(("align by NumPy", median(times["plain"])))
    return [
        row(f"{task.name}: {what}", ms, median(times[peer]), peer_name=peer, unit=UNIT, target=target)
        for peer, target in TARGETS.items()
        for what, ms in ways
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="smaller samples, within a minute")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    quick = options.quick
    tasks: list[tuple[Callable[[], Task], int]] = [
        (lambda: drawn("article", article_target(), 2_000), 25 if quick else 200),
        (lambda: drawn("parallel 6 x 3", parallel_model(6, 3), 2_000), 6 if quick else 60),
        (lambda: drawn("parallel 12 x 1", parallel_model(12, 1), 2_000), 6 if quick else 60),
        (lambda: drawn("parallel 12 x 2", parallel_model(12, 2), 2_000), 2 if quick else 8),
    ]
    log = SHARED / "logs" / "mining" / "bpic2012.xes.gz"
    if log.is_file():
        tasks.insert(1, (lambda: bpic_2012(log), 15 if quick else 150))
    else:
        print(f"without BPIC 2012: {log} is absent", file=sys.stderr)
    rows = [line for make, sample in tasks for line in measure(make(), sample=sample, rounds=3)]
    show(rows, as_json=options.json)


if __name__ == "__main__":
    main()
