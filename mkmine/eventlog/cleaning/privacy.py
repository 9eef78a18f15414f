"""Personal data: names replaced by keyed pseudonyms, free text dropped.

A pseudonym is a keyed hash (BLAKE2b with the key, RFC 7693) of the name: whoever has the key gets the same pseudonym
for the same name in every log and can tell whose it is; nobody else can. That is pseudonymisation in the sense of the
GDPR, article 4(5): with the key the data are personal still.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog.cleaning.changes import recoded, recorded
from mkmine.eventlog.cleaning.masking import Masks, Pseudonyms
from mkmine.eventlog.columns import Columns, Text, narrow
from mkmine.eventlog.log import EventLog
from mkmine.eventlog.provenance import Step
from mkmine.language import Language

__all__ = ["drop_free_text", "free_text", "pseudonymise"]

WORDS: dict[str, dict[str, str]] = {
    "en": {"person": "person", "case": "case", "role": "role", "value": "value"},
    "ru": {"person": "сотрудник", "case": "экземпляр", "role": "роль", "value": "значение"},
}
# Columns whose names say that they hold people or what identifies them.
_PERSONAL = re.compile(
    r"author|creator|reporter|assignee|owner|user|login|e.?mail|phone|person|employee|manager|^name$|(?:full|first|last|user).?name|surname|"
    r"автор|исполнител|заказчик|ответствен|постановщик|почта|телефон|фио|имя|сотрудник|менеджер|контакт",
    re.IGNORECASE,
)
# Numbers that reach somebody; other numbers in such columns are counts.
_REACHES = re.compile(r"phone|телефон|login|логин", re.IGNORECASE)
# With so many of a column's values being names of the log's people, the column holds people.
SHARED = 0.2
# Text is free if so much of it is never said twice, and it is as long or as many words as a sentence.
DISTINCT, LONG, SENTENCE = 0.5, 30, 3
SHORTEST_KEY, FEWEST_SIGNS = 16, 6


def pseudonymise(
    log: EventLog,
    *,
    key: str | bytes,
    resources: bool = True,
    roles: bool = False,
    cases: bool = False,
    attributes: Iterable[str] = (),
    language: Language = "en",
) -> EventLog:
    """Replace names by pseudonyms such as "person 3fa2c1d0": the same key gives the same ones in every log.

    Of `resources` always their columns and whatever else holds the same people: attributes in which their names stand
    (in whole, or within a text, inflected too), attributes whose own names speak of people, activities, roles, the name
    of the log and its history. Case ids only if they hold a name, or with `cases`. The attributes named are replaced as
    a whole. Rows in the quarantine keep their reason only, for nobody knows what stands in them.

    Free text may hold names of people who are not in the log: `drop_free_text` first. The key is not stored anywhere:
    keep it apart from the log, e.g. `secrets.token_hex(16)`.

    Raises `DataError` if the key is shorter than 16 bytes or has fewer than 6 different ones, and `UnknownNameError` if
    there is no such attribute.
    """
    secret = _checked(key)
    if language not in WORDS:
        raise UnknownNameError.of(kind="language", name=str(language), known=list(WORDS))
    words = WORDS[language]
    asked = [attributes] if isinstance(attributes, str) else list(attributes)
    known = [*map(str, log.case_attributes.columns), *log.attributes]
    for name in asked:
        if name not in known:
            raise UnknownNameError.of(kind="attribute", name=name, known=known)
    people = log.resources if resources else ()
    hidden = [name for name in known if name in asked or (resources and _holds_people(log, name))]
    texts = {name: _texts(log, name, every=name in hidden) for name in known}
    everyone = sorted({*people, *(one for name in hidden for one in texts[name] if name not in asked)})
    named = Pseudonyms.of(everyone, secret, domain="person", word=words["person"])
    further = sorted({one for name in asked for one in texts[name]} - set(everyone))
    tables = {**Pseudonyms.of(further, secret, domain="value", word=words["value"]).table, **named.table}
    masks = Masks.of(named.table, whole=tables, word=words["person"])
    out = _columns(log, hidden, texts, tables, masks)
    out = recoded(out, "resources", {name: tables[name] for name in people})
    out = recoded(out, "activities", masks.changed(out.activities))
    role_names = masks.changed(out.roles)
    if roles:
        role_names = dict(Pseudonyms.of(out.roles, secret, domain="role", word=words["role"]).table)
    out = _cases(recoded(out, "roles", role_names), masks, secret, words["case"], every=cases)
    out = replace(
        out,
        name=masks.masked(log.name),
        history=tuple(Step(one.action, masks.masked(one.detail), one.touched) for one in log.history),
        quarantine=_reasons_only(log.quarantine, masks),
    )
    told = ["people"] * resources + ["roles"] * roles + ["cases"] * cases + sorted({*hidden, *asked})
    return recorded(out, "pseudonymise", "; ".join(told), len(tables))


def _checked(key: str | bytes) -> bytes:
    secret = key.encode() if isinstance(key, str) else bytes(key) if isinstance(key, bytes | bytearray) else b""
    if len(secret) < SHORTEST_KEY or len(set(secret)) < FEWEST_SIGNS:
        raise DataError(
            f"the key has {len(secret)} bytes, {len(set(secret))} of them different; a key that cannot be guessed has "
            f"{SHORTEST_KEY} or more, e.g. secrets.token_hex(16): keep it apart from the log"
        )
    return secret


def _texts(log: EventLog, name: str, *, every: bool = False) -> list[str]:
    """Return the distinct texts of an attribute; with `every` its numbers and dates too, as text."""
    if name in log.attributes:
        held = log.attributes.held(name)
        values: Any = held.names if isinstance(held, Text) else held
    else:
        values = log.case_attributes[name].to_numpy()
    if np.asarray(values).dtype.kind in "biufmM" and not every:
        return []
    found = pd.unique(pd.Series(np.asarray(values, dtype=object)).dropna())
    return sorted({str(one) for one in found if every or isinstance(one, str)})


def _holds_people(log: EventLog, name: str) -> bool:
    texts = _texts(log, name, every=_REACHES.search(name) is not None)
    if not texts:
        return False
    known = {person.casefold() for person in log.resources}
    shared = sum(text.strip().casefold() in known for text in texts)
    return _PERSONAL.search(name) is not None or _REACHES.search(name) is not None or shared > SHARED * len(texts)


def _columns(
    log: EventLog, hidden: list[str], texts: dict[str, list[str]], tables: dict[str, str], masks: Masks
) -> EventLog:
    """Return the log with its attributes replaced: the hidden ones as a whole, elsewhere what names people."""
    columns: dict[str, Any] = {name: log.attributes.held(name) for name in log.attributes}
    frame = log.case_attributes.copy()
    for name, found in texts.items():
        new = {text: tables[text] for text in found} if name in hidden else masks.changed(found)
        if not new:
            continue
        if name in columns:
            columns[name] = _replaced(columns[name], new)
        else:
            frame[name] = _replaced(frame[name].to_numpy(), new)
    return replace(log, attributes=Columns(columns), case_attributes=frame)


def _replaced(held: Any, new: dict[str, str]) -> Any:
    """Return a column with texts replaced; what is empty stays so."""
    if isinstance(held, Text):
        number, names = pd.factorize(np.array([new.get(str(one), one) for one in held.names], dtype=object))
        codes = np.append(number, -1)[held.codes.astype(np.int64)]
        return Text(narrow(codes, len(names)), np.asarray(names, dtype=object))
    return np.array([None if one is None or one != one else new.get(str(one), one) for one in held], dtype=object)


def _cases(log: EventLog, masks: Masks, secret: bytes, word: str, *, every: bool) -> EventLog:
    ids = log.case_names.to_pylist()
    if not every:
        # Numbers tell nobody's name: only what else the ids have is looked at.
        letters = pd.Series(ids, dtype=object).str.replace(r"\d+", "0", regex=True)
        telling = set(masks.changed(letters.unique().tolist()))
        ids_to_hide = [one for one, text in zip(ids, letters, strict=True) if text in telling]
    else:
        ids_to_hide = ids
    if not ids_to_hide:
        return log
    new = Pseudonyms.of(sorted(ids_to_hide), secret, domain="case", word=word, digits=12, taken=set(ids)).table
    return replace(log, case_names=pa.array([new.get(one, one) for one in ids], pa.large_string()))


def _reasons_only(aside: pd.DataFrame, masks: Masks) -> pd.DataFrame:
    """Return the quarantine without its rows: the reasons, without the values that they quote."""
    reasons = aside["reason"].astype(str).str.replace(r'^["“].*["”]: ', "", regex=True).str.split(": ").str[0]
    return pd.DataFrame({"reason": np.array([masks.masked(one) for one in reasons], dtype=object)})


def free_text(log: EventLog) -> tuple[str, ...]:
    """Return the attributes that look like free text: long or many-worded, and hardly ever the same twice."""
    found = []
    for name in [*map(str, log.case_attributes.columns), *log.attributes]:
        texts = _texts(log, name)
        if len(texts) < 2:
            continue
        filled = _filled(log, name)
        words = float(np.median([len(one.split()) for one in texts[:10_000]]))
        length = float(np.median([len(one) for one in texts[:10_000]]))
        if len(texts) >= DISTINCT * filled and (words >= SENTENCE or (length >= LONG and words > 1)):
            found.append(name)
    return tuple(found)


def _filled(log: EventLog, name: str) -> int:
    """Return in how many cases an attribute is filled in: many rows of a case repeat its text."""
    if name not in log.attributes:
        return int(log.case_attributes[name].notna().sum())
    filled: NDArray[np.bool_] = pd.notna(log.attributes[name])
    return int(np.logical_or.reduceat(filled, log.offsets[:-1]).sum())


def drop_free_text(log: EventLog, names: Iterable[str] | None = None) -> EventLog:
    """Drop the attributes that look like free text (see `free_text`), or those named, from the log and its quarantine.

    Raises `UnknownNameError` if there is no such attribute.
    """
    known = [*map(str, log.case_attributes.columns), *log.attributes]
    dropped = list(free_text(log)) if names is None else ([names] if isinstance(names, str) else list(names))
    for name in dropped:
        if name not in known:
            raise UnknownNameError.of(kind="attribute", name=name, known=known)
    columns = {name: log.attributes.held(name) for name in log.attributes if name not in dropped}
    cases = log.case_attributes.drop(columns=[name for name in dropped if name in log.case_attributes.columns])
    aside = log.quarantine.drop(
        columns=[name for name in dropped if name in log.quarantine.columns and name != "reason"]
    )
    out = replace(log, attributes=Columns(columns), case_attributes=cases, quarantine=aside)
    return recorded(out, "drop free text", ", ".join(dropped), len(dropped))
