"""A lever: a change worth trying, what it might gain, and the scenario that simulates it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Lever"]

Kind = Literal["staff", "rework", "wait", "remove", "batch", "wip_limit", "skill", "hours"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """A change worth trying, with what it might gain.

    Attributes
    ----------
    kind, name, value
        `"staff"`: `value` more people in the role `name`. `"rework"`, `"wait"`, `"batch"`: the probability of being
        sent back after the activity `name`, the wait for something outside at it, or the size of the batches in which
        it is done, times `value`. `"remove"`: do without the activity. `"wip_limit"`: at most `value` cases at a time.
        `"skill"`: `value` person, named in the change, learns the work of the role `name`. `"hours"`: the people of the
        role `name` are there on `value` days of the week, for as many hours as now.
    gain_h, low_h, high_h
        Working hours of cycle time that a case might save on average, and the 95 % interval of what the log shows of
        it: the rule itself (`method`) may be wrong by more. NaN where nothing is known. Of `"rework"` the gain leaves
        out what others wait for the repeated work; the upper end holds an estimate of it, or is NaN without one.
    reason, evidence
        Why, in English, and the numbers of it by name.
    examples
        Cases that lost most.
    changes
        The steps of a scenario that tries it.
    """

    kind: Kind
    name: str
    value: float
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    gain_h: float = float("nan")
    low_h: float = float("nan")
    high_h: float = float("nan")
    method: str = ""
    examples: tuple[str, ...] = ()
    changes: tuple[Mapping[str, Any], ...] = ()

    def scenario(self) -> dict[str, Any]:
        """Return the lever as the plain values of a scenario: `mk.Scenario.from_dict(lever.scenario())`."""
        return {"name": f"{self.kind}: {self.name}", "changes": [dict(change) for change in self.changes]}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "value": self.value,
            "reason": self.reason,
            "evidence": dict(self.evidence),
            **{name: _known(getattr(self, name)) for name in ("gain_h", "low_h", "high_h")},
            "method": self.method,
            "examples": list(self.examples),
            "scenario": self.scenario(),
        }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
