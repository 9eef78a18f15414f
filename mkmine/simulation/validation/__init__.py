"""Backtest: does a model calibrated on the past predict the weeks that it has not seen?"""

from mkmine.simulation.validation.backtest import METHOD, backtest
from mkmine.simulation.validation.result import WARNING, Validation

__all__ = ["METHOD", "WARNING", "Validation", "backtest"]
