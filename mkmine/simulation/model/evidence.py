"""What the numbers of a model rest on: how many observations, or what range somebody states for them."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

__all__ = ["Belief", "Evidence", "Known", "Range"]

Floats = NDArray[np.float64]
Count = Annotated[float, Field(ge=0, le=1e12)]
_Number = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
# Of so few observations the spread is hardly known: they are taken to vary at least as much as work usually does.
_FEW, _USUAL_CV = 10, 0.8
_LARGEST_ERROR = 1.5


class Known(BaseModel):
    """A mean (of hours, or of cases a week) that was estimated from `n` observations.

    `error` is its relative standard error; of the logarithm, where it is large.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: Count
    error: Annotated[float, Field(ge=0, le=5)]

    @classmethod
    def of(cls, values: Floats, weights: Floats | None = None) -> Known | None:
        """Return what is known of the mean of some observations; None where there are none, or all are 0.

        `weights` say how much each counts; `n` is then the effective number (Kish 1965, Survey sampling).
        """
        known = np.isfinite(values)
        values, weights = values[known], np.ones(known.sum()) if weights is None else weights[known]
        total = float(weights.sum())
        mean = float(weights @ values) / total if total > 0 else 0.0
        if mean <= 0:
            return None
        n = total**2 / float(weights @ weights)
        around = float(weights @ (values - mean) ** 2) / total
        spread = float(np.sqrt(around * n / (n - 1))) / mean if n > 1 else _USUAL_CV
        if n < _FEW and spread > 0:
            spread = max(spread, _USUAL_CV)
        return cls(n=round(n, 1), error=round(min(spread / float(np.sqrt(n)), _LARGEST_ERROR), 6))

    def factor(self, u: float) -> float:
        """Return by what the mean is multiplied at a probability `u`: log-normal, with mean 1."""
        from scipy.special import ndtri

        return float(np.exp(self.error * ndtri(u) - self.error**2 / 2))


class Range(BaseModel):
    """What somebody says of a number: at least `low`, most likely `likely`, at most `high`.

    `shape` is the distribution that this is taken for: `"pert"`, or `"triangular"`, in which the ends weigh more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: _Number
    likely: _Number
    high: _Number
    shape: Literal["pert", "triangular"] = "pert"

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low <= self.likely <= self.high:
            raise ValueError(f"low={self.low}, likely={self.likely}, high={self.high} are not in rising order")
        return self

    @property
    def mean(self) -> float:
        """Its expected value."""
        weight = 4 if self.shape == "pert" else 1
        return (self.low + weight * self.likely + self.high) / (weight + 2)

    def at(self, u: float) -> float:
        """Return the value at a probability; PERT is a beta distribution whose mean is (low + 4 likely + high) / 6.

        Malcolm, Roseboom, Clark and Fazar (1959), Application of a technique for research and development program
        evaluation, Operations Research 7.
        """
        from scipy.special import betaincinv

        span = self.high - self.low
        if span == 0:
            return self.low
        turn = (self.likely - self.low) / span
        if self.shape == "triangular":
            part = sqrt(u * turn) if u <= turn else 1 - sqrt((1 - u) * (1 - turn))
            return self.low + span * part
        return self.low + span * float(betaincinv(1 + 4 * turn, 5 - 4 * turn, max(u, 1e-12)))


def _kind(value: object) -> str:
    stated = isinstance(value, Range) or (isinstance(value, Mapping) and not {"n", "error"} & set(value))
    return "range" if stated else "known"


# What is believed of a number that must be positive: an estimate of it, or a stated range.
Belief = Annotated[Annotated[Known, Tag("known")] | Annotated[Range, Tag("range")], Discriminator(_kind)]


_Name = Annotated[str, Field(min_length=1, max_length=500)]
_Error = Annotated[float, Field(ge=0, le=5)]


class Evidence(BaseModel):
    """What the numbers of an activity rest on. What is left out is taken for certain.

    routes
        How many observations the probabilities of `next` rest on, by round.
    rework
        The range of the probability that work is sent back in round 1; later rounds change in proportion.
    duration
        By round: what is known of the mean hours of work, or the range in which they lie.
    delay
        The same of the outside delay.
    shared
        Delay and work are parts of one known time: what a draw adds to the work, it takes from the delay.
    pace
        By person: the relative standard error of their pace. The paces of all of them move around their mean, whose
        error is that of the duration.
    preference
        By person: the relative standard error of how readily they take it.
    stated
        The observations of `routes` are what somebody's word on the probabilities is worth; nobody has made them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    routes: list[Count] = []
    rework: Range | None = None
    duration: list[Belief | None] = []
    delay: Belief | None = None
    shared: bool = False
    pace: dict[_Name, _Error] = {}
    preference: dict[_Name, _Error] = {}
    stated: bool = False

    @model_validator(mode="after")
    def _probable(self) -> Evidence:
        if self.rework is not None and self.rework.high > 0.95:
            raise ValueError(f"rework: high={self.rework.high} is above 0.95; such a case would hardly ever end")
        return self
