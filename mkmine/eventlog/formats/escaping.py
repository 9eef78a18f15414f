"""Texts that a spreadsheet would run as a formula, made harmless in CSV, and made themselves again.

A text whose first character, after any apostrophes, is one of `= + - @`, a tab or a carriage return gets one more
apostrophe in front (OWASP, CSV Injection). As apostrophes that were there are escaped too, nothing is lost.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["escaped", "unescaped"]

RISKY = r"^'*[=+\-@\t\r]"
ESCAPED = r"^'+[=+\-@\t\r]"


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
