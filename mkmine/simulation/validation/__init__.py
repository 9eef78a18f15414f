"""Backtest: does a model calibrated on the past predict the weeks that it has not seen?"""

from mkmine.simulation.validation.backtest import METHOD, backtest
from mkmine.simulation.validation.result import WARNING, Validation
from mkmine.simulation.validation.routings import Routings, compare_routings

__all__ = ["METHOD", "WARNING", "Routings", "Validation", "backtest", "compare_routings"]
