"""What may be left out of a model's file: one round, one certain way and a fixed number of hours need no list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["distribution", "durations", "rounds", "routes"]


def distribution(value: Any) -> Any:
    """Return a plain number as so many hours; anything else as it is, for pydantic to judge."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"kind": "fixed", "hours": value}
    return value


def durations(value: Any) -> Any:
    """Return one distribution, or a number of hours, as the one of all rounds."""
    return [value] if isinstance(value, Mapping | int | float) and not isinstance(value, bool) else value


def routes(value: Any) -> Any:
    """Return the name of a place as the certain way to it, and one route as a list of one."""
    if isinstance(value, str | Mapping):
        value = [value]
    return [{"to": one} if isinstance(one, str) else one for one in value] if isinstance(value, list) else value


def rounds(value: Any) -> Any:
    """Return routes that are not given by round as those of all rounds."""
    plain = isinstance(value, str | Mapping) or (isinstance(value, list) and value and not isinstance(value[0], list))
    return [value] if plain else value
