"""Small models and logs by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mkmine.calendars import Calendar
from mkmine.eventlog import EventLog
from mkmine.targets import Flow, Node, ProcessModel

KINDS = {"s": "start", "e": "end", "x": "exclusive", "p": "parallel", "o": "inclusive", "t": "terminate", "v": "event"}


def model(flows: str, lanes: Mapping[str, str] | None = None, repeats: str = "") -> ProcessModel:
    """A model from arrows like "s>A A>x1": capitals are tasks, else the first letter says the kind."""
    pairs = [arrow.split(">") for arrow in flows.split()]
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    nodes: list[Node] = []
    for name in names:
        kind: Any = "task" if name[0].isupper() else KINDS[name[0]]
        nodes.append(
            Node(
                id=name,
                kind=kind,
                name=name if kind == "task" else "",
                lane=(lanes or {}).get(name),
                repeats=name in repeats,
            )
        )
    arrows = tuple(Flow(id=f"f{i}", source=a, target=b) for i, (a, b) in enumerate(pairs))
    return ProcessModel(nodes=tuple(nodes), flows=arrows, name="P")


def log(
    cases: Sequence[str],
    *,
    hours: float | Sequence[float] = 1.0,
    open_cases: Sequence[int] = (),
    names: Mapping[str, str] | None = None,
    **columns: Any,
) -> EventLog:
    """One case per string; each letter is an instance of `hours` working hours, round the clock."""
    rows = []
    for number, events in enumerate(cases):
        moment = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=number)
        step = hours if isinstance(hours, float) else hours[number]
        for letter in events:
            end = moment + pd.Timedelta(hours=step)
            rows.append((f"c{number}", (names or {}).get(letter, letter), moment, end, f"role {letter}"))
            moment = end
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end", "role"])
    completed = pd.Series({f"c{i}": i not in open_cases for i in range(len(cases))})
    options = {"start": "start", "role": "role", "calendar": Calendar.always()} | columns
    return EventLog.from_pandas(frame, completed=completed, **options)
