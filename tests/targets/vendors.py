"""Small diagrams in the manner of the modelers that people draw in, each with what that modeler adds."""

from __future__ import annotations

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"

CAMUNDA_7 = f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="{MODEL}" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"
    xmlns:modeler="http://camunda.org/schema/modeler/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    id="Definitions_0abc" targetNamespace="http://bpmn.io/schema/bpmn" exporter="Camunda Modeler"
    exporterVersion="5.20.0" modeler:executionPlatform="Camunda Platform" modeler:executionPlatformVersion="7.20.0">
  <bpmn:collaboration id="Collaboration_1">
    <bpmn:participant id="Participant_1" name="Article" processRef="Process_1" />
  </bpmn:collaboration>
  <bpmn:process id="Process_1" isExecutable="true" camunda:historyTimeToLive="180">
    <bpmn:documentation>How we write</bpmn:documentation>
    <bpmn:laneSet id="LaneSet_1">
      <bpmn:lane id="Lane_1" name="Writer"><bpmn:flowNodeRef>Start</bpmn:flowNodeRef>
        <bpmn:flowNodeRef>Write</bpmn:flowNodeRef><bpmn:flowNodeRef>Good</bpmn:flowNodeRef>
        <bpmn:flowNodeRef>End</bpmn:flowNodeRef></bpmn:lane>
    </bpmn:laneSet>
    <bpmn:startEvent id="Start"><bpmn:outgoing>Flow_1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:userTask id="Write" name="Write" camunda:assignee="ann" camunda:dueDate="${{due}}">
      <bpmn:documentation>By the brief</bpmn:documentation>
      <bpmn:extensionElements>
        <camunda:properties>
          <camunda:property name="system" value="Tracker" />
          <camunda:property name="cost" value="15" />
        </camunda:properties>
      </bpmn:extensionElements>
      <bpmn:incoming>Flow_1</bpmn:incoming><bpmn:incoming>Flow_4</bpmn:incoming><bpmn:outgoing>Flow_2</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:exclusiveGateway id="Good" name="Good?" default="Flow_3" />
    <bpmn:endEvent id="End" />
    <bpmn:sequenceFlow id="Flow_1" sourceRef="Start" targetRef="Write" />
    <bpmn:sequenceFlow id="Flow_2" sourceRef="Write" targetRef="Good" />
    <bpmn:sequenceFlow id="Flow_3" name="yes" sourceRef="Good" targetRef="End" />
    <bpmn:sequenceFlow id="Flow_4" name="no" sourceRef="Good" targetRef="Write">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">${{!good}}</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
  </bpmn:process>
</bpmn:definitions>
"""

BPMN_IO = f"""<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="{MODEL}" xmlns:bioc="http://bpmn.io/schema/bpmn/biocolor/1.0"
    xmlns:color="http://www.omg.org/spec/BPMN/non-normative/color/1.0"
    targetNamespace="http://bpmn.io/schema/bpmn" exporter="bpmn-js (https://demo.bpmn.io)" exporterVersion="17.0.0">
  <process id="Process_0x" isExecutable="false">
    <startEvent id="Event_1" /><task id="Activity_1" name="Draft"><documentation>Two pages</documentation></task>
    <endEvent id="Event_2" />
    <sequenceFlow id="Flow_a" sourceRef="Event_1" targetRef="Activity_1" />
    <sequenceFlow id="Flow_b" sourceRef="Activity_1" targetRef="Event_2" />
    <textAnnotation id="TextAnnotation_1"><text>note</text></textAnnotation>
    <association id="Association_1" sourceRef="Activity_1" targetRef="TextAnnotation_1" />
  </process>
</definitions>
"""

SIGNAVIO_POOL = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<definitions xmlns="{MODEL}" xmlns:signavio="http://www.signavio.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    exporter="Signavio Process Editor, http://www.signavio.com" exporterVersion="15.7.0" id="sid-d"
    targetNamespace="http://www.signavio.com" expressionLanguage="http://www.w3.org/1999/XPath">
  <collaboration id="sid-c"><extensionElements/>
    <participant id="sid-pool" name="Marketing" processRef="sid-p"><extensionElements/></participant>
    <participant id="sid-client" name="Client"/>
    <messageFlow id="sid-mf" name="Order" sourceRef="sid-client" targetRef="sid-s"/>
  </collaboration>
  <process id="sid-p" isClosed="false" isExecutable="false" name="Event" processType="None">
    <startEvent id="sid-s" name="Order"><extensionElements/><outgoing>sid-f1</outgoing>
      <messageEventDefinition id="sid-m"/></startEvent>
    <task completionQuantity="1" id="sid-a" isForCompensation="false" name="Book a place" startQuantity="1">
      <documentation id="sid-doc">Three offers&#10;at least</documentation>
      <extensionElements>
        <signavio:signavioMetaData metaKey="bgcolor" metaValue="#ffffcc"/>
        <signavio:signavioMetaData metaKey="riskowner" metaValue="Ann"/>
      </extensionElements>
      <dataInputAssociation id="sid-dia"><sourceRef>sid-data</sourceRef>
        <targetRef>sid-a</targetRef></dataInputAssociation>
    </task>
    <dataObjectReference id="sid-data" name="Budget" dataObjectRef="sid-do"/><dataObject id="sid-do"/>
    <endEvent id="sid-e" name=""/>
    <sequenceFlow id="sid-f1" isImmediate="true" sourceRef="sid-s" targetRef="sid-a"/>
    <sequenceFlow id="sid-f2" sourceRef="sid-a" targetRef="sid-e"/>
  </process>
</definitions>
"""

