"""Compiled passes of the readers: numbering the texts of attributes, and pairing starts with completions."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["DATES", "DONE", "NAIVE", "ROOM", "TABLES", "encode", "match", "rehash"]

# Why `encode` stops: the records are done, room is needed, dates are needed as they are written, the keys are too many
# or the hash table degenerates.
DONE, ROOM, DATES, TOO_MANY = range(4)
# What `state` holds.
TABLES = ("records", "entries", "arena", "keys")
RECORDS, ENTRIES, ARENA, KEYS = range(len(TABLES))
# The kinds that matter, by number.
STRING, DATE = 0, 1
# The offset of a date without one, in place of minutes.
NAIVE = 32_767
# How many minutes clocks are ahead of UTC, and behind it, at most.
EAST, WEST = 14 * 60, 12 * 60
MOST_PROBES = 1000
# What a transition of the lifecycle does, by number.
SCHEDULE, START, COMPLETE, SUSPEND, RESUME = range(5)
DAY, HOUR, MINUTE, SECOND = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000

Bytes = NDArray[np.uint8]
Int = NDArray[np.int64]


@njit(cache=True, inline="always")
def _same(a: Bytes, i: int, b: Bytes, j: int, length: int) -> bool:
    for k in range(length):  # noqa: SIM110 (a generator is slower here)
        if a[i + k] != b[j + k]:
            return False
    return True


@njit(cache=True)
def _digits(data: Bytes, i: int, count: int) -> int:
    number = 0
    for k in range(i, i + count):
        if not 48 <= data[k] <= 57:
            return -1
        number = number * 10 + (data[k] - 48)
    return number


@njit(cache=True)
def _date(data: Bytes, i: int, end: int) -> tuple[bool, int, int]:
    """Read `YYYY-MM-DDThh:mm:ss[.ffffff][Z|+hh:mm]`; return whether it is one, its µs and its offset in minutes."""
    if end - i < 19 or data[i + 4] != 45 or data[i + 7] != 45 or data[i + 13] != 58 or data[i + 16] != 58:
        return False, 0, 0
    if data[i + 10] != 84 and data[i + 10] != 32:
        return False, 0, 0
    year, month, day = _digits(data, i, 4), _digits(data, i + 5, 2), _digits(data, i + 8, 2)
    hour, minute, second = _digits(data, i + 11, 2), _digits(data, i + 14, 2), _digits(data, i + 17, 2)
    if not (1600 <= year <= 2999 and 1 <= month <= 12 and 1 <= day <= 31):
        return False, 0, 0
    if not (0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 59):
        return False, 0, 0
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    length = 28 + leap if month == 2 else 30 if month in (4, 6, 9, 11) else 31
    if day > length:
        return False, 0, 0
    # Days since 1970-01-01, with years that begin in March.
    shifted = year - (month <= 2)
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day
    moment = (days - 719_469) * DAY + hour * HOUR + minute * MINUTE + second * SECOND
    i += 19
    if i < end and data[i] == 46:
        i += 1
        unit, count = 100_000, 0
        while i < end and 48 <= data[i] <= 57:
            moment += (data[i] - 48) * unit
            unit //= 10
            count += 1
            i += 1
        if not 1 <= count <= 6:
            return False, 0, 0
    if i == end:
        return True, moment, NAIVE
    if data[i] == 90 and i + 1 == end:
        return True, moment, 0
    if end - i != 6 or (data[i] != 43 and data[i] != 45) or data[i + 3] != 58:
        return False, 0, 0
    hours, minutes = _digits(data, i + 1, 2), _digits(data, i + 4, 2)
    if hours < 0 or not 0 <= minutes <= 59:
        return False, 0, 0
    offset = (hours * 60 + minutes) * (1 if data[i] == 43 else -1)
    if not -WEST <= offset <= EAST:
        return False, 0, 0
    return True, moment - offset * MINUTE, offset


@njit(cache=True)
def rehash(slots: NDArray[np.int32], entries: Int, count: int) -> None:
    """Fill an empty hash table, a power of two long, with the first `count` entries."""
    mask = len(slots) - 1
    for entry in range(count):
        slot = entries[entry, 2] & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = entry


# Inlined by numba, as is what it calls: LLVM by itself leaves these calls, which takes twice the time.
@njit(cache=True, inline="always")
def _code(
    state: Int,
    slots: NDArray[np.int32],
    entries: Int,
    arena: Bytes,
    keys: Int,
    owner: int,
    text: Bytes,
    i: int,
    end: int,
) -> int:
    """Return the code of a text of an owner, a new one if need be; -1 if the hash table degenerates."""
    mixed = np.uint64(14_695_981_039_346_656_037) ^ np.uint64(owner + 8)
    for k in range(i, end):
        mixed = (mixed ^ np.uint64(text[k])) * np.uint64(1_099_511_628_211)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    hashed = np.int64(mixed >> np.uint64(20))
    mask = len(slots) - 1
    slot, probes, size = hashed & mask, 0, end - i
    while slots[slot] >= 0:
        entry = slots[slot]
        if entries[entry, 2] == hashed and entries[entry, 0] == owner:
            at = entries[entry, 3]
            if entries[entry + 1, 3] - at == size and _same(text, i, arena, at, size):
                return int(entries[entry, 1])
        slot = (slot + 1) & mask
        probes += 1
        if probes == MOST_PROBES:
            return -1
    entry, at = state[ENTRIES], state[ARENA]
    for k in range(size):
        arena[at + k] = text[i + k]
    if owner < 0:
        code = state[KEYS]
        state[KEYS] += 1
    else:
        code = keys[owner, 1]
        keys[owner, 1] += 1
    slots[slot] = entry
    entries[entry, 0], entries[entry, 1], entries[entry, 2] = owner, code, hashed
    entries[entry + 1, 3] = at + size
    state[ENTRIES] += 1
    state[ARENA] += size
    return int(code)


@njit(cache=True)
def encode(
    data: Bytes,
    records: NDArray[np.int32],
    count: int,
    state: Int,
    slots: NDArray[np.int32],
    entries: Int,
    arena: Bytes,
    keys: Int,
    values: Int,
    dates: bool,
) -> int:
    """Number the keys and values of the records from `state[RECORDS]` to `count`; return DONE, or why it stops.

    A record is (scope, kind, row, first byte of the key, the one behind its last, the same of the value). `slots` is
    an open hash table over `entries` (owner, code, hash, place in `arena`), each of which is a text of an owner: a key
    of a scope (owner -1 - scope; its code is the key's number) or a value of a key (its code counts the key's values).
    `keys` holds the kind of each key and how many values it has; `values` takes of every record key, code (or instant
    in µs) and offset in minutes.

    DATES says that a date of scope 0 or 1 is not plain ISO 8601, or that its key holds other kinds too: then all must
    be read again with `dates=False`, which leaves dates as texts.
    """
    for record in range(state[RECORDS], count):
        state[RECORDS] = record
        scope, kind = records[record, 0], records[record, 1]
        k0, k1, v0, v1 = records[record, 3], records[record, 4], records[record, 5], records[record, 6]
        if state[ENTRIES] + 3 >= len(entries) or state[ARENA] + (k1 - k0) + (v1 - v0) > len(arena):
            return ROOM
        known = state[KEYS]
        if known >= len(keys):
            return TOO_MANY
        key = _code(state, slots, entries, arena, keys, -1 - scope, data, k0, k1)
        if key < 0:
            return TOO_MANY
        typed = dates and scope < 2
        if key == known:
            keys[key, 0], keys[key, 1] = kind, 0
        elif keys[key, 0] != kind:
            if typed and (keys[key, 0] == DATE or kind == DATE):
                return DATES
            keys[key, 0] = STRING
        values[record, 0] = key
        if typed and kind == DATE:
            fine, values[record, 1], values[record, 2] = _date(data, v0, v1)
            if not fine:
                return DATES
            continue
        values[record, 1] = _code(state, slots, entries, arena, keys, key, data, v0, v1)
        if values[record, 1] < 0:
            return TOO_MANY
    state[RECORDS] = 0
    return DONE


@njit(cache=True)
def match(kind: NDArray[np.int8], first: NDArray[np.bool_], pairing: int) -> tuple[Int, Int]:
    """Do what `lifecycle.match` does; `pairing` is 0 for fifo, 1 for lifo, 2 for nearest."""
    n = len(kind)
    partner, ready = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    running, waiting = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    oldest = latest = called = planned = 0
    for i in range(n):
        if first[i]:
            oldest = latest = called = planned = 0
        what = kind[i]
        if what == SCHEDULE:
            waiting[planned] = i
            planned += 1
            continue
        takes = what == START
        if what in (START, RESUME):
            if pairing == 2:
                latest = 0
            running[latest] = i
            latest += 1
        elif what in (COMPLETE, SUSPEND):
            if latest > oldest:
                if pairing == 0:
                    partner[i] = running[oldest]
                    oldest += 1
                else:
                    latest -= 1
                    partner[i] = running[latest]
            else:
                takes = what == COMPLETE
        if takes and planned > called:
            ready[i] = waiting[called]
            called += 1
    return partner, ready
