"""Bytes as text: gzip unpacked within bounds, encodings told by their marks and letters, streams of UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError

__all__ = [
    "GIB",
    "LOST",
    "PIECE",
    "Undecodable",
    "Utf8",
    "detect",
    "is_packed",
    "known_encoding",
    "loads_json",
    "open_limited",
    "undecodable",
]

GIB = 1 << 30
# A text log rarely shrinks more than 50 times; a bomb does 1,000 times.
MAX_RATIO, SMALL = 120, 16 << 20
MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
BOM = MARKS[0][0]
MARKED, CUT_MARK = re.compile(rb"(?<=[\r\n])(?:\xef\xbb\xbf)+"), re.compile(rb"(?:^|(?<=[\r\n]))\xef\xbb?\Z")
# What stands for a byte that belongs to no letter. Text of one byte per letter has hardly a letter of several by
# chance: one for seven that are none in cp866, fewer than one for a hundred in the others.
LOST, BY_CHANCE = "\ufffd", 0.5
PIECE = 1 << 20
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# A pair of escapes is one character; a backslash may itself be escaped.
ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F]..)|.)")
CYRILLIC = ("cp1251", "koi8-r", "cp866")
# How many of 10,000 letters of Russian text each is (after the frequency dictionary of Lyashevskaya and Sharov, 2009).
LETTERS = {
    "о": 1097, "е": 845, "а": 801, "и": 735, "н": 670, "т": 626, "с": 547, "р": 473, "в": 454, "л": 440, "к": 349,
    "м": 321, "д": 298, "п": 281, "у": 262, "я": 201, "ы": 190, "ь": 174, "г": 170, "з": 165, "б": 159, "ч": 144,
    "й": 121, "х": 97, "ж": 94, "ш": 73, "ю": 64, "ц": 48, "щ": 36, "э": 32, "ф": 26, "ъ": 4, "ё": 4,
}  # fmt: skip


class _Limited(io.RawIOBase):
    """A stream that refuses to give more than `limit` bytes (None bounds nothing).

    What is packed is refused as soon as what was taken of `file` so far has become far more than any log does.
    """

    def __init__(self, source: IO[bytes], limit: int | None, name: str, file: IO[bytes]) -> None:
        self.source, self.limit, self.name, self.file, self.count = source, limit, name, file, 0

    @property
    def bound(self) -> int | None:
        """How many bytes may have been given so far."""
        if self.source is self.file:
            return self.limit
        bound = max(SMALL, MAX_RATIO * self.file.tell())
        return bound if self.limit is None else min(self.limit, bound)

    def close(self) -> None:
        self.source.close()
        self.file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        pieces, room = [], size
        while room and (piece := self._piece(PIECE if room < 0 else min(room, PIECE))):
            pieces.append(piece)
            room -= len(piece)
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        try:
            piece = self.source.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(
                f'"{self.name}" is not a whole gzip file ({error}); it may have been cut off: export it again'
            ) from None
        self.count += len(piece)
        bound = self.bound
        if bound is not None and self.count > bound:
            raise DataError(
                f'"{self.name}" unpacks to more than {bound / 2**20:,.0f} MiB, more than a log of its packed size '
                f"holds; unpack it yourself if you trust it"
            )
        return piece


def is_packed(path: Path) -> bool:
    """Return whether a file is packed with gzip, by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def open_limited(path: Path, size_limit: int | None = 4 * GIB) -> _Limited:
    """Open a file, unpacking gzip (told by its first bytes), with a bound on the unpacked size.

    Without `size_limit` only what is packed has a bound, by its ratio.
    """
    stream = path.open("rb")
    if not is_packed(path):
        return _Limited(stream, size_limit, path.name, stream)
    return _Limited(cast("IO[bytes]", gzip.GzipFile(fileobj=stream)), size_limit, path.name, stream)


