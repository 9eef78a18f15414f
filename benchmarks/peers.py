# ruff: noqa: D102 - each method answers the question that it is named by
"""The same questions as mkmine's summaries, asked of pm4py, Polars, DuckDB and pandas, each on what it has made ready.

Polars and pandas get a frame sorted by case and time with whole-number cases and encoded activities; DuckDB a table of
the same in that order. Each is asked in the fastest way that was found, on one thread.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def pm4py_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a formatted pm4py frame, with the types it can work with (nanoseconds, object strings)."""
    import pm4py

    copy = frame.astype({"case_id": object, "activity": object, "resource": object})
    copy["timestamp"] = copy["timestamp"].astype("datetime64[ns, UTC]")
    copy["org:resource"] = copy["resource"]
    return pm4py.format_dataframe(copy, case_id="case_id", activity_key="activity", timestamp_key="timestamp")


def pandas_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame sorted by case and time: case (int32), activity and resource (categories), time (int64, s)."""
    case, _ = pd.factorize(frame["case_id"])
    ready = pd.DataFrame(
        {
            "case": case.astype(np.int32),
            "activity": frame["activity"].astype("category"),
            "resource": frame["resource"].astype("category"),
            "time": frame["timestamp"].to_numpy("datetime64[us]").astype(np.int64) / 1e6,
        }
    )
    return ready.sort_values(["case", "time"], kind="stable", ignore_index=True)


class Polars:
    """Polars' answers."""

    def __init__(self, ready: pd.DataFrame) -> None:
        import polars as pl

        self.pl = pl
        columns = {name: ready[name].to_numpy() for name in ("case", "time")}
        for name in ("activity", "resource"):
            columns[name] = pl.Series(ready[name].astype(object)).cast(pl.Enum(ready[name].cat.categories.tolist()))
        self.frame = pl.DataFrame(columns)

    def _following(self, column: str) -> Any:
        pl = self.pl
        pairs = self.frame.select(
            pl.col(column).alias("a"),
            pl.col(column).shift(-1).alias("b"),
            (pl.col("time").shift(-1) - pl.col("time")).alias("time"),
            (pl.col("case") == pl.col("case").shift(-1)).alias("same"),
        )
        return pairs.filter("same")

    def edges(self) -> Any:
        return self._following("activity").group_by("a", "b").len()

    def times(self) -> Any:
        time = self.pl.col("time")
        return (
            self._following("activity")
            .group_by("a", "b")
            .agg(time.mean(), time.median().alias("median"), time.quantile(0.95, "linear").alias("p95"))
        )

    def variants(self) -> Any:
        codes = self.frame.select("case", self.pl.col("activity").to_physical())
        return codes.group_by("case", maintain_order=True).agg("activity").group_by("activity").len()

    def cases(self) -> Any:
        time, pl = self.pl.col("time"), self.pl
        return self.frame.group_by("case").agg(
            (time.last() - time.first()).alias("cycle"), pl.len(), pl.col("activity").n_unique()
        )

    def rework(self) -> Any:
        counts = self.frame.group_by("case", "activity").len()
        return counts.filter(self.pl.col("len") > 1).group_by("activity").len()

    def hand_overs(self) -> Any:
        return self._following("resource").group_by("a", "b").len()


class DuckDB:
    """DuckDB's answers, as Arrow tables."""

    def __init__(self, ready: pd.DataFrame) -> None:
        import duckdb
        import pyarrow as pa

        codes = {name: ready[name].cat.codes.to_numpy().astype(np.uint8) for name in ("activity", "resource")}
        source = pa.table({"case_no": ready["case"].to_numpy(), "time": ready["time"].to_numpy(), **codes})
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1")
        self.connection.register("source", source)
        self.connection.execute("CREATE TABLE event AS SELECT * FROM source")

    def _ask(self, query: str) -> Any:
        return self.connection.execute(query).to_arrow_table()

    def _following(self, column: str) -> str:
        return (
            f"(SELECT e.{column} AS a, n.{column} AS b, n.time - e.time AS time FROM event AS e "
            f"POSITIONAL JOIN (SELECT * FROM event OFFSET 1) AS n WHERE e.case_no = n.case_no)"
        )

    def edges(self) -> Any:
        return self._ask(f"SELECT a, b, count(*) AS len FROM {self._following('activity')} GROUP BY a, b")

    def times(self) -> Any:
        return self._ask(
            f"SELECT a, b, avg(time), quantile_cont(time, [0.5, 0.95]) FROM {self._following('activity')} GROUP BY a, b"
        )

    def variants(self) -> Any:
        return self._ask(
            "SELECT variant, count(*) AS len FROM (SELECT list(activity) AS variant FROM event GROUP BY case_no) "
            "GROUP BY variant"
        )

    def cases(self) -> Any:
        return self._ask(
            "SELECT case_no, max(time) - min(time) AS cycle, count(*), count(DISTINCT activity) FROM event "
            "GROUP BY case_no"
        )

    def rework(self) -> Any:
        return self._ask(
            "SELECT activity, count(*) AS len FROM (SELECT case_no, activity FROM event GROUP BY case_no, activity "
            "HAVING count(*) > 1) GROUP BY activity"
        )

    def hand_overs(self) -> Any:
        return self._ask(f"SELECT a, b, count(*) AS len FROM {self._following('resource')} GROUP BY a, b")


class Pandas:
    """The answers of pandas."""

    def __init__(self, ready: pd.DataFrame) -> None:
        self.frame = ready

    def _following(self, column: str) -> pd.DataFrame:
        frame = self.frame
        codes, case = frame[column].cat.codes.astype(np.int32), frame["case"]
        same = (case == case.shift(-1)).to_numpy()
        key = codes * len(frame[column].cat.categories) + codes.shift(-1, fill_value=0)
        return pd.DataFrame({"edge": key, "time": frame["time"].shift(-1) - frame["time"]})[same]

    def edges(self) -> Any:
        return self._following("activity")["edge"].value_counts()

    def times(self) -> Any:
        groups = self._following("activity").groupby("edge")["time"]
        return groups.mean(), groups.quantile([0.5, 0.95])

    def variants(self) -> Any:
        # Sums of a hash by case: nobody checks for collisions.
        frame = self.frame
        place = frame.groupby("case", sort=False).cumcount().to_numpy()
        power = np.cumprod(np.full(place.max() + 1, 0x9E3779B97F4A7C15, dtype=np.uint64))
        terms = (frame["activity"].cat.codes.to_numpy().astype(np.uint64) + np.uint64(1)) * power[place]
        return pd.Series(terms).groupby(frame["case"], sort=False).sum().value_counts()

    def cases(self) -> Any:
        groups = self.frame.groupby("case", sort=False)
        return groups["time"].last() - groups["time"].first(), groups.size()

    def rework(self) -> Any:
        counts = self.frame.groupby(["case", "activity"], observed=True, sort=False).size()
        return counts[counts > 1].groupby(level="activity", observed=True).size()

    def hand_overs(self) -> Any:
        return self._following("resource")["edge"].value_counts()
