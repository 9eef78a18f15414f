"""How well the order in which a model takes work explains what people took, and which other orders are possible."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mkmine.simulation.model.parts import Part, Share

__all__ = ["Choices", "Rule"]

Rule = Literal["fifo", "lifo", "deadline", "priority", "ageing"]


class Choices(Part):
    """How often people of a role took one of several waiting pieces, and the part of it that the order explains."""

    observed: Annotated[int, Field(ge=1)]
    explained: Share
