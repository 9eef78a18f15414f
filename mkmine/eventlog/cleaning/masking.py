"""Pseudonyms for names, and texts in which names stand: whole, or by one of their words, inflected too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

__all__ = ["Masks", "Pseudonyms"]

DIGITS = 8
_WORD = re.compile(r"[^\W\d_]+")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
# Endings of Russian surnames and first names in all cases; what is left before them is the stem.
_ENDING = re.compile(
    r"(?:ыми|ими|ого|его|ому|ему|ами|ями|ой|ей|ом|ем|ым|им|ую|юю|ая|яя|ый|ий|ых|их|ам|ям|ах|ях|ою|ею|"
    r"[аяоеыиуюьй])$"
)
SHORTEST_WORD = 4
SHORTEST_STEM = 3
# A word that so many of the names share says what they are (editor 1, editor 2) and not who.
SHARED = 4


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """The pseudonym of each name; equal names have equal ones, and no two names have the same."""

    table: Mapping[str, str]

    @classmethod
    def of(
        cls,
        names: Iterable[str],
        secret: bytes,
        *,
        domain: str,
        word: str,
        digits: int = DIGITS,
        taken: Iterable[str] = (),
    ) -> Pseudonyms:
        """Hash names with a key. Where two would share a pseudonym, it becomes longer for both.

        `domain` keeps apart what is hashed: a case is not called like a person of the same name. Pseudonyms that are
        `taken` by other names are not given away.
        """
        kept = {name: name.strip() for name in names}
        digests = {name: _digest(name, secret, domain) for name in kept.values()}
        out: dict[str, str] = {}
        occupied, length, left = set(taken), digits, list(digests)
        while left:
            shown = {name: f"{word} {digests[name][:length]}" for name in left}
            counts = Counter(shown.values())
            out |= {name: text for name, text in shown.items() if counts[text] == 1 and text not in occupied}
            left = [name for name in left if name not in out]
            length += 4
        return cls({name: out[stripped] for name, stripped in kept.items()})


def _digest(name: str, secret: bytes, domain: str) -> str:
    # The key may be longer than the hash takes: then it is hashed itself.
    key = secret if len(secret) <= 64 else blake2b(secret).digest()
    return blake2b(name.encode("utf-8", "replace"), key=key, person=f"mkmine-{domain}"[:16].encode()).hexdigest()


def _stem(word: str) -> str:
    """Return a word without its ending, in small letters, with е for ё."""
    small = word.casefold().replace("ё", "е")
    stem = _ENDING.sub("", small)
    return stem if len(stem) >= SHORTEST_STEM else small


@dataclass(frozen=True, slots=True)
class Masks:
    """What to look for in texts: `words` maps the stem of a word of a name to its pseudonym, `whole` whole names.

    `capital` holds the stems of words that are written with a capital letter: in small letters they are other words.
    """

    words: Mapping[str, str]
    capital: frozenset[str]
    whole: Mapping[str, str]
    starts: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, names: Mapping[str, str], *, whole: Mapping[str, str], word: str) -> Masks:
        """Build them from pseudonyms by name; `whole` are these and further names to find as they are only.

        What several people share (a first name) becomes `word` and an ellipsis: nobody knows who is meant.
        """
        shared: Counter[str] = Counter()
        words_of = {name: _WORD.findall(name) for name in names}
        for words in words_of.values():
            shared.update({_stem(word) for word in words})
        stems: dict[str, str] = {}
        small: set[str] = set()
        for name, words in words_of.items():
            # A name with a number is that of a place or an account: its words say what, its number who.
            if any(sign.isdigit() for sign in name):
                continue
            for part in words:
                stem = _stem(part)
                if len(part) < SHORTEST_WORD or shared[stem] > max(SHARED, len(names) // 10):
                    continue
                stems[stem] = names[name] if shared[stem] == 1 else f"{word} …"
                if not part[0].isupper():
                    small.add(stem)
        starts: dict[str, list[str]] = {}
        for name in whole:
            found = re.match(r"\w+", name.strip())
            if found and len(name.strip()) >= 2:
                starts.setdefault(found[0].casefold(), []).append(name.strip())
        ordered = {first: tuple(sorted(found, key=len, reverse=True)) for first, found in starts.items()}
        return cls(stems, frozenset(stems) - small, whole, ordered)

    def changed(self, texts: Iterable[str]) -> dict[str, str]:
        """Return the texts that name somebody, with what they become."""
        out = {text: self.masked(text) for text in texts}
        return {text: new for text, new in out.items() if new != text}

    def masked(self, text: str) -> str:
        """Return a text with pseudonyms in place of names, and without e-mail addresses."""
        if text in self.whole:
            return self.whole[text]
        text = _MAIL.sub("…@…", text) if "@" in text else text
        parts: list[str] = []
        place = 0
        for found in re.finditer(r"\w+", text):
            if found.start() < place:
                continue
            name = self._name_at(text, found)
            if name is not None:
                parts += [text[place : found.start()], self.whole.get(name, name)]
                place = found.start() + len(name)
                continue
            masked = self._word(found[0])
            if masked is not None:
                parts += [text[place : found.start()], masked]
                place = found.end()
        return _joined("".join([*parts, text[place:]]))

    def _name_at(self, text: str, found: re.Match[str]) -> str | None:
        for name in self.starts.get(found[0].casefold(), ()):
            end = found.start() + len(name)
            closed = end >= len(text) or not (text[end].isalnum() and name[-1].isalnum())
            if closed and text[found.start() : end] == name:
                return name
        return None

    def _word(self, word: str) -> str | None:
        """Return a word of text with the parts of it that name somebody replaced; None if nobody is named."""
        out, hit = [], False
        for part in re.split(r"([\d_]+)", word):
            stem = _stem(part) if len(part) >= SHORTEST_STEM else ""
            if stem in self.words and (part[0].isupper() or stem not in self.capital):
                out.append(self.words[stem])
                hit = True
            else:
                out.append(part)
        return "".join(out) if hit else None


_PSEUDONYM = r"\w+ [0-9a-f]{8,}"
_TWICE = re.compile(rf"({_PSEUDONYM})(?:[\s,]+\1)+")
_SOMEBODY = re.compile(rf"\w+ …[\s,]+(?={_PSEUDONYM})|(?<=[0-9a-f]{{8}})[\s,]+\w+ …")
_LETTERS = r"(?:[^\W\d_]\.\s?){1,2}"
_INITIALS = re.compile(rf"({_PSEUDONYM})\s{_LETTERS}(?=\W|$)|(?<!\w){_LETTERS}(?={_PSEUDONYM})")


def _joined(text: str) -> str:
    """Return a text with one pseudonym for the words of one name, and without the initials beside it."""
    text = _SOMEBODY.sub("", _TWICE.sub(r"\1", text))
    return _INITIALS.sub(lambda found: found[1] or "", text)
