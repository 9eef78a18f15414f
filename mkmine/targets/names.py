"""Which name of a log is which name of a target: exact, by the alias table, or suggested by similarity."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from mkmine.eventlog import EventLog
    from mkmine.targets.target import Target

__all__ = ["COLUMNS", "similarity", "suggest_aliases"]

COLUMNS = ("kind", "name", "executions", "suggestion", "score", "how")
_LEAST = 0.45
# Endings change in an inflected language; the first letters of a word stay.
_STEM = 5


def suggest_aliases(log: EventLog, target: Target, *, least: float = _LEAST) -> pd.DataFrame:
    """Return for every activity and role of a log the name of the target that it may be; nothing is applied.

    Columns: kind ("activity", "role"), name (in the log), executions, suggestion ("" where none reaches `least`),
    score (0 to 1), how: "exact", "alias" (the card says so), "similar" (to be confirmed) or "none" (only in the log).
    A name of the target is suggested once, to the most similar name that has no other; what the log has exactly or by
    alias is not suggested again. `Target.with_aliases` takes what was confirmed.
    """
    executions = np.bincount(log.activity, minlength=len(log.activities))
    work = np.bincount(log.role[log.role >= 0], minlength=len(log.roles))
    roles = list(dict.fromkeys([*target.roles.values(), *target.model.lanes]))
    rows = [
        *_matched("activity", log.activities, executions.tolist(), target.activities, target.aliases, least),
        *_matched("role", log.roles, work.tolist(), roles, target.aliases, least),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def similarity(one: str, other: str) -> float:
    """Return how alike two names are, 0 to 1: the mean of the shared stems of words and of the shared letter pairs.

    Both are Dice coefficients (L. R. Dice 1945), so that neither the order of words nor an ending decides.
    """
    if _plain(one) == _plain(other):
        return 1.0
    stems = _dice({word[:_STEM] for word in _words(one)}, {word[:_STEM] for word in _words(other)})
    return round((stems + _dice(_pairs(one), _pairs(other))) / 2, 3)


def _matched(
    kind: str,
    names: Sequence[str],
    counts: Sequence[int],
    known: Sequence[str],
    aliases: Mapping[str, str],
    least: float,
) -> list[tuple[str, str, int, str, float, str]]:
    found: dict[str, tuple[str, float, str]] = {}
    for name in names:
        if name in aliases:
            found[name] = aliases[name], 1.0, "alias"
        elif name in known:
            found[name] = name, 1.0, "exact"
    free = [one for one in known if one not in {told for told, _, _ in found.values()}]
    pairs = [(similarity(name, one), name, one) for name in names if name not in found for one in free]
    for score, name, one in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if score >= least and name not in found and one in free:
            found[name] = one, score, "similar"
            free.remove(one)
    return [(kind, name, count, *found.get(name, ("", 0.0, "none"))) for name, count in zip(names, counts, strict=True)]


def _plain(name: str) -> str:
    return " ".join(_words(name))


def _words(name: str) -> list[str]:
    return re.findall(r"\w+", name.casefold().replace("ё", "е"))


def _pairs(name: str) -> set[str]:
    return {word[n : n + 2] for word in _words(name) for n in range(len(word) - 1)}


def _dice(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
