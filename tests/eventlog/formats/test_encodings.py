"""Encodings told by marks and letters, and files of any encoding as streams of UTF-8."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.eventlog.formats.encodings import Utf8, detect, is_packed, known_encoding, undecodable

RUSSIAN = [
    "Задача;Статус;Дата\n007;Новая;05.03.2025\n008;Готово «да»;06.03.2025\n",
    "ЗАДАЧА;СТАТУС\n1;НОВАЯ\n2;ГОТОВО\n",
    "Ключ,Исполнитель\nA-1,Пётр Щукин\nA-2,Юля Эйнштейн\n",
    "id,имя\n1,Иванов\n",
]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "koi8-r", "cp866"])
@pytest.mark.parametrize("text", RUSSIAN)
def test_russian_text_tells_its_encoding_by_its_letters(text: str, encoding: str) -> None:
    data = text.encode(encoding, "replace")
    assert detect(data, whole=True) == encoding


@pytest.mark.parametrize("text", ["id,état\n1,fermé à clé\n2,créé\n", "naïve – “quoted” text…", "größe,übung\n"])
def test_western_text_is_not_taken_for_cyrillic(text: str) -> None:
    assert detect(text.encode("cp1252"), whole=True) == "cp1252"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_marks_of_the_byte_order_are_believed(encoding: str) -> None:
    assert detect("a,b\n1,я\n".encode(encoding), whole=True) == encoding


def test_a_letter_cut_in_two_by_the_end_of_the_beginning_is_no_sign_of_another_encoding() -> None:
    head = "ключ\n".encode() + "я".encode()[:1]
    assert detect(head, whole=False) == "utf-8"


def test_damaged_utf8_is_still_utf8() -> None:
    assert detect(("строка " * 100).encode() + b"\xff\n", whole=True) == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "koi8-r", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_streams_give_the_same_text_in_pieces_of_any_size(tmp_path: Path, encoding: str, size: int) -> None:
    path, text = tmp_path / "x.csv", "a;b\n1;ящик\n" * 20
    path.write_bytes(text.encode(encoding))
    with Utf8(path, encoding) as stream:
        pieces = list(iter(lambda: stream.read(size), b""))
    assert b"".join(pieces).decode() == text
    assert all(len(piece) <= max(size, 4) for piece in pieces)


@given(st.binary(max_size=60))
@example(b"\xef\xbb\xbf")
@example(b"\xef\xbb\xbf\xef\xbb\xbfa\n\xef\xbb\xbfb\xef\xbb\xbf")
def test_what_does_not_belong_is_replaced_or_raises(data: bytes) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        path.write_bytes(data)
        if is_packed(path):
            return
        with Utf8(path, "utf-8", "replace") as stream:
            # A mark of the byte order is no part of a line that it begins.
            meant = re.sub("(?:\\A|(?<=[\r\n]))\ufeff+", "", data.decode("utf-8", "replace"))
            assert stream.read().decode() == meant
        place = undecodable(path, "utf-8")
    good = data.decode("utf-8", "ignore").encode()
    assert (place is None) == (good == data)
    if place is not None:
        before = data.decode("utf-8", "surrogateescape").split("\n")
        lines = [any("\udc80" <= letter <= "\udcff" for letter in line) for line in before]
        assert place.line == lines.index(True) + 1
        assert place.byte >= 0x80


def test_packed_files_are_unpacked(write: Callable[..., Path]) -> None:
    path = write("x.csv.gz", gzip.compress("ключ\n".encode("cp1251")))
    assert is_packed(path)
    with Utf8(path, "cp1251") as stream:
        assert stream.read().decode() == "ключ\n"


@pytest.mark.parametrize("name", ["klingon", "base64", "rot13", "undefined", "\0", ""])
def test_names_that_are_no_encodings_of_text_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="there is no encoding"):
        known_encoding(name)
    assert known_encoding("UTF8") == "utf-8"
