"""What mkmine raises: one base class; each message gives the value, the rule it breaks and the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

__all__ = ["DataError", "MissingExtraError", "MkmineError", "UnknownNameError"]


class MkmineError(Exception):
    """Base class of every error that mkmine raises on purpose."""

    def __str__(self) -> str:
        # KeyError would show the repr of its argument; a message is for people.
        return str(self.args[0]) if self.args else ""


class DataError(MkmineError, ValueError):
    """A file, a column or a parameter holds a value that breaks a rule."""


class UnknownNameError(MkmineError, KeyError):
    """A name (an activity, a role, a column, a scenario) that is not among the known ones."""

    @classmethod
    def of(cls, *, kind: str, name: str, known: Iterable[str], where: str = "") -> UnknownNameError:
        """Build the error that names the nearest known name, or else lists up to ten of them."""
        place = f" in {where}" if where else ""
        return cls(f'unknown {kind} "{name}"{place}; {nearest(name, list(known))}')


class MissingExtraError(MkmineError, ImportError):
    """A part of mkmine needs a package that is installed by an extra."""

    @classmethod
    def of(cls, *, package: str, extra: str, purpose: str) -> MissingExtraError:
        """Build the error that says which extra brings the missing package."""
        return cls(f'{purpose} needs the package "{package}"; install it with: pip install "mkmine[{extra}]"')


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the advice for a misspelt name: the nearest known one, or the list of what is known."""
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    if not close:
        lowered = {one.casefold(): one for one in known}
        close = [lowered[one] for one in get_close_matches(name.casefold(), list(lowered), n=1, cutoff=0.5)]
    if close:
        return f'did you mean "{close[0]}"?'
    shown = ", ".join(f'"{one}"' for one in known[:10])
    more = f" and {len(known) - 10} more" if len(known) > 10 else ""
    return f"known: {shown}{more}" if known else "none is known"
