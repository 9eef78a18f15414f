"""The compiled scanner of XES: from a block of bytes to records that say where keys and values stand.

It knows a plain subset of XML: elements with ASCII names, quoted attributes, comments, spaces between tags, UTF-8.
Whatever else it meets, well-formed or not, it leaves to the parser that knows all of XML (expat), so that nothing is
accepted here that is refused there.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["CUT", "FULL", "KNOWN", "STATE", "UNUSUAL", "scan"]

# Why `scan` stops: the last tag is cut off, the records are full, or expat is needed.
CUT, FULL, UNUSUAL, TAKEN = range(4)
# What `state` holds.
STATE = ("pos", "depth", "root", "in_trace", "in_event", "traces", "events", "nested", "loose", "records", "names")
POS, DEPTH, ROOT, IN_TRACE, IN_EVENT, TRACES, EVENTS, NESTED, LOOSE, RECORDS, NAMES = range(len(STATE))
# Element names, by number; of the first seven, all but `event` hold values.
KNOWN = ("string", "date", "event", "int", "float", "boolean", "id", "trace", "log", "classifier")
EVENT, ID, TRACE, LOG, CLASSIFIER = 2, 6, 7, 8, 9
# Where a value may stand: in an event, a trace, the log, a classifier; or where it is ignored, but must be well-formed.
IGNORED = 4
MOST_ATTRIBUTES = 16
# What a byte may be in an attribute's value: plain, to be resolved later, part of a longer character, never.
PLAIN, RESOLVED, LONG, NEVER = range(4)
CLASSES = np.full(256, PLAIN, dtype=np.uint8)
CLASSES[:32], CLASSES[[9, 10, 13, 38]], CLASSES[128:], CLASSES[60] = NEVER, RESOLVED, LONG, NEVER

Bytes = NDArray[np.uint8]
Int = NDArray[np.int64]


@njit(cache=True)
def _is_name(byte: int, first: bool) -> bool:
    letter = (97 <= byte <= 122) or (65 <= byte <= 90) or byte == 95
    return letter or (not first and ((48 <= byte <= 58) or byte == 45 or byte == 46))


@njit(cache=True)
def _past_space(data: Bytes, i: int, end: int) -> int:
    while i < end and (data[i] == 32 or data[i] == 10 or data[i] == 9 or data[i] == 13):
        i += 1
    return i


@njit(cache=True, inline="always")
def _same(a: Bytes, i: int, b: Bytes, j: int, length: int) -> bool:
    for k in range(length):  # noqa: SIM110 (a generator is slower here)
        if a[i + k] != b[j + k]:
            return False
    return True


@njit(cache=True)
def _is_utf8(data: Bytes, i: int, end: int) -> bool:
    """Return whether the bytes are UTF-8 of characters that XML allows."""
    while i < end:
        a = data[i]
        if a < 128:
            i += 1
            continue
        more = 1 if 0xC2 <= a <= 0xDF else 2 if 0xE0 <= a <= 0xEF else 3 if 0xF0 <= a <= 0xF4 else 0
        if more == 0 or i + more >= end:
            return False
        for k in range(1, more + 1):
            if data[i + k] & 0xC0 != 0x80:
                return False
        b = data[i + 1]
        if (a == 0xE0 and b < 0xA0) or (a == 0xED and b > 0x9F) or (a == 0xF0 and b < 0x90) or (a == 0xF4 and b > 0x8F):
            return False
        if a == 0xEF and b == 0xBF and data[i + 2] >= 0xBE:
            return False
        i += more + 1
    return True


@njit(cache=True)
def _tag(state: Int, names: Bytes, name_at: Int, data: Bytes, i: int, end: int) -> int:
    """Return the number of an element's name, a new one if need be; -1 if there are too many."""
    count = state[NAMES]
    for one in range(count):
        at = name_at[one]
        if name_at[one + 1] - at == end - i and _same(data, i, names, at, end - i):
            return one
    at = name_at[count]
    if count + 1 >= len(name_at) or at + end - i > len(names):
        return -1
    for k in range(i, end):
        if data[k] == 58:
            return -1
        names[at + k - i] = data[k]
    name_at[count + 1] = at + end - i
    state[NAMES] += 1
    return int(count)


