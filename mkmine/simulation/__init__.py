"""What if: a model of the process, calibrated from a log, run on SimPy, and asked with intervals."""

from mkmine.simulation.calibration import calibrate, to_simulation
from mkmine.simulation.engine import simulate
from mkmine.simulation.engine.underway import WorkInProgress, work_in_progress
from mkmine.simulation.experiments.experiment import Experiment, experiment, resume
from mkmine.simulation.experiments.sensitivity import Sensitivity, sensitivity
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.model.json_schema import schema
from mkmine.simulation.model.processes import from_process
from mkmine.simulation.scenarios.scenario import Scenario, from_levers, scenario_of
from mkmine.simulation.validation import Routings, Validation, backtest, compare_routings

__all__ = [
    "Experiment",
    "Routings",
    "Scenario",
    "Sensitivity",
    "SimulationModel",
    "Validation",
    "WorkInProgress",
    "backtest",
    "calibrate",
    "compare_routings",
    "experiment",
    "from_levers",
    "from_process",
    "resume",
    "scenario_of",
    "schema",
    "sensitivity",
    "simulate",
    "to_simulation",
    "work_in_progress",
]
