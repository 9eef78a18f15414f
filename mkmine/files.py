"""Files: written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mkmine.errors import DataError

__all__ = ["write_bytes", "write_text"]


def write_text(path: str | Path, text: str, *, encoding: str = "utf-8") -> Path:
    """Write `text` to a temporary file beside `path`, then replace `path` by it; return the path.

    Raises `DataError` if the place cannot be written.
    """
    return write_bytes(path, text.encode(encoding))


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write `content` to a temporary file beside `path`, then replace `path` by it; return the path.

    Raises `DataError` if the place cannot be written.
    """
    target = Path(path)
    temporary = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mask = os.umask(0)
        os.umask(mask)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
        with os.fdopen(handle, "wb") as sink:
            sink.write(content)
        # mkstemp makes the file private; a report is made to be handed on like any other file.
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise DataError(f'cannot write "{target}": {error.strerror or error}; choose another place') from None
    return target
