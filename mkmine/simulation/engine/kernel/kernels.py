"""How the twin is compiled: everything into one function, over arrays that nobody counts the holders of."""

from __future__ import annotations

from typing import Any

import numba
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["borrowed", "compiled", "inlined", "rare"]

# What is called from outside; what happens at every event; what happens seldom, and would only swell the code.
compiled = numba.njit(cache=True, nogil=True, error_model="numpy")
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)
rare = numba.njit(nogil=True, error_model="numpy")


def _unowned(context: Any, array: Any) -> Any:
    """Return an array that nobody counts the holders of: counting them in each function costs more than the work."""

    def build(target: Any, builder: Any, signature: Any, given: Any) -> Any:
        made = target.make_array(signature.args[0])(target, builder, given[0])
        nobody: Any = cgutils.get_null_value
        made.meminfo, made.parent = nobody(made.meminfo.type), nobody(made.parent.type)
        return made._getvalue()

    return array(array), build


borrowed: Any = intrinsic(_unowned)
