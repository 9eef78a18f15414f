"""Filters: functions from log to log that choose what to look at, each recorded in the history with what it left out.

Each keeps what it names; `invert=True` keeps the rest. What is left out was not wrong, and does not go to the
quarantine. All but `keep_window` and `keep_completed` leave out work that the same people did: `log.partial` tells it.
"""

from mkmine.eventlog.cleaning.filters.attributes import (
    drop_activities,
    keep_activities,
    keep_attribute,
    keep_completed,
    keep_frequent,
    keep_resources,
    keep_roles,
)
from mkmine.eventlog.cleaning.filters.paths import (
    keep_endpoints,
    keep_followed,
    keep_rework,
    keep_segment,
    keep_variants,
)
from mkmine.eventlog.cleaning.filters.people import keep_four_eyes
from mkmine.eventlog.cleaning.filters.performance import keep_duration, keep_edge_duration, keep_size
from mkmine.eventlog.cleaning.filters.samples import keep_first, keep_last, sample_cases
from mkmine.eventlog.cleaning.filters.window import keep_window

__all__ = [
    "drop_activities",
    "keep_activities",
    "keep_attribute",
    "keep_completed",
    "keep_duration",
    "keep_edge_duration",
    "keep_endpoints",
    "keep_first",
    "keep_followed",
    "keep_four_eyes",
    "keep_frequent",
    "keep_last",
    "keep_resources",
    "keep_rework",
    "keep_roles",
    "keep_segment",
    "keep_size",
    "keep_variants",
    "keep_window",
    "sample_cases",
]
