"""Write docs/modules.md anew: every module of the package with the first sentence of its docstring."""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "mkmine"
ROOMS = {
    "": "The façade, and what everything stands on",
    "calendars": "Working time",
    "eventlog": "What happened",
    "trackers": "From task trackers to event logs",
    "targets": "TO-BE",
    "discovery": "AS-IS",
    "conformance": "AS-IS against TO-BE",
    "performance": "Where time goes",
    "simulation": "What if",
    "catalogue": "Reference processes and the worlds of the samples",
    "optimization": "Which staffing",
    "rollout": "Did it come true",
    "report": "What is handed over",
    "widgets": "The map in a notebook",
    "web": "The map in a browser",
    "cli": "The command line",
}
HEAD = """# Modules

Every module of the package in a line, as `python docs/list_modules.py` writes it from the docstrings. Imports go
one way, upwards on this page: a room may import those above it, never one below. A test compares this page with the
package, and `lint-imports` the direction with the code.
"""


def sentence(path: Path) -> str:
    """Return the first paragraph of a module's docstring, on one line and without its full stop."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "empty until its step"
    return " ".join(text.partition("\n\n")[0].split()).rstrip(".")


def page() -> str:
    """Return the text of the page."""
    lines: dict[str, list[str]] = {room: [] for room in ROOMS}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        room = parts[1] if len(parts) > 2 else ""
        lines[room].append(f"- `{name}`: {sentence(path)}")
    chapters = [f"\n## {title}\n\n" + "\n".join(lines[room]) + "\n" for room, title in ROOMS.items() if lines[room]]
    return HEAD + "".join(chapters)


if __name__ == "__main__":
    (HERE / "modules.md").write_text(page(), encoding="utf-8")
