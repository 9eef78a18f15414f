"""Files that are either whole or not there: written beside the target, then moved over it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mkmine.errors import DataError

__all__ = ["write_whole"]


def write_whole(path: Path, content: bytes) -> None:
    """Write the file so that a reader sees the old content or the new, never a part.

    Raises `DataError` if the folder cannot be made or written to.
    """
    draft = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(draft, 0o666 & ~_umask())
        os.replace(draft, path)
    except OSError as mistake:
        if draft is not None and os.path.exists(draft):
            os.unlink(draft)
        reason = mistake.strerror or mistake
        raise DataError(f'cannot write "{path}": {reason}; choose a folder and a name that can be written') from None


def _umask() -> int:
    # mkstemp makes files private; a report is meant to be shared like any other file of its author.
    current = os.umask(0)
    os.umask(current)
    return current
