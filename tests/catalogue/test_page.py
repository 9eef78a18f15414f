"""The page of the catalogue lists what the catalogue holds."""

from __future__ import annotations

import runpy
from pathlib import Path


def test_the_tables_of_the_page_are_those_of_the_catalogue(root: Path) -> None:
    text = (root / "docs" / "catalogue.md").read_text(encoding="utf-8")
    written = runpy.run_path(str(root / "docs" / "list_catalogue.py"))["page"](text)
    assert written == text, "run python docs/list_catalogue.py"
