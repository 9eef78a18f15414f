"""Where time goes: key figures, waiting and its causes, who works when, bottlenecks, levers, flow, forecasts."""

from mkmine.performance.availability import Availability, availability
from mkmine.performance.breakdown import Causes, waiting_causes
from mkmine.performance.diagnosis import Diagnosis, diagnose
from mkmine.performance.flow import FlowMetrics, flow
from mkmine.performance.forecast import Forecast, forecast
from mkmine.performance.kpis import Kpis, kpis
from mkmine.performance.lever import Lever

__all__ = [
    "Availability",
    "Causes",
    "Diagnosis",
    "FlowMetrics",
    "Forecast",
    "Kpis",
    "Lever",
    "availability",
    "diagnose",
    "flow",
    "forecast",
    "kpis",
    "waiting_causes",
]
