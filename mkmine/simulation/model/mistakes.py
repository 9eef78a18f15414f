"""What is wrong with a model's file, in words: where, what was found there, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from mkmine.errors import nearest

__all__ = ["first_mistake"]

_LONGEST = 60
_LISTS = ("list_type", "tuple_type")
_MAPPINGS = ("dict_type", "model_type", "model_attributes_type", "mapping_type")


def first_mistake(error: ValidationError, model: type[BaseModel]) -> str:
    """Return the first mistake with its place, and how many there are."""
    first = error.errors(include_url=False)[0]
    place, known = _place(model, first["loc"])
    more = f" ({error.error_count()} problems in all)" if error.error_count() > 1 else ""
    message, missing = _message(dict(first), known), first["type"] in ("missing", "extra_forbidden")
    return ": ".join([*(place[:-1] if missing else place), message]) + more


def _message(error: dict[str, Any], known: Sequence[str]) -> str:
    kind, found, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(error["loc"][-1])
        return f'unknown key "{key}"; {nearest(key, known)}'
    if kind == "missing":
        return f'the key "{error["loc"][-1]}" is missing'
    if kind == "union_tag_invalid":
        kinds = [one.strip(" '") for one in str(context["expected_tags"]).split(",")]
        return f'unknown kind "{context["tag"]}"; {nearest(str(context["tag"]), kinds)}'
    if kind == "union_tag_not_found":
        return f'the key "kind" is missing in {_short(found)}; write e.g. {{kind: fixed, hours: 2}}'
    if kind in _LISTS:
        return f"give a list; found {_short(found)}"
    if kind in _MAPPINGS:
        return f"give keys with values, as in {{key: value}}; found {_short(found)}"
    if kind.startswith("date_"):
        return f"give a date, e.g. 2025-01-31; found {_short(found)}"
    message = str(error["msg"]).removeprefix("Value error, ").replace("Input should", "the value should")
    return message if kind == "value_error" else f"found {_short(found)}: {message}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _place(model: Any, loc: Sequence[int | str]) -> tuple[list[str], list[str]]:
    """Return the words of a place, without what only pydantic knows of, and the keys that are known there."""
    words: list[str] = []
    known: list[str] = []
    here = model
    for part in loc:
        options = _options(here)
        if isinstance(part, int):
            words.append(f"#{part + 1}")
            here = _inner(options, list)
            continue
        chosen = next((one for one in options if _is_model(one) and part in _tags(one)), None)
        if chosen is not None and len(options) > 1:
            # The kind of a union's member is no key in the file.
            here = chosen
            continue
        words.append("key" if part == "[key]" else part)
        owner = next((one for one in options if _is_model(one)), None)
        known = list(owner.model_fields) if owner is not None else []
        if owner is not None and part in owner.model_fields:
            here = owner.model_fields[part].annotation
        else:
            here = _inner(options, dict)
    return words, known


def _options(annotation: Any) -> list[Any]:
    """Return what a value may be: the members of a union, without what Annotated adds."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [one for part in get_args(annotation) for one in _options(part) if one is not type(None)]
    return [annotation]


def _inner(options: Sequence[Any], kind: type) -> Any:
    """Return what the list, or the mapping, among the options holds."""
    return next((get_args(one)[-1] for one in options if get_origin(one) is kind), None)


def _is_model(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, BaseModel)


def _tags(one: type[BaseModel]) -> tuple[Any, ...]:
    kind = one.model_fields.get("kind")
    return () if kind is None else get_args(kind.annotation)
