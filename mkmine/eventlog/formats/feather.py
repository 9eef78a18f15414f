"""Feather (the file format of Arrow), read after its own account of what it unpacks to has been checked.

What the blocks of a file hold is told by flatbuffers, of which a few fields are read here as they stand in the bytes.
Source: Apache Arrow Columnar Format, "Serialization and Interprocess Communication", with Message.fbs and File.fbs.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

__all__ = ["unpacked_size"]

MAGIC = b"ARROW1"
BLOCK, BUFFER, NODE = struct.Struct("<qi4xq"), struct.Struct("<qq"), struct.Struct("<qq")
LONG, INT, SHORT = struct.Struct("<q"), struct.Struct("<i"), struct.Struct("<H")
# The numbers of fields in their tables, and of the kinds of messages.
DICTIONARIES, BATCHES = 2, 3
KIND, HEADER, OF_DICTIONARY, DATA = 1, 2, 2, 1
LENGTH, NODES, BUFFERS, COMPRESSION = range(4)
CONTINUED, AS_IT_IS = -1, -1


def unpacked_size(path: Path) -> tuple[int, int]:
    """Return how many rows a file says that it holds, and how many bytes they are when unpacked.

    Raises `ValueError` if it does not hold what it says.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return 0, 0
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                end = len(data) - len(MAGIC) - INT.size
                footer = end - _int(data, end)
                root = footer + _int(data, footer)
                rows = size = 0
                for field in (DICTIONARIES, BATCHES):
                    for place in _items(data, root, field, BLOCK.size):
                        at, head, _ = BLOCK.unpack_from(data, place)
                        batch_rows, batch_size = _batch(data, at, at + head)
                        size += batch_size
                        rows += batch_rows if field == BATCHES else 0
            except (struct.error, IndexError):
                raise ValueError("it is cut off, or its parts do not lie where it says") from None
    return rows, size


def _batch(data: mmap.mmap, at: int, body: int) -> tuple[int, int]:
    """Return the rows and the bytes, when unpacked, of the message at a place whose buffers begin at `body`."""
    at += 2 * INT.size if _int(data, at) == CONTINUED else INT.size
    message = at + _int(data, at)
    kind, table = _field(data, message, KIND), _table(data, message, HEADER)
    if kind and data[kind] == OF_DICTIONARY:
        table = _table(data, table, DATA)
    length = _field(data, table, LENGTH)
    rows = LONG.unpack_from(data, length)[0] if length else 0
    # Columns without values have no bytes, lists other lengths than the table.
    for place in _items(data, table, NODES, NODE.size):
        rows = max(rows, NODE.unpack_from(data, place)[0])
    size, packed = 0, _field(data, table, COMPRESSION)
    for place in _items(data, table, BUFFERS, BUFFER.size):
        begin, length = BUFFER.unpack_from(data, place)
        told = LONG.unpack_from(data, body + begin)[0] if packed and length >= LONG.size else AS_IT_IS
        size += max(length if told == AS_IT_IS else told, 0)
    return rows, size


def _int(data: mmap.mmap, at: int) -> int:
    return int(INT.unpack_from(data, at)[0])


def _field(data: mmap.mmap, table: int, number: int) -> int:
    """Return the place of a field of a table, 0 if it is absent."""
    offsets = table - _int(data, table)
    at = 2 * SHORT.size + number * SHORT.size
    if at >= SHORT.unpack_from(data, offsets)[0]:
        return 0
    offset = SHORT.unpack_from(data, offsets + at)[0]
    return table + int(offset) if offset else 0


def _table(data: mmap.mmap, table: int, number: int) -> int:
    place = _field(data, table, number)
    if not place:
        raise IndexError
    return place + _int(data, place)


def _items(data: mmap.mmap, table: int, number: int, size: int) -> Iterator[int]:
    """Yield the places of the items of a vector."""
    place = _field(data, table, number)
    if place:
        begin = place + _int(data, place)
        count = _int(data, begin)
        if count < 0 or begin + count * size > len(data):
            raise IndexError
        yield from range(begin + INT.size, begin + INT.size + count * size, size)
