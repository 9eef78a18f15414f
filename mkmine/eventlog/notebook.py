"""Tables as a notebook shows them: few rows, few decimals, times on one clock and the clock named."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

__all__ = ["ROWS", "html_list", "html_table"]

ROWS = 20


def html_table(frame: pd.DataFrame, title: str = "", *, rows: int = ROWS) -> str:
    """Return the first rows as HTML under a title: at most two decimals, shares in per cent, times to the minute.

    Columns that hold nothing are left out. Below the table stands which zone its times are in, and of how many rows it
    shows the first.
    """
    frame = frame.dropna(axis=1, how="all") if len(frame) else frame
    shown = frame.head(rows)
    cells = {str(name): _written(shown[name], whole=frame[name]) for name in frame}
    zones = sorted({str(one.dtype.tz) for _, one in frame.items() if isinstance(one.dtype, pd.DatetimeTZDtype)})
    notes = [f"times in {' and '.join(zones)}"] if zones else []
    if len(frame) > rows:
        notes.insert(0, f"the first {rows} of {len(frame):,} rows")
    head = "".join(f"<th>{escape(name)}</th>" for name in cells)
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:{side}">{escape(one)}</td>' for one, side in row) + "</tr>"
        for row in zip(*([(one, side) for one in column] for column, side in cells.values()), strict=True)
    )
    above = f"<p>{escape(title)}</p>" if title else ""
    below = f"<p><small>{escape('; '.join(notes))}</small></p>" if notes else ""
    return f'{above}<table class="dataframe"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}'


def html_list(title: str, values: dict[str, str]) -> str:
    """Return a title and a table of names and values as HTML; empty values are left out."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in values.items()
        if value
    )
    return f"<p>{escape(title)}</p><table>{rows}</table>"


def _written(column: pd.Series, *, whole: pd.Series) -> tuple[list[str], str]:
    """Return the cells of a column as text, and the side to which they are set."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return ["yes" if one else "no" for one in column], "left"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        days = bool((whole.dropna() == whole.dropna().dt.normalize()).all())
        form = "%Y-%m-%d" if days else "%Y-%m-%d %H:%M"
        return ["" if pd.isna(one) else one.strftime(form) for one in column], "left"
    if pd.api.types.is_integer_dtype(column.dtype):
        return ["" if pd.isna(one) else f"{one:,}" for one in column], "right"
    if pd.api.types.is_float_dtype(column.dtype):
        if "share" in str(column.name):
            return ["" if pd.isna(one) else f"{one:.1%}" for one in column], "right"
        largest = column.abs().max()
        digits = 0 if largest >= 10_000 else 1 if largest >= 100 else 2
        return ["" if pd.isna(one) else f"{one:,.{digits}f}" for one in column], "right"
    return [_text(one) for one in column], "left"


def _text(value: Any) -> str:
    if isinstance(value, tuple | list):
        return " → ".join(map(str, value))
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    return str(value)
