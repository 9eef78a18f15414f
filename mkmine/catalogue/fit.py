"""How the fitted numbers of the catalogue were found: `python -m mkmine.catalogue.fit` finds them again.

Prints each of them as it stands in its file and as it comes out. Approval: the outside wait with which it takes the
published days, by bisection. E-mails: which share is held for a later day and for how long, so that the published
shares take over a week and over a month, by correcting both in turn. All runs have the same seeds, so that what is
compared differs only in what was changed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from mkmine.catalogue.blueprint import KEYS, blueprint, items, published
from mkmine.catalogue.comparison import Floats, measured
from mkmine.catalogue.reference import assembled
from mkmine.simulation.engine import simulate

__all__ = ["fitted_holding", "fitted_wait"]

CASES: Final = 4000
SEEDS: Final = (3, 4)
# Hours of working time between which a wait is looked for, and how near the mean must come to the published days.
LONGEST, NEAR = 16.0, 0.03
HELD, HOLDING = "Is it held for a later day?", "Hold for the planned day"
# How far the share (per unit of share) and the hours are moved by what is missing to the published shares.
STEPS: Final = (1.5, 150.0)

Changes = Mapping[str, Mapping[str, Any]]


def observed(name: str, variants: tuple[str, ...], figure: str, changes: Changes) -> Floats:
    """Return what a figure measures in the world of a process whose steps and choices are changed."""
    values = blueprint(name, variants)
    for _, item in items(values["steps"]):
        item.update(changes.get(item.get("step") or item.get("choice") or "", {}))
    reference = assembled(values, name=name, variants=variants)
    runs = [simulate(reference.world, seed=seed, cases=CASES) for seed in SEEDS]
    return np.concatenate([measured(log, figure, values["figures"][figure])[0] for log in runs])


def fitted_wait(name: str, variants: tuple[str, ...] = ()) -> float:
    """Return the outside wait (hours) of the approval with which it takes the published days."""
    step = blueprint(name, variants)["figures"]["approval_days"]
    wanted = published()["figures"]["approval_days"]["mean"]
    low, high = 0.0, LONGEST
    while True:
        wait = (low + high) / 2
        days = float(observed(name, variants, "approval_days", {step: {"wait": wait}}).mean())
        if abs(days - wanted) < NEAR or high - low < NEAR:
            return wait
        low, high = (low, wait) if days > wanted else (wait, high)


def fitted_holding(*, rounds: int = 8) -> tuple[float, float]:
    """Return which share of e-mails is held for a later day, and for how many hours."""
    (week, over_week), (month, over_month) = published()["figures"]["email_days"]["over"].items()
    share, hours = 0.3, 110.0
    for _ in range(rounds):
        days = observed("email", (), "email_days", {HELD: {"shares": {"held": share}}, HOLDING: {"hours": hours}})
        share += STEPS[0] * (over_week - float(np.mean(days > week)))
        hours += STEPS[1] * (over_month - float(np.mean(days > month)))
    return share, hours


def _main() -> int:
    for name in KEYS:
        for variants in ((), *((variant,) for variant in blueprint(name)["variants"])):
            values = blueprint(name, variants)
            for _, item in items(values["steps"]):
                if "wait" in item.get("fitted", {}) and "approval_days" in values["figures"]:
                    found = fitted_wait(name, variants)
                    where = " ".join((name, *variants))
                    sys.stdout.write(f"{where}: outside wait {item['wait']} h, fitted {found:.2f} h\n")
    share, hours = fitted_holding()
    sys.stdout.write(f"email: held {share:.3f}, for {hours:.0f} h\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
