"""An object-centric log as columns, whichever file it came from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.eventlog.formats.outgoing import array_of
from mkmine.eventlog.formats.table import MAX_COLUMNS, check_cells

__all__ = ["Gathered", "Objects", "typed"]

KINDS = {"integer": pa.int64(), "float": pa.float64(), "boolean": pa.bool_()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """Events and objects, by number, and the links between them.

    `link_event` and `link_object` are the two ends of each event-to-object relationship; attributes are arrays over all
    events or all objects. `changed` counts values of object attributes that a later one replaced, `dangling`
    relationships to what is not in the file.
    """

    activities: list[str]
    times: pa.Array
    event_attributes: dict[str, pa.Array]
    ids: list[str]
    types: list[str]
    object_attributes: dict[str, pa.Array]
    link_event: NDArray[np.int64]
    link_object: NDArray[np.int64]
    changed: int
    dangling: int

    @property
    def n_events(self) -> int:
        """The number of events."""
        return len(self.activities)


class Gathered:
    """Values of the attributes of a file by name, as they are met: of several for one row, the latest one counts."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.values: dict[str, dict[int, tuple[str, Any]]] = {}
        self.changed = 0

    def add(self, name: str, row: int, value: Any, time: str = "") -> None:
        """Take a value; `time` is ISO 8601 text."""
        column = self.values.setdefault(name, {})
        if len(self.values) > MAX_COLUMNS:
            raise DataError(
                f'"{self.source}" has more than {MAX_COLUMNS:,} different attributes; remove those not needed'
            )
        if row in column:
            self.changed += 1
            if _instant(column[row][0]) > _instant(time):
                return
        column[row] = (time, value)

    def arrays(self, n: int, kinds: dict[str, str]) -> dict[str, pa.Array]:
        """Return the columns over all `n` rows, typed as declared where every value is so.

        Raises `DataError` if nearly all of it would be empty, and it would fill the memory.
        """
        check_cells(len(self.values), n, sum(map(len, self.values.values())), self.source)
        out = {}
        for name, found in self.values.items():
            whole: list[Any] = [None] * n
            for row, (_, value) in found.items():
                whole[row] = value
            out[name] = typed(whole, kinds.get(name, "string"))
        return out


def _instant(time: str) -> tuple[dt.datetime, str]:
    """Return what ISO 8601 texts of any offsets are compared by; what is no time comes first."""
    try:
        moment = dt.datetime.fromisoformat(time)
    except ValueError:
        return dt.datetime.min.replace(tzinfo=dt.UTC), time
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)), ""


def typed(values: Iterable[Any], kind: str) -> pa.Array:
    """Return values as an array of a kind of OCEL (string, time, integer, float, boolean), else as text."""
    texts = [None if one is None else str(one).lower() if isinstance(one, bool) else str(one) for one in values]
    array = array_of(texts).cast(pa.large_string())
    if kind not in KINDS:
        return array
    try:
        return pc.if_else(pc.equal(array, ""), None, array).cast(KINDS[kind])
    except pa.ArrowInvalid:
        return array
