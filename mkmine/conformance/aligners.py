"""How cases are aligned to a model: by tables of all its states, or by a search where they are too many."""

from __future__ import annotations

from mkmine.conformance.alignment import Aligner
from mkmine.conformance.markings import TooManyStatesError
from mkmine.conformance.net import compile_net
from mkmine.conformance.search import SearchingAligner
from mkmine.targets import ProcessModel

__all__ = ["aligner_of"]


def aligner_of(model: ProcessModel) -> Aligner | SearchingAligner:
    """Return what aligns cases to the model.

    Raises `DataError` if the model piles up tokens on a flow or can never finish.
    """
    try:
        return Aligner(compile_net(model))
    except TooManyStatesError:
        return SearchingAligner(model)
