"""Summaries of single partitions kept beside them, so that after an addition only what changed is done anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

from mkmine.errors import MkmineError
from mkmine.files import write_text

__all__ = ["Keeper", "forget"]

# Functions that are known to depend on the instances of a log and on nothing else of it. What a user's function of the
# same name does tomorrow nobody knows.
KNOWN = "mkmine.eventlog.summaries"


class Keeper:
    """Keeps the values of one function in a folder, if it is known and its values can be written and read."""

    def __init__(self, folder: Path, function: Callable[..., Any]) -> None:
        self.folder = folder
        plain, arguments = function, {}
        if isinstance(function, partial) and not function.args:
            plain, arguments = function.func, function.keywords
        self.kind: Any = None
        module = getattr(plain, "__module__", None) or ""
        if module == KNOWN or module.startswith(f"{KNOWN}."):
            kind = get_type_hints(plain).get("return")
            if hasattr(kind, "from_dict") and hasattr(kind, "to_dict"):
                self.kind = kind
        try:
            version = import_module("mkmine").__version__
            called = json.dumps([version, module, getattr(plain, "__qualname__", ""), arguments])
        except TypeError:
            self.kind, called = None, ""
        self.key = hashlib.sha256(called.encode()).hexdigest()[:32]

    def get(self, key: str) -> Any:
        """Return the value that was kept for a partition, None if there is none that can be read."""
        path = self._path(key)
        if self.kind is None or not path.is_file():
            return None
        try:
            return self.kind.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (MkmineError, ValueError, TypeError, KeyError, OSError, RecursionError):
            # Whatever is wrong with it, it can be computed.
            return None

    def put(self, key: str, value: Any) -> None:
        """Keep a value, unless the folder cannot be written."""
        if self.kind is None:
            return
        try:
            write_text(self._path(key), json.dumps(value.to_dict()))
        except MkmineError:
            return

    def _path(self, key: str) -> Path:
        return self.folder / f"summary-{key}-{self.key}.json"


def forget(folder: Path, keys: set[str]) -> None:
    """Remove what was kept for partitions that are no more as they were: all but those with these keys."""
    for path in folder.glob("summary-*-*.json"):
        if path.name.split("-")[1] not in keys:
            path.unlink(missing_ok=True)
