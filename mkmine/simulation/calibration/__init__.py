"""From an event log to a model that deserves its answers, and from a target to one of how it should be."""

from mkmine.simulation.calibration.calibration import calibrate
from mkmine.simulation.calibration.tobe import to_simulation

__all__ = ["calibrate", "to_simulation"]
