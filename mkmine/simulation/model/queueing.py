"""How much of the waiting is queueing, where a log cannot tell: the delays of a model for other answers than its own.

Waiting while people were busy may be a queue, which more people would shorten, or time that passes anyway while they
happen to do other work. `alpha` is the share of it that is left to the simulated queues: with 1 only the waiting in
which the person had no other work is an outside delay, with 0 all of it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from mkmine.simulation.model.distributions import Distribution, Fixed
from mkmine.simulation.model.parts import Factor, Name, Part, Wait

if TYPE_CHECKING:
    from mkmine.simulation.model.model import SimulationModel

__all__ = ["Delayed", "Queueing", "Reading", "as_read", "with_readings"]

Alpha = Annotated[float, Field(ge=0, le=1)]


class Delayed(Part):
    """The outside delay before an activity, as in the activity itself; `factors` are its variants', in order."""

    delay: Distribution | None = None
    waits: list[Wait] = Field(default_factory=list)
    calendar: Name | None = None
    factors: list[Factor] = Field(default_factory=list)


class Reading(Part):
    """The delays of activities that differ from the model's, if `alpha` of the explainable waiting is queueing."""

    alpha: Alpha
    delays: dict[Name, Delayed]


class Queueing(Part):
    """Which share of the waiting that busy people explain is queueing: the model's own, and others as plausible."""

    alpha: Alpha
    others: list[Reading] = Field(default_factory=list)

    @model_validator(mode="after")
    def _different(self) -> Queueing:
        alphas = [self.alpha, *(one.alpha for one in self.others)]
        if len(set(alphas)) < len(alphas):
            raise ValueError("queueing: an alpha is there twice; give each once")
        return self


def with_readings(model: SimulationModel, alpha: float, others: Mapping[float, SimulationModel]) -> SimulationModel:
    """Return a model that keeps the delays of others, which were made of the same log for other shares of queueing."""
    readings = []
    for other, its in others.items():
        delays = {
            name: _delayed(its, name) for name in model.activities if _delayed(its, name) != _delayed(model, name)
        }
        readings.append(Reading(alpha=other, delays=delays))
    return model.model_copy(update={"queueing": Queueing(alpha=alpha, others=readings)})


def _delayed(model: SimulationModel, name: str) -> Delayed:
    one = model.activities[name]
    factors = [variant.delay_factor for variant in one.variants]
    return Delayed(
        delay=one.delay,
        waits=one.waits,
        calendar=one.calendar,
        factors=factors if any(factor != 1 for factor in factors) else [],
    )


def as_read(model: SimulationModel, alpha: float) -> SimulationModel:
    """Return the model with the delays of another share of queueing.

    A delay that is nothing there is one of 0 hours, so that a scenario about it can still be asked.
    """
    reading = next((one for one in model.queueing.others if one.alpha == alpha), None) if model.queueing else None
    if reading is None:
        return model
    activities = dict(model.activities)
    for name, delayed in reading.delays.items():
        if (one := activities.get(name)) is not None:
            delay = Fixed(hours=0.0) if delayed.delay is None and one.delay is not None else delayed.delay
            calendar = one.calendar if delayed.calendar is None else delayed.calendar
            factors = delayed.factors or [1.0] * len(one.variants)
            variants = [
                variant.model_copy(update={"delay_factor": factor})
                for variant, factor in zip(one.variants, factors, strict=False)
            ]
            changed = {"delay": delay, "waits": delayed.waits, "calendar": calendar, "variants": variants}
            activities[name] = one.model_copy(update=changed)
    return model.model_copy(update={"activities": activities})
