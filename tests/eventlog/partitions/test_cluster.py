"""The partitions summarised by pools of processes and by a Dask cluster, a worker of which dies on the way."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mkmine.errors import DataError, MissingExtraError
from mkmine.eventlog import EventLog
from mkmine.eventlog.partitions import Partitions, partition
from mkmine.eventlog.partitions.cluster import executor_of, local_cluster
from mkmine.eventlog.summaries import DirectlyFollows, VariantCounts, directly_follows, variant_counts


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Partitions:
    rng = np.random.default_rng(3)
    n = 20_000
    frame = pd.DataFrame(
        {
            "case": rng.integers(0, 2000, n),
            "activity": np.char.add("A", rng.integers(0, 9, n).astype(str)).astype(object),
            "end": pd.to_datetime(1_735_700_000 + np.arange(n) * 60, unit="s", utc=True),
        }
    )
    folder = tmp_path_factory.mktemp("cluster") / "parts"
    return partition(frame, folder, partitions=12, case="case", activity="activity", end="end")


def deadly(log: EventLog, *, mark: str) -> VariantCounts:
    """Kill the worker that comes first, and count for all others."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return variant_counts(log)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def failing(log: EventLog) -> DirectlyFollows:
    raise DataError(f"no {len(log.activities)} activities, please")


def fresh(log: EventLog) -> DirectlyFollows:
    """Counts that are not kept."""
    return directly_follows(log)


def test_pools_give_what_one_process_gives(parts: Partitions) -> None:
    alone = parts.summarise(fresh)
    with ThreadPoolExecutor(3) as pool:
        assert parts.summarise(fresh, executor=pool) == alone
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert parts.summarise(fresh, executor=pool) == alone
        with pytest.raises(DataError, match="no 9 activities, please"):
            parts.summarise(failing, executor=pool)


def test_a_cluster_gives_what_one_process_gives_though_a_worker_dies(parts: Partitions, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    alone, variants = parts.summarise(fresh), parts.summarise(variant_counts)
    with local_cluster(workers=3) as client:
        workers = {one["pid"] for one in client.run(lambda: {"pid": os.getpid()}).values()}
        assert len(workers) == 3
        assert os.getpid() not in workers
        assert parts.summarise(fresh, executor=client) == alone
        mark = tmp_path / "killed"
        found = parts.summarise(partial(deadly, mark=str(mark)), executor=client)
        assert mark.exists()
        assert found.counts == variants.counts
        with pytest.raises(DataError, match="no 9 activities, please"):
            parts.summarise(failing, executor=client)


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"mkmine\[cluster\]"), local_cluster(workers=1):
        pass
    with pytest.raises(MissingExtraError, match=r"mkmine\[cluster\]"):
        executor_of(object())
