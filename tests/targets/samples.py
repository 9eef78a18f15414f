"""Diagrams as modelers write them."""

from __future__ import annotations

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"

CAMUNDA = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="Definitions_1"
    targetNamespace="http://bpmn.io/schema/bpmn" exporter="Camunda Modeler" exporterVersion="5.20.0">
  <bpmn:collaboration id="Collaboration_1">
    <bpmn:participant id="Pool_client" name="Client" />
    <bpmn:participant id="Pool_team" name="Article" processRef="Process_1" />
    <bpmn:messageFlow id="Message_1" sourceRef="Pool_client" targetRef="Start" />
  </bpmn:collaboration>
  <bpmn:process id="Process_1" isExecutable="true">
    <bpmn:laneSet id="LaneSet_1">
      <bpmn:lane id="Lane_1" name="Writer">
        <bpmn:flowNodeRef>Start</bpmn:flowNodeRef><bpmn:flowNodeRef>Write</bpmn:flowNodeRef>
      </bpmn:lane>
      <bpmn:lane id="Lane_2" name="Office">
        <bpmn:childLaneSet id="LaneSet_2">
          <bpmn:lane id="Lane_3" name="Editor"><bpmn:flowNodeRef>Approve</bpmn:flowNodeRef></bpmn:lane>
        </bpmn:childLaneSet>
        <bpmn:flowNodeRef>Approve</bpmn:flowNodeRef>
      </bpmn:lane>
    </bpmn:laneSet>
    <bpmn:startEvent id="Start" name="Order"><bpmn:outgoing>f1</bpmn:outgoing>
      <bpmn:messageEventDefinition id="m1" /></bpmn:startEvent>
    <bpmn:userTask id="Write" name="Write&#10;text">
      <bpmn:documentation>By the  brief</bpmn:documentation>
      <bpmn:extensionElements><zeebe:formDefinition formId="x" /></bpmn:extensionElements>
      <bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:serviceTask id="Approve" name="Approve"><bpmn:multiInstanceLoopCharacteristics /></bpmn:serviceTask>
    <bpmn:exclusiveGateway id="Good" name="Good?" default="f4" />
    <bpmn:intermediateCatchEvent id="Slot" name="Slot">
      <bpmn:timerEventDefinition id="t1" /></bpmn:intermediateCatchEvent>
    <bpmn:endEvent id="End"><bpmn:terminateEventDefinition id="te" /></bpmn:endEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Write" />
    <bpmn:sequenceFlow id="f2" sourceRef="Write" targetRef="Approve" />
    <bpmn:sequenceFlow id="f3" sourceRef="Approve" targetRef="Good" />
    <bpmn:sequenceFlow id="f4" name="yes" sourceRef="Good" targetRef="Slot" />
    <bpmn:sequenceFlow id="f5" name="no" sourceRef="Good" targetRef="Write">
      <bpmn:conditionExpression>=no</bpmn:conditionExpression></bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="f6" sourceRef="Slot" targetRef="End" />
    <bpmn:textAnnotation id="note"><bpmn:text>hm</bpmn:text></bpmn:textAnnotation>
  </bpmn:process>
  <bpmndi:BPMNDiagram id="D"><bpmndi:BPMNPlane id="P" bpmnElement="Collaboration_1" /></bpmndi:BPMNDiagram>
</bpmn:definitions>
"""

SIGNAVIO = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:signavio="http://www.signavio.com"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" exporter="Signavio Process Editor, http://www.signavio.com"
    id="sid-1" targetNamespace="http://www.signavio.com">
  <process id="sid-p" isClosed="false" isExecutable="false" processType="None" name="Событие">
    <extensionElements/>
    <startEvent id="sid-s" name=""><extensionElements>
      <signavio:signavioMetaData metaKey="bgcolor" metaValue="#ffffff"/></extensionElements></startEvent>
    <task completionQuantity="1" id="sid-a" isForCompensation="false" name="Площадка" startQuantity="1"/>
    <task id="sid-b" name="Спикеры"/>
    <parallelGateway gatewayDirection="Diverging" id="sid-g"/>
    <inclusiveGateway gatewayDirection="Converging" id="sid-j"/>
    <endEvent id="sid-e" name=""/>
    <dataObject id="sid-d" name="Смета"/>
    <sequenceFlow id="sid-1f" name="" sourceRef="sid-s" targetRef="sid-g"/>
    <sequenceFlow id="sid-2f" sourceRef="sid-g" targetRef="sid-a"/>
    <sequenceFlow id="sid-3f" sourceRef="sid-g" targetRef="sid-b"/>
    <sequenceFlow id="sid-4f" sourceRef="sid-a" targetRef="sid-j"/>
    <sequenceFlow id="sid-5f" sourceRef="sid-b" targetRef="sid-j"/>
    <sequenceFlow id="sid-6f" sourceRef="sid-j" targetRef="sid-e"/>
    <association associationDirection="None" id="sid-as" sourceRef="sid-d" targetRef="sid-a"/>
  </process>
</definitions>
"""

BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [
 <!ENTITY lol "lol">
 <!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
]>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" name="&lol2;"/></definitions>
"""


def diagram(body: str) -> bytes:
    """A minimal document around the inner XML of a process."""
    return f'<definitions xmlns="{MODEL}"><process id="p" name="P">{body}</process></definitions>'.encode()
