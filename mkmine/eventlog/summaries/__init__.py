"""What one pass over a log yields: counts and times that merge, tables of cases, and relations in time.

The summaries are values with `merge`: associative, commutative, with an identity, so that a log cut into case-aligned
parts gives the same result in any order. They name activities by text, because two parts may number them differently.
"""

from mkmine.eventlog.summaries.batching import Batches, batches
from mkmine.eventlog.summaries.cases import (
    CaseTimes,
    case_durations,
    case_table,
    case_times,
    duplicates,
    outside_activities,
    running_end,
    working_hours,
)
from mkmine.eventlog.summaries.follows import (
    DirectlyFollows,
    clock,
    directly_follows,
    edge_matrix,
    edge_times,
    pair_cases,
    pair_counts,
)
from mkmine.eventlog.summaries.load import Flow, Load, flow, observed_weeks, open_cases, running_instances
from mkmine.eventlog.summaries.people import (
    Executions,
    HandOvers,
    activity_table,
    executions,
    hand_overs,
    resource_table,
)
from mkmine.eventlog.summaries.relations import (
    EventuallyFollows,
    TemporalProfile,
    case_overlap,
    eventually_follows,
    temporal_profile,
)
from mkmine.eventlog.summaries.rework import (
    ActivityRounds,
    ReworkCounts,
    activity_rounds,
    repeats,
    rework_counts,
    visits,
)
from mkmine.eventlog.summaries.sketch import Durations
from mkmine.eventlog.summaries.summary import Summary, summarise
from mkmine.eventlog.summaries.variants import (
    VariantCounts,
    VariantIndex,
    case_paths,
    n_variants,
    variant_counts,
    variant_index,
)

__all__ = [
    "ActivityRounds",
    "Batches",
    "CaseTimes",
    "DirectlyFollows",
    "Durations",
    "EventuallyFollows",
    "Executions",
    "Flow",
    "HandOvers",
    "Load",
    "ReworkCounts",
    "Summary",
    "TemporalProfile",
    "VariantCounts",
    "VariantIndex",
    "activity_rounds",
    "activity_table",
    "batches",
    "case_durations",
    "case_overlap",
    "case_paths",
    "case_table",
    "case_times",
    "clock",
    "directly_follows",
    "duplicates",
    "edge_matrix",
    "edge_times",
    "eventually_follows",
    "executions",
    "flow",
    "hand_overs",
    "n_variants",
    "observed_weeks",
    "open_cases",
    "outside_activities",
    "pair_cases",
    "pair_counts",
    "repeats",
    "resource_table",
    "rework_counts",
    "running_end",
    "running_instances",
    "summarise",
    "temporal_profile",
    "variant_counts",
    "variant_index",
    "visits",
    "working_hours",
]
