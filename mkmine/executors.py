"""Where tasks run: in this process, in a pool of processes or threads, or on a cluster."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager, suppress
from multiprocessing import parent_process
from typing import Literal, TypeVar

from mkmine.errors import DataError

__all__ = ["Place", "Pool", "check_workers", "opened"]

T = TypeVar("T")
R = TypeVar("R")
Place = Literal["processes", "threads"] | Executor
_MOST_WORKERS = 64
# A call that is over sooner is not worth its own message to a worker.
_WORTH_SENDING_S = 0.2
_MOST_TOGETHER = 64


class Pool:
    """Runs tasks, in this process (`executor` None) or by an executor with so many workers."""

    def __init__(self, executor: Executor | None, workers: int) -> None:
        self._executor, self._workers = executor, workers
        self._seconds: float | None = None

    def run(self, call: Callable[[T], R], tasks: Sequence[T], keep: Callable[[R], None]) -> None:
        """Run every task and give each result to `keep` as soon as it is there, in no order.

        Where it is interrupted (Ctrl-C, an error in a task), what runs already is finished and kept before the
        interruption goes on; a second Ctrl-C does not wait. Raises `DataError` if a worker dies, usually for want of
        memory.
        """
        if self._executor is None:
            for task in tasks:
                keep(call(task))
            return
        waiting = list(tasks)[::-1]
        running: set[Future[tuple[float, list[R]]]] = set()
        try:
            while waiting or running:
                # A short queue keeps all workers busy, and leaves little to wait for when the user interrupts.
                while waiting and len(running) < 2 * self._workers:
                    running.add(self._executor.submit(_timed, call, self._handful(waiting)))
                for one in wait(running, return_when=FIRST_COMPLETED).done:
                    running.discard(one)
                    seconds, results = one.result()
                    self._seconds = seconds / len(results)
                    _keep_all(results, keep)
        except BrokenExecutor as error:
            _finish(running, keep)
            raise DataError(f"a worker died ({error}); often memory ran out: run it with fewer workers") from None
        except BaseException:
            _finish(running, keep)
            raise

    def _handful(self, waiting: list[T]) -> list[T]:
        """Take from the end of `waiting` as many tasks as are worth sending together."""
        share = -(-len(waiting) // (2 * self._workers))
        size = 1 if self._seconds is None else max(1, int(_WORTH_SENDING_S / max(self._seconds, 1e-6)))
        return [waiting.pop() for _ in range(min(size, share, _MOST_TOGETHER))]


def _keep_all(results: Iterable[R], keep: Callable[[R], None]) -> None:
    """Keep every result, even if keeping one of them raises."""
    trouble: BaseException | None = None
    for result in results:
        try:
            keep(result)
        except BaseException as error:
            trouble = trouble or error
    if trouble is not None:
        raise trouble


def _finish(running: set[Future[tuple[float, list[R]]]], keep: Callable[[R], None]) -> None:
    """Start nothing more, and keep what was under way."""
    under_way = [one for one in running if not one.cancel()]
    wait(under_way)
    for one in under_way:
        if not one.cancelled() and one.exception() is None:
            # Whatever keeping says now, the trouble that ended the run is the one to tell.
            with suppress(Exception):
                _keep_all(one.result()[1], keep)


def _timed(call: Callable[[T], R], tasks: list[T]) -> tuple[float, list[R]]:
    begin = time.perf_counter()
    results = [call(task) for task in tasks]
    return time.perf_counter() - begin, results


@contextmanager
def opened(workers: int, place: Place = "processes") -> Iterator[Pool]:
    """Give a pool of workers, and close it after use; an executor that was given is the caller's to close.

    Raises `DataError` if the number of workers is not positive or the place is unknown.
    """
    check_workers(workers)
    if isinstance(place, str) and place not in ("processes", "threads"):
        raise DataError(f'executor={place!r}: give "processes", "threads" or an executor such as a Dask client\'s')
    if not isinstance(place, str):
        if not callable(getattr(place, "submit", None)):
            raise DataError(f"executor={type(place).__name__}: it has no submit(); for Dask pass client.get_executor()")
        yield Pool(place, max(workers, _workers_of(place)))
        return
    if workers == 1:
        yield Pool(None, 1)
        return
    count = min(workers, _MOST_WORKERS)
    pool: Executor
    if place == "threads":
        pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix="mkmine")
    else:
        pool = ProcessPoolExecutor(max_workers=count, initializer=_begin_work)
    try:
        yield Pool(pool, count)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def check_workers(workers: int) -> None:
    """Raise `DataError` if the number of workers is not a positive one."""
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise DataError(f"workers={workers!r}: give at least 1")


def _workers_of(executor: Executor) -> int:
    """Return how many things an executor does at once, as far as it says."""
    client = getattr(executor, "_client", None)
    if client is not None and hasattr(client, "nthreads"):
        return int(sum(client.nthreads().values())) or 1
    return int(getattr(executor, "_max_workers", 0) or 1)


def _begin_work() -> None:
    """Leave Ctrl-C to the parent, which stops the pool and keeps what is finished; go when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    # A parent that is killed closes no queue, and its workers would wait for work for ever.
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
