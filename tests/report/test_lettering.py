from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from mkmine.report.lettering import ELLIPSIS, clean, escaped, text_width, visible, wrap


def test_width_grows_with_text_size_and_weight() -> None:
    plain = text_width("Согласование", size=12)
    assert plain < text_width("Согласование текста", size=12)
    assert plain < text_width("Согласование", size=12, weight="bold")
    assert text_width("Согласование", size=24) == 2 * plain


def test_width_of_known_glyphs() -> None:
    # DejaVu Sans: a digit is 636/1000 em, rounded up to 640.
    assert text_width("0123456789", size=10) == 64.0
    assert text_width("日", size=10) == 10.0
    assert text_width("e\u0301", size=10) == text_width("e", size=10)


def test_wrap_keeps_words_and_ends_in_an_ellipsis() -> None:
    rows = wrap("Очень длинное название действия, которое не помещается ни в какую рамку", size=12, width=150, lines=2)
    assert len(rows) == 2
    assert rows[0] == "Очень длинное"
    assert rows[1].endswith(ELLIPSIS)


@given(st.text(max_size=300), st.integers(1, 3))
def test_wrapped_lines_fit(text: str, lines: int) -> None:
    rows = wrap(text, size=12, width=120, lines=lines)
    assert 1 <= len(rows) <= lines
    assert all(text_width(row, size=12) <= 120 for row in rows)


@given(st.text(alphabet="аб в-г", max_size=60))
def test_what_fits_is_not_lost(text: str) -> None:
    rows = wrap(text, size=12, width=10_000)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")


@given(st.text(max_size=100))
def test_escaped_text_is_safe_in_xml(text: str) -> None:
    element = ElementTree.fromstring(f'<a b="{escaped(text)}">{escaped(text)}</a>')
    assert element.text == clean(text) == element.attrib["b"]
    assert not list(element)


def test_what_cannot_be_shown_becomes_a_space() -> None:
    assert visible("a\x00b\nc\u202ed") == "a b c d"
