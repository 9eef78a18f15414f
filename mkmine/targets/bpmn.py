"""BPMN 2.0: read what modelers export (Camunda, bpmn.io, Signavio), write what they open.

The meaning follows OMG BPMN 2.0.2 (formal/2013-12-09). What is read: one pool with its lanes, tasks of all kinds, call
activities, exclusive, parallel, inclusive and event-based gateways, start, end and intermediate events, events on the
border of a task (said with gateways), subprocesses (whose steps take their place), documentation. What has no meaning
here yet (loops over subprocesses, events that interrupt one ...) is refused by name and id, not skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException, EntitiesForbidden
from defusedxml.ElementTree import fromstring

from mkmine.errors import DataError, nearest
from mkmine.targets.boundaries import Boundary, with_boundaries
from mkmine.targets.extensions import attributes_of, extensions_of
from mkmine.targets.model import Flow, Kind, Node, ProcessModel
from mkmine.targets.subprocesses import Steps, unfolded

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SIZE_LIMIT = 20_000_000

TASKS = frozenset(
    {
        *("task", "userTask", "manualTask", "serviceTask", "scriptTask"),
        *("sendTask", "receiveTask", "businessRuleTask", "callActivity"),
    }
)
KINDS: dict[str, Kind] = {
    **dict.fromkeys(TASKS, "task"),
    "exclusiveGateway": "exclusive",
    "parallelGateway": "parallel",
    "inclusiveGateway": "inclusive",
    # To the order of work it is a choice; what decides is told by `element`.
    "eventBasedGateway": "exclusive",
    "startEvent": "start",
    "endEvent": "end",
    "intermediateThrowEvent": "event",
    "intermediateCatchEvent": "event",
}
SUBPROCESS = "subProcess"
BOUNDARY = "boundaryEvent"
# Deeper nesting is no drawing of a person.
DEEPEST = 20
# Parts of a process that say nothing about the order of work.
SILENT_PARTS = frozenset(
    {
        *("documentation", "extensionElements", "textAnnotation", "association", "group", "artifact"),
        *("laneSet", "sequenceFlow", "dataObject", "dataObjectReference", "dataStoreReference"),
        *("ioSpecification", "ioBinding", "property", "auditing", "monitoring", "correlationSubscription"),
        *("performer", "potentialOwner", "resourceRole", "supports", "incoming", "outgoing"),
    }
)
JUMPS = frozenset({"link", "compensate", "cancel"})
LOOPS = frozenset({"standardLoopCharacteristics", "multiInstanceLoopCharacteristics"})


def read_bpmn(path: str | Path, *, process: str | None = None) -> ProcessModel:
    """Read a process model from a BPMN 2.0 file.

    `process` chooses one of several pools by name or id. Raises `DataError` if the file is missing, is not BPMN 2.0,
    declares XML entities, holds an element whose meaning is not supported, or breaks a rule of `ProcessModel`.
    """
    file = Path(path)
    try:
        if file.stat().st_size > SIZE_LIMIT:
            raise DataError(f"{file} is larger than {SIZE_LIMIT // 10**6} MB; a process model is a small file")
        data = file.read_bytes()
    except FileNotFoundError:
        raise DataError(f"no such file: {file}; check the path of the BPMN model") from None
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}; give a BPMN 2.0 file") from None
    return parse_bpmn(data, source=str(file), process=process)


def parse_bpmn(data: bytes, *, source: str = "BPMN", process: str | None = None) -> ProcessModel:
    """Read a process model from the bytes of a BPMN 2.0 document; `source` is how errors call it. See `read_bpmn`."""
    root = _parse(data, source)
    if root.tag != f"{{{MODEL}}}definitions":
        raise DataError(
            f"{source} is not BPMN 2.0: its root element is <{_local(root)}>, not <definitions> of {MODEL}; "
            'export the diagram as "BPMN 2.0 XML"'
        )
    chosen, name = _choose_process(root, source, process)
    lanes, own = dict(_lanes(chosen)), _text(chosen.get("name"))
    # A pool without lanes that is called otherwise than its process is who does the work.
    role = name if own and own != name and not lanes else None
    steps = _steps(chosen, lanes, source, lane=role)
    return ProcessModel(
        nodes=steps.nodes,
        flows=steps.flows,
        name=(own if role else name) or Path(source).stem,
        documentation=_documentation(chosen),
        source=source,
    )


def _parse(data: bytes, source: str) -> Element:
    try:
        root: Element = fromstring(data, forbid_dtd=True, forbid_entities=True, forbid_external=True)
        return root
    except DefusedXmlException as error:
        found = re.search(rb"<!ENTITY\s+%?\s*([^\s>]{1,80})", data)
        name = error.name if isinstance(error, EntitiesForbidden) else found and found[1].decode(errors="replace")
        what = f'the XML entity "{name}"' if name else "a document type (<!DOCTYPE>)"
        raise DataError(
            f"{source} declares {what}, which can be used to attack a reader; BPMN needs none: "
            "remove the <!DOCTYPE ...> block or export the diagram again"
        ) from None
    except ParseError as error:
        line, column = error.position
        raise DataError(
            f"{source} is not well-formed XML: line {line}, column {column + 1}: {str(error).split(':')[0]}; "
            "the file may be cut short: export it again"
        ) from None
    except (ValueError, LookupError) as error:
        raise DataError(f"{source} cannot be decoded: {error}; save it as UTF-8") from None


def _choose_process(root: Element, source: str, wanted: str | None) -> tuple[Element, str]:
    pools = {p.get("processRef"): _text(p.get("name")) for p in root.iter(f"{{{MODEL}}}participant")}
    drawn = [p for p in root.iterfind(f"{{{MODEL}}}process") if _has_steps(p)]
    names = {id(p): pools.get(p.get("id")) or _text(p.get("name")) for p in drawn}
    if not drawn:
        raise DataError(f"{source} has no process with tasks or events; draw one, or export the right diagram")
    if wanted is not None:
        drawn = [p for p in drawn if wanted in (names[id(p)], p.get("id"))]
        if not drawn:
            advice = nearest(wanted, list(names.values()))
            raise DataError(f'{source} has no process or pool "{wanted}"; {advice}')
    if len(drawn) > 1:
        listed = ", ".join(f'"{names[id(p)] or p.get("id")}"' for p in drawn)
        raise DataError(f"{source} has {len(drawn)} processes: {listed}; choose one with process=...")
    return drawn[0], names[id(drawn[0])]


def _steps(process: Element, lanes: dict[str, str], source: str, *, lane: str | None = None, depth: int = 0) -> Steps:
    """Return the steps of a process, or of a subprocess that stands in a lane, those of its subprocesses among them."""
    if depth > DEEPEST:
        raise DataError(f"{source}: subprocesses are nested deeper than {DEEPEST}; draw them side by side")
    steps = Steps(nodes=tuple(_nodes(process, lanes, source, lane)), flows=tuple(_flows(process, source)))
    steps = with_boundaries(steps, tuple(_boundaries(process, lanes, source, lane)))
    for element in process:
        if _is_filled(element):
            where = f"{source}: subprocess {_identity(element)}"
            own = lanes.get(_id(element, source), lane)
            inner = _steps(element, lanes, source, lane=own, depth=depth + 1)
            steps = unfolded(steps, _id(element, source), inner, where=where)
    return steps


def _is_filled(element: Element) -> bool:
    """Whether an element is a subprocess with steps of its own; an empty one is a task."""
    return element.tag == f"{{{MODEL}}}{SUBPROCESS}" and _has_steps(element)


def _has_steps(element: Element) -> bool:
    return any(_local(child) in {*KINDS, SUBPROCESS} for child in element)


def _nodes(process: Element, lanes: dict[str, str], source: str, lane: str | None) -> Iterator[Node]:
    known = {*KINDS, SUBPROCESS, BOUNDARY, *SILENT_PARTS}
    parts = [one for one in process if isinstance(one.tag, str) and one.tag.startswith(f"{{{MODEL}}}")]
    if others := [f"<{_local(one)}> {_identity(one)}" for one in parts if _local(one) not in known]:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        what = f"element {others[0]} is" if len(others) == 1 else f"elements {', '.join(others[:5])}{more} are"
        raise DataError(
            f"{source}: {what} not supported; draw its steps as tasks, gateways and events of the process itself"
        )
    for element in parts:
        if _local(element) in KINDS:
            yield _node(element, lanes, source, lane)
        elif _local(element) == SUBPROCESS:
            yield _subprocess(element, lanes, source, lane)


def _boundaries(process: Element, lanes: dict[str, str], source: str, lane: str | None) -> Iterator[Boundary]:
    """Yield the events on the borders of tasks, and of subprocesses that they do not interrupt."""
    places = {child.get("id"): child for child in process if _local(child) in {*TASKS, SUBPROCESS}}
    for element in process.iterfind(f"{{{MODEL}}}{BOUNDARY}"):
        place = places.get(element.get("attachedToRef"))
        interrupts = element.get("cancelActivity", "true") in ("true", "1")
        if place is None:
            raise DataError(
                f"{source}: element <{BOUNDARY}> {_identity(element)} is on the border of no task; attach it to one"
            )
        if interrupts and _is_filled(place):
            raise DataError(
                f"{source}: element <{BOUNDARY}> {_identity(element)} interrupts the subprocess {_identity(place)}, "
                "which is not supported; attach it to the tasks that it may interrupt"
            )
        own = lanes.get(_id(element, source), lanes.get(_id(place, source), lane))
        event = _node(element, {}, source, own)
        yield Boundary(event=event, place=_id(place, source), interrupts=interrupts)


def _subprocess(element: Element, lanes: dict[str, str], source: str, lane: str | None) -> Node:
    """Return a node for a subprocess; if it has steps, they are put in its place afterwards."""
    looped = bool(LOOPS.intersection(map(_local, element)))
    if element.get("triggeredByEvent") == "true" or (looped and _is_filled(element)):
        what = "a loop or several instances" if looped else "an event that starts it"
        raise DataError(
            f"{source}: element <{SUBPROCESS}> {_identity(element)} with {what} is not supported; "
            "draw the way back, or what happens then, with gateways"
        )
    return Node(
        id=_id(element, source),
        kind="task",
        name=_text(element.get("name")),
        lane=lanes.get(element.get("id", ""), lane),
        documentation=_documentation(element),
        element=SUBPROCESS,
        repeats=looped,
        extensions=extensions_of(element, source),
        attributes=attributes_of(element),
    )


def _node(element: Element, lanes: dict[str, str], source: str, lane: str | None) -> Node:
    name, node_id = _local(element), _id(element, source)
    parts = [_local(child) for child in element]
    triggers = [part.removesuffix("EventDefinition") for part in parts if part.endswith("EventDefinition")]
    if jumps := JUMPS.intersection(triggers):
        raise DataError(
            f"{source}: element <{name}> {_identity(element)} with a {min(jumps)} event is not supported; "
            "draw the jump as a sequence flow"
        )
    kind: Kind = "terminate" if name == "endEvent" and "terminate" in triggers else KINDS.get(name, "event")
    return Node(
        id=node_id,
        kind=kind,
        name=_text(element.get("name")),
        lane=lanes.get(node_id, lane),
        documentation=_documentation(element),
        element=name,
        trigger=triggers[0] if triggers else "",
        repeats=bool(LOOPS.intersection(parts)),
        extensions=extensions_of(element, source),
        attributes=attributes_of(element),
    )


def _documentation(element: Element) -> str:
    texts = [_text("".join(child.itertext())) for child in element.iterfind(f"{{{MODEL}}}documentation")]
    return " ".join(filter(None, texts))


def _lanes(process: Element) -> Iterator[tuple[str, str]]:
    # Document order puts an inner lane after the lane around it, so the inner one wins in a dict.
    for lane in process.iter(f"{{{MODEL}}}lane"):
        name = _text(lane.get("name"))
        for reference in lane.iterfind(f"{{{MODEL}}}flowNodeRef"):
            if name:
                yield _text(reference.text), name


def _flows(process: Element, source: str) -> Iterator[Flow]:
    kinds = {child.get("id"): _local(child) for child in process}
    defaults = {child.get("default") for child in process} - {None}
    for element in process.iterfind(f"{{{MODEL}}}sequenceFlow"):
        ends = {side: element.get(f"{side}Ref") or "" for side in ("source", "target")}
        condition = element.find(f"{{{MODEL}}}conditionExpression")
        if condition is not None and kinds.get(ends["source"]) in {*TASKS, SUBPROCESS}:
            raise DataError(
                f"{source}: conditional flow {_identity(element)} out of a task is not supported; "
                "put an exclusive gateway after the task"
            )
        yield Flow(
            id=_id(element, source),
            name=_text(element.get("name")),
            condition="" if condition is None else _text(condition.text),
            default=element.get("id") in defaults,
            documentation=_documentation(element),
            extensions=extensions_of(element, source),
            attributes=attributes_of(element),
            **ends,
        )


def _id(element: Element, source: str) -> str:
    if value := element.get("id"):
        return value
    raise DataError(f"{source}: element <{_local(element)}> {_identity(element)} has no id; export the diagram again")


def _identity(element: Element) -> str:
    name, value = _text(element.get("name")), element.get("id", "without id")
    return f'"{name}" ({value})' if name else f"({value})"


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(value: str | None) -> str:
    # Modelers keep the line breaks of the drawing inside names.
    return " ".join((value or "").split())
