from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from pathlib import Path

import pytest

from mkmine.errors import DataError, UnknownNameError
from mkmine.report import Picture
from mkmine.widgets import view

PICTURE = Picture(svg='<svg viewBox="0 0 9 9"><title>a</title></svg>', width=9, height=9, title="<b>Карта</b>")


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_the_page_holds_the_drawing_and_asks_for_nothing() -> None:
    page = view(PICTURE, language="ru").html
    assert PICTURE.svg in page
    assert "<b>Карта" not in page
    assert not re.search(r"https?://|@import|<link|src=", page)


def test_the_policy_allows_this_style_and_script_only() -> None:
    page = view(PICTURE).html
    policy = re.search(r'Policy" content="([^"]+)"', page)
    assert policy is not None
    for part in ("style", "script"):
        text = re.search(rf"<{part}>(.*?)</{part}>", page, re.DOTALL)
        assert text is not None
        assert f"{part}-src 'sha256-{digest(text[1])}'" in policy[1]


def test_a_notebook_shows_it_in_a_sandbox() -> None:
    frame = view(PICTURE)._repr_html_()
    assert 'sandbox="allow-scripts"' in frame
    assert unescape(frame).count("<!DOCTYPE html>") == 1
    assert frame.count("<") == 2


def test_saving(tmp_path: Path) -> None:
    saved = view(PICTURE).save(tmp_path / "map.html")
    assert saved.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(DataError, match=r"map\.html"):
        view(PICTURE).save(tmp_path / "map.svg")


def test_unknown_language() -> None:
    with pytest.raises(UnknownNameError):
        view(PICTURE, language="xx")
