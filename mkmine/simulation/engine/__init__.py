"""One run of a model: on SimPy, and by its compiled twin."""

from mkmine.simulation.engine.engine import Engine, Process, Run, Worker, pays_to_compile, simulate

__all__ = ["Engine", "Process", "Run", "Worker", "pays_to_compile", "simulate"]
