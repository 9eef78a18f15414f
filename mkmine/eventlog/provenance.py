"""Where things come from: the steps that made a log, and the line that every result carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mkmine.language import Translator, translator

__all__ = ["Provenance", "Step"]


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """One thing that was done to make a log: a mapping, a repair, a filter; with how much it touched."""

    action: str
    detail: str = ""
    touched: int | None = None

    def __str__(self) -> str:
        count = "" if self.touched is None else f" [{self.touched:,}]"
        return f"{self.action}: {self.detail}{count}" if self.detail else f"{self.action}{count}"

    def __repr__(self) -> str:
        return f"<Step {self}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Provenance:
    """Where a result came from: the log, its size and window, the filters that made it, and the method."""

    log: str
    hash: str
    cases: int
    instances: int
    window: tuple[str, str]
    filters: tuple[str, ...]
    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self, t: Translator) -> str:
        """Return one line for the foot of a figure or a table."""
        size = t.plural("{n} case", "{n} cases", self.cases)
        chosen = "; ".join(self.filters) if self.filters else t("no filter")
        return t(
            "Log {log} ({hash}), {size}, {first} – {last}. Filter: {filters}. Method: {method}.",
            log=f"«{self.log}»" if t.language == "ru" else f"“{self.log}”",
            hash=self.hash[:8],
            size=size,
            first=self.window[0],
            last=self.window[1],
            filters=chosen,
            method=t(self.method),
        )

    def __repr__(self) -> str:
        return self.sentence(translator("en"))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "log": self.log,
            "hash": self.hash,
            "cases": self.cases,
            "instances": self.instances,
            "window": list(self.window),
            "filters": list(self.filters),
            "method": self.method,
            "parameters": dict(self.parameters),
        }
