"""Causes of waiting as K. Lashkevich et al. (2023) define them, written plainly after the paper: one event at a time.

Their own implementation (github.com/AutomatedProcessImprovement/waiting-time-analysis) is in no package index and wants
R, Python < 3.11 and packages from Git, so it is not run here. As there, every event looks through all events of its
person: time grows with the square of their number. Time is that of the clock, and only the person counts who in the end
did the work.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mkmine.calendars import Calendar
from mkmine.eventlog import EventLog
from mkmine.eventlog.enablement import enabled_times
from mkmine.eventlog.summaries import batches

CAUSES = ("batching", "contention", "prioritisation", "unavailability", "extraneous")
Spans = list[tuple[int, int]]


def published_frame(log: EventLog) -> pd.DataFrame:
    """Return the log as a frame with what the method needs: resource, enabled, start, end, batch (ready), µs."""
    enabled = enabled_times(log)
    ready = np.full(len(log), -1, dtype=np.int64)
    found = batches(log)
    inside = found.of >= 0
    latest = np.zeros(len(found), dtype=np.int64)
    np.maximum.at(latest, found.of[inside], enabled[inside])
    begun = np.full(len(found), np.iinfo(np.int64).max)
    np.minimum.at(begun, found.of[inside], log.start[inside])
    # A batch is complete before its first piece is begun.
    inside[inside] &= (latest <= begun)[found.of[inside]]
    ready[inside] = latest[found.of[inside]]
    return pd.DataFrame(
        {"resource": log.resource, "enabled": enabled, "start": log.start, "end": log.end, "ready": ready}
    )


def published(log: EventLog, hours: list[Calendar], *, limit: int | None = None) -> dict[str, float]:
    """Return hours of the clock by cause, of the whole log or of its first `limit` events that waited."""
    frame = published_frame(log)
    waited = frame[(frame["start"] > frame["enabled"]) & (frame["resource"] >= 0)]
    first, last = int(frame["enabled"].min()), int(frame["end"].max())
    lines = [one.timeline(first, last + 1) for one in hours]
    total = dict.fromkeys(CAUSES, 0)
    for row in waited.head(limit).to_dict("records"):
        for cause, spent in _split(frame, row, lines).items():
            total[cause] += spent
    return {cause: spent / 3.6e9 for cause, spent in total.items()}


def _split(frame: pd.DataFrame, event: dict[Any, Any], lines: list[Any]) -> dict[str, int]:
    since, until = int(event["enabled"]), int(event["start"])
    mine = frame[frame["resource"] == event["resource"]]
    others = mine[(mine["start"] < until) & (mine["end"] > since)]
    ready = int(event["ready"])
    batch: Spans = [(since, min(ready, until))] if since < ready else []
    before, after = others[others["enabled"] <= since], others[others["enabled"] > since]
    line = lines[int(event["resource"])]
    closed = _minus([(since, until)], [(int(a), int(b)) for a, b in zip(line.starts, line.ends, strict=True)
                                       if a < until and b > since])  # fmt: skip
    out, taken = {}, list[tuple[int, int]]()
    for cause, spans in (
        ("batching", batch),
        ("contention", _within(before, since, until)),
        ("prioritisation", _within(after, since, until)),
        ("unavailability", closed),
    ):
        left = _minus(_union(spans), taken)
        out[cause] = sum(b - a for a, b in left)
        taken = _union(taken + left)
    out["extraneous"] = until - since - sum(out.values())
    return out


def _within(events: pd.DataFrame, since: int, until: int) -> Spans:
    return [(max(int(a), since), min(int(b), until)) for a, b in zip(events["start"], events["end"], strict=True)]


def _union(spans: Spans) -> Spans:
    out: Spans = []
    for begin, end in sorted(spans):
        if end <= begin:
            continue
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((begin, end))
    return out


def _minus(spans: Spans, taken: Spans) -> Spans:
    for begin, end in taken:
        left: Spans = []
        for a, b in spans:
            left += [(x, y) for x, y in ((a, min(b, begin)), (max(a, end), b)) if x < y]
        spans = left
    return spans