@njit(cache=True)
def _past_comment(data: Bytes, i: int, end: int) -> tuple[int, int]:
    """Return the status and the place behind a comment that begins at `i` with `<!`."""
    if i + 4 > end:
        return CUT, i
    if data[i + 2] != 45 or data[i + 3] != 45:
        return UNUSUAL, i
    j = i + 4
    while j + 2 < end:
        if data[j] == 45 and data[j + 1] == 45:
            if data[j + 2] != 62 or not _is_utf8(data, i + 4, j):
                return UNUSUAL, i
            return TAKEN, j + 3
        if data[j] < 32 and data[j] != 9 and data[j] != 10 and data[j] != 13:
            return UNUSUAL, i
        j += 1
    return CUT, i


@njit(cache=True)
def _past_value(data: Bytes, i: int, end: int, quote: int) -> tuple[int, int]:
    """Return the place of the closing quote (`end` if it is not there yet, -1 if unusual), and 1 if to be resolved."""
    resolved, long, start = 0, False, i
    while i < end and data[i] != quote:
        sort = CLASSES[data[i]]
        if sort != PLAIN:
            if sort == NEVER:
                return -1, 0
            if sort == RESOLVED:
                resolved = 1
            else:
                long = True
        i += 1
    if long and i < end and not _is_utf8(data, start, i):
        return -1, 0
    return i, resolved


@njit(cache=True)
def _role(data: Bytes, i: int, size: int, tag: int) -> int:
    """Return 0 for an attribute that names a key, 1 for one that holds the value, 2 for others."""
    if tag == CLASSIFIER:
        if size == 4 and data[i] == 110 and data[i + 1] == 97 and data[i + 2] == 109 and data[i + 3] == 101:
            return 0
        keys = size == 4 and data[i] == 107 and data[i + 1] == 101 and data[i + 2] == 121
        return 1 if keys and data[i + 3] == 115 else 2
    if size == 3 and data[i] == 107 and data[i + 1] == 101 and data[i + 2] == 121:
        return 0
    value = size == 5 and data[i] == 118 and data[i + 1] == 97 and data[i + 2] == 108 and data[i + 3] == 117
    return 1 if value and data[i + 4] == 101 else 2


@njit(cache=True)
def _attributes(data: Bytes, j: int, end: int, tag: int, found: Int, spans: Int) -> tuple[int, int]:
    """Take the attributes of a tag from `j` on; return the status and the place of the `>` or `/` behind them.

    `found` takes the spans of key and value, and 1 if the value is to be resolved; `spans` those of the names.
    """
    found[:] = 0
    count = 0
    while True:
        before = j
        j = _past_space(data, j, end)
        if j >= end or (data[j] == 47 and j + 1 >= end):
            return CUT, j
        if data[j] == 62 or data[j] == 47:
            return TAKEN, j
        first = j
        while j < end and _is_name(data[j], j == first):
            j += 1
        size = j - first
        if size == 0 or before == first or count == MOST_ATTRIBUTES:
            return UNUSUAL, j
        for one in range(count):
            if spans[one, 1] == size and _same(data, spans[one, 0], data, first, size):
                return UNUSUAL, j
        spans[count, 0], spans[count, 1] = first, size
        count += 1
        j = _past_space(data, j, end)
        if j < end and data[j] != 61:
            return UNUSUAL, j
        j = _past_space(data, j + 1, end)
        if j >= end:
            return CUT, j
        if data[j] != 34 and data[j] != 39:
            return UNUSUAL, j
        begin = j + 1
        j, resolved = _past_value(data, begin, end, data[j])
        role = _role(data, first, size, tag)
        if j == -1 or (resolved and role != 1):
            return UNUSUAL, begin
        if j >= end:
            return CUT, j
        if role < 2:
            found[2 * role], found[2 * role + 1] = begin, j
            found[4] |= resolved
        j += 1


@njit(cache=True)
def _place(state: Int, tag: int) -> int:
    """Return the scope of the value of an element that begins; count what is passed over."""
    depth = state[DEPTH]
    if tag <= ID and tag != EVENT:
        if depth == 3 and state[IN_EVENT]:
            return 0
        if depth == 2 and state[IN_TRACE]:
            return 1
        if depth == 1:
            return 2
        state[NESTED] += state[IN_TRACE]
    elif tag == EVENT and depth == 1:
        state[LOOSE] += 1
    elif tag == CLASSIFIER and depth == 1:
        return 3
    return IGNORED


