"""Durations as distributions: one class each, in working hours, sampled by their quantile function.

A quantile function turns one keyed uniform draw into one duration, so that a scenario which changes a distribution
keeps the draw (a slow case stays slow) and paired differences keep their small variance.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from mkmine.simulation.model.shorthand import distribution

__all__ = ["Distribution", "Empirical", "Exponential", "Fixed", "Gamma", "LogNormal", "Triangular", "Uniform"]

Floats = NDArray[np.float64]
Hours = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
PositiveHours = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class _Distribution(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def ppf(self, u: Floats) -> Floats:
        """Return the duration in hours for each probability `u` in (0, 1)."""
        raise NotImplementedError

    @property
    def mean_h(self) -> float:
        """Expected duration in hours."""
        raise NotImplementedError

    def scaled(self, factor: float) -> Distribution:
        """Return the distribution of `factor` times the duration; a factor of 0 leaves no duration at all."""
        return Fixed(hours=0.0) if factor == 0 else self._scaled(factor)

    def _scaled(self, factor: float) -> Distribution:
        raise NotImplementedError


class Fixed(_Distribution):
    """Always the same duration."""

    kind: Literal["fixed"] = "fixed"
    hours: Hours

    def ppf(self, u: Floats) -> Floats:
        """Return the duration in hours for each probability `u` in (0, 1)."""
        return np.full(len(u), self.hours)

    @property
    def mean_h(self) -> float:
        """Expected duration in hours."""
        return self.hours

    def _scaled(self, factor: float) -> Fixed:
        return Fixed(hours=self.hours * factor)


class Uniform(_Distribution):
    """Any duration between `low` and `high`, equally likely."""

    kind: Literal["uniform"] = "uniform"
    low: Hours
    high: Hours

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if self.high < self.low:
            raise ValueError(f"high={self.high} is below low={self.low}; swap them")
        return self

    def ppf(self, u: Floats) -> Floats:
        """Return the duration in hours for each probability `u` in (0, 1)."""
        return self.low + u * (self.high - self.low)

    @property
    def mean_h(self) -> float:
        """Expected duration in hours."""
        return (self.low + self.high) / 2

    def _scaled(self, factor: float) -> Uniform:
        return Uniform(low=self.low * factor, high=self.high * factor)


class Exponential(_Distribution):
    """Memoryless durations with a mean."""

    kind: Literal["exponential"] = "exponential"
    mean: PositiveHours

    def ppf(self, u: Floats) -> Floats:
        """Return the duration in hours for each probability `u` in (0, 1)."""
        return -self.mean * np.log1p(-u)

    @property
    def mean_h(self) -> float:
        """Expected duration in hours."""
        return self.mean

    def _scaled(self, factor: float) -> Exponential:
        return Exponential(mean=self.mean * factor)


class LogNormal(_Distribution):
    """Right-skewed durations given by their mean and coefficient of variation (standard deviation / mean)."""

    kind: Literal["lognormal"] = "lognormal"
    mean: PositiveHours
    cv: Annotated[float, Field(gt=0, le=20)]

    def ppf(self, u: Floats) -> Floats:
        """Return the duration in hours for each probability `u` in (0, 1)."""
        from scipy.special import ndtri

        sigma = np.sqrt(np.log1p(self.cv**2))
        return np.asarray(np.exp(np.log(self.mean) - sigma**2 / 2 + sigma * ndtri(u)), dtype=np.float64)

    @property
    def mean_h(self) -> float:
        """Expected duration in hours."""
        return self.mean

    def _scaled(self, factor: float) -> LogNormal:
        return LogNormal(mean=self.mean * factor, cv=self.cv)


class Gamma(_Distribution):
    """Durations of a gamma distribution given by mean and coefficient of variation."""

    kind: Literal["gamma"] = "gamma"
    mean: PositiveHours
    cv: Annotated[float, Field(gt=0, le=20)]

    def ppf(self, u: Floats) -> Floats:
        """Return the duration in hours for each probability `u` in (0, 1)."""
        from scipy.special import gammaincinv

        shape = 1 / self.cv**2
        return np.asarray(gammaincinv(shape, u) * (self.mean / shape), dtype=np.float64)

    @property
    def mean_h(self) -> float:
        """Expected duration in hours."""
        return self.mean

    def _scaled(self, factor: float) -> Gamma:
        return Gamma(mean=self.mean * factor, cv=self.cv)


class Triangular(_Distribution):
    """What an expert says: at least `low`, most likely `mode`, at most `high`."""

    kind: Literal["triangular"] = "triangular"
    low: Hours
    mode: Hours
    high: Hours

    @model_validator(mode="after")
    def _ordered(self) -> Triangular:
        if not self.low <= self.mode <= self.high or self.low == self.high:
            raise ValueError(f"low={self.low}, mode={self.mode}, high={self.high} are not in rising order")
        return self

    def ppf(self, u: Floats) -> Floats:
        """Return the duration in hours for each probability `u` in (0, 1)."""
        span = self.high - self.low
        turn = (self.mode - self.low) / span
        rising = self.low + np.sqrt(u * span * (self.mode - self.low))
        falling = self.high - np.sqrt((1 - u) * span * (self.high - self.mode))
        return np.where(u < turn, rising, falling)

    @property
    def mean_h(self) -> float:
        """Expected duration in hours."""
        return (self.low + self.mode + self.high) / 3

    def _scaled(self, factor: float) -> Triangular:
        return Triangular(low=self.low * factor, mode=self.mode * factor, high=self.high * factor)


class Empirical(_Distribution):
    """Observed durations, kept as quantiles (linear between them) at given probabilities, or else at equal steps."""

    kind: Literal["empirical"] = "empirical"
    quantiles: Annotated[list[Hours], Field(min_length=2, max_length=10_001)]
    at: list[Annotated[float, Field(ge=0, le=1)]] = []

    @model_validator(mode="after")
    def _rising(self) -> Empirical:
        if any(b < a for a, b in zip(self.quantiles, self.quantiles[1:], strict=False)):
            raise ValueError("the quantiles are not in rising order; sort them")
        if self.at:
            if len(self.at) != len(self.quantiles) or (self.at[0], self.at[-1]) != (0, 1):
                raise ValueError("at: give each quantile its probability, from 0 to 1")
            if any(b <= a for a, b in zip(self.at, self.at[1:], strict=False)):
                raise ValueError("at: the probabilities are not in rising order; sort them")
        return self

    @property
    def _probabilities(self) -> Floats:
        return np.asarray(self.at) if self.at else np.linspace(0, 1, len(self.quantiles))

    def ppf(self, u: Floats) -> Floats:
        """Return the duration in hours for each probability `u` in (0, 1)."""
        return np.interp(u, self._probabilities, self.quantiles)

    @property
    def mean_h(self) -> float:
        """Expected duration in hours."""
        values = np.asarray(self.quantiles)
        return float(((values[1:] + values[:-1]) / 2) @ np.diff(self._probabilities))

    def _scaled(self, factor: float) -> Empirical:
        return Empirical(quantiles=[value * factor for value in self.quantiles], at=self.at)


_Shape = Annotated[
    Fixed | Uniform | Exponential | LogNormal | Gamma | Triangular | Empirical, Field(discriminator="kind")
]
# A plain number is so many hours, always.
Distribution = Annotated[_Shape, BeforeValidator(distribution, json_schema_input_type=_Shape | float)]