BIZAGI = f"""<?xml version="1.0" encoding="utf-8"?>
<definitions xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="{MODEL}"
    id="_202401011" targetNamespace="http://www.bizagi.com/definitions/_202401011" exporter="Bizagi Modeler">
  <process id="Id_1111" name="Main process"><extensionElements>
    <bizagi:BizagiExtensions xmlns:bizagi="http://www.bizagi.com/bpmn20"/></extensionElements></process>
  <process id="Id_2222" name="Mailing">
    <laneSet id="Id_ls"><lane id="Id_l1" name="Маркетолог"><extensionElements/>
      <flowNodeRef>Id_s</flowNodeRef><flowNodeRef>Id_a</flowNodeRef><flowNodeRef>Id_e</flowNodeRef></lane></laneSet>
    <startEvent id="Id_s" name=""><outgoing>Id_f1</outgoing></startEvent>
    <userTask id="Id_a" name="Письмо" completionQuantity="1"><extensionElements>
      <bizagi:BizagiExtensions xmlns:bizagi="http://www.bizagi.com/bpmn20"><bizagi:BizagiProperties>
        <bizagi:BizagiProperty name="bgColor" value="#ECEFFF"/>
        <bizagi:BizagiProperty name="runtimeProperties" value="{{}}"/>
      </bizagi:BizagiProperties></bizagi:BizagiExtensions></extensionElements></userTask>
    <dataStoreReference id="Id_ds" name="CRM" dataStoreRef="Id_dd"/>
    <endEvent id="Id_e" name=""/>
    <sequenceFlow id="Id_f1" name="" sourceRef="Id_s" targetRef="Id_a"><extensionElements/></sequenceFlow>
    <sequenceFlow id="Id_f2" sourceRef="Id_a" targetRef="Id_e"/>
  </process>
  <collaboration id="Id_c" name="Diagram 1">
    <participant id="Id_p1" name="Main process" processRef="Id_1111"/>
    <participant id="Id_p2" name="Mailing" processRef="Id_2222"/>
  </collaboration>
</definitions>
"""

# Russian names and braces of identifiers, as Russian business modelers write them.
BUSINESS_STUDIO = f"""<?xml version="1.0" encoding="windows-1251"?>
<bpmn2:definitions xmlns:bpmn2="{MODEL}" id="id-0" targetNamespace="http://www.businessstudio.ru">
  <bpmn2:collaboration id="id-c"><bpmn2:participant id="id-p" name="Подготовить пресс-релиз" processRef="id-1"/>
  </bpmn2:collaboration>
  <bpmn2:process id="id-1" name="Подготовить пресс-релиз" isExecutable="false">
    <bpmn2:laneSet id="id-ls">
      <bpmn2:lane id="id-l1" name="Отдел маркетинга"><bpmn2:childLaneSet id="id-ls2">
        <bpmn2:lane id="id-l2" name="PR-менеджер"><bpmn2:flowNodeRef>id-a</bpmn2:flowNodeRef></bpmn2:lane>
        <bpmn2:lane id="id-l3" name="Директор"><bpmn2:flowNodeRef>id-b</bpmn2:flowNodeRef></bpmn2:lane>
      </bpmn2:childLaneSet></bpmn2:lane>
    </bpmn2:laneSet>
    <bpmn2:startEvent id="id-s" name="Есть новость"/>
    <bpmn2:task id="id-a" name="Написать&#13;&#10;релиз">
      <bpmn2:documentation>По шаблону</bpmn2:documentation></bpmn2:task>
    <bpmn2:task id="id-b" name="Утвердить релиз"/>
    <bpmn2:endEvent id="id-e" name="Релиз разослан"/>
    <bpmn2:sequenceFlow id="id-f1" sourceRef="id-s" targetRef="id-a"/>
    <bpmn2:sequenceFlow id="id-f2" sourceRef="id-a" targetRef="id-b"/>
    <bpmn2:sequenceFlow id="id-f3" sourceRef="id-b" targetRef="id-e"/>
  </bpmn2:process>
</bpmn2:definitions>
"""
