"""The time zone in which a summary shows its moments: that of the log which it was made of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.calendars import zone
from mkmine.errors import DataError

__all__ = ["joint", "saved", "shown", "stamps"]


def joint(one: str, other: str) -> str:
    """Return the zone in which two parts are shown together: theirs, or UTC where they differ; "" is none known."""
    return one or other if one == other or not (one and other) else "UTC"


def shown(own: str, wanted: str | None) -> str:
    """Return the zone that is asked for, or else the summary's own, or else UTC."""
    return wanted or own or "UTC"


def stamps(moments: NDArray[np.int64], time_zone: str) -> pd.Series:
    """Return moments (µs) as times of a zone. Raises `DataError` if there is no such zone."""
    return pd.Series(moments.astype("datetime64[us]")).dt.tz_localize("UTC").dt.tz_convert(zone(time_zone))


def saved(values: object, what: str) -> str:
    """Return the zone of a saved summary, "" if it has none. Raises `DataError` if it is no zone."""
    named = values.get("time_zone", "") if isinstance(values, Mapping) else ""
    if not isinstance(named, str):
        raise DataError(f"{what} holds a {type(named).__name__} where the name of a time zone belongs; it is damaged")
    if named:
        zone(named)
    return named
