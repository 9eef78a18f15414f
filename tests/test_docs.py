"""The README and the docs tell the truth: their code runs, their commands parse, their module list is complete."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from mkmine.cli import program

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "simulations" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, *languages: str) -> list[tuple[int, str]]:
    """Line number and text of each fenced block in one of the languages."""
    text = page.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, found.start(2)) + 1, found[2]) for found in FENCE.finditer(text) if found[1] in languages
    ]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the sample in `data/`, as the reader of a page has it."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python", "pycon")], ids=lambda p: p.name)
def test_code_of_the_page_runs(page: Path, workplace: Path) -> None:
    names: dict[str, object] = {"__name__": page.stem}
    for line, code in blocks(page, "python", "pycon"):
        if code.lstrip().startswith(">>>"):
            example = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), line - 1)
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
            runner.run(example, clear_globs=False)
            assert runner.summarize(verbose=False).failed == 0
            names |= example.globs
        else:
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)


def commands() -> list[tuple[str, str]]:
    """Each `mkmine ...` line of the console blocks, with the page it stands on."""
    return [
        (page.name, line.removeprefix("$ ").split("  #")[0].strip())
        for page in PAGES
        for _, text in blocks(page, "console", "bash", "shell")
        for line in text.splitlines()
        if line.removeprefix("$ ").startswith("mkmine ")
    ]


@pytest.mark.parametrize(("page", "command"), commands())
def test_command_of_the_page_parses(page: str, command: str, workplace: Path) -> None:
    group = program()
    words = shlex.split(command)[1:]
    for path in (one for one in words if "/" not in one and Path(one).suffix in {".csv", ".bpmn", ".xes", ".yaml"}):
        Path(path).touch()
    if not words or words[0].startswith("-"):
        return
    verb = group.get_command(click.Context(group), words[0])
    assert verb is not None, f"{page}: there is no verb {words[0]}"
    if "--help" not in words:
        verb.make_context(words[0], words[1:])


def modules() -> set[str]:
    """Every module of the package; a room's empty `__init__` is the room itself."""
    found = set()
    for path in (ROOT / "mkmine").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def test_modules_page_lists_every_module_and_no_other() -> None:
    text = (ROOT / "docs" / "modules.md").read_text(encoding="utf-8")
    listed = re.findall(r"^- `(mkmine[\w.]*)`: \S", text, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert modules() - set(listed) == set(), "not on docs/modules.md"
    assert set(listed) - modules() == set(), "on docs/modules.md, but not in the package"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text) + re.findall(r'src="(?!https?:)([^"]+)"', text)
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_changelog_names_the_version() -> None:
    import mkmine

    assert f"## {mkmine.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
