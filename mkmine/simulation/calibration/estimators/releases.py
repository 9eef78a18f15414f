"""When work was let go that something held back: whether a rule foretells the moments that a log shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR, MINUTE, Calendar

__all__ = ["ENOUGH", "TOLERANCE", "Held", "Support", "support"]

Int = NDArray[np.int64]
Flags = NDArray[np.bool_]

# People do not begin in the second in which work is let go.
TOLERANCE = 15 * MINUTE
# A rule that does not hold for so many pieces is not tried on more.
ENOUGH = 1_000
# A piece was held back that waited so long in working time while its doer had nothing to do.
_HELD = HOUR
# So many pieces of either half that were held back have to be there, and so many of them to be foretold.
_FEWEST = 12
_FORETOLD, _BEYOND_CHANCE, _CONSISTENT = 0.7, 0.4, 0.85
_ROLLS = (1, 2, 3, 5, 7, 11)


@dataclass(frozen=True, kw_only=True)
class Held:
    """Pieces of one kind of work (m,), in the order in which they were ready.

    Attributes
    ----------
    ready
        When each could have been done, as far as its own case is concerned, µs.
    least
        The last moment at which its doer had nothing to do and yet did not begin it; `ready` if there was none.
    start, end
        When it was begun, and when it was over.
    back
        Whether it was held back: for an hour of the office or more it waited, and its doer had nothing to do meanwhile.
    """

    ready: Int
    least: Int
    start: Int
    end: Int
    back: Flags

    @classmethod
    def of(cls, ready: Int, idle: Int, start: Int, end: Int, office: Calendar) -> Held:
        """Return the pieces in order; `idle` is when their doers were last idle before the start."""
        order = np.lexsort((start, ready))
        ready, start, end = ready[order], start[order], end[order]
        least = np.clip(idle[order], ready, start)
        waited = least - ready > TOLERANCE
        waited[waited] &= office.working_time(ready[waited], least[waited]) >= _HELD
        return cls(ready=ready, least=least, start=start, end=end, back=waited)

    @property
    def halves(self) -> tuple[Flags, Flags]:
        """The first and the second half of the pieces."""
        first = np.arange(len(self.ready)) < len(self.ready) // 2
        return first, ~first

    @property
    def enough(self) -> bool:
        """Whether either half has enough pieces that were held back for anything to be said."""
        return all(int((self.back & half).sum()) >= _FEWEST for half in self.halves)

    def part(self, rows: Flags) -> Held:
        """Return some of the pieces."""
        return Held(
            ready=self.ready[rows],
            least=self.least[rows],
            start=self.start[rows],
            end=self.end[rows],
            back=self.back[rows],
        )


@dataclass(frozen=True, kw_only=True)
class Support:
    """How well a rule foretells when work was let go: the parts of all pieces, of those held back, and by chance."""

    consistent: float
    foretold: float
    chance: float

    @property
    def holds(self) -> bool:
        """Whether that is clearly more than chance."""
        return (
            self.consistent >= _CONSISTENT
            and self.foretold >= _FORETOLD
            and self.foretold - self.chance >= _BEYOND_CHANCE
        )


def support(held: Held, released: Int, rows: Flags | None = None) -> Support:
    """Return how well moments of release fit what the log shows of some pieces (by default of all).

    Work-conserving people begin what they may, so a piece was let go after its doer was last idle, and not after it was
    begun. The rule fits a piece if its moment lies there. By chance it would fit as often as it fits the waits of other
    pieces in place of its own, which are those some places further on.
    """
    part = np.ones(len(released), dtype=np.bool_) if rows is None else rows
    back = np.flatnonzero(held.back & part)
    if not len(back):
        return Support(consistent=0.0, foretold=0.0, chance=1.0)
    fits = _fits(released, held.least, held.start)
    ready, low, high = held.ready[back], (held.least - held.ready)[back], (held.start - held.ready)[back]
    chance = [float(_fits(released[back], ready + np.roll(low, n), ready + np.roll(high, n)).mean()) for n in _ROLLS]
    return Support(
        consistent=float(fits[part].mean()), foretold=float(fits[back].mean()), chance=float(np.mean(chance))
    )


def _fits(released: Int, least: Int, start: Int) -> Flags:
    return np.asarray((released >= least - TOLERANCE) & (released <= start + TOLERANCE))