class Utf8(io.RawIOBase):
    """A file of any encoding as a stream of UTF-8, without byte order marks.

    A mark is no part of the text at the beginning of the file, nor of a line: files with marks are joined to one. What
    does not belong to the encoding raises with `errors="strict"` and becomes U+FFFD with `"replace"`; without `errors`
    UTF-8 is passed on as it is, and whoever reads it checks it. `nul` tells whether a NUL byte, which no text has, was
    met so far.
    """

    def __init__(self, path: Path, encoding: str, errors: str | None = None) -> None:
        self.raw = open_limited(path, None)
        self.nul = False
        self.decoder: Any = None
        # What may be the beginning of a mark, and whether a line begins after what was read so far.
        self.held, self.begins = b"", True
        if encoding not in ("utf-8", "utf-8-sig") or errors is not None:
            self.decoder = codecs.getincrementaldecoder(encoding.removesuffix("-sig"))(errors or "strict")

    def close(self) -> None:
        """Close the file."""
        self.raw.close()
        super().close()

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size` of them (a few more if it is less than 4); none at the end."""
        piece, ended = b"", False
        # An empty piece would mean the end.
        while not piece and not ended and not self.closed:
            piece = self._next(size if size < 0 else max(size - len(self.held), 1))
            ended = size < 0 or not piece
            piece = self._unmarked(self.held + piece, ended)
        self.nul = self.nul or b"\0" in piece
        return piece

    def _next(self, size: int) -> bytes:
        if self.decoder is None:
            return self.raw.read(size)
        piece = b""
        while not piece:
            # A letter of one byte may be three in UTF-8.
            bytes_ = self.raw.read(max(size // 3, 1) if size >= 0 else -1)
            piece = self.decoder.decode(bytes_, final=size < 0 or not bytes_).encode("utf-8", "replace")
            if not bytes_:
                break
        return piece

    def _unmarked(self, piece: bytes, ended: bool) -> bytes:
        """Return a piece without the marks at the beginning of its lines; what may become one is held back."""
        self.held = b""
        if BOM[:1] in piece:
            piece = MARKED.sub(b"", piece) if not self.begins else MARKED.sub(b"", b"\n" + piece)[1:]
            cut = None if ended else CUT_MARK.search(piece)
            if cut and (cut.start() or self.begins):
                piece, self.held = piece[: cut.start()], piece[cut.start() :]
        self.begins = piece.endswith((b"\n", b"\r")) if piece else self.begins
        return piece


def known_encoding(name: str) -> str:
    """Return the usual name of an encoding of text. Raises `DataError` if there is none of that name."""
    try:
        info = codecs.lookup(name)
        # Encodings for other ends (of domain names, of Python's own) cannot replace what does not belong to them.
        "".encode(name)
        codecs.getincrementaldecoder(name)("replace").decode(codecs.BOM_UTF32 + bytes(range(256)), final=True)
    except (LookupError, UnicodeError, ValueError):
        raise DataError(f'there is no encoding "{name}"; give e.g. "utf-8" or "cp1251"') from None
    return info.name


def loads_json(text: str) -> Any:
    """Return the values of JSON; half of a surrogate pair (an emoji cut in two), which no text has, stays an escape.

    Raises `ValueError` or `RecursionError` if it is none.
    """
    return json.loads(ESCAPE.sub(_whole, text) if SURROGATE.search(text) else text)


def _whole(escape: re.Match[str]) -> str:
    return escape[0] if escape["half"] is None else "\\" + escape[0]


def detect(head: bytes, *, whole: bool) -> str:
    """Return the encoding of a text that begins with `head`, or is that if `whole`.

    It is told by a byte order mark, by the zeros of UTF-16, by being valid UTF-8, or, among those of one byte per
    letter, by the letters that it gives: Cyrillic words are runs of high bytes, in Western text a high byte stands
    alone among Latin letters.
    """
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    few = head[:4096]
    for name, zeros in (("utf-16-le", few[1::2]), ("utf-16-be", few[0::2])):
        if len(zeros) > 8 and zeros.count(0) > 0.4 * len(zeros):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
        return "utf-8"
    except UnicodeDecodeError:
        text = head.decode("utf-8", "replace")
        lost = text.count(LOST)
        if len(text) - len(text.encode("ascii", "ignore")) - lost >= BY_CHANCE * lost:
            # Damaged, or joined from files of several encodings: the rows of the others are told of, not misread.
            return "utf-8"
    letters = np.frombuffer(head, dtype=np.uint8)
    high = letters >= 0x80
    in_runs = int((high[1:] & high[:-1]).sum())
    if in_runs <= 0.5 * max(int(high.sum()), 1):
        return "cp1252"
    # A word begins after a byte that is no letter; capitals within words are rare.
    begins = high & ~np.append(False, high[:-1])
    first = np.bincount(letters[begins], minlength=256)
    inner = np.bincount(letters[high & ~begins], minlength=256)
    likely = {
        name: max(first @ one.first + inner @ one.inner for one in (_likelihood(name, False), _likelihood(name, True)))
        for name in CYRILLIC
    }
    return max(CYRILLIC, key=lambda name: float(likely[name]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecodable:
    """Where a file does not belong to an encoding: the line, the byte, and what is around it.

    `plain` tells that all before it is ASCII, and so would be the same in another encoding.
    """

    line: int
    byte: int
    near: bytes
    plain: bool

    def error(self, name: str, encoding: str) -> DataError:
        """Return the error that says so of the file of that name."""
        return DataError(
            f'"{name}" is not {encoding}: byte 0x{self.byte:02x} in line {self.line:,} does not belong to it; pass '
            f'encoding="...", save the file as UTF-8, or pass errors="quarantine" to set such rows aside'
        )


def undecodable(path: Path, encoding: str) -> Undecodable | None:
    """Return the first place of a file that does not belong to the encoding; None if there is none."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, plain = 1, True
    with open_limited(path, None) as raw:
        while True:
            piece = raw.read(PIECE)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                text = error.object[: error.start].decode(encoding, "replace")
                line, plain = line + text.count("\n"), plain and text.isascii()
                return Undecodable(line=line, byte=error.object[error.start], near=piece or error.object, plain=plain)
            line, plain = line + text.count("\n"), plain and text.isascii()
            if not piece:
                return None


@dataclass(frozen=True, slots=True, eq=False)
class _Likelihood:
    """The logarithm of how often each byte (256,) begins a Russian word, and of how often it is within one."""

    first: NDArray[np.float64]
    inner: NDArray[np.float64]


@lru_cache
def _likelihood(encoding: str, capitals: bool) -> _Likelihood:
    rare = 1e-5
    first, inner = np.full(256, np.log(rare)), np.full(256, np.log(rare))
    usual, unusual = 0.95, 0.05
    for letter, count in LETTERS.items():
        within = (unusual, usual) if capitals else (usual, unusual)
        for shape, share in zip((letter, letter.upper()), within, strict=True):
            with suppress(UnicodeEncodeError):
                byte = shape.encode(encoding)[0]
                first[byte] = np.log(count / 10_000 * (share if capitals else 0.5))
                inner[byte] = np.log(count / 10_000 * share)
    return _Likelihood(first, inner)
