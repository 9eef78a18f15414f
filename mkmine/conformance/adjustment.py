"""How much longer did some cases take than others of the same kind? Differences adjusted for the case mix.

What the cases of a group would have taken without belonging to it is foretold by a regression on the other cases;
the difference to what they did take is the mean over the group (R. L. Oaxaca 1973; P. Kline 2011, American Economic
Review 101). Without anything to adjust for it is Welch's comparison of two means. Cases of one queue go together, so
errors are those of batches of neighbours where these are larger (`mkmine.discovery.dependence`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.discovery.dependence import Batches
from mkmine.discovery.maturity import mature_until
from mkmine.errors import UnknownNameError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.statistics import Survival

__all__ = ["METHOD", "Added", "CaseMix", "Slope", "added", "attributes_before", "case_mix", "slope", "welch"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

METHOD = (
    "regression on case attributes, period of the start and rework elsewhere (Oaxaca 1973), robust errors (HC2, "
    "batches of neighbouring cases), weights against censoring by Kaplan-Meier, Benjamini-Hochberg"
)
MONTH = 365.25 / 12 * 24 * 3_600_000_000
# Fewer cases on one side tell no interval; every column that is adjusted for needs so many cases.
FEWEST, CASES_PER_COLUMN = 5, 5
# Values of an attribute that are rarer, or beyond the most frequent ones, count as one.
RARE, VALUES = 0.02, 8
# What a slow week has done to its cases is told from deviating only where periods are about as short as weeks.
PERIODS, CASES_PER_PERIOD = 52, 25
LARGE = 1e100
NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CaseMix:
    """What is known of every case (m,) beside how it went.

    `columns` (m, k) are shares of a whole (one for each period of the start, one for each value of an attribute) and
    standardised numbers, of which the first `periods` are those of the start; `told` names what they are of. `weight`
    (m,) is 0 for cases whose cycle time is not known (open, cancelled) or that began too late to be judged, else 1
    over the probability to be seen to its end, so that long cases are not lost with those that are still open.
    `months` (m,) is when each began.
    """

    columns: Floats
    periods: int
    told: tuple[str, ...]
    weight: Floats
    months: Floats
    old: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A difference of means with its 95 % interval and p-value, of `compared` cases `against` others."""

    value: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    compared: int = 0
    against: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """By how much a share changes in a month, with its 95 % interval and p-value."""

    value: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN


def case_mix(log: EventLog, hours: Floats, attributes: Sequence[str] | None = None) -> CaseMix:
    """Return what the cases of a log are to be adjusted for; `hours` (m,) are their cycle times so far.

    `attributes` are those of cases to adjust for, as in `attributes_before`; dates and what is different in most cases
    tell nothing. Raises `UnknownNameError` if there is no such attribute.
    """
    begun = log.start[log.offsets[:-1]]
    old = begun <= np.fmax(mature_until(log, begun), np.median(begun))
    ended = old & log.completed & ~log.cancelled
    periods = _periods(begun, ended)
    columns, told = [periods], ["start"] if periods.shape[1] > 1 else []
    for name in attributes_before(log, attributes):
        found = _column(log.case_attributes[name], ended)
        if found is not None:
            columns.append(found)
            told.append(str(name))
    return CaseMix(
        columns=np.hstack(columns),
        periods=periods.shape[1],
        told=tuple(told),
        weight=_weights(hours, old, ended, log.completed),
        months=(begun - begun.min()) / MONTH,
        old=np.asarray(old & log.completed),
    )


def attributes_before(log: EventLog, attributes: Sequence[str] | None) -> list[str]:
    """Return the names of `attributes`, or else of all but dates and what gives away whether a case is finished or
    cancelled: that is known only after the work. Raises `UnknownNameError` if there is no such attribute.
    """
    frame = log.case_attributes
    known = [str(name) for name in frame]
    for name in attributes or ():
        if name not in known:
            raise UnknownNameError.of(kind="case attribute", name=name, known=known)
    if attributes is not None:
        return list(attributes)
    known = [name for name in known if not pd.api.types.is_datetime64_any_dtype(frame[name].dtype)]
    state = log.completed.astype(np.int64) + 2 * log.cancelled
    if log.n_cases - np.bincount(state).max() < FEWEST:
        return known
    states = {name: pd.Series(state).groupby(frame[name].astype(str).to_numpy()) for name in known}
    return [name for name, values in states.items() if (values.nunique() > 1).any()]