@njit(cache=True)
def _begin(state: Int, stack: Int, trace_of: NDArray[np.int32], first_event: int, tag: int, empty: bool) -> int:
    """Go into an element, if it is not empty; return TAKEN, or UNUSUAL for a second root, another one, or too deep."""
    depth = state[DEPTH]
    if depth == 0:
        if state[ROOT] != 0 or tag != LOG:
            return UNUSUAL
        state[ROOT] = 2 if empty else 1
    if depth >= len(stack):
        return UNUSUAL
    if tag == EVENT and depth == 2 and state[IN_TRACE]:
        trace_of[state[EVENTS] - first_event] = state[TRACES] - 1
        state[EVENTS] += 1
        state[IN_EVENT] = 0 if empty else 1
    elif tag == TRACE and depth == 1:
        state[TRACES] += 1
        state[IN_TRACE] = 0 if empty else 1
    if not empty:
        stack[depth] = tag
        state[DEPTH] = depth + 1
    return TAKEN


@njit(cache=True)
def _close(state: Int, stack: Int, names: Bytes, name_at: Int, data: Bytes, i: int, end: int) -> tuple[int, int]:
    """Take the end tag at `i`; return the status and the place behind it."""
    depth = state[DEPTH] - 1
    if depth < 0:
        return UNUSUAL, i
    at = name_at[stack[depth]]
    size = name_at[stack[depth] + 1] - at
    j = i + 2 + size
    if j >= end:
        return CUT, i
    if not _same(data, i + 2, names, at, size):
        return UNUSUAL, i
    j = _past_space(data, j, end)
    if j >= end:
        return CUT, i
    if data[j] != 62:
        return UNUSUAL, i
    state[DEPTH] = depth
    if depth == 2:
        state[IN_EVENT] = 0
    elif depth == 1:
        state[IN_TRACE] = 0
    elif depth == 0:
        state[ROOT] = 2
    return TAKEN, j + 1


@njit(cache=True)
def scan(
    data: Bytes,
    end: int,
    state: Int,
    stack: Int,
    names: Bytes,
    name_at: Int,
    records: NDArray[np.int32],
    trace_of: NDArray[np.int32],
    first_event: int,
) -> int:
    """Take whole tags from `data[state[POS]:end]` until one is cut off or unusual, or the records are full; say which.

    `state[POS]` is left at the first byte not taken. `trace_of` takes the trace of every event from `first_event` on.
    """
    found, spans = np.zeros(5, dtype=np.int64), np.zeros((MOST_ATTRIBUTES, 2), dtype=np.int64)
    i = state[POS]
    while True:
        i = _past_space(data, i, end)
        state[POS] = i
        if i + 1 >= end:
            return UNUSUAL if i < end and data[i] != 60 else CUT
        if data[i] != 60:
            return UNUSUAL
        if data[i + 1] == 47:
            status, j = _close(state, stack, names, name_at, data, i, end)
        elif data[i + 1] == 33:
            status, j = _past_comment(data, i, end)
        else:
            j = i + 1
            while j < end and _is_name(data[j], j == i + 1):
                j += 1
            if j >= end:
                return CUT
            tag = _tag(state, names, name_at, data, i + 1, j) if j > i + 1 else -1
            if tag < 0:
                return UNUSUAL
            status, j = _attributes(data, j, end, tag, found, spans)
            if status != TAKEN:
                return status
            empty = data[j] == 47
            if empty:
                j += 1
                if data[j] != 62:
                    return UNUSUAL
            record = state[RECORDS]
            if record == len(records) or state[EVENTS] - first_event == len(trace_of):
                return FULL
            scope = _place(state, tag)
            if scope < IGNORED or found[4]:
                records[record, 0], records[record, 1] = scope, tag if scope < IGNORED else 0
                records[record, 2] = state[EVENTS] - 1 if scope == 0 else state[TRACES] - 1 if scope == 1 else 0
                for k in range(4):
                    records[record, 3 + k] = found[k]
                state[RECORDS] += 1
            status = _begin(state, stack, trace_of, first_event, tag, empty)
            j += 1
        if status != TAKEN:
            return status
        i = j
