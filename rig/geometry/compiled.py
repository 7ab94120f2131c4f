"""The loops of `kernel` as machine code: the one file that imports numba.

Compiled for one type of arguments, ahead of the first frame, and kept on disk: a
frame never waits for a compiler.
"""

from __future__ import annotations

import logging
from functools import cache
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import numba
from numba import boolean, float64, from_dtype, uint8, void
from numba.core import config
from numba.extending import register_jitable

from rig.geometry import kernel

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["triangulate"]

_log = logging.getLogger(__name__)

_SIGNATURE = void(
    float64[:, :, ::1],
    uint8[:, ::1],
    from_dtype(kernel.CAMERA_ROW)[::1],
    float64,
    float64,
    float64,
    float64[:, ::1],
    float64[:, :, ::1],
    float64[::1],
    boolean[:, ::1],
)

_CACHE_FAULTS = (RuntimeError, OSError, EOFError, UnpicklingError)
"""No folder for it, a full disk, and files that a power cut left empty or cut short."""


@cache
def triangulate() -> Callable[..., None]:
    """Return `kernel.triangulate`, compiled; the first time on a machine takes seconds.

    It holds the interpreter's lock for its microseconds: to give it up and take it
    back would cost more where another thread is busy.

    Raises
    ------
    ImportError
        If numba is told not to compile.
    """
    if config.DISABLE_JIT:  # pyright: ignore[reportAttributeAccessIssue]
        msg = "NUMBA_DISABLE_JIT is set"
        raise ImportError(msg)
    for function in kernel.CALLED:
        register_jitable(function)
    try:
        return _compile(cached=True)
    except _CACHE_FAULTS as error:
        _log.warning(
            "3D is compiled anew at each start: numba's cache cannot be used: %s: make "
            "the cache's folder writable, and remove kernel.triangulate-*.nb? from it",
            error,
        )
        return _compile(cached=False)


def _compile(*, cached: bool) -> Callable[..., None]:
    # error_model: a division by zero gives infinity, as in NumPy
    jit = numba.njit(_SIGNATURE, cache=cached, error_model="numpy")
    return jit(kernel.triangulate)
