"""CPU time, and the rows that every benchmark prints: ours against the peer, their ratio, and the target set for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any


def seconds(work: Callable[[], object], *, repeats: int = 3) -> float:
    """Return the median CPU time of some runs."""
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return median(times)


def row(task: str, ours: float, peer: float, *, peer_name: str, unit: str, target: float) -> dict[str, Any]:
    """Return one row; the ratio is how many times the peer's figure holds ours."""
    ratio = peer / max(ours, 1e-9)
    return {
        "task": task,
        "ours": ours,
        "peer": peer,
        "peer_name": peer_name,
        "unit": unit,
        "ratio": ratio,
        "target": target,
        "met": ratio >= target,
    }


def show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print the rows as JSON or as a table."""
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    width = max([len("task"), *(len(one["task"]) for one in rows)]) + 2
    print(f"{'task':<{width}}{'ours':>10}{'peer':>10}{'ratio':>10}{'target':>8}  met  peer, unit")
    for one in rows:
        figures = f"{one['ours']:>10.4g}{one['peer']:>10.4g}{one['ratio']:>10,.1f}{one['target']:>8.3g}"
        met = "yes" if one["met"] else "no"
        print(f"{one['task']:<{width}}{figures}  {met:<4} {one['peer_name']}, {one['unit']}")
