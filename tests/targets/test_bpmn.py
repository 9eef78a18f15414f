from __future__ import annotations

from pathlib import Path

import pytest

from mkmine.errors import DataError
from mkmine.targets import parse_bpmn, read_bpmn
from tests.targets.samples import BOMB, CAMUNDA, MODEL, SIGNAVIO, diagram

LINE = '<startEvent id="s"/><task id="a" name="A"/><endEvent id="e"/><sequenceFlow id="f" sourceRef="s" targetRef="a"/>'
END = '<sequenceFlow id="g" sourceRef="a" targetRef="e"/>'


def refused(body: str | bytes) -> str:
    with pytest.raises(DataError) as caught:
        parse_bpmn(body if isinstance(body, bytes) else diagram(body), source="to_be.bpmn")
    message = str(caught.value)
    assert "to_be.bpmn" in message
    return message


def test_camunda_pool_lanes_events_and_documentation_are_read() -> None:
    model = parse_bpmn(CAMUNDA.encode())
    assert model.name == "Article"
    assert model.activities == ("Write text", "Approve")
    write, approve, end = model.by_id["Write"], model.by_id["Approve"], model.by_id["End"]
    assert (write.lane, write.documentation, write.element) == ("Writer", "By the brief", "userTask")
    assert approve.repeats
    assert end.kind == "terminate"
    assert model.by_id["Slot"].trigger == "timer"
    assert [flow.name for flow in model.outgoing["Good"]] == ["yes", "no"]


def test_the_innermost_lane_wins() -> None:
    inner_first = parse_bpmn(CAMUNDA.encode())
    assert inner_first.by_id["Approve"].lane == "Editor"


def test_signavio_with_default_namespace_is_read() -> None:
    model = parse_bpmn(SIGNAVIO.encode())
    assert (model.name, model.activities) == ("Событие", ("Площадка", "Спикеры"))
    assert {node.kind for node in model.nodes} == {"start", "task", "parallel", "inclusive", "end"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1251"])
def test_other_encodings_are_read(encoding: str) -> None:
    text = SIGNAVIO.replace('encoding="UTF-8"', f'encoding="{encoding.removesuffix("-sig")}"')
    assert parse_bpmn(text.encode(encoding)).activities == ("Площадка", "Спикеры")


def test_an_entity_bomb_is_named_and_not_expanded() -> None:
    message = refused(BOMB.encode())
    assert '"lol"' in message
    assert "DOCTYPE" in message


def test_an_external_entity_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    text = f'<!DOCTYPE d [<!ENTITY x SYSTEM "file://{secret}">]><definitions xmlns="{MODEL}">&x;</definitions>'
    assert '"x"' in refused(text.encode())


def test_a_bare_doctype_is_refused() -> None:
    assert "document type" in refused(b"<!DOCTYPE html><html/>")


def test_truncated_xml_names_the_line() -> None:
    cut = CAMUNDA[: CAMUNDA.index("<bpmn:serviceTask") + 12]
    assert f"line {cut.count(chr(10)) + 1}" in refused(cut.encode())


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"PK\x03\x04zip", "процесс".encode("cp1251")])
def test_what_is_not_xml_is_refused(data: bytes) -> None:
    assert "line 1" in refused(data)


def test_an_unknown_encoding_is_refused() -> None:
    assert "unknown encoding" in refused(b'<?xml version="1.0" encoding="nonsense"?><a/>')


def test_other_xml_is_refused_with_its_root() -> None:
    assert "<html>" in refused(b"<html><body/></html>")
    assert "<definitions>" in refused(b"<definitions/>")


def test_a_deep_document_is_read_without_a_crash() -> None:
    deep = "<x>" * 50_000 + "</x>" * 50_000
    assert "<x>" in refused(deep.encode())


@pytest.mark.parametrize(
    ("element", "name"),
    [
        ('<subProcess id="sub1" name="Print" triggeredByEvent="true"/>', "subProcess"),
        ('<transaction id="sub1" name="Print"/>', "transaction"),
        ('<complexGateway id="sub1" name="Print"/>', "complexGateway"),
        ('<adHocSubProcess id="sub1" name="Print"/>', "adHocSubProcess"),
        ('<intermediateThrowEvent id="sub1" name="Print"><linkEventDefinition/></intermediateThrowEvent>', "link"),
    ],
)
def test_unsupported_elements_are_named(element: str, name: str) -> None:
    message = refused(LINE + END + element)
    assert name in message
    assert '"Print" (sub1)' in message
    assert "not supported" in message


def test_a_conditional_flow_out_of_a_task_is_refused() -> None:
    flow = (
        '<sequenceFlow id="g" sourceRef="a" targetRef="e"><conditionExpression>x</conditionExpression></sequenceFlow>'
    )
    assert "exclusive gateway" in refused(LINE + flow)


def test_a_dangling_flow_is_named() -> None:
    message = refused(LINE + '<sequenceFlow id="g" sourceRef="a" targetRef="nowhere"/>')
    assert "g is dangling" in message
    assert '"nowhere"' in message
    assert "dangling" in refused(LINE + '<sequenceFlow id="g" sourceRef="a"/>')


def test_no_start_is_said() -> None:
    assert "no start event" in refused('<task id="a" name="A"/><endEvent id="e"/>' + END)


def test_an_empty_process_is_said() -> None:
    assert "no process with tasks" in refused("")


def test_several_pools_need_a_choice() -> None:
    other = LINE + END
    for one in "saefg":
        other = other.replace(f'"{one}"', f'"{one}2"')
    both = f'<definitions xmlns="{MODEL}"><process id="p" name="One">{LINE + END}</process>'
    both += f'<process id="q" name="Two">{other}</process></definitions>'
    assert '"One", "Two"' in refused(both.encode())
    assert parse_bpmn(both.encode(), process="One").name == "One"
    assert parse_bpmn(both.encode(), process="q").name == "Two"
    with pytest.raises(DataError, match='did you mean "Two"'):
        parse_bpmn(both.encode(), process="Tow")


def test_an_element_without_id_is_refused() -> None:
    assert "has no id" in refused(LINE + END + '<task name="B"/>')


def test_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_bpmn(tmp_path / "absent.bpmn")
    with pytest.raises(DataError, match="cannot read"):
        read_bpmn(tmp_path)
    path = tmp_path / "статья.bpmn"
    path.write_bytes(diagram(LINE + END).replace(b' name="P"', b""))
    assert read_bpmn(path).name == "статья"
