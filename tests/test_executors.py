from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest

from mkmine.errors import DataError
from mkmine.executors import Place, opened

PLACES: list[tuple[int, Place]] = [(1, "processes"), (2, "processes"), (1, "threads"), (3, "threads")]


def square(number: int) -> int:
    return number * number


def die(number: int) -> int:
    os._exit(1)


@pytest.mark.parametrize(("workers", "place"), PLACES)
def test_every_task_is_run_once(workers: int, place: Place) -> None:
    found: list[int] = []
    with opened(workers, place) as pool:
        pool.run(square, range(500), found.append)
    assert sorted(found) == [square(number) for number in range(500)]


def test_an_executor_of_ones_own_is_used_and_left_open() -> None:
    found: list[int] = []
    with ThreadPoolExecutor(2) as own:
        with opened(1, own) as pool:
            pool.run(square, range(10), found.append)
        assert own.submit(square, 3).result() == 9
    assert sorted(found) == [square(number) for number in range(10)]


@pytest.mark.parametrize("workers", [0, -1, True, 1.5])
def test_workers_are_a_positive_number(workers: Any) -> None:
    with pytest.raises(DataError, match="workers="), opened(workers):
        pass


def test_a_worker_that_dies_is_told() -> None:
    with pytest.raises(DataError, match="a worker died"), opened(2) as pool:
        pool.run(die, [1, 2, 3], lambda _: None)


def test_an_interruption_keeps_what_was_under_way() -> None:
    """Ctrl-C comes while the first result is kept: what runs is finished and kept, no other task begins."""
    began: list[int] = []
    found: list[int] = []

    def slowly(number: int) -> int:
        began.append(number)
        time.sleep(0.05 if number == 0 else 0.3)
        return number

    def keep(number: int) -> None:
        found.append(number)
        if number == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), opened(2, "threads") as pool:
        pool.run(slowly, range(100), keep)
    assert sorted(found) == sorted(began)
    assert {0, 1} <= set(found)
    assert len(found) <= 4


def test_an_error_in_a_task_keeps_the_others() -> None:
    found: list[int] = []
    with pytest.raises(ZeroDivisionError), opened(2, "threads") as pool:
        pool.run(lambda number: 1 // number, [1, 0, 1, 1], found.append)
    assert 1 in found


def answer_slowly(number: int) -> int:
    time.sleep(0.2)
    return number


def killed() -> None:
    """Kill this process in the midst of work of others; the first result says who they are."""
    with opened(2) as pool:
        pool.run(answer_slowly, range(1_000), lambda _: tell_children_and_die())


def tell_children_and_die() -> None:
    sys.stdout.write(" ".join(str(child.pid) for child in active_children()) + "\n")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(not Path("/proc").exists(), reason="tells by /proc who lives")
def test_workers_go_when_their_parent_is_killed() -> None:
    """Nothing stays behind to hold memory after kill -9, or when the system ends the parent for want of memory."""
    code = f"from {__name__} import killed; killed()"
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    until = time.monotonic() + 30
    while (left := [pid for pid in children if lives(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
