"""Where time goes: cycle times, waiting, rework, workload, bottlenecks and levers."""

from mkmine.performance.diagnosis import Diagnosis, Lever, diagnose

__all__ = ["Diagnosis", "Lever", "diagnose"]
