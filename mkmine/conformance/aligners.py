"""How cases are aligned to a model: by tables of all its states, or by a search where they are too many."""

from __future__ import annotations

from mkmine.conformance.alignment import Aligner
from mkmine.conformance.causes import is_structured
from mkmine.conformance.markings import SILENT_LIMIT, TooManyStatesError
from mkmine.conformance.net import compile_net
from mkmine.conformance.search import SearchingAligner
from mkmine.targets import ProcessModel

__all__ = ["aligner_of"]

SOON = 10_000


def aligner_of(model: ProcessModel) -> Aligner | SearchingAligner:
    """Return what aligns cases to the model.

    Raises `DataError` if the model piles up tokens on a flow or can never finish.
    """
    try:
        # The search copes well with models made of blocks: there it pays to give up early.
        return Aligner(compile_net(model, silent_limit=SOON if is_structured(model) else SILENT_LIMIT))
    except TooManyStatesError:
        return SearchingAligner(model)
