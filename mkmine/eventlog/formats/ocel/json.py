"""OCEL 2.0 JSON, read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from mkmine.errors import DataError
from mkmine.eventlog.formats.encodings import loads_json
from mkmine.eventlog.formats.ocel.objects import Gathered, Objects, typed
from mkmine.eventlog.formats.tabular import open_limited

__all__ = ["from_json"]

# JSON unfolds to about ten times its size in memory.
LARGEST = 1 << 29


def from_json(path: Path, *, size_limit: int = LARGEST) -> Objects:
    """Read the events and objects of a file.

    Raises `DataError` if it is too large, is not JSON, or is not OCEL 2.0.
    """
    with open_limited(path, size_limit) as stream:
        data = stream.read()
    try:
        document = loads_json(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f'"{path.name}" is not JSON: {" ".join(str(error).split())[:200]}; export it again') from None
    return _Reader(path.name, document).objects()


class _Reader:
    """The parts of a document, each checked when it is used."""

    def __init__(self, name: str, document: Any) -> None:
        self.name = name
        if isinstance(document, dict) and any(str(key).startswith("ocel:") for key in document):
            raise DataError(f'"{name}" is OCEL 1.0; convert it to OCEL 2.0, e.g. with pm4py.write_ocel2_json')
        if not isinstance(document, dict) or not {"events", "objects"} <= set(document):
            raise DataError(f'"{name}" is JSON but not OCEL 2.0: it has no "events" and "objects"')
        self.document = document

    def fail(self, place: str, what: str) -> NoReturn:
        raise DataError(f'"{self.name}" is not OCEL 2.0: {place} {what}; export it again')

    def parts(self, owner: dict[str, Any], key: str, place: str) -> list[dict[str, Any]]:
        """Return a list of objects of JSON; an absent one is empty."""
        found = owner.get(key) or []
        if not isinstance(found, list):
            self.fail(f"{place}{key}", "is not a list")
        for i, one in enumerate(found):
            if not isinstance(one, dict):
                self.fail(f"{place}{key}[{i}]", "is not an object")
        return found

    def text(self, owner: dict[str, Any], key: str, place: str) -> str:
        value = owner.get(key)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.fail(place, f'has no "{key}"')
        return str(value)

    def kinds(self, key: str) -> dict[str, str]:
        """Return the declared kinds of attributes by name; those that types declare differently are texts."""
        kinds: dict[str, str] = {}
        for i, one in enumerate(self.parts(self.document, key, "")):
            for attribute in self.parts(one, "attributes", f"{key}[{i}]."):
                name, kind = str(attribute.get("name")), str(attribute.get("type"))
                kinds[name] = kind if kinds.get(name, kind) == kind else "string"
        return kinds

    def objects(self) -> Objects:
        ids: dict[str, int] = {}
        types, of_objects = [], Gathered(self.name)
        for i, one in enumerate(self.parts(self.document, "objects", "")):
            place = f"objects[{i}]"
            if ids.setdefault(self.text(one, "id", place), i) != i:
                self.fail(place, f'has the id of another, "{one["id"]}"')
            types.append(self.text(one, "type", place))
            for attribute in self.parts(one, "attributes", f"{place}."):
                name = self.text(attribute, "name", f"{place}.attributes")
                of_objects.add(name, i, attribute.get("value"), str(attribute.get("time", "")))
        known: dict[str, int] = {}
        activities, times, of_events = [], [], Gathered(self.name)
        link_event, link_object, dangling = [], [], 0
        for i, one in enumerate(self.parts(self.document, "events", "")):
            place = f"events[{i}]"
            # An event that is there twice would be counted twice.
            if "id" in one and known.setdefault(self.text(one, "id", place), i) != i:
                self.fail(place, f'has the id of another, "{one["id"]}"')
            activities.append(self.text(one, "type", place))
            times.append(self.text(one, "time", place))
            for attribute in self.parts(one, "attributes", f"{place}."):
                of_events.add(self.text(attribute, "name", f"{place}.attributes"), i, attribute.get("value"))
            for link in self.parts(one, "relationships", f"{place}."):
                number = ids.get(self.text(link, "objectId", f"{place}.relationships"))
                if number is None:
                    dangling += 1
                    continue
                link_event.append(i)
                link_object.append(number)
        return Objects(
            activities=activities,
            times=typed(times, "time"),
            event_attributes=of_events.arrays(len(activities), self.kinds("eventTypes")),
            ids=list(ids),
            types=types,
            object_attributes=of_objects.arrays(len(types), self.kinds("objectTypes")),
            link_event=np.array(link_event, dtype=np.int64),
            link_object=np.array(link_object, dtype=np.int64),
            changed=of_objects.changed,
            dangling=dangling,
        )
