"""What happened: the event log, its formats, quality, cleaning and summaries."""

from mkmine.eventlog.description import LogSummary
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.mapping import Mapping
from mkmine.eventlog.provenance import Provenance, Step
from mkmine.eventlog.quality import Quality, quality
from mkmine.eventlog.read import read

__all__ = ["EventLog", "LogSummary", "Mapping", "Provenance", "Quality", "Step", "quality", "read"]
