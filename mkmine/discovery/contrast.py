"""What is special about a group of cases: which attributes, people and steps go with it, beyond chance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mkmine.discovery.dependence import Batches
from mkmine.discovery.inference import discoveries
from mkmine.discovery.process_map import records
from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance

__all__ = ["Contrast", "Kind", "contrast"]

Kind = Literal["attribute", "person", "activity", "weekday"]
KINDS: tuple[Kind, ...] = ("attribute", "person", "activity", "weekday")
Bools = NDArray[np.bool_]

RATE, SHARE, LARGER = 0.05, 0.02, 0.05
FEWEST = 5
# Values of an attribute that are rarer (share of cases), or beyond the most frequent ones, are not looked at.
RARE, VALUES = 0.01, 50
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
METHOD = (
    "Fisher's exact test (mid-p) of shares, Brunner-Munzel rank test of numbers, both with errors of batches of "
    "neighbouring cases; Benjamini-Hochberg"
)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Contrast:
    """What goes with a group of cases. It says what is associated, not what causes it.

    Attributes
    ----------
    table
        One row per feature, the strongest first: kind ("attribute", "person" who worked on it, "activity" in it,
        "weekday" of its begin), name, value (None for numbers), inside and outside (share of the cases of the group,
        and of the others, that have it; of numbers the medians), difference, low and high (of shares, 95 %), larger (of
        numbers: probability that one inside is larger than one outside), q (false discovery rate), supported (q up to
        5 %, and a difference of 2 points or more, or a probability outside 0.45 to 0.55).
    n_inside, n_outside
        Cases in the group and out of it.
    """

    table: pd.DataFrame
    n_inside: int
    n_outside: int
    provenance: Provenance = field(repr=False)

    @property
    def supported(self) -> pd.DataFrame:
        """The rows that go with the group beyond chance."""
        return self.table[self.table["supported"]].reset_index(drop=True)

    def to_pandas(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        counts = {"inside": self.n_inside, "outside": self.n_outside}
        return counts | {"features": records(self.table), "provenance": self.provenance.to_dict()}

    def __repr__(self) -> str:
        found = self.supported
        lines = [
            f"Contrast of {self.n_inside:,} cases with {self.n_outside:,} others: {len(found):,} of "
            f"{len(self.table):,} features go with them beyond chance"
        ]
        for row in found.head(8).to_dict("records"):
            if row["value"] is None:
                values = f"{row['inside']:,.2f} against {row['outside']:,.2f} (medians)"
            else:
                values = f"{row['value']}: {row['inside']:.0%} against {row['outside']:.0%}"
            lines.append(f"  {row['name']}, {values}" if row["name"] else f"  {values}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html_table(self.table, repr(self).splitlines()[0])


def contrast(
    log: EventLog, group: ArrayLike, *, kinds: tuple[Kind, ...] = KINDS, further: pd.DataFrame | None = None
) -> Contrast:
    """Return what goes with a group of cases, as against all others.

    `group` (m,) is true for the cases in it, in the order of `log.case_ids`: those of a variant, the slow ones, those
    sent back. Leave out the kinds that define the group: that reworked cases have more activities is no news.
    `further` holds attributes that the log does not, one row per case. Raises `DataError` if the mask or the further
    attributes do not fit the log, or one side has fewer than five cases.
    """
    inside = np.asarray(group)
    if inside.dtype != np.bool_ or inside.shape != (log.n_cases,):
        raise DataError(f"the group is no mask of the {log.n_cases:,} cases; pass a boolean array, one value per case")
    n_inside = int(inside.sum())
    if min(n_inside, log.n_cases - n_inside) < FEWEST:
        raise DataError(f"{n_inside} cases are in the group and {log.n_cases - n_inside} are not; both need {FEWEST}")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise DataError(f"there is no kind {unknown[0]!r} of features; kinds are {', '.join(KINDS)}")
    if further is not None and len(further) != log.n_cases:
        raise DataError(
            f"there are {len(further):,} rows of further attributes for {log.n_cases:,} cases; give one each"
        )
    yes_or_no, numbers = _features(log, kinds)
    if further is not None:
        _attributes(further, yes_or_no, numbers)
    begun = log.start[log.offsets[:-1]]
    batches = Batches.of(begun[~inside], begun[inside])
    table = _shares(yes_or_no, inside, batches)
    table = pd.concat([table, *([_numbers(numbers, inside, batches)] if numbers else [])], ignore_index=True)
    table["q"] = discoveries(table.pop("p").to_numpy(dtype=np.float64))
    effect = np.where(table["larger"].isna(), table["difference"].abs(), (table["larger"] - 0.5).abs())
    table["supported"] = (table["q"] <= RATE) & (effect >= np.where(table["larger"].isna(), SHARE, LARGER))
    order = np.lexsort((-np.nan_to_num(effect), ~table["supported"]))
    return Contrast(
        table=table.iloc[order].reset_index(drop=True),
        n_inside=n_inside,
        n_outside=log.n_cases - n_inside,
        provenance=log.provenance(METHOD, kinds=", ".join(kinds)),
    )


def _features(
    log: EventLog, kinds: tuple[Kind, ...]
) -> tuple[list[tuple[Kind, str, str, Bools]], list[tuple[str, NDArray[np.float64]]]]:
    """Return the features of cases that are yes or no (m,), and those that are numbers (m,)."""
    found: list[tuple[Kind, str, str, Bools]] = []
    numbers: list[tuple[str, NDArray[np.float64]]] = []
    if "attribute" in kinds:
        _attributes(log.case_attributes, found, numbers)
    if "person" in kinds:
        found += [("person", "", log.resources[code], has) for code, has in _present(log, log.resource)]
    if "activity" in kinds:
        found += [("activity", "", log.activities[code], has) for code, has in _present(log, log.activity)]
    if "weekday" in kinds:
        begun = pd.DatetimeIndex(log._local(log.start[log.offsets[:-1]])).day_of_week.to_numpy()
        found += [("weekday", "", WEEKDAYS[day], begun == day) for day in range(7) if (begun == day).any()]
    return found, numbers


def _attributes(
    frame: pd.DataFrame, found: list[tuple[Kind, str, str, Bools]], numbers: list[tuple[str, NDArray[np.float64]]]
) -> None:
    """Add the attributes of cases to the features."""
    for name, column in frame.items():
        if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
            numbers.append((str(name), column.to_numpy(dtype=np.float64, na_value=np.nan)))
        elif not pd.api.types.is_datetime64_any_dtype(column.dtype):
            found += [("attribute", str(name), value, has) for value, has in _values(column)]


def _values(column: pd.Series) -> list[tuple[str, Bools]]:
    texts = column.astype(str).where(column.notna(), "").to_numpy(dtype=object)
    names, counts = np.unique(texts, return_counts=True)
    chosen = names[np.argsort(-counts, kind="stable")][:VALUES]
    frequent = [name for name in chosen.tolist() if RARE * len(texts) <= (texts == name).sum() < len(texts)]
    return [(name or "(none)", np.asarray(texts == name, dtype=np.bool_)) for name in frequent]


def _present(log: EventLog, codes: NDArray[Any]) -> list[tuple[int, Bools]]:
    """Return each code that some, but not all, of the cases have, and which do."""
    known = np.flatnonzero(np.asarray(codes) >= 0)
    pairs = np.unique(codes[known].astype(np.int64) * log.n_cases + log.case_of[known])
    out = []
    for code in np.unique(pairs // log.n_cases).tolist():
        has = np.zeros(log.n_cases, dtype=np.bool_)
        has[pairs[pairs // log.n_cases == code] % log.n_cases] = True
        if RARE * log.n_cases <= has.sum() < log.n_cases:
            out.append((code, has))
    return out


def _shares(features: list[tuple[Kind, str, str, Bools]], inside: Bools, batches: Batches) -> pd.DataFrame:
    n_inside, n_outside = int(inside.sum()), int((~inside).sum())
    a = np.array([int((has & inside).sum()) for *_, has in features], dtype=np.int64)
    b = np.array([int((has & ~inside).sum()) for *_, has in features], dtype=np.int64)
    outside_of, inside_of = ([np.flatnonzero(has[side]) for *_, has in features] for side in (~inside, inside))
    difference, low, high, p = batches.shares(outside_of, inside_of)
    return pd.DataFrame(
        {
            "kind": [kind for kind, *_ in features],
            "name": [name for _, name, *_ in features],
            "value": pd.Series([value for *_, value, _ in features], dtype=object),
            "inside": a / n_inside,
            "outside": b / n_outside,
            "difference": difference,
            "low": low,
            "high": high,
            "larger": np.nan,
            "p": p,
        }
    )


def _numbers(features: list[tuple[str, NDArray[np.float64]]], inside: Bools, batches: Batches) -> pd.DataFrame:
    rows = []
    for name, values in features:
        known = np.isfinite(values)
        one, other = values[known & inside], values[known & ~inside]
        ranks = batches.ranks(np.flatnonzero(known[~inside]), other, np.flatnonzero(known[inside]), one)
        medians = [float(np.median(part)) if len(part) else float("nan") for part in (one, other)]
        nan = float("nan")
        rows.append(("attribute", name, None, *medians, medians[0] - medians[1], nan, nan, ranks.larger, ranks.p))
    columns = ["kind", "name", "value", "inside", "outside", "difference", "low", "high", "larger", "p"]
    return pd.DataFrame(rows, columns=columns).astype({"value": object})
