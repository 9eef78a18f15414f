"""TO-BE: process models in BPMN 2.0, the process card, and the target they make together."""

from mkmine.targets.bpmn import parse_bpmn, read_bpmn
from mkmine.targets.card import Change, Document, Duty, Kpi, ProcessCard, read_card
from mkmine.targets.elicited import Elicited, Estimate, Guess, read_elicited
from mkmine.targets.export import to_bpmn, write_bpmn
from mkmine.targets.gaps import Gap
from mkmine.targets.layout import Box, Layout, lay_out
from mkmine.targets.model import Flow, Node, ProcessModel
from mkmine.targets.names import suggest_aliases
from mkmine.targets.outline import parse_outline, read_outline
from mkmine.targets.outline_export import to_outline, write_outline
from mkmine.targets.target import Target, read_target
from mkmine.targets.workflow import read_workflow

__all__ = [
    "Box",
    "Change",
    "Document",
    "Duty",
    "Elicited",
    "Estimate",
    "Flow",
    "Gap",
    "Guess",
    "Kpi",
    "Layout",
    "Node",
    "ProcessCard",
    "ProcessModel",
    "Target",
    "lay_out",
    "parse_bpmn",
    "parse_outline",
    "read_bpmn",
    "read_card",
    "read_elicited",
    "read_outline",
    "read_target",
    "read_workflow",
    "suggest_aliases",
    "to_bpmn",
    "to_outline",
    "write_bpmn",
    "write_outline",
]
