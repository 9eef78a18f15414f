from __future__ import annotations

import io
import sys

import pytest

from mkmine.simulation.experiments import progress
from mkmine.simulation.experiments.progress import Progress, bar, shown


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_bar_says_how_far_and_how_long() -> None:
    assert bar(0, 10, 3) == "░" * 24 + " 0 / 10  0:00"
    assert bar(5, 10, 70) == "█" * 12 + "░" * 12 + " 5 / 10  1:10"
    assert bar(2_000, 2_000, 5).endswith(" 2,000 / 2,000  0:00")


def test_nobody_watches_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert shown() is None


def test_a_terminal_is_written_over_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(progress, "_PAUSE_S", 0.0)
    line = shown()
    assert isinstance(line, Progress)
    line(1, 2)
    line(2, 2)
    line.close()
    said = terminal.getvalue()
    assert "1 / 2" in said
    assert "\n" not in said
    assert said.endswith("\r\x1b[K")


def test_what_is_soon_over_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    line = shown()
    assert line is not None
    line(1, 2)
    line.close()
    assert terminal.getvalue() == ""


def test_a_notebook_gets_one_line_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Handle:
        def update(self, text: dict[str, str], *, raw: bool) -> None:
            told.append(text["text/plain"])

    def display(text: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        told.append(text["text/plain"])
        return Handle()

    import IPython.display

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(progress, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(progress, "_PAUSE_S", 0.0)
    line = Progress(notebook=True)
    line(1, 4)
    line(3, 4)
    line(4, 4)
    line.close()
    assert [text[25:30] for text in told] == ["1 / 4", "3 / 4", ""]


def test_a_notebook_is_known_by_its_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    class ZMQInteractiveShell:
        pass

    import IPython

    monkeypatch.setattr(IPython, "get_ipython", ZMQInteractiveShell)
    assert shown() is not None
