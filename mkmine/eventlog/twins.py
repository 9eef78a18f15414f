"""When the compiled twin of a kernel is used, and when the plain NumPy form.

Both give the same result. The plain form is what people read and what proves the other; the compiled one (numba, the
extra `fast`) pays from a size on at which loading it is no longer felt.
"""

from __future__ import annotations

import os
from functools import lru_cache

from mkmine.errors import MissingExtraError, UnknownNameError

__all__ = ["compiled"]

# Loading numba and its cached kernels takes about half a second: what NumPy needs for so many events.
PAYS_FROM = 500_000
SETTING = "MKMINE_KERNELS"


def compiled(n: int, *, pays_from: int = PAYS_FROM) -> bool:
    """Return whether a pass over `n` rows is done by the compiled twin.

    The environment variable MKMINE_KERNELS forces one form: `numpy` or `numba`.

    Raises `MissingExtraError` if numba is forced but absent, `UnknownNameError` if the variable says something else.
    """
    forced = os.environ.get(SETTING, "")
    if forced == "numpy":
        return False
    if forced == "numba":
        if not _available():
            raise MissingExtraError.of(package="numba", extra="fast", purpose=f"{SETTING}=numba")
        return True
    if forced:
        raise UnknownNameError.of(kind=f"value of {SETTING}", name=forced, known=["numpy", "numba"])
    return n >= pays_from and _available()


@lru_cache(maxsize=1)
def _available() -> bool:
    from importlib.util import find_spec

    if find_spec("numba") is None:
        return False
    from mkmine.eventlog import kernels

    kernels.load()
    return True
