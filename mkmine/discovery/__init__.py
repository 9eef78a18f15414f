"""AS-IS: the process map, variants, rework, who does what, and in what two logs differ."""

from mkmine.discovery.difference import Difference, compare, segments
from mkmine.discovery.pools import Pools, find_pools
from mkmine.discovery.process_map import ProcessMap, discover
from mkmine.discovery.rework import Rework, rework
from mkmine.discovery.variants import Variants, variants

__all__ = [
    "Difference",
    "Pools",
    "ProcessMap",
    "Rework",
    "Variants",
    "compare",
    "discover",
    "find_pools",
    "rework",
    "segments",
    "variants",
]
