"""AS-IS against TO-BE: alignments, deviations with what goes along with them, and the rules of the process card."""

from mkmine.conformance.aligners import aligner_of
from mkmine.conformance.alignment import Aligner
from mkmine.conformance.check import check
from mkmine.conformance.conformance import Conformance
from mkmine.conformance.moves import Alignment, Move, Query, Unfinished
from mkmine.conformance.net import Net, compile_net
from mkmine.conformance.quality import ModelQuality, model_quality
from mkmine.conformance.search import SearchingAligner
from mkmine.conformance.stochastic import StochasticConformance, stochastic_conformance

__all__ = [
    "Aligner",
    "Alignment",
    "Conformance",
    "ModelQuality",
    "Move",
    "Net",
    "Query",
    "SearchingAligner",
    "StochasticConformance",
    "Unfinished",
    "aligner_of",
    "check",
    "compile_net",
    "model_quality",
    "stochastic_conformance",
]
