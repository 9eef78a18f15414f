"""The same partitions on a Dask cluster (extra `cluster`)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mkmine.errors import MissingExtraError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["executor_of", "local_cluster"]


def executor_of(client: Client | Any) -> Executor:
    """Return the workers of a Dask client as a pool of `concurrent.futures`.

    What a dead worker was at is done again by another. Every worker must see the folder of the partitions.

    Raises `MissingExtraError` if Dask is not installed.
    """
    _distributed()
    # Not pure: the same partition may have other rows after an addition, and results are taken once.
    executor: Executor = client.get_executor(pure=False)
    return executor


@contextmanager
def local_cluster(*, workers: int, memory: int | str = "auto") -> Iterator[Client]:
    """Run so many worker processes on this machine for a while, each with so much memory, and give their client.

    Raises `MissingExtraError` if Dask is not installed.
    """
    distributed = _distributed()
    with (
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=memory,
            # No page to look at it: its port may be taken.
            dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise MissingExtraError.of(package="dask", extra="cluster", purpose="a cluster") from None
    return distributed
