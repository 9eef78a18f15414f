"""Which staffing: a search, under cost, for the people who shorten the process most."""

from mkmine.optimization.staffing import Staffing, optimise

__all__ = ["Staffing", "optimise"]
