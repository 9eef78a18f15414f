"""Further columns of a log: text is kept as small codes with its distinct values, and decoded when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["Columns", "Text", "compact", "narrow"]

Array = NDArray[Any]


def narrow(codes: Array, size: int) -> Array:
    """Return codes in the smallest signed integer type that holds -1 to `size` - 1."""
    return codes.astype(np.min_scalar_type(-max(size, 1)), copy=False)


def compact(codes: Array, names: Array) -> tuple[Array, Array]:
    """Return codes, as small as they can be, and their names without those that no code has (-1 is none)."""
    seen = np.zeros(len(names) + 1, dtype=np.bool_)
    seen[codes] = True
    used = seen[:-1]
    if used.all():
        return codes, names
    number = np.append(np.cumsum(used) - 1, -1)
    size = int(used.sum())
    kind = np.min_scalar_type(max(size - 1, 0)) if codes.dtype.kind == "u" else np.min_scalar_type(-max(size, 1))
    return number.astype(kind)[codes], names[used]


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A column of text: codes (n,), -1 where empty, and the distinct texts."""

    codes: NDArray[np.signedinteger[Any]]
    names: NDArray[np.object_]

    @classmethod
    def of(cls, values: Any) -> Text:
        """Encode an Arrow array of text, or NumPy objects that are text or None."""
        if isinstance(values, pa.ChunkedArray | pa.Array):
            encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
            if isinstance(encoded, pa.ChunkedArray):
                encoded = encoded.unify_dictionaries().combine_chunks()
            if isinstance(encoded, pa.ChunkedArray):
                encoded = encoded.chunk(0) if encoded.num_chunks else pa.DictionaryArray.from_arrays([], encoded.type)
            names = encoded.dictionary.to_numpy(zero_copy_only=False)
            codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        else:
            codes, names = pd.factorize(values)
        return cls(narrow(codes, len(names)), np.asarray(names, dtype=object))

    def decoded(self) -> NDArray[np.object_]:
        """Return the texts, None where empty."""
        table = np.array([*self.names, None], dtype=object)
        return np.asarray(table[self.codes.astype(np.int64)], dtype=object)

    def canonical(self) -> tuple[NDArray[np.signedinteger[Any]], list[str]]:
        """Return the codes and the texts that occur, numbered by their order: equal for equal columns."""
        seen = np.zeros(len(self.names) + 1, dtype=np.bool_)
        seen[self.codes] = True
        used = np.flatnonzero(seen[:-1])
        texts = self.names[used].tolist()
        rank = sorted(range(len(texts)), key=lambda one: str(texts[one]))
        number = np.full(len(self.names) + 1, -1, dtype=np.int64)
        number[used[rank]] = np.arange(len(rank))
        return narrow(number, len(rank))[self.codes], [texts[one] for one in rank]


class Columns(Mapping[str, Array]):
    """Columns of equal length by name; each is given out as a read-only array, text as objects with None."""

    __slots__ = ("_held",)

    def __init__(self, columns: Mapping[str, Any] | None = None) -> None:
        if isinstance(columns, Columns):
            self._held: dict[str, Array | Text] = dict(columns._held)
            return
        self._held = {name: _held(values) for name, values in (columns or {}).items()}

    def __getitem__(self, name: str) -> Array:
        held = self._held[name]
        values = held.decoded() if isinstance(held, Text) else held
        values.flags.writeable = False
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def held(self, name: str) -> Array | Text:
        """Return a column as it is kept: codes and distinct values, or the array itself."""
        return self._held[name]

    def apart(self) -> Columns:
        """Return the same columns, none of which shares memory with anything else."""
        out = Columns()
        out._held = {
            name: held if isinstance(held, Text) or held.flags.owndata else held.copy()
            for name, held in self._held.items()
        }
        return out

    def take(self, rows: Array | slice) -> Columns:
        """Return the columns of these rows (a mask or indices); texts that only other rows have are gone."""
        out = Columns()
        out._held = {
            name: Text(*compact(held.codes[rows], held.names)) if isinstance(held, Text) else held[rows]
            for name, held in self._held.items()
        }
        return out


def _held(values: Any) -> Array | Text:
    if isinstance(values, Text):
        return values
    if isinstance(values, pa.ChunkedArray | pa.Array):
        kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return Text.of(values)
        values = values.to_numpy() if isinstance(values, pa.ChunkedArray) else values.to_numpy(zero_copy_only=False)
    values = np.asarray(values)
    if values.dtype != object:
        return np.array(values) if values.flags.writeable else values
    if pd.api.types.infer_dtype(values, skipna=True) != "string":
        return np.array(values)
    return Text.of(values)
