"""A process written down instead of drawn: a YAML file of steps, choices, parallel work and ways back.

    process: Article
    steps:
      - {step: Brief, role: Marketer}
      - choice: Is it complete?
        ways:
          no: {go_to: Brief}
          yes: []
      - {step: Publication, role: Editor}

What stands below follows what stands above; a way without steps leads straight on. A merge is where ways meet again,
and after parallel work all of it is waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from mkmine.errors import DataError, nearest
from mkmine.files import read_yaml
from mkmine.targets.model import Flow, Kind, Node, ProcessModel

if TYPE_CHECKING:
    import yaml

__all__ = ["FORKS", "parse_outline", "read_outline"]

FORKS: Final[dict[str, Kind]] = {"choice": "exclusive", "several": "inclusive", "parallel": "parallel"}
_PLACES: Final[dict[str, Kind]] = {"step": "task", "event": "event", "start": "start"}
_ENDS: Final[dict[str, Kind]] = {"end": "end", "terminate": "terminate"}
_WORDS: Final = (*_PLACES, *FORKS, *_ENDS, "join", "go_to")
_DETAILS: Final = ("role", "note", "id", "element", "trigger", "repeats", "ways")
_DEEPEST: Final = 100
_ADVICE: Final = "write a step as its name, or as {step: ..., role: ...}"


def read_outline(path: str | Path) -> ProcessModel:
    """Read a process model from a YAML file of steps.

    Raises `DataError` with the line if the file is missing, is not YAML, has a word that no process has, names a step
    twice, goes to a step that is not there, holds a step that nothing leads to, or breaks a rule of `ProcessModel`.
    """
    read_yaml(path, what="process")
    return parse_outline(Path(path).read_text(encoding="utf-8-sig"), source=str(path))


def parse_outline(text: str, *, source: str) -> ProcessModel:
    """Read a process model from the text of such a file, known to be a YAML mapping; `source` is named in errors.

    Raises `DataError` as `read_outline` does.
    """
    import yaml

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    builder = _Builder(source)
    assert isinstance(root, yaml.MappingNode)
    fields = {str(key.value): (key, value) for key, value in root.value}
    for name, (key, _) in fields.items():
        if name not in ("process", "steps"):
            hint = "a process card stands in a file of its own, <name>.card.yaml"
            builder.complain(key, f'a process has no field "{name}"; it has "process" and "steps" ({hint})')
    if "steps" not in fields:
        raise DataError(f'{source} has no "steps"; {_ADVICE}, one below the other')
    name = builder.text(fields["process"][1]) if "process" in fields else ""
    return builder.build(fields["steps"][1], name or Path(source).stem)


@dataclass(frozen=True, slots=True)
class _End:
    """Where the case is, and the name and number of the way by which it goes on."""

    source: str
    way: str = ""
    number: int = 0


@dataclass
class _Builder:
    """Makes nodes and flows of what stands in the file, and remembers the line of each."""

    source: str
    nodes: list[Node] = field(default_factory=list)
    flows: list[tuple[_End, str]] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    jumps: list[tuple[_End, str, yaml.Node]] = field(default_factory=list)

    def complain(self, node: yaml.Node, problem: str) -> NoReturn:
        raise DataError(f"{self.source}, line {node.start_mark.line + 1}: {problem}")

    def build(self, steps: yaml.Node, name: str) -> ProcessModel:
        ends, lane = self.items(steps, [], None, 0)
        if not self.nodes:
            self.complain(steps, f"there are no steps; {_ADVICE}")
        if ends:
            self.connect(ends, self.node("end", "", lane, steps))
        for end, target, node in self.jumps:
            if target not in self.names:
                self.complain(node, f'there is no step "{target}" to go to; {nearest(target, list(self.names))}')
            self.flow(end, self.names[target])
        into = {target for _, target in self.flows}
        for one in self.nodes:
            if one.kind != "start" and one.id not in into:
                where = f"{self.source}, line {self.lines[one.id]}"
                raise DataError(f"{where}: nothing leads to {one.label}: all before it ends or goes elsewhere; move it")
        self.place_starts()
        self.merge()
        place = {node.id: n for n, node in enumerate(self.nodes)}
        ordered = sorted(self.flows, key=lambda flow: (place[flow[0].source], flow[0].number))
        flows = tuple(
            Flow(id=f"flow_{n}", source=end.source, target=target, name=end.way)
            for n, (end, target) in enumerate(ordered, 1)
        )
        return ProcessModel(nodes=tuple(self.nodes), flows=flows, name=name, source=self.source)

    def items(self, value: yaml.Node, ends: list[_End], lane: str | None, depth: int) -> tuple[list[_End], str | None]:
        """Add what stands in a list, or the one thing that stands for it; return where it leaves the case and who."""
        import yaml

        if depth > _DEEPEST:
            self.complain(value, f"ways are nested deeper than {_DEEPEST}; lead them to a step with go_to")
        inside = value.value if isinstance(value, yaml.SequenceNode) else [value] if not _nothing(value) else []
        for item in inside:
            if isinstance(item, yaml.SequenceNode):
                self.complain(item, f"a list stands where a step is expected; {_ADVICE}")
            ends, lane = self.item(item, ends, lane, depth)
        return ends, lane

    def item(self, item: yaml.Node, ends: list[_End], lane: str | None, depth: int) -> tuple[list[_End], str | None]:
        if _nothing(item):
            self.complain(item, f"a step has no name; {_ADVICE}")
        fields = self.fields(item)
        word = next(iter(fields))
        name = self.text(fields[word]) if word not in FORKS or _is_text(fields[word]) else ""
        if word == "go_to":
            if not ends:
                self.complain(item, f'nothing leads to "go_to: {name}"; delete it')
            self.jumps += [(end, name, item) for end in ends]
            return [], lane
        if not ends and not self.nodes and word != "start":
            ends = [_End(self.node("start", "", self.lane(fields, lane), item))]
        if word in FORKS:
            return self.fork(item, fields, word, name, ends, lane, depth)
        if word == "start" and ends:
            self.complain(item, "the case has begun already; a start stands first, or after an end")
        kind = FORKS.get(name) if word == "join" else {**_PLACES, **_ENDS}[word]
        if kind is None:
            self.complain(fields[word], f'"{name}" cannot be joined; {nearest(name, list(FORKS))}')
        own = self.lane(fields, None if word == "step" else lane)
        node = self.node(kind, "" if word == "join" else name, own, item, fields)
        if word == "join" and len(ends) > 1:
            gate = self.node("exclusive", "", own, item)
            self.connect(ends, gate)
            ends = [_End(gate)]
        self.connect(ends, node)
        return ([] if word in _ENDS else [_End(node)]), own

    def fork(
        self,
        item: yaml.Node,
        fields: dict[str, yaml.Node],
        word: str,
        name: str,
        ends: list[_End],
        lane: str | None,
        depth: int,
    ) -> tuple[list[_End], str | None]:
        own = self.lane(fields, lane)
        gate = self.node(FORKS[word], name, own, item, fields)
        self.connect(ends, gate)
        left: list[list[_End]] = []
        for number, (way, steps) in enumerate(self.ways(item, fields, word)):
            left.append(self.items(steps, [_End(gate, way, number)], own, depth + 1)[0])
        if len(left) < 2:
            self.complain(item, f'"{word}" needs two ways or more, found {len(left)}; name them under "ways"')
        open_ways = [way for way in left if way]
        if word == "choice" or len(open_ways) < 2:
            return [end for way in left for end in way], own
        join = self.node(FORKS[word], "", own, item)
        for ended in open_ways:
            merge = self.node("exclusive", "", own, item) if len(ended) > 1 else join
            self.connect(ended, merge)
            if merge != join:
                self.connect([_End(merge)], join)
        return [_End(join)], own

    def ways(self, item: yaml.Node, fields: dict[str, yaml.Node], word: str) -> Iterator[tuple[str, yaml.Node]]:
        """Yield name and steps of each way: a mapping of names to steps, or a list of steps or of named ways."""
        import yaml

        value = fields.get("ways", fields[word])
        if isinstance(value, yaml.MappingNode):
            yield from ((self.text(key), steps) for key, steps in value.value)
        elif isinstance(value, yaml.SequenceNode):
            for way in value.value:
                named = {str(k.value): v for k, v in way.value} if isinstance(way, yaml.MappingNode) else {}
                if "way" in named:
                    if extra := [one for one in named if one not in ("way", "steps")]:
                        self.complain(way, f'a way has no "{extra[0]}"; it has "way" and "steps"')
                    yield self.text(named["way"]), named.get("steps", yaml.ScalarNode("", ""))
                else:
                    yield "", way
        else:
            self.complain(item, f'"{word}" has no ways; write them under "ways", each with its steps')

    def fields(self, item: yaml.Node) -> dict[str, yaml.Node]:
        """Return what is said of an item, the word that says what it is first."""
        import yaml

        if not isinstance(item, yaml.MappingNode):
            return {"step": item}
        said = {str(key.value): value for key, value in item.value}
        words = [one for one in said if one in _WORDS]
        if unknown := [one for one in said if one not in (*_WORDS, *_DETAILS)]:
            self.complain(item, f'"{unknown[0]}" is no word of a process; {nearest(unknown[0], (*_WORDS, *_DETAILS))}')
        if len(words) != 1:
            listed = ", ".join(_WORDS)
            self.complain(item, f"an item is one of {listed}, found {len(words)} ({', '.join(words) or 'none'})")
        return {words[0]: said.pop(words[0]), **said}

    def node(
        self,
        kind: Kind,
        name: str,
        lane: str | None,
        at: yaml.Node,
        fields: dict[str, yaml.Node] | None = None,
    ) -> str:
        said = {key: self.text(value) for key, value in (fields or {}).items() if key in _DETAILS and key != "ways"}
        if kind == "task" and not name:
            self.complain(at, f"a step has no name; {_ADVICE}")
        own = said.get("id") or f"{kind}_{len(self.nodes) + 1}"
        known = [key for key in dict.fromkeys((name if kind == "task" else own, said.get("id") or own)) if key]
        for key in known:
            if key in self.names:
                before = self.lines[self.names[key]]
                self.complain(at, f'"{key}" is named already in line {before}; to go back to it write "go_to: {key}"')
        self.nodes.append(
            Node(
                id=own,
                kind=kind,
                name=name,
                lane=lane or None,
                documentation=said.get("note", ""),
                element=said.get("element", ""),
                trigger=said.get("trigger", ""),
                repeats=said.get("repeats", "").casefold() in ("true", "yes", "on"),
            )
        )
        self.names.update(dict.fromkeys(known, own))
        self.said |= {own} if "role" in said else set()
        self.lines[own] = at.start_mark.line + 1
        return own

    def lane(self, fields: dict[str, yaml.Node], before: str | None) -> str | None:
        return (self.text(fields["role"]) or None) if "role" in fields else before

    def text(self, node: yaml.Node) -> str:
        if not _is_text(node):
            self.complain(node, "a list or mapping stands where a name is expected; give one line of text")
        return "" if _nothing(node) else " ".join(str(node.value).split())

    def connect(self, ends: Sequence[_End], target: str) -> None:
        for end in ends:
            self.flow(end, target)

    def flow(self, end: _End, target: str) -> None:
        self.flows.append((end, target))

    def place_starts(self) -> None:
        """Draw a start where the first step is, unless the file says where."""
        for n, node in enumerate(self.nodes):
            if node.kind == "start" and node.id not in self.said:
                after = next(target for end, target in self.flows if end.source == node.id)
                lane = next(one.lane for one in self.nodes if one.id == after)
                self.nodes[n] = replace(node, lane=lane)

    def merge(self) -> None:
        """Put a gateway before what several ways lead to, so that nobody takes it for a join."""
        for node in list(self.nodes):
            into = [n for n, (_, target) in enumerate(self.flows) if target == node.id]
            single = sum(end.source == node.id for end, _ in self.flows) == 1
            # Ends need none, and a gateway with one way out is a join or a merge itself.
            if len(into) < 2 or node.kind in _ENDS.values() or (single and node.kind in FORKS.values()):
                continue
            gate = Node(id=f"merge_{node.id}", kind="exclusive", lane=node.lane)
            self.nodes.insert(self.nodes.index(node), gate)
            for n in into:
                self.flows[n] = self.flows[n][0], gate.id
            self.flow(_End(gate.id), node.id)


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node.value, str)


def _nothing(node: yaml.Node) -> bool:
    return _is_text(node) and (not node.value.strip() or node.tag == "tag:yaml.org,2002:null")
