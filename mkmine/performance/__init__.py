"""Where time goes: key figures, waiting and its causes, rework, workload, bottlenecks, flow, forecasts."""

from mkmine.performance.diagnosis import Diagnosis, Lever, diagnose
from mkmine.performance.flow import FlowMetrics, flow
from mkmine.performance.forecast import Forecast, forecast

__all__ = ["Diagnosis", "FlowMetrics", "Forecast", "Lever", "diagnose", "flow", "forecast"]
