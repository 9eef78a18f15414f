from __future__ import annotations

import json

import pytest

from mkmine.errors import DataError
from mkmine.targets import ProcessModel, parse_bpmn, to_bpmn
from tests.targets.samples import diagram
from tests.targets.vendors import BIZAGI, BPMN_IO, BUSINESS_STUDIO, CAMUNDA_7, SIGNAVIO_POOL

ALL = [CAMUNDA_7, BPMN_IO, SIGNAVIO_POOL, BIZAGI, BUSINESS_STUDIO]


def read(text: str) -> ProcessModel:
    return parse_bpmn(text.encode("cp1251" if "windows-1251" in text else "utf-8"))


@pytest.mark.parametrize("text", ALL)
def test_everything_that_is_kept_survives_writing_and_reading(text: str) -> None:
    model = read(text)
    again = parse_bpmn(to_bpmn(model))
    assert set(again.nodes) == set(model.nodes)
    assert set(again.flows) == set(model.flows)
    assert (again.name, again.documentation) == (model.name, model.documentation)
    assert ProcessModel.from_dict(json.loads(json.dumps(model.to_dict()))) == model


def test_camunda_properties_attributes_conditions_and_defaults() -> None:
    model = read(CAMUNDA_7)
    write = model.by_id["Write"]
    assert write.properties == {"system": "Tracker", "cost": "15"}
    assert dict(write.attributes)["{http://camunda.org/schema/1.0/bpmn}assignee"] == "ann"
    assert (write.lane, write.documentation, model.documentation) == ("Writer", "By the brief", "How we write")
    yes, no = model.outgoing["Good"]
    assert (yes.default, no.condition) == (True, "${!good}")
    written = to_bpmn(model).decode()
    assert '<camunda:property name="system" value="Tracker" />' in written
    assert 'camunda:assignee="ann"' in written
    assert 'default="Flow_3"' in written
    order = [
        written.index(part) for part in ("<bpmn:documentation>By", "<bpmn:extensionElements", "<bpmn:incoming>Flow_1")
    ]
    assert order == sorted(order)


def test_bpmn_io_without_pool_has_no_roles() -> None:
    model = read(BPMN_IO)
    assert (model.activities, model.lanes) == (("Draft",), ())


def test_a_signavio_pool_without_lanes_is_who_does_the_work() -> None:
    model = read(SIGNAVIO_POOL)
    task = model.by_id["sid-a"]
    assert (model.name, task.lane) == ("Event", "Marketing")
    assert task.properties == {"bgcolor": "#ffffcc", "riskowner": "Ann"}
    assert task.documentation == "Three offers at least"


def test_bizagi_has_an_empty_main_process() -> None:
    model = read(BIZAGI)
    assert (model.name, model.lanes) == ("Mailing", ("Маркетолог",))
    assert model.by_id["Id_a"].properties["bgColor"] == "#ECEFFF"


def test_russian_names_in_lanes_of_lanes() -> None:
    model = read(BUSINESS_STUDIO)
    assert model.activities == ("Написать релиз", "Утвердить релиз")
    assert [node.lane for node in model.tasks] == ["PR-менеджер", "Директор"]


def test_all_that_is_not_supported_is_named() -> None:
    body = '<startEvent id="s"/><adHocSubProcess id="b1" name="Late"/><complexGateway id="c1"/><transaction id="t1"/>'
    with pytest.raises(DataError, match=r'elements <adHocSubProcess> "Late" \(b1\), <complexGateway> \(c1\), <tran'):
        parse_bpmn(diagram(body))


def test_extensions_are_data_and_not_trusted() -> None:
    deep = "<x>" * 3_000 + "</x>" * 3_000
    task = f'<startEvent id="s"/><task id="a" name="A"><extensionElements>{deep}</extensionElements></task>'
    with pytest.raises(DataError, match="extensions of element a are nested too deep"):
        parse_bpmn(diagram(task + '<sequenceFlow id="f" sourceRef="s" targetRef="a"/>'))
