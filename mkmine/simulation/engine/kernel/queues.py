"""Queues: a heap for each role, and then one for each person; what waits in them, or at a door, is an item."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from mkmine.simulation.engine.kernel import layout as at
from mkmine.simulation.engine.kernel.kernels import inlined, rare

__all__ = ["before", "claim", "dismiss", "pop", "purge", "push", "release", "take_out"]

Memory = NDArray[Any]


@inlined
def claim(m: Memory, case: int, place: int, group: int, since: int) -> int:
    """Return a new item."""
    item = m[at.FREE_ITEM]
    m[at.FREE_ITEM] = m[m[at.ITEM_CASE] + item]
    m[m[at.ITEM_CASE] + item], m[m[at.ITEM_PLACE] + item] = case, place
    m[m[at.ITEM_GROUP] + item], m[m[at.ITEM_SINCE] + item] = group, since
    m[m[at.ITEM_NEXT] + item] = -1
    return item


@inlined
def release(m: Memory, item: int) -> None:
    """The item is no more."""
    m[m[at.ITEM_NUMBER] + item] = 0
    m[m[at.ITEM_CASE] + item] = m[at.FREE_ITEM]
    m[at.FREE_ITEM] = item


@inlined
def before(m: Memory, one: int, other: int) -> bool:
    """Whether one entry of the queues comes before another."""
    key, than = m[m[at.QUEUE_KEY] + one], m[m[at.QUEUE_KEY] + other]
    return key < than or (key == than and m[m[at.QUEUE_NUMBER] + one] < m[m[at.QUEUE_NUMBER] + other])


@inlined
def _rise(m: Memory, first: int, place: int, key: int, number: int, item: int) -> None:
    """Put an entry where it belongs between a place of a heap and its top."""
    keys, numbers, items = m[at.QUEUE_KEY] + first, m[at.QUEUE_NUMBER] + first, m[at.QUEUE_ITEM] + first
    while place > 0:
        parent = (place - 1) >> 1
        above, than = m[keys + parent], m[numbers + parent]
        if above < key or (above == key and than < number):
            break
        m[keys + place], m[numbers + place], m[items + place] = above, than, m[items + parent]
        place = parent
    m[keys + place], m[numbers + place], m[items + place] = key, number, item


@inlined
def _sink(m: Memory, first: int, size: int, place: int, key: int, number: int, item: int) -> None:
    """Put an entry where it belongs below a place of a heap."""
    keys, numbers, items = m[at.QUEUE_KEY] + first, m[at.QUEUE_NUMBER] + first, m[at.QUEUE_ITEM] + first
    child = 2 * place + 1
    while child < size:
        below, least = m[keys + child], m[numbers + child]
        if child + 1 < size:
            other = m[keys + child + 1]
            if other < below or (other == below and m[numbers + child + 1] < least):
                child += 1
                below, least = other, m[numbers + child]
        if below > key or (below == key and least > number):
            break
        m[keys + place], m[numbers + place], m[items + place] = below, least, m[items + child]
        place, child = child, 2 * child + 1
    m[keys + place], m[numbers + place], m[items + place] = key, number, item


@inlined
def push(m: Memory, queue: int, key: int, number: int, item: int) -> None:
    """An item joins a queue."""
    place = m[m[at.QUEUE_SIZE] + queue]
    m[m[at.QUEUE_SIZE] + queue] = place + 1
    m[m[at.ITEM_QUEUE] + item], m[m[at.ITEM_NUMBER] + item] = queue, abs(number)
    _rise(m, m[m[at.QUEUE_FIRST] + queue], place, key, number, item)


@inlined
def pop(m: Memory, queue: int) -> int:
    """Take the first item of a queue."""
    size = m[m[at.QUEUE_SIZE] + queue] - 1
    m[m[at.QUEUE_SIZE] + queue] = size
    first = m[m[at.QUEUE_FIRST] + queue]
    found = m[m[at.QUEUE_ITEM] + first]
    last = first + size
    key, number, item = m[m[at.QUEUE_KEY] + last], m[m[at.QUEUE_NUMBER] + last], m[m[at.QUEUE_ITEM] + last]
    _sink(m, first, size, 0, key, number, item)
    return found


@rare
def take_out(m: Memory, queue: int, place: int) -> int:
    """Take an item from the middle of a queue."""
    size = m[m[at.QUEUE_SIZE] + queue] - 1
    m[m[at.QUEUE_SIZE] + queue] = size
    first = m[m[at.QUEUE_FIRST] + queue]
    found = m[m[at.QUEUE_ITEM] + first + place]
    last = first + size
    key, number, item = m[m[at.QUEUE_KEY] + last], m[m[at.QUEUE_NUMBER] + last], m[m[at.QUEUE_ITEM] + last]
    if place < size:
        if place > 0 and before(m, last, first + ((place - 1) >> 1)):
            _rise(m, first, place, key, number, item)
        else:
            _sink(m, first, size, place, key, number, item)
    return found


@rare
def dismiss(m: Memory, item: int) -> None:
    """The item is given up: it leaves its queue when it comes to its head."""
    m[m[at.ITEM_GONE] + item] = 1
    purge(m, m[m[at.ITEM_QUEUE] + item])


@rare
def purge(m: Memory, queue: int) -> None:
    """Take what has been given up off the head of a queue."""
    while m[m[at.QUEUE_SIZE] + queue]:
        item = m[m[at.QUEUE_ITEM] + m[m[at.QUEUE_FIRST] + queue]]
        if not m[m[at.ITEM_GONE] + item]:
            return
        m[m[at.ITEM_GONE] + item] = 0
        release(m, pop(m, queue))
