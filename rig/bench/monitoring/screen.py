"""A look at the screen itself: whether pictures of cameras are on it.

Xvfb keeps its screen in a file, as an X window dump that is always up to date.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Screen", "busy_share"]

_HEAD = struct.Struct(">20I")
_HEIGHT, _STRIDE, _COLOURS = 5, 12, 19
"""Places of numbers in the dump's head."""
_COLOUR_BYTES = 12
_EVERY = 8
"""Each how many rows are looked at."""
_BUSY = 0.05
"""Share of the screen that pictures cover at least: they are noisy, windows plain."""


class _Layout(NamedTuple):
    start: int
    height_px: int
    stride: int


class Screen:
    """The screen of an Xvfb.

    Parameters
    ----------
    path
        The file that it lies in.
    """

    def __init__(self, path: Path) -> None:
        self._bytes = np.memmap(path, np.uint8, "r")
        numbers = _HEAD.unpack(self._bytes[: _HEAD.size].tobytes())
        start = numbers[0] + _COLOUR_BYTES * numbers[_COLOURS]
        self._layout = _Layout(start, numbers[_HEIGHT], numbers[_STRIDE])

    @property
    def has_pictures(self) -> bool:
        """Whether noisy pictures are on it now."""
        start, height_px, stride = self._layout
        rows = self._bytes[start : start + height_px * stride].reshape(-1, stride)
        return busy_share(rows[::_EVERY].view("<u4")) > _BUSY


def busy_share(pixels: NDArray[np.uint32]) -> float:
    """Return the share of pixels that are unlike their neighbour.

    Examples
    --------
    >>> busy_share(np.array([[1, 1, 2, 3, 3]], np.uint32))
    0.5
    """
    return float(np.mean(pixels[:, 1:] != pixels[:, :-1]))
