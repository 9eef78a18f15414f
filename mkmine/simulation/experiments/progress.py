"""How far a long simulation is: a line that is written over, where a person watches, and nothing elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Progress", "bar", "shown"]

# (runs done, runs planned so far)
Report = Callable[[int, int], None]
_WIDTH = 24
# What is over sooner needs no bar, and a bar needs no more than five drawings a second.
_PATIENCE_S, _PAUSE_S = 2.0, 0.2


def bar(done: int, total: int, seconds: float) -> str:
    """Return a bar with the runs done, the runs planned and the time left."""
    share = min(done / total, 1.0) if total else 0.0
    full = int(share * _WIDTH)
    left = seconds / share - seconds if share > 0 else 0.0
    clock = f"{int(left // 60)}:{int(left % 60):02d}"
    return f"{'█' * full}{'░' * (_WIDTH - full)} {done:,} / {total:,}  {clock}"


class Progress:
    """A bar on stderr or in a notebook; called with (runs done, runs planned)."""

    def __init__(self, *, notebook: bool = False) -> None:
        self._began, self._drawn = time.monotonic(), 0.0
        self._notebook = notebook
        self._handle: Any = None

    def __call__(self, done: int, total: int) -> None:
        """Draw the bar again, if it is time to; what is done needs none."""
        now = time.monotonic()
        if done >= total:
            self.close()
        elif now - self._began >= _PATIENCE_S and now - self._drawn >= _PAUSE_S:
            self._drawn = now
            self._draw(bar(done, total, now - self._began))

    def close(self) -> None:
        """Take the bar away."""
        if self._drawn:
            self._drawn = 0.0
            self._draw("")

    def _draw(self, text: str) -> None:
        if self._notebook:
            self._show({"text/plain": text})
            return
        encoding = getattr(sys.stderr, "encoding", None) or "ascii"
        sys.stderr.write("\r\x1b[K" + text.encode(encoding, "replace").decode(encoding))
        sys.stderr.flush()

    def _show(self, text: dict[str, str]) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(text, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(text, raw=True)


def shown() -> Progress | None:
    """Return a bar where somebody watches: on a terminal or in a notebook; None elsewhere."""
    if _in_notebook():
        return Progress(notebook=True)
    return Progress() if sys.stderr is not None and sys.stderr.isatty() else None


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return type(shell).__name__ == "ZMQInteractiveShell"
