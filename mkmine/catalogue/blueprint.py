"""The processes of the catalogue as data: one file each in `processes/`, with variants that change a few lines of it.

A file says once what a TO-BE, its card and a world have in common: the steps, each with its role, limits, hours and
source, and the choices with their shares. A variant drops, adds or changes steps, merges roles, and sets numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from mkmine.errors import DataError, UnknownNameError
from mkmine.files import read_yaml

__all__ = ["KEYS", "blueprint", "items", "published", "renamed", "russian"]

KEYS: Final = ("article", "email", "smm", "press", "event", "advertising", "research", "task")
_FOLDER: Final = Path(__file__).parent / "processes"
_FORKS: Final = ("choice", "parallel")


@cache
def published() -> dict[str, Any]:
    """Return the published figures, their sources, and the presets of approval."""
    return read_yaml(_FOLDER / "published.yaml", what="published figures")


@cache
def russian() -> dict[str, str]:
    """Return the Russian of every text in the files of the processes."""
    return read_yaml(_FOLDER / "russian.yaml", what="translations")


def blueprint(name: str, variants: Sequence[str] = ()) -> dict[str, Any]:
    """Return what the file of a process says, changed by variants one after another.

    Raises `UnknownNameError` if there is no such process or variant, and `DataError` if two variants exclude each other
    or one is named twice.
    """
    if name not in KEYS:
        raise UnknownNameError.of(kind="process", name=str(name), known=KEYS)
    values = read_yaml(_FOLDER / f"{name}.yaml", what="process of the catalogue")
    values["steps"] = _plain(values["steps"])
    known = values["variants"]
    for variant in variants:
        if variant not in known:
            raise UnknownNameError.of(kind="variant", name=str(variant), known=list(known), where=f'"{name}"')
    for number, variant in enumerate(variants):
        for other in variants[:number]:
            if other == variant:
                raise DataError(f'the variant "{variant}" is named twice; name it once')
            if other in known[variant].get("excludes", []) or variant in known[other].get("excludes", []):
                raise DataError(f'the variants "{other}" and "{variant}" of "{name}" exclude each other; choose one')
    values.setdefault("approval", "light")
    for variant in variants:
        values = _varied(values, known[variant])
    return values


def items(steps: list[Any]) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Yield each step, choice or end with the list that it stands in, in reading order."""
    for item in list(steps):
        yield steps, item
        for way in _ways(item):
            yield from items(way)


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return plain values with every text that is in `names` replaced, keys too."""
    if isinstance(value, dict):
        return {renamed(key, names): renamed(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [renamed(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value


def _ways(item: Mapping[str, Any]) -> list[list[Any]]:
    if "choice" in item:
        return list(item["ways"].values())
    return list(item.get("parallel", []))


def _plain(steps: list[Any]) -> list[Any]:
    """Return steps in which every way is a list."""
    out = []
    for item in steps:
        if "choice" in item:
            item = item | {"ways": {way: _plain(_listed(inside)) for way, inside in item["ways"].items()}}
        elif "parallel" in item:
            item = item | {"parallel": [_plain(_listed(inside)) for inside in item["parallel"]]}
        out.append(item)
    return out


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(item: Mapping[str, Any]) -> str | None:
    return item.get("step") or item.get("choice")


def _varied(values: dict[str, Any], variant: Mapping[str, Any]) -> dict[str, Any]:
    roles = variant.get("roles", {})
    world = values["world"]
    staff = {role: n for role, n in world["staff"].items() if role not in roles} | variant.get("staff", {})
    staff = {role: n for role, n in staff.items() if n}
    values = renamed({**values, "world": {**world, "staff": {}}}, roles)
    steps = values["steps"]
    gone = _dropped(steps, variant.get("drop", []))
    for addition in variant.get("add", []):
        _add(steps, dict(addition))
    changes = _plain_changes(variant.get("change", {}))
    for _, item in items(steps):
        _change(item, changes.get(_named(item) or "", {}))
    return values | {
        "approval": variant.get("approval", values["approval"]),
        "rules": [rule for rule in values["rules"] if not gone & set(_activities(rule))] + variant.get("rules", []),
        "figures": variant.get("figures", values["figures"]),
        "world": values["world"] | {"per_week": variant.get("per_week", world["per_week"]), "staff": staff},
    }


def _change(item: dict[str, Any], changes: Mapping[str, Any]) -> None:
    item.update(changes)
    for known in ("published", "fitted"):
        # A number that a variant sets is no longer the one that was published, unless the variant says so.
        if known in item and known not in changes:
            item[known] = {what: figure for what, figure in item[known].items() if what not in changes}


def _plain_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain([{"choice": name, **one}])[0] if "ways" in one else dict(one) for name, one in changes.items()}


def _activities(rule: Mapping[str, Any]) -> list[str]:
    named = next(iter(rule.values()))
    return named if isinstance(named, list) else [named]


def _dropped(steps: list[Any], names: Sequence[str]) -> set[str]:
    """Take steps and choices out, with all that stands in their ways; return the names of the steps that went."""
    gone: set[str] = set()
    for name in names:
        for inside, item in items(steps):
            if _named(item) == name:
                gone |= {str(one["step"]) for _, one in items([item]) if "step" in one}
                inside.remove(item)
    # A way of parallel work that holds nothing any more is none.
    for _, item in items(steps):
        if "parallel" in item:
            item["parallel"] = [way for way in item["parallel"] if way]
    return gone


def _add(steps: list[Any], item: dict[str, Any]) -> None:
    later = 1 if "after" in item else 0
    place = item.pop("after" if later else "before")
    for inside, one in items(steps):
        if _named(one) == place:
            inside.insert(inside.index(one) + later, item)
            return
