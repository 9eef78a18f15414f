"""Which routes replay a log better: those that it shows by itself, or those of a given process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from mkmine.discovery.process_map import records
from mkmine.eventlog import EventLog
from mkmine.language import Language, translator
from mkmine.simulation.calibration.along import branches_meet, named_as
from mkmine.simulation.validation.backtest import backtest
from mkmine.simulation.validation.result import JUDGED, Validation

if TYPE_CHECKING:
    from mkmine.targets import Elicited, ProcessModel, Target

__all__ = ["Routings", "compare_routings"]

# So much farther from reality one has to be than the other before it is called worse.
_ALIKE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Routings:
    """Backtests of a log with its `own` routes and `along` a process, on the same weeks, and which is `better`."""

    own: Validation
    along: Validation

    @property
    def distances(self) -> tuple[float, float]:
        """How far each is from reality: the mean of its distances by aspect."""
        return float(_aspects(self.own).mean()), float(_aspects(self.along).mean())

    @property
    def better(self) -> Literal["process", "log", "alike"]:
        """Which is nearer to reality; alike if the other one is less than a tenth farther."""
        own, along = self.distances
        if abs(own - along) <= _ALIKE * max(own, along):
            return "alike"
        return "log" if own < along else "process"

    def explain(self, language: Language = "en") -> str:
        """Say which is better."""
        t = translator(language)
        own, along = (t.percent(one, digits=0) for one in self.distances)
        if self.better == "process":
            return t(
                "The routes of the process replay held-out weeks better: {along} from reality on average, the log's "
                "own {own}.",
                along=along,
                own=own,
            )
        if self.better == "log":
            return t(
                "The log's own routes replay held-out weeks better: {own} from reality on average, those of the "
                "process {along}.",
                along=along,
                own=own,
            )
        return t(
            "The routes of the process and the log's own replay held-out weeks alike: {along} and {own} from reality "
            "on average.",
            along=along,
            own=own,
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per judged figure and aspect: how far each is from reality."""
        return pd.DataFrame({"log": _parts(self.own), "process": _parts(self.along)}).rename_axis("of").reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"better": self.better, "sentence": self.explain(), "distances": records(self.to_pandas())}

    def __repr__(self) -> str:
        return f"{self.explain()}\n{self.to_pandas().to_string(index=False, float_format='{:.0%}'.format)}"


def _aspects(found: Validation) -> pd.Series[float]:
    table = found.aspects.set_index("aspect")["distance"].dropna()
    return table.astype(float)


def _parts(found: Validation) -> pd.Series[float]:
    figures = found.by_cut[found.by_cut["kpi"].isin(JUDGED)]
    errors = figures["error"].abs().groupby(figures["kpi"], sort=False).mean().dropna()
    return pd.concat([_aspects(found), errors.astype(float)])


def compare_routings(
    log: EventLog,
    process: ProcessModel | Target,
    *,
    elicited: Elicited | Mapping[str, Any] | None = None,
    train: float = 0.5,
    cuts: int | None = None,
    replications: int = 20,
    seed: int = 7,
) -> Routings:
    """Backtest a log with its own routes and along a process, on the same weeks, names and beginnings.

    Raises what `backtest` and `calibrate` raise.
    """
    seen, warm = named_as(log, process), branches_meet(process)
    asked: dict[str, Any] = {
        "train": train, "cuts": cuts, "replications": replications, "seed": seed, "warm_up": warm,
    }  # fmt: skip
    return Routings(own=backtest(seen, **asked), along=backtest(seen, process=process, elicited=elicited, **asked))
