"""The compiled twins of the passes over a log; the modules beside have the plain forms, which give the same.

Codes are unsigned, and so are computed places in an array: numba looks at the sign of every signed one.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "activity_rounds",
    "case_counts",
    "case_times",
    "chains",
    "copy_sequences",
    "count_apart",
    "count_pairs",
    "digests",
    "follow_counts",
    "follow_times",
    "gather",
    "gather_gaps",
    "gather_work",
    "limbs",
    "named",
    "number_sequences",
    "pair_cases",
    "presence",
    "put_in_order",
    "rework",
    "runs",
    "slots_of",
    "work_begins",
]

Array = NDArray[Any]
U = np.uint64
LOW = 0xFFFFFFFF
MISSING = np.iinfo(np.int64).min
# So many sequences are looked up together.
BLOCK = 32


@numba.njit(cache=True, nogil=True)
def count_pairs(offsets: Array, codes: Array, size: int) -> Array:
    """Return how often each code directly follows each in a sequence, flat (size * size,)."""
    out = np.zeros(size * size, np.int64)
    for i in range(len(codes) - 1):
        out[U(codes[i]) * U(size) + U(codes[i + 1])] += 1
    # Pairs that run from one sequence into the next were counted too.
    for case in range(1, len(offsets) - 1):
        i = offsets[case]
        out[U(codes[i - 1]) * U(size) + U(codes[i])] -= 1
    return out


@numba.njit(cache=True, nogil=True)
def gather(values: Array, groups: Array, size: int) -> tuple[Array, Array]:
    """Return the values put together by group, those of group -1 left out, and where each group begins (size + 1,)."""
    counts, place = np.zeros(size + 1, np.int64), np.zeros(size + 1, np.int64)
    for i in range(len(groups)):
        counts[U(groups[i] + 1)] += 1
    begins = np.zeros(size + 1, np.int64)
    for group in range(size):
        place[group + 1] = begins[group]
        begins[group + 1] = begins[group] + counts[group + 1]
    # What is left out goes to the end, which is then cut off: no branch in the loop.
    place[0] = begins[size]
    out = np.empty(len(values), values.dtype)
    for i in range(len(values)):
        code = U(groups[i] + 1)
        out[U(place[code])] = values[i]
        place[code] += 1
    return out[: begins[size]], begins


@numba.njit(cache=True, nogil=True)
def count_apart(offsets: Array, codes: Array, table: Array, size: int, groups: int, start: Array, end: Array) -> Array:
    """Return how many pairs of each group do not overlap; see `gather_gaps`."""
    out = np.zeros(groups + 1, np.int64)
    for case in range(len(offsets) - 1):
        for i in range(offsets[case] + 1, offsets[case + 1]):
            group = U(table[U(codes[i - 1]) * U(size) + U(codes[i])] + 1)
            out[group] += start[i] >= end[i - 1]
    return out[1:]


@numba.njit(cache=True, nogil=True)
def gather_gaps(
    offsets: Array, codes: Array, table: Array, size: int, counts: Array, times: tuple[Array, Array, Array, Array]
) -> Array:
    """Return the times from each end to the next start of the sequence, put together by group.

    The group is that of the pair of codes in `table` (size * size,), -1 to leave it out; `counts` has their sizes.
    `times` are start and end on the clock that measures, and on the wall; where the latter are not empty, pairs that
    overlap on it are left out.
    """
    start, end, begun, ended = times
    apart, total = len(begun) > 0, 0
    # What is left out goes to the end, which is then cut off: no branch in the loop.
    place = np.zeros(len(counts) + 1, np.int64)
    for group in range(len(counts)):
        place[group + 1] = total
        total += counts[group]
    place[0] = total
    out = np.empty(len(codes), np.int64)
    for case in range(len(offsets) - 1):
        first = offsets[case]
        row, over = U(codes[first]) * U(size), end[first]
        for i in range(first + 1, offsets[case + 1]):
            code = U(codes[U(i)])
            chosen = U(table[row + code] + 1)
            if apart and begun[i] < ended[i - 1]:
                chosen = U(0)
            where = place[chosen]
            out[U(where)] = start[U(i)] - over
            place[chosen] = where + 1
            row, over = code * U(size), end[U(i)]
    return out[:total]


@numba.njit(cache=True, nogil=True)
def pair_cases(offsets: Array, codes: Array, table: Array, size: int, groups: int) -> Array:
    """Return in how many sequences each group of pairs occurs; see `gather_gaps`."""
    seen, out = np.full(groups + 1, -1, np.int64), np.zeros(groups + 1, np.int64)
    for case in range(len(offsets) - 1):
        for i in range(offsets[case], offsets[case + 1] - 1):
            # What is left out is counted in the first place, which is cut off.
            group = U(table[U(codes[i]) * U(size) + U(codes[i + 1])] + 1)
            out[group] += seen[group] != case
            seen[group] = case
    return out[1:]


@numba.njit(cache=True, nogil=True)
def limbs(values: Array, begins: Array) -> Array:
    """Return the sums of each group in two limbs (size, 2): of what is above, and of what is in, the lowest 32 bits."""
    out = np.zeros((len(begins) - 1, 2), np.int64)
    for group in range(len(begins) - 1):
        high, low = 0, 0
        for i in range(begins[group], begins[group + 1]):
            high += values[i] >> 32
            low += values[i] & LOW
        out[group, 0], out[group, 1] = high, low
    return out


@numba.njit(cache=True, nogil=True)
def runs(values: Array, begins: Array, bounds: Array) -> tuple[Array, Array, Array]:
    """Return how many buckets each group fills, and, one group after the other, which and how often.

    The values of each group are sorted, and lie between two `begins`.
    """
    size = len(begins) - 1
    room = min(len(values), size * (2 * len(bounds) + 1))
    count, bucket, hits = np.zeros(size, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    n = 0
    for group in range(size):
        i, last, before = begins[group], begins[group + 1], n
        while i < last:
            value = values[i]
            code, top = 0, 0
            if value > 0:
                number = np.searchsorted(bounds, value)
                code, top = number + 1, bounds[number]
            elif value < 0:
                number = np.searchsorted(bounds, -value)
                code, top = -number - 1, -1 - (bounds[number - 1] if number else 0)
            begin = i
            while i < last and values[i] <= top:
                i += 1
            bucket[n], hits[n] = code, i - begin
            n += 1
        count[group] = n - before
    return count, bucket[:n].copy(), hits[:n].copy()


@numba.njit(cache=True, nogil=True)
def presence(offsets: Array, codes: Array, start: Array, end: Array, size: int) -> Array:
    """Return instances, cases, first start and last end of each code, (4, size)."""
    seen, out = np.full(size, -1, np.int64), np.zeros((4, size), np.int64)
    for case in range(len(offsets) - 1):
        for i in range(offsets[case], offsets[case + 1]):
            code = U(codes[i])
            if not out[0, code]:
                out[2, code], out[3, code] = start[i], end[i]
            out[0, code] += 1
            out[1, code] += seen[code] != case
            seen[code] = case
            out[2, code] = min(out[2, code], start[i])
            out[3, code] = max(out[3, code], end[i])
    return out


@numba.njit(cache=True, nogil=True)
def named(activity: Array, resource: Array, size: int) -> tuple[Array, Array]:
    """Return how many instances each activity has, and how many of them a known person did."""
    total, known = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for i in range(len(activity)):
        total[U(activity[i])] += 1
        known[U(activity[i])] += resource[i] >= 0
    return total, known


@numba.njit(cache=True, nogil=True)
def digests(offsets: Array, codes: Array, value: Array, factor: Any) -> Array:
    """Return the polynomial hash of each sequence of codes."""
    out = np.empty(len(offsets) - 1, np.uint64)
    for case in range(len(offsets) - 1):
        power, total = U(1), U(0)
        for i in range(offsets[case], offsets[case + 1]):
            power *= factor
            total += value[U(codes[i])] * power
        out[case] = total ^ U(offsets[case + 1] - offsets[case])
    return out


@numba.njit(cache=True, nogil=True)
def slots_of(digest: Array, n: int, size: int) -> Array:
    """Return a hash table of `size` slots (a power of 2) with the first `n` digests.

    A slot holds the upper half of a digest and its place, counted from 1; 0 is empty.
    """
    slots, mask = np.zeros(size, np.uint64), U(size - 1)
    for number in range(n):
        tag = digest[number] >> U(32)
        slot = (digest[number] ^ tag) & mask
        while slots[slot] != U(0):
            slot = (slot + U(1)) & mask
        slots[slot] = (tag << U(32)) | U(number + 1)
    return slots


@numba.njit(cache=True, nogil=True)
def number_sequences(offsets: Array, codes: Array, value: Array, factor: Any) -> tuple[Array, Array]:
    """Number the distinct sequences by first appearance; return the number of each and the first that has it.

    They are found by their `digests`, and compared code by code, so that a collision joins nothing.
    """
    m = len(offsets) - 1
    of, first, n = np.empty(m, np.int64), np.empty(m, np.int64), 0
    digest, mine = np.empty(m, np.uint64), np.empty(BLOCK, np.uint64)
    # The table grows with what is found, and so mostly stays in the cache.
    size = 1024
    slots = slots_of(digest, 0, size)
    for block in range(0, m, BLOCK):
        beyond = min(block + BLOCK, m)
        for case in range(block, beyond):
            power, total = U(1), U(0)
            for i in range(offsets[case], offsets[case + 1]):
                power *= factor
                total += value[U(codes[i])] * power
            mine[case - block] = total ^ U(offsets[case + 1] - offsets[case])
        # A look ahead at what the block needs: these reads wait for memory together, and not one after the other.
        glance = U(0)
        for k in range(beyond - block):
            held = slots[(mine[k] ^ (mine[k] >> U(32))) & U(size - 1)]
            if held != U(0):
                number = np.int64(held & U(LOW)) - 1
                glance += digest[number] + U(codes[offsets[first[number]]])
        of[block] = np.int64(glance)
        for case in range(block, beyond):
            begin, length = offsets[case], offsets[case + 1] - offsets[case]
            tag = mine[case - block] >> U(32)
            slot = (mine[case - block] ^ tag) & U(size - 1)
            while True:
                held = slots[slot]
                if held == U(0):
                    first[n], of[case], digest[n] = case, n, mine[case - block]
                    n += 1
                    slots[slot] = (tag << U(32)) | U(n)
                    if 2 * n > size:
                        size *= 2
                        slots = slots_of(digest, n, size)
                    break
                number = np.int64(held & U(LOW)) - 1
                if held >> U(32) == tag and digest[number] == mine[case - block]:
                    there = offsets[first[number]]
                    same = offsets[first[number] + 1] - there == length
                    for i in range(length if same else 0):
                        if codes[there + i] != codes[begin + i]:
                            same = False
                            break
                    if same:
                        of[case] = number
                        break
                slot = (slot + U(1)) & U(size - 1)
    return of, first[:n].copy()


@numba.njit(cache=True, nogil=True)
def copy_sequences(offsets: Array, codes: Array, chosen: Array) -> tuple[Array, Array]:
    """Return the offsets and the codes of the chosen sequences, in their order."""
    begins = np.zeros(len(chosen) + 1, np.int64)
    for i in range(len(chosen)):
        begins[i + 1] = begins[i] + offsets[chosen[i] + 1] - offsets[chosen[i]]
    out = np.empty(begins[-1], codes.dtype)
    for i in range(len(chosen)):
        there, begin = offsets[chosen[i]], begins[i]
        for j in range(begins[i + 1] - begin):
            out[begin + j] = codes[there + j]
    return begins, out


@numba.njit(cache=True, nogil=True)
def activity_rounds(offsets: Array, activity: Array, completed: Array, size: int, joined: bool) -> Array:
    """Return instances, cases, most rounds, starts, ends and cases with a second visit of each activity, (6, size).

    Ends are those of completed cases. `joined`: the same activity twice in a row is one visit.
    """
    out = np.zeros((6, size), np.int64)
    rounds, visits = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for case in range(len(offsets) - 1):
        first, last = offsets[case], offsets[case + 1]
        before = U(size)
        for i in range(first, last):
            code = U(activity[i])
            number = rounds[code] + 1
            rounds[code] = number
            out[0, code] += 1
            out[1, code] += number == 1
            out[2, code] = max(out[2, code], number)
            if not joined or code != before:
                visits[code] += 1
                out[5, code] += visits[code] == 2
            before = code
        out[3, U(activity[first])] += 1
        out[4, U(activity[last - 1])] += completed[case]
        for i in range(first, last):
            code = U(activity[i])
            rounds[code] = visits[code] = 0
    return out


@numba.njit(cache=True, nogil=True)
def rework(offsets: Array, activity: Array, completed: Array, size: int) -> tuple[Array, Array, Array]:
    """Return how often each round of each activity was reached, in all cases and in open ones.

    Those of activity a stand from `begins[a]`, the first array returned, to `begins[a + 1]`.
    """
    rounds, begins = np.zeros(size, np.int32), np.zeros(size + 1, np.int64)
    for case in range(len(offsets) - 1):
        for i in range(offsets[case], offsets[case + 1]):
            rounds[U(activity[i])] += 1
        for i in range(offsets[case], offsets[case + 1]):
            code = U(activity[i])
            begins[code + U(1)] = max(begins[code + U(1)], rounds[code])
            rounds[code] = 0
    for one in range(size):
        begins[one + 1] += begins[one]
    reached, still = np.zeros(begins[size], np.int64), np.zeros(begins[size], np.int64)
    for case in range(len(offsets) - 1):
        unfinished = not completed[case]
        for i in range(offsets[case], offsets[case + 1]):
            code = U(activity[i])
            place = U(begins[code] + rounds[code])
            rounds[code] += 1
            reached[place] += 1
            if unfinished:
                still[place] += 1
        for i in range(offsets[case], offsets[case + 1]):
            rounds[U(activity[i])] = 0
    return begins, reached, still


@numba.njit(cache=True, nogil=True)
def case_counts(offsets: Array, activity: Array, person: Array, size: int) -> Array:
    """Return of each case how many different activities, repeats and changes of person it has, (3, m).

    A repeat is an instance of the same activity as the one before it; `person` is 0 where unknown.
    """
    m = len(offsets) - 1
    out, seen = np.zeros((3, m), np.int64), np.full(size, -1, np.int64)
    for case in range(m):
        first = offsets[case]
        distinct, again, changes = 0, 0, 0
        before, giver = U(size), U(person[first])
        for i in range(first, offsets[case + 1]):
            code, taker = U(activity[i]), U(person[i])
            distinct += seen[code] != case
            seen[code] = case
            again += code == before
            changes += (taker != giver) & (taker > U(0)) & (giver > U(0))
            before, giver = code, taker
        out[0, case], out[1, case], out[2, case] = distinct, again, changes
    return out


@numba.njit(cache=True, nogil=True)
def case_times(offsets: Array, activity: Array, start: Array, end: Array, enabled: Array, idle: Array) -> Array:
    """Return of each case first, last, processing, busy and waiting, (5, m).

    `enabled` is empty where it is to be found: the latest earlier end that is not after the start. `idle` says which
    activities are waits. See `mkmine.eventlog.summaries.cases` for what each means.
    """
    m, known = len(offsets) - 1, len(enabled) > 0
    out = np.zeros((5, m), np.int64)
    for case in range(m):
        first, last = offsets[case], offsets[case + 1]
        begin, latest, worked = start[first], MISSING, MISSING
        processing, busy, waiting = 0, 0, 0
        for i in range(first, last):
            ready = start[i]
            if known:
                ready = enabled[i]
                begin = min(begin, ready)
            elif i > first and latest <= start[i]:
                ready = latest
            elif i > first:
                nearest = MISSING
                for j in range(first, i):
                    if end[j] <= start[i]:
                        nearest = max(nearest, end[j])
                ready = start[i] if nearest == MISSING else nearest
            length = end[i] - start[i]
            waiting += start[i] - ready
            if idle[U(activity[i])]:
                waiting += length
            else:
                processing += length
                busy += end[i] - min(max(worked, start[i]), end[i])
                worked = max(worked, end[i])
            latest = max(latest, end[i])
        out[0, case], out[1, case] = begin, latest
        out[2, case], out[3, case], out[4, case] = processing, busy, waiting
    return out


@numba.njit(cache=True, nogil=True)
def follow_counts(offsets: Array, activity: Array, start: Array, end: Array, size: int, longest: int) -> Array:
    """Return how often, and in how many cases, each activity comes after each has ended; flat rows of 4.

    Cases of more than `longest` instances are left out. The third figure of a row is the last such case, plus 1.
    """
    out = np.zeros(size * size * 4, np.int64)
    for case in range(len(offsets) - 1):
        first, last = offsets[case], offsets[case + 1]
        if last - first > longest:
            continue
        for i in range(first, last):
            row, over = U(activity[i]) * U(size * 4), end[i]
            for j in range(i + 1, last):
                if start[U(j)] >= over:
                    cell = row + U(activity[U(j)]) * U(4)
                    out[cell] += 1
                    out[cell + U(1)] += out[cell + U(2)] != case + 1
                    out[cell + U(2)] = case + 1
    return out


@numba.njit(cache=True, nogil=True)
def follow_times(
    offsets: Array, activity: Array, start: Array, end: Array, size: int, longest: int, half: int, often: int
) -> tuple[Array, Array]:
    """Return count, sum and squares of the times from each end to each later start, flat rows of 8, and their carries.

    A time is h * 2**half + l; a row holds count, sum, and the sums of h*h, h*l and l*l. Each `often` (a power of 2)
    times, what these four hold above 32 bits moves to the carries (4 to a row). Cases over `longest` are left out.
    """
    out, carry = np.zeros(size * size * 8, np.int64), np.zeros(size * size * 4, np.int64)
    mask, full = (np.int64(1) << half) - 1, often - 1
    for case in range(len(offsets) - 1):
        first, last = offsets[case], offsets[case + 1]
        if last - first > longest:
            continue
        for i in range(first, last):
            row, over = U(activity[i]) * U(size * 8), end[i]
            for j in range(i + 1, last):
                time = start[U(j)] - over
                if time >= 0:
                    cell = row + U(activity[U(j)]) * U(8)
                    high, low = time >> half, time & mask
                    count = out[cell] + 1
                    out[cell] = count
                    out[cell + U(1)] += time
                    out[cell + U(2)] += high * high
                    out[cell + U(3)] += high * low
                    out[cell + U(4)] += low * low
                    if count & full == 0:
                        for field in range(4):
                            place = cell + U(1 + field)
                            carry[(cell >> U(1)) + U(field)] += out[place] >> 32
                            out[place] &= LOW
    return out, carry


@numba.njit(cache=True, nogil=True)
def work_begins(activity: Array, resource: Array, activities: int, people: int) -> Array:
    """Return where the work of each person on each activity begins, if it is put together in this order."""
    begins = np.zeros(activities * people + 1, np.int64)
    for i in range(len(activity)):
        if resource[i] >= 0:
            begins[U(activity[i]) * U(people) + U(resource[i] + 1)] += 1
    for group in range(activities * people):
        begins[group + 1] += begins[group]
    return begins


@numba.njit(cache=True, nogil=True)
def gather_work(
    activity: Array, resource: Array, start: Array, end: Array, begins: Array, people: int, lowest: int, shift: int
) -> tuple[Array, Array, Array]:
    """Return, put together as `work_begins` says, start and place in the group as one number, the ends and the rows.

    The number is `start - lowest` above the lowest `shift` bits, and the place in these: sorted, it gives the order.
    """
    size = begins[-1]
    packed, ends, rows = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int32)
    place = begins.copy()
    for i in range(len(activity)):
        if resource[i] >= 0:
            group = U(activity[i]) * U(people) + U(resource[i])
            at = place[group]
            packed[U(at)] = ((start[i] - lowest) << shift) | (at - begins[group])
            ends[U(at)], rows[U(at)] = end[i], i
            place[group] = at + 1
    return packed, ends, rows


@numba.njit(cache=True, nogil=True)
def put_in_order(packed: Array, ends: Array, rows: Array, begins: Array, shift: int) -> None:
    """Put ends and rows in the order of the sorted numbers of `gather_work`; what starts together by its end."""
    widest, mask = np.int64(1) << shift, (np.int64(1) << shift) - 1
    over, out = np.empty(widest, np.int64), np.empty(widest, np.int32)
    for group in range(len(begins) - 1):
        first, last = begins[group], begins[group + 1]
        over[: last - first], out[: last - first] = ends[first:last], rows[first:last]
        for i in range(first, last):
            place, j = packed[i] & mask, i
            while j > first and packed[j - 1] >> shift == packed[i] >> shift and ends[j - 1] > over[place]:
                ends[j], rows[j] = ends[j - 1], rows[j - 1]
                j -= 1
            ends[j], rows[j] = over[place], out[place]


@numba.njit(cache=True, nogil=True)
def chains(
    begins: Array, starts: Array, ends: Array, rows: Array, case_of: Array, cases: int, distance: int, least: int
) -> tuple[Array, Array]:
    """Find the chains of at least `least` rows; return the chain of each row (n,), and 7 figures of each chain.

    These are group, kind (see `mkmine.eventlog.summaries.batching`), start, end, rows, cases, and the first row.
    """
    of, seen = np.full(len(case_of), -1, np.int64), np.full(cases, -1, np.int64)
    out, n = np.empty((len(rows) // least, 7), np.int64), 0
    for group in range(len(begins) - 1):
        i = begins[group]
        while i < begins[group + 1]:
            head, over = i, ends[i]
            first_end, chained = over, True
            i += 1
            while i < begins[group + 1] and starts[i] - over <= distance:
                chained = chained and starts[i] == ends[i - 1]
                first_end, over = min(first_end, ends[i]), max(over, ends[i])
                i += 1
            if i - head >= least:
                distinct = 0
                for j in range(head, i):
                    of[rows[j]] = n
                    distinct += seen[case_of[rows[j]]] != n
                    seen[case_of[rows[j]]] = n
                together, finished = starts[head] == starts[i - 1], first_end == over
                kind = 0 if together and finished else 1 if together else 2 if finished else 3 if chained else 4
                out[n, 0], out[n, 1], out[n, 2], out[n, 3] = group, kind, starts[head], over
                out[n, 4], out[n, 5], out[n, 6] = i - head, distinct, rows[head]
                n += 1
    return of, out[:n].copy()
