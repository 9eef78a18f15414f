"""TO-BE: process models in BPMN 2.0, the process card, and the target they make together."""

from mkmine.targets.bpmn import parse_bpmn, read_bpmn
from mkmine.targets.card import Duty, Kpi, ProcessCard, read_card
from mkmine.targets.export import to_bpmn, write_bpmn
from mkmine.targets.layout import Box, Layout, lay_out
from mkmine.targets.model import Flow, Node, ProcessModel
from mkmine.targets.target import Target, read_target

__all__ = [
    "Box",
    "Duty",
    "Flow",
    "Kpi",
    "Layout",
    "Node",
    "ProcessCard",
    "ProcessModel",
    "Target",
    "lay_out",
    "parse_bpmn",
    "read_bpmn",
    "read_card",
    "read_target",
    "to_bpmn",
    "write_bpmn",
]
