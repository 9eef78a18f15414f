"""From an event log to a model that deserves its answers."""

from mkmine.simulation.calibration.calibration import calibrate

__all__ = ["calibrate"]
