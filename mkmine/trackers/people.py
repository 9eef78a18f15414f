"""Names of people in an export: one name per person, and placeholders for those who were deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["Directory", "is_deleted"]

_DELETED = re.compile(
    r"^(удал[её]н|бывш\w+ (пользовател|сотрудник)|аноним|(deleted|former|inactive|unknown) user|anonymous)",
    re.IGNORECASE,
)


def is_deleted(name: str) -> bool:
    """Return whether a tracker's name for a person stands for a deleted one."""
    return bool(_DELETED.match(name.strip()))


class Directory:
    """The people of an export, by the tracker's id.

    Two people of one name stay two; a person without a name, or with a tracker's name for the deleted, gets the name
    "Deleted user <id>" (the number of appearance where the id is no number), so that each stays apart.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self._deleted: list[str] = []

    @property
    def deleted(self) -> tuple[str, ...]:
        """The placeholders given so far."""
        return tuple(self._deleted)

    def learn(self, people: Iterable[tuple[object, object]]) -> None:
        """Remember the (id, name) pairs that have both, so that an id met alone later has its name."""
        for identity, shown in people:
            if identity not in (None, "") and shown not in (None, "") and not is_deleted(str(shown)):
                self.name(identity, shown)

    def name(self, identity: object, shown: object) -> str | None:
        """Return the name of a person; None if neither an id nor a name is given."""
        text = str(shown).strip() if shown not in (None, "") else ""
        key = str(identity).strip() if identity not in (None, "") else ""
        if not key and text in self._taken:
            return text
        key = key or text
        if not key:
            return None
        if key not in self._names:
            self._names[key] = self._placeholder(key) if not text or is_deleted(text) else self._unique(text)
        return self._names[key]

    def _unique(self, text: str) -> str:
        candidate, number = text, 1
        while candidate in self._taken:
            number += 1
            candidate = f"{text} ({number})"
        self._taken.add(candidate)
        return candidate

    def _placeholder(self, key: str) -> str:
        number = key if re.fullmatch(r"\d{1,9}", key) else str(len(self._deleted) + 1)
        name = self._unique(f"Deleted user {number}")
        self._deleted.append(name)
        return name
