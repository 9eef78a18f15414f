"""What is handed over: maps, charts and the improvement report.

The room has the name of its verb. Importing it binds `mkmine.report` to this module, so the module itself can be
called: `mkmine.report(log)` is the verb, whichever was loaded first.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from mkmine.eventlog import EventLog
from mkmine.report.document import Report
from mkmine.report.drawing import draw
from mkmine.report.improvement import report
from mkmine.report.picture import Picture
from mkmine.report.regulations import Regulation, regulation

__all__ = ["Picture", "Regulation", "Report", "draw", "regulation", "report"]


class _Verb(ModuleType):
    """The module that is also the verb."""

    def __call__(self, log: EventLog, **options: Any) -> Report:
        """Assemble the improvement report of a log; see `mkmine.report.improvement.report`."""
        return report(log, **options)


sys.modules[__name__].__class__ = _Verb
