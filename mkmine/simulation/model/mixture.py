"""Which kinds of cases come: attributes that are drawn together, as combinations of values with their shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mkmine.simulation.model.parts import Name, Part, Share
from mkmine.streams import Streams

__all__ = ["MISSING", "OTHER", "Profile", "check_profiles", "drawn_profiles", "marginal", "value_of", "with_marginal"]

# What values are called that are empty, or too rare for a name of their own.
MISSING, OTHER = "(missing)", "(other)"


class Profile(Part):
    """A combination of values that cases have, e.g. `{type: Blog, channel: web}`, and the share of cases that do."""

    share: Share
    values: Annotated[dict[Name, Name], Field(min_length=1)]


def check_profiles(profiles: Sequence[Profile]) -> None:
    """Raise `ValueError` if profiles do not make a distribution."""
    if not profiles:
        return
    names = set(profiles[0].values)
    seen: set[tuple[tuple[str, str], ...]] = set()
    for number, one in enumerate(profiles, 1):
        if set(one.values) != names:
            raise ValueError(
                f"profiles: number {number} has the attributes {', '.join(sorted(one.values))}, the first one "
                f"{', '.join(sorted(names))}; give each profile the same attributes"
            )
        key = tuple(sorted(one.values.items()))
        if key in seen:
            raise ValueError(f"profiles: number {number} is there already; add its share to that of the other one")
        seen.add(key)
    if abs(sum(one.share for one in profiles) - 1) > 1e-6:
        raise ValueError(f"profiles: the shares add up to {sum(one.share for one in profiles):.6g}, not 1")


def drawn_profiles(profiles: Sequence[Profile], streams: Streams, n: int) -> NDArray[np.int64]:
    """Return the number of the profile of each of `n` cases.

    Each profile runs for each case, an exponential time over its share, and the first one wins: a scenario that changes
    some shares then changes few more cases than it must (the exponential race; Gumbel 1954 for its logarithm).
    """
    best = np.full(n, np.inf)
    out = np.zeros(n, dtype=np.int64)
    for number, one in enumerate(profiles):
        if one.share > 0:
            names = [text for pair in sorted(one.values.items()) for text in pair]
            reached = -np.log(streams.uniform("profile", *names, size=n)) / one.share
            sooner = reached < best
            best[sooner], out[sooner] = reached[sooner], number
    return out


def value_of(values: Sequence[str], raw: str | None) -> int | None:
    """Return which of the values of an attribute something is that a log says (None: nothing); None if it is none.

    Numbers fall into bins, which are called "up to 5", "5 to 20" and "over 20", their upper ends included.
    """
    name = MISSING if raw is None else raw
    if name in values:
        return list(values).index(name)
    try:
        number = float(name)
    except ValueError:
        number = float("nan")
    if number == number:
        if (told := f"{number:.6g}") in values:
            return list(values).index(told)
        for place, value in enumerate(values):
            low, high = _bin(value)
            if low < number <= high:
                return place
    return list(values).index(OTHER) if OTHER in values else None


def _bin(value: str) -> tuple[float, float]:
    """Return the ends of a bin; a value that is none holds nothing."""
    low, found, high = value.rpartition("to ") if " to " in value else ("", "", "")
    try:
        if value.startswith("over "):
            return float(value.removeprefix("over ")), float("inf")
        if value.startswith("up to "):
            return float("-inf"), float(value.removeprefix("up to "))
        return (float(low), float(high)) if found else (float("inf"), float("-inf"))
    except ValueError:
        return float("inf"), float("-inf")


def marginal(profiles: Sequence[Profile], name: str) -> dict[str, float]:
    """Return the share of each value of one attribute."""
    out: dict[str, float] = {}
    for one in profiles:
        out[one.values[name]] = out.get(one.values[name], 0.0) + one.share
    return out


def with_marginal(profiles: Sequence[Profile], name: str, shares: Mapping[str, float]) -> list[Profile]:
    """Return the profiles with other shares of one attribute's values; given its value, the rest stays as it is."""
    usual = marginal(profiles, name)
    factors = {value: shares[value] / usual[value] if usual[value] else 0.0 for value in usual}
    return [one.model_copy(update={"share": one.share * factors[one.values[name]]}) for one in profiles]
