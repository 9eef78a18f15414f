"""Plain values: what summaries are saved as, and checked as when they are read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError

__all__ = ["added", "entry", "integers", "records", "texts", "whole", "whole_numbers"]

Int = NDArray[np.int64]


def added(a: Mapping[Any, Any], b: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the sums by key of two mappings to numbers, or to tuples of numbers."""
    if len(a) < len(b):
        a, b = b, a
    out = dict(a)
    for key, value in b.items():
        before = out.get(key)
        if before is None:
            out[key] = value
        elif isinstance(value, tuple):
            out[key] = tuple(x + y for x, y in zip(before, value, strict=True))
        else:
            out[key] = before + value
    return out


def entry(values: object, key: str, what: str) -> Any:
    """Return an entry of a saved mapping. Raises `DataError` if it is no mapping or has no such entry."""
    if not isinstance(values, Mapping) or key not in values:
        raise DataError(f'{what} has no entry "{key}"; it is damaged, or of another kind')
    return values[key]


def _list(values: object, what: str) -> list[Any]:
    if not isinstance(values, list):
        raise DataError(f"{what} holds {_kind(values)} where a list belongs; it is damaged")
    return values


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


def whole(value: object, what: str) -> int:
    """Return a whole number. Raises `DataError` if it is anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"{what} holds {_kind(value)} where a whole number belongs; it is damaged")
    return value


def whole_numbers(values: object, what: str) -> list[int]:
    """Return a list of whole numbers of any size. Raises `DataError` if it is anything else."""
    return [whole(one, what) for one in _list(values, what)]


def integers(values: object, what: str, *, least: int | None = None) -> Int:
    """Return a list of 64-bit whole numbers as an array.

    Raises `DataError` if it is anything else, or one is below `least`.
    """
    try:
        out = np.array(whole_numbers(values, what), dtype=np.int64)
    except OverflowError:
        raise DataError(f"{what} holds a number of more than 64 bits; it is damaged") from None
    if least is not None and len(out) and int(out.min()) < least:
        raise DataError(f"{what} holds {int(out.min())}, which is less than {least}; it is damaged")
    return out


def texts(values: object, what: str) -> tuple[str, ...]:
    """Return a list of texts. Raises `DataError` if it is anything else."""
    out = _list(values, what)
    for one in out:
        if not isinstance(one, str):
            raise DataError(f"{what} holds {_kind(one)} where text belongs; it is damaged")
        _fit(one, what)
    return tuple(out)


def _fit(text: str, what: str) -> None:
    """Raise `DataError` if a text holds half of a surrogate pair: JSON can, no table, file or page can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"{what} holds {text!a}, which is half of a sign; it is damaged") from None


def records(values: object, kinds: Sequence[type], what: str, *, least: int | None = 0) -> list[tuple[Any, ...]]:
    """Return a list of rows whose cells are of these kinds, text or whole numbers not below `least`.

    Raises `DataError` if a row is anything else.
    """
    out = []
    for row in _list(values, what):
        if len(_list(row, what)) != len(kinds):
            raise DataError(f"{what} holds a row of {len(row)} cells where {len(kinds)} belong; it is damaged")
        for cell, kind in zip(row, kinds, strict=True):
            if not isinstance(cell, kind) or isinstance(cell, bool):
                raise DataError(f"{what} holds {_kind(cell)} where {_kind_name(kind)} belongs; it is damaged")
            if isinstance(cell, str):
                _fit(cell, what)
            elif least is not None and isinstance(cell, int) and cell < least:
                raise DataError(f"{what} holds {cell}, which is less than {least}; it is damaged")
        out.append(tuple(row))
    return out


def _kind_name(kind: type) -> str:
    return "text" if kind is str else "a whole number"
