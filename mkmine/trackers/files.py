"""JSON exports on disk: compressed or not, in whatever encoding, never more than a limit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mkmine.errors import DataError
from mkmine.eventlog.formats.encodings import loads_json
from mkmine.eventlog.formats.tabular import open_limited
from mkmine.files import checked_path

__all__ = ["opening", "read_json"]

GIB = 1 << 30
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_json(path: Path, *, size_limit: int = 2 * GIB) -> Any:
    """Return the values of a JSON file (plain or gzip), or the list of them if each line is one.

    Raises `DataError` if the file is absent, damaged, larger than `size_limit` bytes when unpacked, or not JSON
    (with line and column).
    """
    text = decode(_bytes(path, size_limit))
    if not text.strip():
        raise DataError(f'"{path.name}" is empty; export it again')
    try:
        return loads_json(text)
    except RecursionError:
        raise DataError(f'"{path.name}" is nested too deeply for an export; check that it is one') from None
    except json.JSONDecodeError as error:
        lines = text.splitlines()
        if error.msg == "Extra data" and len(lines) > 1:
            return [_line(line, number, path.name) for number, line in enumerate(lines, 1) if line.strip()]
        raise DataError(
            f'"{path.name}" is not valid JSON (line {error.lineno}, column {error.colno}: {error.msg}); export it again'
        ) from None
    except ValueError as error:
        raise DataError(f'"{path.name}" holds a value that cannot be read ({error}); export it again') from None


def opening(path: Path, *, size: int = 65_536) -> str:
    """Return the beginning of a file as text; a file that cannot be read gives empty text."""
    try:
        with open_limited(path, size) as stream:
            pieces, room = [], size
            while room > 0 and (piece := stream.read(room)):
                pieces.append(piece)
                room -= len(piece)
        return decode(b"".join(pieces))
    except (OSError, DataError):
        return ""


def decode(data: bytes) -> str:
    """Return bytes as text: UTF-16 with a byte order mark, UTF-8 with or without, or else cp1251 (Russian Windows).

    A character cut off at the very end is left out.
    """
    if data.startswith(_UTF16):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Its place counts from behind a byte order mark, as what it was found in does.
        if error.start >= len(error.object) - 3:
            return error.object[: error.start].decode("utf-8", errors="replace")
        return data.decode("cp1251", errors="replace")


def _bytes(path: Path, size_limit: int) -> bytes:
    if not checked_path(path).is_file():
        raise DataError(f'there is no file "{path}"; check the path (it is taken from {Path.cwd()})')
    try:
        with open_limited(path, size_limit) as stream:
            return stream.read()
    except OSError as error:
        raise DataError(f'"{path}" cannot be opened ({error.strerror}); check its permissions') from None


def _line(line: str, number: int, name: str) -> Any:
    try:
        return loads_json(line)
    except (ValueError, RecursionError):
        raise DataError(f'"{name}" is not valid JSON (line {number}); export it again') from None
