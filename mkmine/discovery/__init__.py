"""AS-IS: the process map, variants, rework, who does what, in what two logs differ, and when a process changed."""

from mkmine.discovery.contrast import Contrast, contrast
from mkmine.discovery.difference import Difference, compare, periods, segments
from mkmine.discovery.drift import Drift, drift
from mkmine.discovery.inductive import discover_model
from mkmine.discovery.organisation import Organisation, organisation
from mkmine.discovery.pools import Pools, find_pools
from mkmine.discovery.process_map import ProcessMap, discover
from mkmine.discovery.rework import Rework, rework, sent_back
from mkmine.discovery.variants import Variants, variants

__all__ = [
    "Contrast",
    "Difference",
    "Drift",
    "Organisation",
    "Pools",
    "ProcessMap",
    "Rework",
    "Variants",
    "compare",
    "contrast",
    "discover",
    "discover_model",
    "drift",
    "find_pools",
    "organisation",
    "periods",
    "rework",
    "segments",
    "sent_back",
    "variants",
]
