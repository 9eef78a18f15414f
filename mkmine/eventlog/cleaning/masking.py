"""Pseudonyms for names, and texts in which names stand: whole, or by one of their words, inflected too."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import permutations

__all__ = ["Masks", "Pseudonyms"]

DIGITS = 8
_WORD = re.compile(r"[^\W\d_]+")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
# Endings of Russian surnames and first names in all cases; what is left before them is the stem.
_ENDING = re.compile(
    r"(?:ыми|ими|ого|его|ому|ему|ами|ями|ой|ей|ом|ем|ым|им|ую|юю|ая|яя|ый|ий|ых|их|ам|ям|ах|ях|ою|ею|"
    r"[аяоеыиуюьй])$"
)
# A word of so many letters is looked for in large and small letters, one of three only with a capital: "ли" and "the"
# are no names.
SHORTEST_WORD, SHORTEST_STEM = 4, 3
# With a shorter surname an initial makes other words: "plane" is not P. Lane.
SHORTEST_LOGIN = 5
# Russian letters in Latin, as passports have them (ICAO Doc 9303) and as they are mostly written in accounts.
_CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_PASSPORT = "a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch ie y - e iu ia"
_ACCOUNT = "a b v g d e e zh z i y k l m n o p r s t u f h c ch sh sch - y - e yu ya"
_LATIN = [
    str.maketrans({one: text.strip("-") for one, text in zip(_CYRILLIC, table.split(), strict=True)})
    for table in (_PASSPORT, _ACCOUNT)
]


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
        kept = {name: unicodedata.normalize("NFC", name).strip() for name in names}
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


def _folded(text: str) -> str:
    """Return a text in small letters with е for ё, of the same length."""
    small = text.lower().replace("ё", "е")
    return small if len(small) == len(text) else text


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    """Return a word without its ending, in small letters, with е for ё."""
    small = _folded(word)
    stem = _ENDING.sub("", small)
    return stem if len(stem) >= SHORTEST_STEM else small


def _spellings(words: list[str]) -> set[str]:
    """Return the words of a name in Latin letters, and as names of accounts: ipetrov, petrovi, ivanpetrov."""
    small = [word.lower() for word in words]
    out: set[str] = set()
    for spelt in [small, *([word.translate(table) for word in small] for table in _LATIN)]:
        out.update(word for word in spelt if len(word) >= SHORTEST_WORD)
        for one, other in permutations(spelt, 2):
            if one and other and len(one) + len(other) >= SHORTEST_LOGIN:
                out.add(one + other)
            if len(other) >= SHORTEST_LOGIN:
                out |= {one[:1] + other, other + one[:1]}
    return out


@dataclass(frozen=True, slots=True)
class Masks:
    """What to look for in texts, and what stands for it.

    `words` holds the stems of the words of names, `capital` those of them that are written with a capital letter (in
    small letters they are other words), `accounts` what names become in Latin letters and as names of accounts, in
    small letters; `whole` whole names, and `starts` by their first word all whole names, the longest first.
    """

    words: Mapping[str, str]
    capital: frozenset[str]
    accounts: Mapping[str, str]
    whole: Mapping[str, str]
    starts: Mapping[str, tuple[tuple[str, str], ...]]

    @classmethod
    def of(cls, names: Mapping[str, str], *, whole: Mapping[str, str], word: str) -> Masks:
        """Build them from pseudonyms by name; `whole` are these and further names to find as they are only.

        What several people share (a first name, a surname) becomes `word` and an ellipsis: nobody knows who is meant.
        """
        somebody = f"{word} …"
        words: dict[str, str] = {}
        accounts: dict[str, str] = {}
        small: set[str] = set()
        for name, parts in _telling(names).items():
            for part in parts:
                if len(part) >= SHORTEST_WORD or (len(part) >= SHORTEST_STEM and part[0].isupper()):
                    stem = _stem(part)
                    words[stem] = names[name] if words.get(stem, names[name]) == names[name] else somebody
                    if len(part) >= SHORTEST_WORD:
                        small.add(stem)
            # A name of many words is none of a person.
            for spelt in _spellings(parts[:4]):
                accounts[spelt] = names[name] if accounts.get(spelt, names[name]) == names[name] else somebody
        starts: dict[str, list[tuple[str, str]]] = {}
        for name, pseudonym in whole.items():
            plain = unicodedata.normalize("NFC", name).strip()
            found = re.match(r"\w+", plain)
            if found and len(plain) >= 2:
                starts.setdefault(_folded(found[0]), []).append((plain, pseudonym))
        ordered = {first: tuple(sorted(found, key=lambda one: -len(one[0]))) for first, found in starts.items()}
        return cls(words, frozenset(words) - small, accounts, whole, ordered)

    def changed(self, texts: Iterable[str]) -> dict[str, str]:
        """Return the texts that name somebody, with what they become."""
        out = {text: self.masked(text) for text in texts}
        return {text: new for text, new in out.items() if new != text}

    def masked(self, text: str) -> str:
        """Return a text with pseudonyms in place of names, and without e-mail addresses; as it is if it has neither."""
        if text in self.whole:
            return self.whole[text]
        plain = unicodedata.normalize("NFC", text)
        plain = _MAIL.sub("…@…", plain) if "@" in plain else plain
        folded = _folded(plain)
        parts: list[str] = []
        place = 0
        for found in re.finditer(r"\w+", plain):
            if found.start() < place:
                continue
            end, masked = self._name_at(plain, folded, found) or (found.end(), self._word(found[0]))
            if masked is not None:
                parts += [plain[place : found.start()], masked]
                place = end
        if not parts and "…@…" not in plain:
            return text
        return _joined("".join([*parts, plain[place:]]))

    def _name_at(self, text: str, folded: str, found: re.Match[str]) -> tuple[int, str] | None:
        """Return where the whole name that begins here ends, and its pseudonym."""
        for name, pseudonym in self.starts.get(folded[found.start() : found.end()], ()):
            end = found.start() + len(name)
            closed = end >= len(text) or not (text[end].isalnum() and name[-1].isalnum())
            # "IT" is a department, "it" is not.
            exact = text[found.start() : end] == name
            if closed and (exact or (len(name) >= SHORTEST_WORD and folded[found.start() : end] == _folded(name))):
                return end, pseudonym
        return None

    def _word(self, word: str) -> str | None:
        """Return a word of text with the parts of it that name somebody replaced; None if nobody is named."""
        out, hit = [], False
        for part in (word,) if word.isalpha() else re.split(r"([\d_]+)", word):
            stem = _stem(part) if len(part) >= SHORTEST_STEM else ""
            masked = self.words.get(stem) if stem not in self.capital or part[0].isupper() else None
            masked = masked or self.accounts.get(part.lower())
            # A number behind a pseudonym would make another one of it.
            out.append(masked or (f"_{part}" if hit and part[:1].isdigit() else part))
            hit |= masked is not None
        return "".join(out) if hit else None


def _telling(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the words of each name that say whose it is.

    What several names with a number share (editor 1, editor 2) says what they are; their numbers say who.
    """
    words_of = {name: _WORD.findall(unicodedata.normalize("NFC", name)) for name in names}
    numbered = {name for name in words_of if any(sign.isdigit() for sign in name)}
    shared = Counter(stem for name in numbered for stem in {_stem(word) for word in words_of[name]})
    return {
        name: [word for word in words if name not in numbered or shared[_stem(word)] == 1]
        for name, words in words_of.items()
    }


_PSEUDONYM = r"\w+ [0-9a-f]{8,}"
_TWICE = re.compile(rf"({_PSEUDONYM})(?:[\s,]+\1)+")
_SOMEBODY = re.compile(rf"\w+ …[\s,]+(?={_PSEUDONYM})|(?<=[0-9a-f]{{8}})[\s,]+\w+ …")
_LETTERS = r"(?:[^\W\d_]\.\s?){1,2}"
_INITIALS = re.compile(rf"({_PSEUDONYM})\s{_LETTERS}(?=\W|$)|(?<!\w){_LETTERS}(?={_PSEUDONYM})")


def _joined(text: str) -> str:
    """Return a text with one pseudonym for the words of one name, and without the initials beside it."""
    text = _SOMEBODY.sub("", _TWICE.sub(r"\1", text))
    return _INITIALS.sub(lambda found: found[1] or "", text)
