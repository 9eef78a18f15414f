"""AS-IS against TO-BE: alignments, deviations with what goes along with them, and the rules of the process card."""

from mkmine.conformance.alignment import Aligner, Alignment, Move, Query
from mkmine.conformance.check import check
from mkmine.conformance.conformance import Conformance
from mkmine.conformance.net import Net, compile_net
from mkmine.conformance.quality import ModelQuality, model_quality

__all__ = [
    "Aligner",
    "Alignment",
    "Conformance",
    "ModelQuality",
    "Move",
    "Net",
    "Query",
    "check",
    "compile_net",
    "model_quality",
]
