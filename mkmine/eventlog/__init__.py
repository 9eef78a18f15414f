"""What happened: the event log, its formats, quality, cleaning and summaries."""

from mkmine.eventlog.cleaning.quality import Quality, quality
from mkmine.eventlog.description import LogSummary
from mkmine.eventlog.formats.mapping import Mapping
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Provenance, Step

__all__ = ["EventLog", "LogSummary", "Mapping", "Provenance", "Quality", "Step", "quality", "read"]
