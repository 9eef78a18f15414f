"""The Russian catalogue is complete: every text that Babel's extractor finds, in code and in templates."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

PACKAGE = Path(__file__).resolve().parents[2] / "mkmine"
KEYWORDS = {"t": None, "message": None, "plural": (1, 2)}
Id = str | tuple[str, ...]


def found(path: Path) -> set[Id]:
    method = "python" if path.suffix == ".py" else "jinja2.ext:babel_extract"
    return {text for _, text, _, _ in extract_from_file(method, path, keywords=KEYWORDS) if text}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.fixture(scope="module")
def russian() -> Catalog:
    with (PACKAGE / "locale" / "ru.po").open("rb") as source:
        return read_po(source, locale="ru", abort_invalid=True)


SOURCES = sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.j2")])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_extracted_text_is_translated(path: Path, russian: Catalog) -> None:
    for text in found(path):
        entry = russian.get(text if isinstance(text, str) else text[0])
        assert entry is not None, text
        forms = [entry.string] if isinstance(entry.string, str) else list(entry.string)
        assert len(forms) == (1 if isinstance(text, str) else 3)
        for form in forms:
            assert form.strip()
            assert fields(form) == fields(text if isinstance(text, str) else text[1])


def test_templates_are_searched() -> None:
    template = PACKAGE / "report" / "templates" / "report.html.j2"
    assert "Contents" in found(template)


def test_nothing_is_kept_that_no_one_says(russian: Catalog) -> None:
    said = {text if isinstance(text, str) else text[0] for path in SOURCES for text in found(path)}
    for path in PACKAGE.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        said |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    kept = {entry.id if isinstance(entry.id, str) else entry.id[0] for entry in russian if entry.id}
    assert kept <= said


def test_russian_spaces(russian: Catalog) -> None:
    """A number and its per cent sign, a word and the dash after it, stay on one line."""
    for entry in russian:
        for form in [entry.string] if isinstance(entry.string, str) else entry.string:
            assert " — " not in form, form
            assert not any(f"{digit} %" in form for digit in string.digits), form
