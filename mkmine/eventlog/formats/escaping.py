"""Texts that a spreadsheet would run as a formula, made harmless in CSV, and made themselves again.

A text whose first character, after any apostrophes, is one of `= + - @`, narrow or full-width, a tab or an end of line
gets one more apostrophe in front (OWASP, CSV Injection). As apostrophes that were there are escaped too, nothing is
lost.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["escaped", "unescaped", "unescaped_table"]

FIRST = r"[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
RISKY, ESCAPED = rf"^'*{FIRST}", rf"^'+{FIRST}"


def escaped(texts: pa.Array) -> tuple[pa.Array, int]:
    """Return texts (large strings, null where missing) that no spreadsheet runs, and how many were changed."""
    risky = pc.match_substring_regex(texts, RISKY)
    if not risky.true_count:
        return texts, 0
    marked = pc.binary_join_element_wise(pa.scalar("'", texts.type), texts, pa.scalar("", texts.type))
    return pc.if_else(risky, marked, texts), risky.true_count


def unescaped(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return what the texts were before `escaped`."""
    marked = pc.match_substring_regex(texts, ESCAPED)
    if not pc.any(marked).as_py():
        return texts
    return pc.if_else(marked, pc.utf8_slice_codeunits(texts, 1), texts)


def unescaped_table(table: pa.Table) -> pa.Table:
    """Return a table whose texts, dictionary-encoded or not, are what they were before `escaped`, its names too."""
    columns = [_unescaped_column(column) for column in table.columns]
    names = unescaped(pa.array(table.column_names, pa.large_string())).to_pylist()
    return pa.table(columns, names=names)


def _unescaped_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        parts = [pa.DictionaryArray.from_arrays(one.indices, unescaped(one.dictionary)) for one in column.chunks]
        return pa.chunked_array(parts, kind)
    return unescaped(column) if _is_text(kind) else column


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
