"""Task trackers: the history of their issues as an event log with start, end and waiting."""

from mkmine.trackers.export import TrackerExport
from mkmine.trackers.history import activity_log
from mkmine.trackers.reader import looks_like_export, read_export
from mkmine.trackers.statuses import StatusMapping, StatusRule

__all__ = ["StatusMapping", "StatusRule", "TrackerExport", "activity_log", "looks_like_export", "read_export"]