def _periods(begun: NDArray[np.int64], ended: Bools) -> Floats:
    """Return which of up to 52 stretches of time, equal in cases, each case began in (m, periods)."""
    n = int(np.clip(ended.sum() // CASES_PER_PERIOD, 1, PERIODS))
    if n == 1:
        return np.ones((len(begun), 1))
    edges = np.unique(np.quantile(begun[ended], np.arange(1, n) / n))
    return np.eye(len(edges) + 1)[np.searchsorted(edges, begun, side="right")]


def _column(values: pd.Series, ended: Bools) -> Floats | None:
    """Return an attribute as columns of numbers (m, j), or None if it tells nothing of the ended cases."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return None
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        there = np.isfinite(numbers)
        # Near the largest float squares overflow; a part of the numbers has the same shape.
        largest = float(np.abs(numbers[there]).max(initial=0.0))
        numbers = numbers / largest if largest > LARGE else numbers
        spread = float(numbers[there & ended].std()) if (there & ended).any() else 0.0
        if spread == 0:
            return None
        scaled = np.where(there, (numbers - numbers[there & ended].mean()) / spread, 0.0)
        return np.column_stack([scaled, ~there]) if not there.all() else scaled[:, None]
    codes, names = pd.factorize(values.astype(str).where(values.notna(), ""))
    counts = np.bincount(codes[ended], minlength=len(names))
    frequent = np.argsort(-counts, kind="stable")[:VALUES]
    frequent = frequent[counts[frequent] >= max(RARE * ended.sum(), FEWEST)]
    place = np.full(len(names), len(frequent))
    place[frequent] = np.arange(len(frequent))
    # What is mostly rare values, such as titles, makes no kinds of cases.
    common = counts[frequent].sum() >= ended.sum() / 2
    return np.eye(len(frequent) + 1)[place[codes]] if common and counts[frequent[:1]] < ended.sum() else None


def _weights(hours: Floats, old: Bools, ended: Bools, completed: Bools) -> Floats:
    """Return 1 over the probability to be still observed when the case ends; 0 where it is not known to have ended.

    Inverse probability weights of censoring (H. Bang and A. A. Tsiatis 2000, Biometrika 87).
    """
    times, seen = Survival(hours[old], ~completed[old]).curve
    reached = np.concatenate(([1.0], seen))[np.searchsorted(times, hours, side="left")]
    # Who would have to stand for more than ten others stands for ten.
    return np.where(ended, 1 / np.maximum(reached, 0.1), 0.0)


def added(values: Floats, inside: Bools, outside: Bools, mix: CaseMix, rework: Floats) -> Added:
    """Return by how much `values` (m,) of the cases `inside` exceed what others of their kind `outside` would have.

    `rework` (m,) is a number to adjust for beside the mix. Cases whose kind none of the others are of are not compared.
    Where the others are fewer than five to a column, only the start and rework are adjusted for, or nothing.
    """
    known = (mix.weight > 0) & np.isfinite(values)
    one, other = inside & known, outside & known
    plain = np.ones((len(values), 1))
    designs = [
        np.column_stack([plain, mix.columns, rework]),
        np.column_stack([plain, mix.columns[:, : mix.periods], rework]),
        plain,
    ]
    design = next(x for x in designs if x.shape[1] * CASES_PER_COLUMN <= other.sum() or x.shape[1] == 1)
    strange = ~(design[other] != 0).any(axis=0)
    one &= ~(design[:, strange] != 0).any(axis=1)
    if min(int(one.sum()), int(other.sum())) < 1:
        return Added(compared=int(one.sum()), against=int(other.sum()))
    return _imputed(values, design[:, ~strange], mix.weight, mix.months, one, other)


def welch(values: Floats, inside: Bools, outside: Bools, begun: Floats | NDArray[np.int64]) -> Added:
    """Return the plain difference of two means, with the interval of B. L. Welch (1947, Biometrika 34) or a wider one.

    `begun` (m,) is when each case began: neighbours go together.
    """
    one, other = inside & np.isfinite(values), outside & np.isfinite(values)
    if min(int(one.sum()), int(other.sum())) < 1:
        return Added(compared=int(one.sum()), against=int(other.sum()))
    alike = np.ones(len(values))
    return _imputed(values, alike[:, None], alike, begun, one, other, fewest=2)


def _imputed(
    values: Floats,
    design: Floats,
    weight: Floats,
    begun: Floats | NDArray[np.int64],
    one: Bools,
    other: Bools,
    *,
    fewest: int = FEWEST,
) -> Added:
    from scipy.special import stdtr, stdtrit

    x, y, w = design[other], values[other], weight[other]
    inverse = np.linalg.pinv((x * w[:, None]).T @ x, rcond=1e-10, hermitian=True)
    beta = inverse @ (x.T @ (w * y))
    share = weight[one] / weight[one].sum()
    rest = values[one] - design[one] @ beta
    value, n, m = float(share @ rest), int(one.sum()), int(other.sum())
    if min(n, m) < fewest:
        return Added(value=value, compared=n, against=m)
    # HC2 (J. G. MacKinnon and H. White 1985): every residual by what the fit leaves of it.
    leverage = w * ((x @ inverse) * x).sum(axis=1)
    rank = round(float(leverage.sum()))
    reach = x @ (inverse @ (share @ design[one]))
    inner = share * (rest - value) * np.sqrt(n / (n - 1))
    outer = -reach * w * (y - x @ beta) / np.sqrt(1 - np.minimum(leverage, 0.999))
    within, without = float(inner @ inner), float(outer @ outer)
    variance = within + without
    if variance == 0:
        return Added(value=value, low=value, high=value, p=float(value == 0), compared=n, against=m)
    freedom = variance**2 / (within**2 / (n - 1) + without**2 / max(m - rank, 1))
    error = np.sqrt(variance)
    half = float(stdtrit(freedom, 0.975) * error)
    p = float(2 * stdtr(freedom, -abs(value) / error))
    half, p = Batches.of(begun[one], begun[other]).widened(value, half, p, inner, outer)
    return Added(value=value, low=value - half, high=value + half, p=p, compared=n, against=m)


def slope(flags: Bools, months: Floats) -> Slope:
    """Return the change of a share in a month: least squares with robust errors (HC2), normal interval or a wider one.

    As a test it is that of P. Armitage (1955, Biometrics 11) for a trend in proportions, without its equal variances.
    """
    from scipy.special import ndtr

    n, y = len(flags), flags.astype(np.float64)
    x = months - months.mean() if n else months
    total = float(x @ x)
    if min(y.sum(), n - y.sum()) < FEWEST or total == 0:
        return Slope()
    value = float(x @ y) / total
    rest = y - y.mean() - value * x
    errors = x * rest / np.sqrt(1 - 1 / n - x**2 / total) / total
    error = float(np.sqrt(errors @ errors))
    half, p = 1.959963984540054 * error, float(2 * ndtr(-abs(value) / error))
    half, p = Batches.of(months, months[:0]).widened(value, half, p, errors, errors[:0])
    return Slope(value=value, low=value - half, high=value + half, p=p)
