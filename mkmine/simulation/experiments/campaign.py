"""The replications of an experiment: which are finished, which are still to be made, and how long its office fills."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mkmine.executors import Pool
from mkmine.simulation.engine import Engine, pays_to_compile
from mkmine.simulation.experiments.replication import Outcome, Plan, replicate
from mkmine.simulation.experiments.study import Study
from mkmine.simulation.experiments.uncertainty import Doubt, Doubts
from mkmine.simulation.experiments.warmup import PILOTS, Filling, ordinary, pilot, settled
from mkmine.simulation.model import SimulationModel

__all__ = ["Campaign", "OutOfTimeError"]

# The warm-up should be so many times as long as usual cases take: then all that began in the empty office are gone.
_PASSAGES = 3
_LONGEST_WEEKS = 520.0
# Pilot runs have random streams of their own, beyond those of any replication.
_PILOT = 1_000_000
KERNEL = "mkmine.simulation.engine.kernel.run"


class OutOfTimeError(Exception):
    """The seconds of the budget are over."""


@dataclass(frozen=True, slots=True)
class _Task:
    scenario: str
    model: SimulationModel
    plan: Plan
    replication: int
    engine: Engine
    doubt: Doubt | None


@dataclass(frozen=True, slots=True)
class _Pilot:
    scenario: str
    model: SimulationModel
    seed: int
    number: int
    weeks: float
    engine: Engine


def _run(task: _Task) -> tuple[Doubt | None, Outcome]:
    found = replicate(task.model, task.plan, task.scenario, task.replication, task.engine)
    return task.doubt, found if task.doubt is None else replace(found, log=None)


def _fill(task: _Pilot) -> tuple[str, int, Filling]:
    found = pilot(task.model, task.seed, _PILOT + task.number, task.weeks, task.engine)
    return task.scenario, task.number, found


class Campaign:
    """The runs of some models (the base is "") under one plan, in a pool, kept in a study if there is one.

    With `doubts`, the first replications are also made with the models that these might be instead.
    """

    def __init__(
        self,
        models: Mapping[str, SimulationModel],
        plan: Plan,
        pool: Pool,
        study: Study | None,
        tell: Callable[[int, int], None],
        *,
        seconds: float | None = None,
        engine: Engine = "auto",
        doubts: Doubts | None = None,
    ) -> None:
        self.models, self.plan, self.study, self.engine, self.doubts = models, plan, study, engine, doubts
        # Models that do not settle, with the weeks that were simulated to see it.
        self.restless: dict[str, float] = {}
        self._pool, self._tell = pool, tell
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._outcomes: dict[tuple[str, int, Doubt | None], Outcome] = {}
        self._doubted: dict[Doubt, dict[str, SimulationModel]] = {}
        self._planned = self._extra = 0

    def plan_for(self, replications: int) -> None:
        """Count in so many replications for whoever watches."""
        self._planned = len(self._wanted(replications))

    def _wanted(self, replications: int) -> list[tuple[str, int, Doubt | None]]:
        """Return what the first so many replications consist of, in the order in which it is made."""
        out: list[tuple[str, int, Doubt | None]] = []
        doubts = [] if self.doubts is None else self.doubts.within(replications)
        for number in range(replications):
            whose = [None, *(one for one in doubts if one.replication == number)]
            out += [(name, number, doubt) for doubt in whose for name in self.models]
        return out

    def _model(self, name: str, doubt: Doubt | None) -> SimulationModel:
        if doubt is None or self.doubts is None:
            return self.models[name]
        if doubt not in self._doubted:
            self._doubted[doubt] = self.doubts.models(doubt)
        return self._doubted[doubt][name]

    def reach(self, replications: int) -> None:
        """Make what is missing of the first so many replications of every model.

        Raises `OutOfTimeError` when the seconds are over and two replications of all are there.
        """
        wanted = self._wanted(replications)
        self._planned = max(self._planned, len(wanted))
        missing = [one for one in wanted if one not in self._outcomes and not self._found(*one)]
        runs = max(len(missing), self._planned - len(self._outcomes))
        engine = self._engine(runs, 2 * self.plan.warm_up_weeks + self.plan.weeks)
        tasks = [
            _Task(name, self._model(name, doubt), self.plan, number, engine, doubt) for name, number, doubt in missing
        ]
        if engine == "kernel" and tasks and KERNEL not in sys.modules:
            # Workers that are forked from here find the engine loaded, and none compiles it a second time.
            self._keep(_run(tasks.pop(0)))
        self._pool.run(_run, tasks, self._keep)

    def _engine(self, runs: int, weeks: float) -> Engine:
        """Return the compiled engine where so many runs are worth loading it, and else what suits each run."""
        if self.engine != "auto":
            return self.engine
        base = self.models[""]
        cases = max(base.arrivals.per_week * weeks, len(base.arrivals.times))
        rows = int(runs * cases * len(base.activities))
        return "kernel" if pays_to_compile(rows) else "auto"

    @property
    def finished(self) -> int:
        """How many replications, from the first on, are there of every model, with their doubts."""
        made = max((number for _, number, _ in self._outcomes), default=-1) + 1
        missing = (number for name, number, doubt in self._wanted(made) if (name, number, doubt) not in self._outcomes)
        return min(missing, default=made)

    def results(self) -> dict[str, list[Outcome]]:
        """Return the finished replications by model, in order."""
        count = self.finished
        return {name: [self._outcomes[name, number, None] for number in range(count)] for name in self.models}

    def doubtful(self) -> dict[float | None, dict[str, list[Outcome]]]:
        """Return the runs of draws of the numbers (None), and of other shares of queueing, by model and in order."""
        out: dict[float | None, dict[str, list[Outcome]]] = {}
        for doubt in [] if self.doubts is None else self.doubts.within(self.finished):
            runs = out.setdefault(doubt.alpha, {name: [] for name in self.models})
            for name in self.models:
                runs[name].append(self._outcomes[name, doubt.replication, doubt])
        return out

    def runs_of(self) -> dict[str, str]:
        """Return the fingerprint of the replications of each model. Only for a campaign with a study."""
        assert self.study is not None
        return {name: self.study.run_of(model, self.plan) for name, model in self.models.items()}

    def _found(self, name: str, number: int, doubt: Doubt | None) -> bool:
        """Take a replication from the study, if it is there."""
        if self.study is None:
            return False
        outcome = self.study.finished(self._run_of(name, doubt), name, number, logged=doubt is None)
        if outcome is None:
            return False
        self._outcomes[name, number, doubt] = outcome
        self._tell(len(self._outcomes) + self._extra, self._planned + self._extra)
        return True

    def _run_of(self, name: str, doubt: Doubt | None) -> str:
        assert self.study is not None
        return self.study.run_of(self._model(name, doubt), self.plan)

    def _keep(self, made: tuple[Doubt | None, Outcome]) -> None:
        doubt, outcome = made
        self._outcomes[outcome.scenario, outcome.replication, doubt] = outcome
        if self.study is not None:
            self.study.keep(self._run_of(outcome.scenario, doubt), outcome)
        self._tell(len(self._outcomes) + self._extra, self._planned + self._extra)
        if self._deadline is not None and time.monotonic() > self._deadline and self.finished >= 2:
            raise OutOfTimeError

    # -- the warm-up -----------------------------------------------------------------------------------------------

    def settle(self) -> str:
        """Make the warm-up of the plan long enough, and say how: `"usual"` or `"MSER-5"`.

        It is long enough if it holds three times what 95 % of the cases of replication 0 need at most. Otherwise pilot
        runs of the slowest model, in ordinary weeks, are judged by MSER-5, and the warm-up becomes what it needs. An
        office to which more work comes than is done never settles, and is not judged.
        """
        self.reach(1)
        slow = {
            name: outcome[0].longest_weeks
            for name, outcome in self.results().items()
            if _PASSAGES * outcome[0].longest_weeks > self.plan.warm_up_weeks and outcome[0].pressure.load < 1
        }
        if not slow:
            return "usual"
        # One model stands for all: under common random numbers their pilots have the same noise.
        slowest = max(slow, key=lambda name: slow[name])
        needed = self._settling(slowest, slow[slowest])
        if math.ceil(needed) > self.plan.warm_up_weeks:
            self.plan = replace(self.plan, warm_up_weeks=float(math.ceil(needed)))
            self._outcomes.clear()
        return "MSER-5"

    def _settling(self, name: str, longest: float) -> float:
        """Return how many weeks a model needs to fill, by pilot runs that are lengthened once if they must be."""
        weeks = min(math.ceil(max(4 * self.plan.warm_up_weeks, 2 * _PASSAGES * longest)), _LONGEST_WEEKS)
        for span in (weeks, min(2 * weeks, _LONGEST_WEEKS)):
            found = settled(self._pilots(name, span))
            if found is not None:
                return found
        self.restless[name] = span
        return self.plan.warm_up_weeks

    def _pilots(self, name: str, weeks: float) -> Sequence[Filling]:
        model, engine = ordinary(self.models[name]), self._engine(PILOTS, weeks)
        tasks = [_Pilot(name, model, self.plan.seed, number, weeks, engine) for number in range(PILOTS)]
        found: dict[int, Filling] = {}

        def keep(result: tuple[str, int, Filling]) -> None:
            found[result[1]] = result[2]
            self._extra += 1
            self._tell(len(self._outcomes) + self._extra, self._planned + self._extra)

        self._pool.run(_fill, tasks, keep)
        return [found[number] for number in range(PILOTS)]
