"""mkmine: process mining and what-if simulation for teams whose work waits for people.

The façade: every verb of the toolkit, loaded when it is first used, so that `import mkmine` costs next to nothing.

    import mkmine as mk

    log = mk.read("tracker.csv")
    answer = mk.experiment(mk.calibrate(log), [mk.Scenario("one more designer").staff("Designer", +1)])
    mk.report(log, experiment=answer).save("report.html")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mkmine import catalogue
    from mkmine.calendars import Calendar
    from mkmine.catalogue import benchmark
    from mkmine.conformance import (
        Conformance,
        ModelQuality,
        StochasticConformance,
        check,
        model_quality,
        stochastic_conformance,
    )
    from mkmine.conformance.changeover import Changeover, changeover
    from mkmine.discovery import (
        Contrast,
        Difference,
        Drift,
        Organisation,
        ProcessMap,
        Rework,
        Variants,
        compare,
        contrast,
        discover,
        discover_model,
        drift,
        organisation,
        periods,
        rework,
        segments,
        sent_back,
        variants,
    )
    from mkmine.errors import MkmineError
    from mkmine.eventlog import EventLog
    from mkmine.eventlog.cleaning import filters, repairs
    from mkmine.eventlog.cleaning.privacy import pseudonymise
    from mkmine.eventlog.formats.read import guess_mapping
    from mkmine.eventlog.formats.sql import read_sql
    from mkmine.eventlog.formats.write import write
    from mkmine.eventlog.partitions import partition
    from mkmine.eventlog.summaries import summarise
    from mkmine.optimization import Staffing, optimise
    from mkmine.performance import (
        Availability,
        Causes,
        Diagnosis,
        FlowMetrics,
        Forecast,
        Kpis,
        availability,
        diagnose,
        flow,
        forecast,
        kpis,
        waiting_causes,
    )
    from mkmine.report import Regulation, Report, draw, regulation, report
    from mkmine.rollout import Effect, Hindsight, effect, hindsight
    from mkmine.simulation import (
        Experiment,
        Scenario,
        Sensitivity,
        SimulationModel,
        Validation,
        backtest,
        calibrate,
        experiment,
        resume,
        sensitivity,
        simulate,
    )
    from mkmine.sources import read
    from mkmine.targets import ProcessModel, Target, read_target, suggest_aliases

_PLACES = {
    "Availability": "performance",
    "Calendar": "calendars",
    "Causes": "performance",
    "Changeover": "conformance.changeover",
    "Conformance": "conformance",
    "Contrast": "discovery",
    "Diagnosis": "performance",
    "Difference": "discovery",
    "Drift": "discovery",
    "Effect": "rollout",
    "EventLog": "eventlog",
    "Experiment": "simulation",
    "FlowMetrics": "performance",
    "Forecast": "performance",
    "Hindsight": "rollout",
    "Kpis": "performance",
    "MkmineError": "errors",
    "ModelQuality": "conformance",
    "Organisation": "discovery",
    "ProcessMap": "discovery",
    "ProcessModel": "targets",
    "Regulation": "report",
    "Report": "report",
    "Rework": "discovery",
    "Scenario": "simulation",
    "Sensitivity": "simulation",
    "SimulationModel": "simulation",
    "Staffing": "optimization",
    "StochasticConformance": "conformance",
    "Target": "targets",
    "Validation": "simulation",
    "Variants": "discovery",
    "availability": "performance",
    "backtest": "simulation",
    "benchmark": "catalogue",
    "calibrate": "simulation",
    "catalogue": "catalogue",
    "changeover": "conformance.changeover",
    "check": "conformance",
    "compare": "discovery",
    "contrast": "discovery",
    "diagnose": "performance",
    "discover": "discovery",
    "discover_model": "discovery",
    "draw": "report",
    "drift": "discovery",
    "effect": "rollout",
    "experiment": "simulation",
    "filters": "eventlog.cleaning.filters",
    "flow": "performance",
    "forecast": "performance",
    "guess_mapping": "sources",
    "hindsight": "rollout",
    "kpis": "performance",
    "model_quality": "conformance",
    "optimise": "optimization",
    "organisation": "discovery",
    "partition": "sources",
    "periods": "discovery",
    "pseudonymise": "eventlog.cleaning.privacy",
    "read": "sources",
    "read_sql": "eventlog.formats.sql",
    "read_target": "targets",
    "regulation": "report",
    "repairs": "eventlog.cleaning.repairs",
    "report": "report",
    "resume": "simulation",
    "rework": "discovery",
    "segments": "discovery",
    "sensitivity": "simulation",
    "sent_back": "discovery",
    "simulate": "simulation",
    "stochastic_conformance": "conformance",
    "suggest_aliases": "targets",
    "summarise": "eventlog.summaries",
    "variants": "discovery",
    "waiting_causes": "performance",
    "write": "eventlog.formats.write",
}

# Verbs that come in rooms: mk.filters.keep_window(...), mk.repairs.drop_duplicates(...), mk.catalogue.load(...).
_MODULES = {"catalogue", "filters", "repairs"}

__all__ = [
    "Availability",
    "Calendar",
    "Causes",
    "Changeover",
    "Conformance",
    "Contrast",
    "Diagnosis",
    "Difference",
    "Drift",
    "Effect",
    "EventLog",
    "Experiment",
    "FlowMetrics",
    "Forecast",
    "Hindsight",
    "Kpis",
    "MkmineError",
    "ModelQuality",
    "Organisation",
    "ProcessMap",
    "ProcessModel",
    "Regulation",
    "Report",
    "Rework",
    "Scenario",
    "Sensitivity",
    "SimulationModel",
    "Staffing",
    "StochasticConformance",
    "Target",
    "Validation",
    "Variants",
    "availability",
    "backtest",
    "benchmark",
    "calibrate",
    "catalogue",
    "changeover",
    "check",
    "compare",
    "contrast",
    "diagnose",
    "discover",
    "discover_model",
    "draw",
    "drift",
    "effect",
    "experiment",
    "filters",
    "flow",
    "forecast",
    "guess_mapping",
    "hindsight",
    "kpis",
    "model_quality",
    "optimise",
    "organisation",
    "partition",
    "periods",
    "pseudonymise",
    "read",
    "read_sql",
    "read_target",
    "regulation",
    "repairs",
    "report",
    "resume",
    "rework",
    "segments",
    "sensitivity",
    "sent_back",
    "simulate",
    "stochastic_conformance",
    "suggest_aliases",
    "summarise",
    "variants",
    "waiting_causes",
    "write",
]


def __getattr__(name: str) -> Any:
    """Load a verb or a type from its room when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"module 'mkmine' has no attribute {name!r}")
    place = f"mkmine.{_PLACES[name]}"
    value = import_module(place) if name in _MODULES else getattr(import_module(place), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
