"""When two names are probably one: spelt in two ways, or with a typing error."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

__all__ = ["alike", "person_key", "spelling_key", "typing_errors"]

# Letters that look the same, as capitals at least: Cyrillic ones become Latin, so that «С1» typed on either keyboard is
# one name.
_LOOKS = str.maketrans("аверкмнотсхуіјѕё", "abepkmhotcxyijse")
_NUMERAL = re.compile(r"\d|^(?:[ivxlc]+|[a-zа-я])$")
# A shorter word has too many neighbours that are words of their own (test, text).
SHORTEST_WORD = 6
# A typing error is rare against the right spelling.
RARE = 0.1
# Longer names are texts, not names.
LONGEST = 200
# Where so many names differ in one place, it holds a mark of its own and not a typing error.
CROWD = 20


def spelling_key(name: str) -> str:
    """Return what is left of a name without case, spaces, marks, е/ё and look-alike letters of the other alphabet.

    Marks between two digits stay: 1.1 is not 11. A name of nothing but marks is its own key.
    """
    text = unicodedata.normalize("NFKC", name).casefold().translate(_LOOKS)
    letters = [one if one.isalnum() else " " for one in text]
    parts = "".join(letters).split()
    out = parts[:1]
    for before, after in pairwise(parts):
        out.append((" " if before[-1].isdigit() and after[0].isdigit() else "") + after)
    return "".join(out) or name


def person_key(name: str) -> str:
    """Return the spelling key of a person's name, whatever the order of its words; words with digits keep theirs."""
    words = [spelling_key(word) for word in re.split(r"[\s,.;]+", name) if word]
    if len(words) < 2 or any(letter.isdigit() for letter in name):
        return spelling_key(name)
    return " ".join(sorted(words))


def alike(names: Sequence[str], *, people: bool = False) -> list[list[str]]:
    """Return the groups of names that are one name spelt in several ways."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[person_key(name) if people else spelling_key(name)].append(name)
    return [spelt for spelt in groups.values() if len(spelt) > 1]


def typing_errors(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return pairs (wrong, right) of names of which one is a typing error of the other.

    They differ in one word of at least six letters by one letter too many, too few, wrong or changed places with its
    neighbour; not the first letter, and nothing with digits or a mere numeral (Stage 1 and Stage 2 are two). The wrong
    one has at most a tenth of the occurrences of the right one.
    """
    near: dict[str, list[str]] = defaultdict(list)
    for name in counts:
        if len(name) <= LONGEST:
            for shorter in _deletions(name.casefold()):
                near[shorter].append(name)
    found: dict[str, str] = {}
    for names in near.values():
        if len(names) > CROWD:
            continue
        for place, one in enumerate(names):
            for other in names[place + 1 :]:
                right, wrong = sorted((one, other), key=lambda name: (-counts[name], name))
                if counts[wrong] <= RARE * counts[right] and _mistyped(wrong, right):
                    best = found.get(wrong)
                    found[wrong] = right if best is None or counts[right] > counts[best] else best
    return sorted(found.items())


def _deletions(text: str) -> set[str]:
    """Return the text and every text that lacks one letter: two texts one edit apart have one in common."""
    return {text, *(text[:place] + text[place + 1 :] for place in range(len(text)))}


def _mistyped(one: str, other: str) -> bool:
    a, b = one.casefold().split(), other.casefold().split()
    if len(a) != len(b) or spelling_key(one) == spelling_key(other):
        return False
    differing = [(x, y) for x, y in zip(a, b, strict=True) if x != y]
    if len(differing) != 1:
        return False
    x, y = differing[0]
    if min(len(x), len(y)) < SHORTEST_WORD or x[0] != y[0] or _NUMERAL.search(x) or _NUMERAL.search(y):
        return False
    return _one_edit(x, y)


def _one_edit(x: str, y: str) -> bool:
    """Return whether one letter put in, left out, changed or swapped with its neighbour makes the one the other."""
    if len(x) > len(y):
        x, y = y, x
    start = next((place for place, (a, b) in enumerate(zip(x, y, strict=False)) if a != b), len(x))
    if len(x) < len(y):
        return x[start:] == y[start + 1 :]
    rest = x[start + 1 :] == y[start + 1 :]
    swapped = x[start : start + 2] == y[start : start + 2][::-1] and x[start + 2 :] == y[start + 2 :]
    return rest or swapped
