"""AS-IS: the process map, variants, rework, and who does what."""

from mkmine.discovery.pools import Pools, find_pools
from mkmine.discovery.process_map import ProcessMap, discover
from mkmine.discovery.rework import Rework, rework
from mkmine.discovery.variants import Variants, variants

__all__ = ["Pools", "ProcessMap", "Rework", "Variants", "discover", "find_pools", "rework", "variants"]
