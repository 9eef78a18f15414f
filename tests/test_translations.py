"""Russian and English are equal: every text of the package has its Russian form, with the same fields."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

PACKAGE = Path(__file__).resolve().parents[1] / "mkmine"


def texts(source: str) -> set[str | tuple[str, str]]:
    """The literal texts that a module hands to the translator (or marks for it): `t("...")`, `message("...")`."""
    found: set[str | tuple[str, str]] = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        words = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if name in {"t", "message"} and len(words) == 1:
            found.add(words[0])
        elif name == "plural" and len(words) == 2:
            found.add((words[0], words[1]))
    return found


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (PACKAGE / "locale" / "ru.po").open("rb") as source:
        return read_po(source, locale="ru")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_every_text_has_its_russian(path: Path, catalogue: Catalog) -> None:
    missing = []
    for text in texts(path.read_text(encoding="utf-8")):
        known = catalogue.get(text[0] if isinstance(text, tuple) else text)
        said = [known.string] if known and isinstance(known.string, str) else list(known.string) if known else []
        if not said or not all(said):
            missing.append(text)
    assert not missing


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_russian_has_the_fields_of_the_english(catalogue: Catalog) -> None:
    wrong = []
    entry: Message
    for entry in catalogue:
        if not entry.id:
            continue
        english = entry.id[1] if isinstance(entry.id, tuple) else entry.id
        for russian in entry.string if isinstance(entry.string, tuple | list) else [entry.string]:
            if russian and fields(russian) != fields(english):
                wrong.append((english, russian))
    assert not wrong
