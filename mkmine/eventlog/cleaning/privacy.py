"""Personal data: names replaced by keyed pseudonyms, free text dropped.

A pseudonym is a keyed hash (BLAKE2b with the key, RFC 7693) of the name: whoever has the key gets the same pseudonym
for the same name in every log and can tell whose it is; nobody else can. That is pseudonymisation in the sense of the
GDPR, article 4(5): with the key the data are personal still.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from mkmine.calendars import Calendar
from mkmine.calendars.days import Absence
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
    r"author|creator|reporter|assignee|approver|reviewer|owner|user|login|e.?mail|phone|person|employee|manager|^name$|(?:full|first|last|user).?name|surname|"
    r"автор|исполнител|заказчик|ответствен|постановщик|почта|телефон|фио|имя|сотрудник|менеджер|контакт",
    re.IGNORECASE,
)
# Numbers that reach somebody; other numbers in such columns are counts.
_REACHES = re.compile(r"phone|телефон|login|логин", re.IGNORECASE)
# Steps of the history that chose people, or joined them.
_CHOSE_PEOPLE = re.compile(r"filter (?:out )?people|merge resources|shift times")
# What a number has that was read as one with a fraction.
_NUMBER = re.compile(r"(?<=\d)\.0$")
# Shorter numbers are ids of somebody less often than they are counts.
SHORTEST_ID = 3
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

    Of `resources` always their columns and whatever else holds the same people: attributes whose values are their
    names or ids (in a column of numbers: ids of three digits or more), attributes whose own names speak of people, and,
    within the texts and names of attributes, activities, roles, the log and its history:

    - whole names, and every word of them of four letters or more, in large or small letters, in every case of Russian,
      however their letters are composed (NFC, NFD); words of three letters where they have a capital;
    - names of accounts made of them (ipetrov, petrov.i, ivanpetrov), Russian names in Latin letters, e-mail addresses;
    - ordinary words that are also words of a name: whose name is Baker hides the bakers too.

    Tuples, lists and the like become text where they name somebody. Names of absences in the calendar, the details of
    steps that chose people, and rows in the quarantine (but for their reason) are dropped. Case ids are replaced only
    if they hold a name, or with `cases`; the attributes named are replaced as a whole.

    Not recognised are people who are neither among the resources (now, or before a filter left them out) nor in
    attributes of people (so pseudonymise before saving), nicknames and typing errors, words of one or two letters,
    names of Latin letters written in Russian ones, and an id that stands here and there in a column of other numbers:
    name such columns in `attributes`.

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
    people = {*log.resources, *log.former} if resources else set()
    hidden = [name for name in known if name in asked or (resources and _holds_people(log, name))]
    texts = {name: _texts(log, name, every=name in hidden) for name in known}
    everyone = sorted({*people, *(one for name in hidden for one in texts[name] if name not in asked)})
    named = Pseudonyms.of(everyone, secret, domain="person", word=words["person"])
    further = sorted({one for name in asked for one in texts[name]} - set(everyone))
    tables = {**Pseudonyms.of(further, secret, domain="value", word=words["value"]).table, **named.table}
    masks = Masks.of(named.table, whole=tables, word=words["person"])
    new_names = _renamed(known, masks)
    out = _columns(log, hidden, texts, tables, masks, new_names)
    out = recoded(out, "resources", {name: tables[name] for name in people})
    out = recoded(out, "activities", masks.changed(out.activities))
    role_names = masks.changed(out.roles)
    if roles:
        role_names = dict(Pseudonyms.of(out.roles, secret, domain="role", word=words["role"]).table)
    out = _cases(recoded(out, "roles", role_names), masks, secret, words["case"], every=cases)
    out = replace(
        out._take(slice(None)),
        name=masks.masked(log.name),
        history=tuple(_retold(one, hidden, masks) for one in log.history),
        quarantine=_reasons_only(log.quarantine, masks),
        calendar=None if log.calendar is None else _unnamed(log.calendar),
        former=() if resources else log.former,
    )
    told = ["people"] * resources + ["roles"] * roles + ["cases"] * cases
    told += sorted(new_names[name] for name in {*hidden, *asked})
    return recorded(out, "pseudonymise", "; ".join(told), len(tables))


def _retold(step: Step, hidden: list[str], masks: Masks) -> Step:
    """Return a step without names: whom it chose may not be in the log any more, and is not recognised then."""
    if _CHOSE_PEOPLE.fullmatch(step.action):
        return Step(step.action, "…", step.touched)
    for name in hidden:
        if step.detail.startswith(f"{name} = "):
            return Step(step.action, f"{masks.masked(name)} = …", step.touched)
    return Step(step.action, masks.masked(step.detail), step.touched)


def _unnamed(calendar: Calendar) -> Calendar:
    """Return a calendar whose absences do not say whose or why they are."""
    return replace(
        calendar,
        absences=tuple(Absence(one.first, one.last) for one in calendar.absences),
        all_of=tuple(map(_unnamed, calendar.all_of)),
        any_of=tuple(map(_unnamed, calendar.any_of)),
    )


def _renamed(known: list[str], masks: Masks) -> dict[str, str]:
    """Return the name that each attribute gets: without those of people, and no two alike."""
    out: dict[str, str] = {}
    for name in known:
        new = masks.masked(name)
        while new != name and (new in known or new in out.values()):
            new += " …"
        out[name] = new
    return out


def _checked(key: str | bytes) -> bytes:
    secret = key.encode() if isinstance(key, str) else bytes(key) if isinstance(key, bytes | bytearray) else b""
    if len(secret) < SHORTEST_KEY or len(set(secret)) < FEWEST_SIGNS:
        raise DataError(
            f"the key has {len(secret)} bytes, {len(set(secret))} of them different; a key that cannot be guessed has "
            f"{SHORTEST_KEY} or more, e.g. secrets.token_hex(16): keep it apart from the log"
        )
    return secret


def _values(log: EventLog, name: str) -> NDArray[Any]:
    """Return the values of an attribute, of text and of categories every one that it knows."""
    if name in log.attributes:
        held = log.attributes.held(name)
        return held.names if isinstance(held, Text) else held
    column = log.case_attributes[name]
    categories = isinstance(column.dtype, pd.CategoricalDtype)
    return np.asarray(column.cat.categories if categories else column.to_numpy())


def _told(value: Any) -> str | None:
    """Return a value as text, a whole number without a point; None if it is missing."""
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _texts(log: EventLog, name: str, *, every: bool = False) -> list[str]:
    """Return the distinct texts of an attribute, lists and the like as text; with `every` numbers and dates too."""
    values = _values(log, name)
    if values.dtype != object:
        return sorted({str(_told(one)) for one in pd.unique(values) if not pd.isna(one)}) if every else []
    plain = (bool, int, float, date, timedelta, np.generic)
    found = {_told(one) for one in values if every or not isinstance(one, plain)}
    return sorted(one for one in found if one is not None)


def _holds_people(log: EventLog, name: str) -> bool:
    values = _values(log, name)
    numbers = values.dtype.kind in "iuf" or (
        values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) in ("integer", "mixed-integer-float")
    )
    known = {_NUMBER.sub("", person.casefold().strip()) for person in log.resources}
    if numbers:
        known = {person for person in known if person.isdigit()}
    reaches, personal = _REACHES.search(name) is not None, _PERSONAL.search(name) is not None
    if numbers and not known and not reaches:
        return False
    texts = _texts(log, name, every=numbers or reaches)
    # Ids are whole.
    if not texts or (numbers and not reaches and not all(text.isdigit() for text in texts)):
        return False
    if numbers and not personal:
        known = {person for person in known if len(person) >= SHORTEST_ID}
    shared = sum(text.strip().casefold() in known for text in texts)
    return reaches or (personal and not (numbers and not shared)) or shared > SHARED * len(texts)


def _columns(
    log: EventLog,
    hidden: list[str],
    texts: dict[str, list[str]],
    tables: dict[str, str],
    masks: Masks,
    names: dict[str, str],
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
    frame.columns = pd.Index([names[str(name)] for name in frame.columns])
    return replace(
        log, attributes=Columns({names[name]: held for name, held in columns.items()}), case_attributes=frame
    )


def _replaced(held: Any, new: dict[str, str]) -> Any:
    """Return a column with texts replaced; what is empty stays so."""
    if isinstance(held, Text):
        number, names = pd.factorize(np.array([new.get(str(one), one) for one in held.names], dtype=object))
        codes = np.append(number, -1)[held.codes.astype(np.int64)]
        return Text(narrow(codes, len(names)), np.asarray(names, dtype=object))
    out = np.empty(len(held), dtype=object)
    for place, one in enumerate(held):
        told = _told(one)
        out[place] = None if told is None else new.get(told, one)
    return out


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
