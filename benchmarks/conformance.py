"""Optimal alignments: CPU time per variant against pm4py's default (A* with the state equation), with equal costs.

    python benchmarks/conformance.py [--quick] [--json]

Three models: the TO-BE of the article process, one that pm4py discovers from BPIC 2012, and six branches of three tasks
in parallel. Ours is timed twice: aligning alone (a model is compiled once and serves any number of logs), and with
compiling the model and its tables shared out over the variants. The peer is timed on a sample of the variants, on the
model as a Petri net.
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

import numpy as np
from table import row, show

from mkmine.catalogue.article_target import article_target
from mkmine.conformance import Aligner, Net, Query, compile_net
from mkmine.targets import Flow, Node, ProcessModel, read_bpmn, write_bpmn

AGAINST: dict[str, Any] = {"peer_name": "pm4py A*", "unit": "CPU ms per variant", "target": 500}
SHARED = Path(os.environ.get("MKMINE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@dataclass(frozen=True, kw_only=True)
class Task:
    """A model with its variants, and the same model as the peer's net with initial and final marking."""

    name: str
    model: ProcessModel
    variants: list[tuple[str, ...]]
    net: tuple[Any, Any, Any]


def walk(net: Net, chance: random.Random, longest: int = 60) -> list[str]:
    """A random run of the model with up to four events dropped, doubled or exchanged with another."""
    state, run = 0, []
    while len(run) < longest:
        edges = np.flatnonzero(net.source == state)
        if not len(edges) or (net.final[state] and chance.random() < 0.5):
            break
        edge = chance.choice(edges.tolist())
        run.append(net.labels[net.label[edge]])
        state = int(net.target[edge])
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
    net, chance = compile_net(model), random.Random(7)
    found: dict[tuple[str, ...], None] = {}
    for _ in range(20 * number):
        if len(found) == number:
            break
        found[tuple(walk(net, chance))] = None
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


def measure(task: Task, *, sample: int, rounds: int) -> list[dict[str, Any]]:
    """Rows of one task. Raises `SystemExit` if the two disagree about any cost."""
    from pm4py.algo.conformance.alignments.petri_net import algorithm

    chosen = random.Random(1).sample(range(len(task.variants)), min(sample, len(task.variants)))
    log = peer_log([task.variants[i] for i in chosen])
    compiling, aligning, peer = [], [], []
    for _ in range(rounds):
        ms, aligner = cpu_ms(lambda: Aligner(compile_net(task.model)))
        compiling.append(ms)
        code = {name: i for i, name in enumerate(aligner.net.labels)}
        queries = [Query(tuple(code.get(name, -1) for name in run)) for run in task.variants]
        ms, ours = cpu_ms(lambda aligner=aligner, queries=queries: aligner.align(queries))
        aligning.append(ms / len(queries))
        ms, theirs = cpu_ms(lambda: algorithm.apply(log, *task.net))
        peer.append(ms / len(chosen))
    for i, one in zip(chosen, theirs, strict=True):
        if ours[i].cost != one["cost"] // 10_000:
            raise SystemExit(f"{task.name}: {task.variants[i]} costs {ours[i].cost}, for pm4py {one['cost'] // 10_000}")
    states, number = aligner.net.n_states, len(task.variants)
    size = f"{states:,} states, {number:,} variants, {len(chosen)} costs equal"
    whole = median(aligning) + median(compiling) / number
    return [
        row(f"{task.name}: align ({size})", median(aligning), median(peer), **AGAINST),
        row(f"{task.name}: compile and align", whole, median(peer), **AGAINST),
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
        (lambda: drawn("parallel", parallel_model(6, 3), 2_000), 6 if quick else 40),
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
