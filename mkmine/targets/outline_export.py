"""Write a process model down as a YAML file of steps, choices, parallel work and ways back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from mkmine.files import write_text
from mkmine.targets.model import Node, ProcessModel
from mkmine.targets.outline import FORKS
from mkmine.targets.reading import Fork, Item, Jump, Place, Reading, Way, read_in_order

__all__ = ["to_outline", "write_outline"]

_WORDS: Final = {kind: word for word, kind in FORKS.items()}
_WORDS_OF_PLACES: Final = {"task": "step", "event": "event", "start": "start", "end": "end", "terminate": "terminate"}
_UNUSUAL: Final = frozenset({"eventBasedGateway", "intermediateCatchEvent"})


def write_outline(model: ProcessModel, path: str | Path) -> Path:
    """Write the model as a YAML file of steps; return the path. Raises `DataError` if the place cannot be written."""
    return write_text(path, to_outline(model))


def to_outline(model: ProcessModel) -> str:
    """Return the model as the text of a YAML file of steps, which `read_outline` reads.

    What a drawing has beyond the order of work is left out: names of merges and of arrows that are no way of a choice,
    kinds of tasks, conditions and extensions of
    modelers. Raises `DataError` if forks are nested deeper than 100.
    """
    import yaml

    reading = read_in_order(model)
    written = _Writer(reading, model).items(reading.items, None)[0]
    # What the file says of itself: a start and an end without names need not be written.
    if written and written[0] == {"start": ""}:
        written = written[1:]
    if written and written[-1] == {"end": ""}:
        written = written[:-1]
    values = {"process": model.name, "steps": written}
    return yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=120)


def _jumped(items: Sequence[Item]) -> set[str]:
    found: set[str] = set()
    for item in items:
        if isinstance(item, Jump):
            found.add(item.node.id)
        elif isinstance(item, Fork):
            found |= {name for way in item.ways for name in _jumped(way.items)}
    return found


class _Writer:
    """Writes items as plain values; gateways and ends that are jumped to get their ids."""

    def __init__(self, reading: Reading, model: ProcessModel) -> None:
        self.jumped = _jumped(reading.items)
        # A start stands where the first step does.
        self.after = {name: model.by_id[edges[0].target] for name, edges in reading.edges.items() if edges}

    def items(self, items: Sequence[Item], lane: str | None) -> tuple[list[Any], str | None]:
        written: list[Any] = []
        for item in items:
            if isinstance(item, Jump):
                written.append({"go_to": item.node.name if item.node.kind == "task" else item.node.id})
                continue
            if isinstance(item, Fork):
                said, lane = self.fork(item, lane)
            else:
                said, lane = self.place(item, lane)
            written.append(said)
        return written, lane

    def place(self, item: Place, lane: str | None) -> tuple[Any, str | None]:
        node = item.node
        word = _WORDS_OF_PLACES.get(node.kind, "join")
        name = node.name if word != "join" else _WORDS[node.kind]
        usual = self.after[node.id].lane if node.kind == "start" else None if node.kind == "task" else lane
        details = self.details(node, usual)
        if word == "step" and not details:
            return name, node.lane
        return {word: name, **details}, node.lane

    def fork(self, item: Fork, lane: str | None) -> tuple[Any, str | None]:
        word, own = _WORDS[item.kind], item.node.lane if item.node else lane
        details = self.details(item.node, lane) if item.node else {}
        ways = [(way, self.way(way, own)) for way in item.ways]
        names = [way.flow.name for way in item.ways]
        shown: Any
        if all(names) and len(set(names)) == len(names):
            shown = {way.flow.name: steps for way, steps in ways}
        else:
            shown = [
                {"way": way.flow.name, "steps": steps}
                if way.flow.name
                else steps
                if isinstance(steps, list)
                else [steps]
                for way, steps in ways
            ]
        name = item.node.name if item.node else ""
        if not name and not details:
            return {word: shown}, own
        return {word: name, **details, "ways": shown}, own

    def way(self, way: Way, lane: str | None) -> Any:
        written = self.items(way.items, lane)[0]
        return written[0] if len(written) == 1 else written

    def details(self, node: Node, lane: str | None) -> dict[str, Any]:
        """Return what is said of a node beside its name; a role only where it is not the one before."""
        said: dict[str, Any] = {"role": node.lane or ""} if node.lane != lane else {}
        said |= {"note": node.documentation} if node.documentation else {}
        said |= {"id": node.id} if node.kind != "task" and node.id in self.jumped else {}
        said |= {"element": node.element} if node.element in _UNUSUAL else {}
        said |= {"trigger": node.trigger} if node.trigger else {}
        return said | ({"repeats": True} if node.repeats else {})
