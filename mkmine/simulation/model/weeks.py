"""A number for each hour of the week: 7 rows of 24, or in words, as in `{Mon-Fri: {"09:00-18:00": 0.15}}`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from mkmine.calendars.patterns import read_intervals, read_week, text_interval
from mkmine.errors import MkmineError

__all__ = ["Week", "partly_open", "told"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# A week with more spans than this is easier to read, and to draw, as rows.
_MOST_SPANS = 8
Rate = Annotated[float, Field(ge=0, le=1e5)]
Rows = Annotated[
    list[Annotated[list[Rate], Field(min_length=24, max_length=24)]],
    Field(min_length=7, max_length=7),
]


def _read(value: Any) -> Any:
    """Return the rows of a week in words; anything else as it is, for pydantic to judge."""
    if not isinstance(value, Mapping):
        return value
    days: dict[int, list[tuple[int, int, float]]] = {}
    for names, spans in value.items():
        if not isinstance(spans, Mapping):
            raise ValueError(f'{names}: {spans!r} has no numbers; write e.g. {{"09:00-18:00": 0.15}}, so many an hour')
        try:
            chosen = [day for day, hours in enumerate(read_week({str(names): "00:00-24:00"})) if hours]
            found = [
                (start, end, _number(rate, f"{names}: {hours}"))
                for hours, rate in spans.items()
                for start, end in read_intervals(hours)
            ]
        except MkmineError as error:
            raise ValueError(str(error)) from None
        # Of a day that is named twice the later numbers hold, as in calendars.
        days |= dict.fromkeys(chosen, found)
    return _rows(days)


def _number(rate: Any, where: str) -> float:
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1e5:
        raise ValueError(f"{where}: {rate!r} is not a number an hour between 0 and 100,000")
    return float(rate)


def _rows(days: Mapping[int, list[tuple[int, int, float]]]) -> list[list[float]]:
    """Return the rows of days with their spans (minutes; some end on the next day) and what an hour of each brings."""
    rows = [[0.0] * 24 for _ in _DAYS]
    for day, spans in days.items():
        for start, end, rate in spans:
            for hour in range(start // 60, (end + 59) // 60):
                part = (min(end, 60 * hour + 60) - max(start, 60 * hour)) / 60
                rows[(day + hour // 24) % 7][hour % 24] += rate * part
    return rows


# Minutes are for people; what is kept is a number per hour.
Week = Annotated[Rows, BeforeValidator(_read, json_schema_input_type=Rows | dict[str, dict[str, Rate]])]


def partly_open(rows: list[list[float]]) -> dict[str, str]:
    """Return hours of a week in which each hour is open for its part (0 to 1), in steps of five minutes.

    What a step has too little or too much of the next one makes up for (error diffusion), so that sums hold over hours.

    Raises `ValueError` if a part is above 1, or if all are 0.
    """
    if max(map(max, rows)) > 1 or not any(map(any, rows)):
        raise ValueError("intensity: give each hour the part of it that is open, between 0 and 1, and not all 0")
    out, due = {}, 0.0
    for name, parts in zip(_DAYS, rows, strict=True):
        opened = []
        for step in range(24 * 12):
            due += parts[step // 12]
            opened.append(due >= 1 - 1e-9)
            due -= opened[-1]
        spans = [list(group) for is_open, group in groupby(range(24 * 12), key=opened.__getitem__) if is_open]
        if spans:
            out[name] = ", ".join(text_interval(5 * span[0], 5 * span[-1] + 5) for span in spans)
    return out


def told(rows: list[list[float]]) -> Any:
    """Return a week in words if they are few, else the rows; reading either gives the same week."""
    out: dict[str, dict[str, float]] = {}
    for numbers, together in groupby(range(7), key=rows.__getitem__):
        days = list(together)
        spans = {}
        for rate, span in groupby(range(24), key=numbers.__getitem__):
            hours = list(span)
            if rate:
                spans[text_interval(60 * hours[0], 60 * hours[-1] + 60)] = rate
        if spans:
            out[_DAYS[days[0]] if len(days) == 1 else f"{_DAYS[days[0]]}-{_DAYS[days[-1]]}"] = spans
    return out if 0 < sum(map(len, out.values())) <= _MOST_SPANS else rows
