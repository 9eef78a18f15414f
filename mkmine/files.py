"""Files: paths that can be, files written whole or not at all; YAML read without code, aliases or surprises."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mkmine.errors import DataError

__all__ = ["checked_path", "read_yaml", "replacing", "write_bytes", "write_text"]

_LARGEST_YAML = 50_000_000
# Characters of an impossible path that an error shows.
_SHOWN = 200


def checked_path(path: str | Path) -> Path:
    """Return a path at which a file can be, whether there is one or not.

    Raises `DataError` if no file can be there: the name is too long or holds what no name can (NUL, half a surrogate
    pair), or the place cannot be looked at.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        # What cannot be encoded is a ValueError too.
        why = error.strerror if isinstance(error, OSError) else "it has characters that no name of a file can have"
        shown = str(path) if len(str(path)) <= _SHOWN else f"{str(path)[:_SHOWN]}..."
        plain = shown.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
        raise DataError(f'no file can be at "{plain}": {why}; give another path') from None
    return Path(path)


def read_yaml(path: str | Path, *, what: str) -> dict[str, Any]:
    """Read a YAML mapping; `what` names it in errors ("model", "process card").

    Raises `DataError` if the file cannot be read, is not YAML, is not a mapping, says something twice, or uses aliases
    (a small file with nested aliases can unfold to more than memory holds).
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                event = self.peek_event()  # type: ignore[no-untyped-call]
                raise yaml.YAMLError(f"line {event.start_mark.line + 1}: aliases (*{event.anchor}) are not allowed")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            # YAML forbids it; PyYAML would silently believe the last one.
            said: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in said:
                    raise yaml.YAMLError(f'line {key.start_mark.line + 1}: "{key.value}" is said twice')
                said.add(str(key.value))
            return super().construct_mapping(node, deep)

        def construct_yaml_int(self, node: Any) -> Any:
            # To YAML 1.1 "1:30" is 90; whoever writes it means a time.
            text = str(self.construct_scalar(node))
            return text if ":" in text else super().construct_yaml_int(node)

    Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)
    source = checked_path(path)
    try:
        if source.stat().st_size > _LARGEST_YAML:
            raise DataError(f'the {what} "{source}" is larger than {_LARGEST_YAML // 10**6} MB; is it the right file?')
        values = yaml.load(source.read_text(encoding="utf-8-sig"), Loader=Loader)
    except OSError as error:
        raise DataError(f'cannot read the {what} "{source}": {error.strerror or error}') from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f'the {what} "{source}" is not valid YAML: {" ".join(str(error).split())}') from None
    if not isinstance(values, dict):
        found = "nothing" if values is None else f"a {type(values).__name__}"
        raise DataError(f'the {what} "{source}" holds {found}, not a mapping of names to values')
    return values


def write_text(path: str | Path, text: str, *, encoding: str = "utf-8") -> Path:
    """Write `text` to a temporary file beside `path`, then replace `path` by it; return the path.

    Raises `DataError` if the place cannot be written.
    """
    # JSON of trackers may hold half of a surrogate pair (an emoji cut in two), which no file can.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return write_bytes(path, whole.encode(encoding))


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write `content` to a temporary file beside `path`, then replace `path` by it; return the path.

    Raises `DataError` if the place cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return Path(path)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary file beside `path` to write to, which replaces `path` when all went well, and else is removed.

    Raises `DataError` if the place cannot be written.
    """
    target = checked_path(path)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mask = os.umask(0)
        os.umask(mask)
        handle, made = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.", suffix=target.suffix)
        temporary = Path(made)
        os.close(handle)
        yield temporary
        # mkstemp makes the file private; a report is made to be handed on like any other file.
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except OSError as error:
        raise DataError(f'cannot write "{target}": {error.strerror or error}; choose another place') from None
    finally:
        # Gone already, unless something went wrong or the user interrupted.
        if temporary is not None:
            temporary.unlink(missing_ok=True)
