"""Random streams keyed by name.

A draw belongs to what it is for (purpose, activity, visit, ...) and to a case, never to the order in which the program
happened to ask. A what-if therefore changes only the draws of what it changes, and paired differences keep their small
variance (common random numbers; Law, *Simulation Modeling and Analysis*, ch. 11.2).
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError

__all__ = ["Streams"]

_TINY = np.finfo(np.float64).tiny


class Streams:
    """The random streams of one replication.

    Parameters
    ----------
    seed
        Non-negative integer; one seed gives one result.
    replication
        Number of the replication; each has streams independent of the others'.

    Raises `DataError` if the seed or the replication number is negative or not an integer.
    """

    __slots__ = ("replication", "seed")

    def __init__(self, seed: int, *, replication: int = 0) -> None:
        for what, value in (("seed", seed), ("replication", replication)):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
                raise DataError(f"{what} {value!r} is not a non-negative integer; pass e.g. {what}=7")
        self.seed = int(seed)
        self.replication = int(replication)

    def generator(self, *names: str | int) -> np.random.Generator:
        """Return the generator that belongs to `names`, e.g. `("duration", "Approval", 2)`."""
        words: list[int] = [self.replication]
        for name in names:
            digest = blake2b(f"{type(name).__name__}:{name}".encode(), digest_size=8).digest()
            words += [int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=tuple(words))))

    def uniform(self, *names: str | int, size: int, skip: int = 0) -> NDArray[np.float64]:
        """Return `size` draws in the open interval (0, 1), one per case, for the stream `names`.

        A longer vector begins with the shorter one's values: adding cases does not change the draws of the others.
        `skip` leaves out the first ones, so that a long vector can be drawn in blocks.
        """
        generator = self.generator(*names)
        if skip:
            # One step of PCG64 is one draw; it jumps to any place at once.
            generator.bit_generator.advance(skip)  # type: ignore[attr-defined]
        draws = generator.random(size)
        # 0 would become -inf in a quantile function; the smallest step above it is as good a draw.
        return np.maximum(draws, _TINY, out=draws)
