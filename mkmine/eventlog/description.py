"""The size and shape of a log."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from mkmine.eventlog.notebook import html_list

__all__ = ["LogSummary"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LogSummary:
    """The size and shape of a log, as `describe` shows it."""

    name: str
    cases: int
    open_cases: int
    instances: int
    activities: tuple[str, ...]
    resources: int
    roles: tuple[str, ...]
    window: tuple[str, str]
    time_zone: str
    timestamps: str
    calendar: str
    quarantined: int
    hash: str
    history: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name in self.__slots__
            for value in (getattr(self, name),)
        }

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per property."""
        values = {key: ", ".join(v) if isinstance(v, list) else v for key, v in self.to_dict().items()}
        return pd.DataFrame({"property": list(values), "value": [str(v) for v in values.values()]})

    def __repr__(self) -> str:
        lines = [
            f"EventLog {self.name} [{self.hash[:8]}]",
            f"  cases       {self.cases:,} ({self.open_cases:,} still open)",
            f"  instances   {self.instances:,} of {len(self.activities)} activities, times: {self.timestamps}",
            f"  people      {self.resources:,} in {len(self.roles)} roles",
            f"  window      {self.window[0]} to {self.window[1]} ({self.time_zone})",
            f"  calendar    {self.calendar}",
            f"  quarantined {self.quarantined:,} rows",
        ]
        return "\n".join([*lines, "  history", *(f"    - {step}" for step in self.history)])

    def _repr_html_(self) -> str:
        title, *lines = repr(self).splitlines()
        values = dict(line.strip().split(maxsplit=1) for line in lines[: lines.index("  history")])
        steps = "".join(f"<li>{escape(step)}</li>" for step in self.history)
        return f"{html_list(title, values)}<details><summary>history</summary><ol>{steps}</ol></details>"
