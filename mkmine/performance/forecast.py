"""When will it be done, and how much by then: forecasts from the department's own weeks, and whether they come true.

Weeks of the past are drawn with replacement and put one after another. The weights of the weeks are drawn anew for
every future (the Bayesian bootstrap; D. B. Rubin 1981, Annals of Statistics 9), so that a history of a few weeks makes
a wide forecast: the usual Monte-Carlo forecasts of Kanban tools take the weeks seen for all that there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mkmine.discovery.process_map import records
from mkmine.errors import DataError
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.notebook import html_table
from mkmine.eventlog.provenance import Provenance
from mkmine.eventlog.statistics import wilson
from mkmine.eventlog.summaries import flow
from mkmine.performance.flow import without_cancelled
from mkmine.streams import Streams

__all__ = ["Forecast", "forecast"]

Ints = NDArray[np.int64]

WEEK = 7
FUTURES = 10_000
FEWEST_WEEKS, FEWEST_DONE = 6, 10
# A backtest with fewer forecasts says nothing.
FEWEST_TRIALS = 8
SURE = (0.5, 0.7, 0.85, 0.95)
TOLD = 0.85
LONGEST = 520
METHOD = "Monte-Carlo forecast: Bayesian bootstrap of whole weeks of completions"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Forecast:
    """How many cases will be completed by when.

    Attributes
    ----------
    table
        One row per week from `start` on: week (its number), until (its last day), and the number of completions that
        is reached with a probability of 50, 70, 85 and 95 % (`p50` and so on: "at least so many").
    when
        One row per probability: probability, weeks, until (the last day of the week by which all `items` are done;
        missing where they are not within ten years). Empty without `items`.
    backtest
        One row per probability: probability, forecasts, kept (share of the forecasts of the past, each made from the
        weeks before it, in which at least so many were completed), low and high (Wilson's 95 % interval; forecasts
        overlap, so it is too narrow rather than too wide). Empty where the history is too short.
    start
        The first day of the forecast, a Monday.
    weeks
        How many weeks of the past it rests on.
    """

    table: pd.DataFrame
    when: pd.DataFrame
    backtest: pd.DataFrame
    start: date
    weeks: int
    items: int | None
    provenance: Provenance = field(repr=False)

    def to_pandas(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        tables = {name: records(getattr(self, name)) for name in ("table", "when", "backtest")}
        plain = {name: [{k: _plain(v) for k, v in row.items()} for row in rows] for name, rows in tables.items()}
        return plain | {
            "start": self.start.isoformat(),
            "weeks": self.weeks,
            "items": self.items,
            "notes": list(self.notes),
            "provenance": self.provenance.to_dict(),
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What the backtest says of the forecast, in words."""
        rows = self.backtest[self.backtest["probability"] == TOLD]
        if not len(rows):
            return ("The history is too short to check such forecasts on it.",)
        row = rows.iloc[0]
        notes = [
            f"Of {row['forecasts']:.0f} such forecasts in the past, what was said with {TOLD:.0%} came true in "
            f"{row['kept']:.0%} ({row['low']:.0%} to {row['high']:.0%})."
        ]
        if row["high"] < TOLD:
            notes.append(
                "The pace changes more from month to month than the weeks show: promise less than is forecast."
            )
        if row["low"] > TOLD:
            notes.append("The pace rose over the log: the forecast, made of its past weeks, is rather too low.")
        return tuple(notes)

    def __repr__(self) -> str:
        last = self.table.iloc[-1]
        lines = [
            f"Forecast from {self.start}, of {self.weeks} weeks of the past: by {last['until']:%Y-%m-%d} at least "
            f"{last['p50']:,} completed with a probability of 50%, {last['p85']:,} with 85%, {last['p95']:,} with 95%"
        ]
        for row in self.when.to_dict("records"):
            done = "not within ten years" if row["until"] is pd.NaT else f"by {row['until']:%Y-%m-%d}"
            lines.append(f"  {self.items:,} cases: {done} with a probability of {row['probability']:.0%}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        title = repr(self).splitlines()[0]
        tables = [one for one in (self.when, self.backtest) if len(one)]
        return (
            html_table(self.table, title)
            + "".join(html_table(one) for one in tables)
            + "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        )


def forecast(log: EventLog, *, items: int | None = None, weeks: int = 12, history: int = 26, seed: int = 0) -> Forecast:
    """Forecast how many cases will be completed in the next `weeks`, and by when `items` of them will be.

    It rests on the last `history` whole weeks of the log (fewer, if there are not so many) and assumes that they go on
    as they were: same people, same demand. Cancelled cases are not completed. Raises `DataError` if the log has fewer
    than six whole weeks or ten completions in them, or a number is not at least 1.
    """
    for name, value in (("weeks", weeks), ("history", history), ("items", items)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1):
            raise DataError(f"{name}={value!r} is not a whole number of at least 1")
    if weeks > LONGEST:
        raise DataError(f"weeks={weeks} is further than a forecast can see; ask for {LONGEST} at most")
    first, done = _weekly(log)
    past = done[-history:]
    if len(past) < FEWEST_WEEKS or past.sum() < FEWEST_DONE:
        raise DataError(
            f"the log has {len(done)} whole weeks with {int(past.sum())} completions; a forecast needs at least "
            f"{FEWEST_WEEKS} weeks and {FEWEST_DONE} completions"
        )
    start = first + timedelta(days=WEEK * len(done))
    futures = np.cumsum(_drawn(past, weeks, Streams(seed), "weeks"), axis=1)
    table = pd.DataFrame({"week": np.arange(1, weeks + 1), "until": _until(start, np.arange(1, weeks + 1))})
    for share in SURE:
        table[f"p{share * 100:.0f}"] = _at_least(futures, share)
    return Forecast(
        table=table,
        when=_when(past, start, items, Streams(seed)),
        backtest=_backtest(done, min(weeks, 4), history, seed),
        start=start,
        weeks=len(past),
        items=None if items is None else int(items),
        provenance=log.provenance(METHOD, seed=seed, weeks=weeks, history=len(past)),
    )


def _weekly(log: EventLog) -> tuple[date, Ints]:
    """Return the first Monday and the completions of each whole week of the observation."""
    days = flow(without_cancelled(log)).to_pandas("day")
    counts = dict(zip(days["period"].dt.date, days["completions"], strict=True))
    begin, end = (pd.Timestamp(one, unit="us", tz="UTC").tz_convert(log.time_zone) for one in log.observed)
    first = (begin + pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)).date()
    first += timedelta(days=-first.weekday() % WEEK)
    number = max(((end.date() - first).days) // WEEK, 0)
    daily = [int(counts.get(first + timedelta(days=day), 0)) for day in range(number * WEEK)]
    return first, np.array(daily, dtype=np.int64).reshape(number, WEEK).sum(axis=1)


def _drawn(past: Ints, weeks: int, streams: Streams, *names: str | int, futures: int = FUTURES) -> Ints:
    """Return drawn futures, (futures, weeks): completions of weeks of the past, weighted anew in every future."""
    generator = streams.generator("forecast", *names)
    weights = np.cumsum(generator.standard_exponential((futures, len(past))), axis=1)
    weights /= weights[:, -1:]
    chosen = np.empty((futures, weeks), dtype=np.int64)
    for week in range(weeks):
        chosen[:, week] = (weights < generator.random((futures, 1))).sum(axis=1)
    return past[np.minimum(chosen, len(past) - 1)]


def _at_least(futures: Ints, share: float) -> Ints:
    """Return for each week the largest number that at least this share of the futures reaches."""
    ordered = np.sort(futures, axis=0)
    return np.asarray(ordered[int(np.floor((1 - share) * len(futures)))])


def _until(start: date, weeks: Ints) -> pd.DatetimeIndex:
    days = [pd.Timestamp(start + timedelta(days=WEEK * week - 1)) for week in weeks.tolist()]
    return pd.DatetimeIndex(days).as_unit("us")


def _when(past: Ints, start: date, items: int | None, streams: Streams) -> pd.DataFrame:
    if items is None:
        return pd.DataFrame({"probability": [], "weeks": [], "until": pd.Series(dtype="datetime64[us]")})
    reached = np.full(FUTURES, LONGEST + 1)
    step, total, passed = 52, np.zeros(FUTURES, dtype=np.int64), 0
    while passed < LONGEST and (total < items).any():
        futures = total[:, None] + np.cumsum(_drawn(past, step, streams, "when", passed), axis=1)
        open_yet = np.flatnonzero(total < items)
        hit = futures[open_yet] >= items
        reached[open_yet] = np.where(hit.any(axis=1), passed + 1 + hit.argmax(axis=1), LONGEST + 1)
        total, passed = futures[:, -1], passed + step
    ordered = np.sort(reached)
    needed = np.array([ordered[min(int(np.ceil(share * FUTURES)) - 1, FUTURES - 1)] for share in SURE])
    within = needed <= LONGEST
    until = _until(start, np.where(within, needed, 1)).to_series(index=pd.RangeIndex(len(SURE))).where(within)
    return pd.DataFrame({"probability": SURE, "weeks": np.where(within, needed, np.nan), "until": until})


def _backtest(done: Ints, weeks: int, history: int, seed: int) -> pd.DataFrame:
    """Forecast every stretch of the past from the weeks before it, and count how often it came true."""
    origins = [at for at in range(FEWEST_WEEKS, len(done) - weeks + 1) if done[max(at - history, 0) : at].any()]
    columns = ["probability", "forecasts", "kept", "low", "high"]
    if len(origins) < FEWEST_TRIALS:
        return pd.DataFrame({name: [] for name in columns})
    kept = np.zeros((len(origins), len(SURE)), dtype=np.bool_)
    for row, at in enumerate(origins):
        futures = _drawn(done[max(at - history, 0) : at], weeks, Streams(seed), "backtest", at).sum(axis=1)[:, None]
        actual = int(done[at : at + weeks].sum())
        kept[row] = [actual >= int(_at_least(futures, share)[0]) for share in SURE]
    share = kept.mean(axis=0)
    low, high = wilson(kept.sum(axis=0), np.full(len(SURE), len(origins)))
    frame = pd.DataFrame({"probability": SURE, "forecasts": len(origins), "kept": share, "low": low, "high": high})
    return frame[columns]


def _plain(value: Any) -> Any:
    return None if value is pd.NaT else value.date().isoformat() if isinstance(value, pd.Timestamp) else value
