"""What happened: the event log, its formats, quality, cleaning and summaries."""

from mkmine.eventlog.log import EventLog, LogSummary, Provenance, Step

__all__ = ["EventLog", "LogSummary", "Provenance", "Step"]
