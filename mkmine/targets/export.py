"""Write a process model as a BPMN 2.0 file with a drawing that bpmn.io, Camunda Modeler and Signavio open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from mkmine.files import write_bytes
from mkmine.targets.bpmn import MODEL
from mkmine.targets.extensions import add_extensions, register_vendors
from mkmine.targets.layout import Box, Layout, lay_out, place_label
from mkmine.targets.model import Flow, Node, ProcessModel

DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
DD = "http://www.omg.org/spec/DD/20100524/DI"
ELEMENTS = {
    "task": "task",
    "start": "startEvent",
    "end": "endEvent",
    "terminate": "endEvent",
    "event": "intermediateThrowEvent",
    "exclusive": "exclusiveGateway",
    "parallel": "parallelGateway",
    "inclusive": "inclusiveGateway",
}


def write_bpmn(model: ProcessModel, path: str | Path) -> Path:
    """Write `model` with a layered drawing, lanes as horizontal bands; return the path.

    The file is replaced whole or not at all. Raises `DataError` if the place cannot be written.
    """
    return write_bytes(path, to_bpmn(model))


def to_bpmn(model: ProcessModel) -> bytes:
    """Return the model as a UTF-8 BPMN 2.0 document with its drawing (BPMN DI)."""
    for prefix, namespace in (("bpmn", MODEL), ("bpmndi", DI), ("dc", DC), ("di", DD)):
        register_namespace(prefix, namespace)
    register_vendors()
    ids = _ids(model)
    layout = lay_out(model)
    root = Element(
        f"{{{MODEL}}}definitions",
        {"id": "Definitions_1", "targetNamespace": "http://bpmn.io/schema/bpmn", "exporter": "mkmine"},
    )
    lanes = {name: f"Lane_{i}" for i, name in enumerate(layout.lanes, 1)} if model.lanes else {}
    process, participant, collaboration = (
        _free(word, set(ids.values())) for word in ("Process_1", "Participant_1", "Collaboration_1")
    )
    if lanes:
        pool = SubElement(root, f"{{{MODEL}}}collaboration", {"id": collaboration})
        SubElement(
            pool,
            f"{{{MODEL}}}participant",
            {"id": participant, "name": _clean(model.name), "processRef": process},
        )
    _process(root, model, ids, lanes, process)
    _drawing(root, model, ids, layout, lanes, participant, collaboration if lanes else process)
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _process(
    root: Element, model: ProcessModel, ids: Mapping[str, str], lanes: Mapping[str, str], process: str
) -> None:
    body = SubElement(root, f"{{{MODEL}}}process", {"id": process, "name": _clean(model.name), "isExecutable": "false"})
    if model.documentation:
        SubElement(body, f"{{{MODEL}}}documentation").text = _clean(model.documentation)
    if lanes:
        lane_set = SubElement(body, f"{{{MODEL}}}laneSet", {"id": "LaneSet_1"})
        for name, lane_id in lanes.items():
            lane = SubElement(lane_set, f"{{{MODEL}}}lane", {"id": lane_id, "name": _clean(name)})
            for node in model.nodes:
                if (node.lane or "") == name:
                    SubElement(lane, f"{{{MODEL}}}flowNodeRef").text = ids[node.id]
    for node in model.nodes:
        _node(body, model, node, ids)
    for flow in model.flows:
        names = {"name": _clean(flow.name)} if flow.name else {}
        ends = {"sourceRef": ids[flow.source], "targetRef": ids[flow.target]}
        element = SubElement(body, f"{{{MODEL}}}sequenceFlow", {"id": ids[flow.id], **names, **ends})
        _described(element, flow)
        if flow.condition:
            kind = {f"{{{XSI}}}type": "bpmn:tFormalExpression"}
            SubElement(element, f"{{{MODEL}}}conditionExpression", kind).text = _clean(flow.condition)


def _node(body: Element, model: ProcessModel, node: Node, ids: Mapping[str, str]) -> None:
    names = {"name": _clean(node.name)} if node.name else {}
    element = SubElement(body, f"{{{MODEL}}}{node.element or ELEMENTS[node.kind]}", {"id": ids[node.id], **names})
    for default in (flow for flow in model.outgoing[node.id] if flow.default):
        element.set("default", ids[default.id])
    _described(element, node)
    for flow in model.incoming[node.id]:
        SubElement(element, f"{{{MODEL}}}incoming").text = ids[flow.id]
    for flow in model.outgoing[node.id]:
        SubElement(element, f"{{{MODEL}}}outgoing").text = ids[flow.id]
    if node.repeats:
        SubElement(element, f"{{{MODEL}}}standardLoopCharacteristics")
    trigger = "terminate" if node.kind == "terminate" else node.trigger
    if trigger:
        SubElement(element, f"{{{MODEL}}}{trigger}EventDefinition", {"id": f"{ids[node.id]}_trigger"})


def _described(element: Element, part: Node | Flow) -> None:
    """Write what stands first in any element: documentation, then extensions."""
    if part.documentation:
        SubElement(element, f"{{{MODEL}}}documentation").text = _clean(part.documentation)
    add_extensions(element, part.extensions, part.attributes)


def _drawing(
    root: Element,
    model: ProcessModel,
    ids: Mapping[str, str],
    layout: Layout,
    lanes: Mapping[str, str],
    participant: str,
    drawn: str,
) -> None:
    diagram = SubElement(root, f"{{{DI}}}BPMNDiagram", {"id": "BPMNDiagram_1"})
    plane = SubElement(diagram, f"{{{DI}}}BPMNPlane", {"id": "BPMNPlane_1", "bpmnElement": drawn})
    if lanes:
        _shape(plane, participant, layout.pool, {"isHorizontal": "true"})
        for name, lane_id in lanes.items():
            _shape(plane, lane_id, layout.lanes[name], {"isHorizontal": "true"})
    for node in model.nodes:
        marker = {"isMarkerVisible": "true"} if node.kind == "exclusive" else {}
        shape = _shape(plane, ids[node.id], layout.nodes[node.id], marker)
        if node.name and node.kind != "task":
            box = layout.nodes[node.id]
            label = SubElement(shape, f"{{{DI}}}BPMNLabel")
            _bounds(label, Box(box.middle[0] - 50, box.y + box.height + 4, 100, 14))
    for flow in model.flows:
        edge = SubElement(plane, f"{{{DI}}}BPMNEdge", {"id": f"{ids[flow.id]}_di", "bpmnElement": ids[flow.id]})
        points = layout.flows[flow.id]
        for x, y in points:
            SubElement(edge, f"{{{DD}}}waypoint", {"x": f"{x:g}", "y": f"{y:g}"})
        if flow.name:
            _bounds(SubElement(edge, f"{{{DI}}}BPMNLabel"), place_label(points, flow.name))


def _shape(plane: Element, element: str, box: Box, extra: Mapping[str, str]) -> Element:
    shape = SubElement(plane, f"{{{DI}}}BPMNShape", {"id": f"{element}_di", "bpmnElement": element, **extra})
    _bounds(shape, box)
    return shape


def _bounds(parent: Element, box: Box) -> None:
    values = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    SubElement(parent, f"{{{DC}}}Bounds", {key: f"{value:g}" for key, value in values.items()})


def _ids(model: ProcessModel) -> dict[str, str]:
    """An XML name for every id of the model: its own where it is one, else a new one."""
    given = [*(n.id for n in model.nodes), *(f.id for f in model.flows)]
    valid = {one for one in given if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.\-]*", one)}
    numbers = _numbers(valid)
    return {one: one if one in valid else next(numbers) for one in given}


def _numbers(taken: set[str]) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        if (name := f"id_{number}") not in taken:
            yield name


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _clean(text: str) -> str:
    """Text without the control characters that XML 1.0 forbids."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", text)
