"""Logs larger than memory: cut by case on disk, summarised part by part, added to, on one machine or on a cluster."""

from mkmine.eventlog.partitions.making import partition
from mkmine.eventlog.partitions.store import Partitions

__all__ = ["Partitions", "partition"]
