"""The two arrays of the compiled twin, as Python lays them out, reads them and lets them grow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.simulation.engine.kernel import layout

__all__ = ["Memory"]

Array = NDArray[Any]


class Memory:
    """One array of integers: single numbers first, then where each section begins, then the sections."""

    def __init__(self, head: int, numbers: dict[str, int], sections: dict[str, Array]) -> None:
        self.head = head
        self.sections = {name: np.ravel(values) for name, values in sections.items()}
        self.array = np.zeros(head, dtype=np.int64)
        for name, value in numbers.items():
            self[name] = value
        self.lay()

    def __getitem__(self, name: str) -> int:
        return int(self.array[getattr(layout, name)])

    def __setitem__(self, name: str, value: int) -> None:
        self.array[getattr(layout, name)] = value

    def lay(self) -> None:
        """Put the sections, which may have grown, one behind the other."""
        array = np.empty(self.head + sum(map(len, self.sections.values())), dtype=np.int64)
        array[: self.head] = self.array[: self.head]
        first = self.head
        for name, values in self.sections.items():
            kept = array[first : first + len(values)]
            kept[:] = values.view(np.int64) if values.dtype == np.float64 else values
            array[getattr(layout, name)], self.sections[name] = first, kept
            first += len(values)
        self.array = array

    def grow(self, grown: dict[str, int], *, chain: str = "", free: str = "") -> None:
        """Give sections room for so many numbers more; a chain of free places goes on over the new ones."""
        old = len(self.sections[chain]) if chain else 0
        for name, more in grown.items():
            self.sections[name] = np.concatenate([self.sections[name], np.zeros(more, dtype=np.int64)])
        if chain:
            self.sections[chain][old:] = np.append(np.arange(old + 1, len(self.sections[chain])), self[free])
            self[free] = old
        self.lay()
