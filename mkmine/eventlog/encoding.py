"""Dictionary encoding of a column: codes and names, without making an object of every cell where that can be helped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["encode"]


def encode(values: pd.Series) -> tuple[NDArray[np.int32], list[str]]:
    """Return the code of every value and the names, in order of first appearance; -1 where empty.

    Values become text without surrounding spaces; those that are then equal share a code.
    """
    found: Sequence[object]
    if isinstance(values.dtype, pd.CategoricalDtype):
        used, known = pd.factorize(values.cat.codes.to_numpy())
        categories = [*values.cat.categories, None]
        codes, found = used.astype(np.int32), [categories[int(one)] for one in known]
    elif isinstance(values.dtype, pd.StringDtype) and values.dtype.storage == "pyarrow":
        import pyarrow as pa

        encoded = pa.chunked_array(pa.array(values, from_pandas=True)).combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        found = encoded.dictionary.to_pylist()
    else:
        used, known = pd.factorize(values.to_numpy(dtype=object))
        codes, found = used.astype(np.int32), list(known)
    number: dict[str, int] = {}
    names = ["" if one is None else str(one).strip() for one in found]
    table = np.array([*(number.setdefault(one, len(number)) if one else -1 for one in names), -1], dtype=np.int32)
    return table[codes], list(number)
