"""Points of an array as Qt's, without an object for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtGui import QPolygonF
from shiboken6 import VoidPtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["polygon_of"]

_POINT_BYTES = 16


def polygon_of(x: NDArray[np.floating], y: NDArray[np.floating]) -> QPolygonF:
    """Return points (n,) as a polygon: written straight into its memory."""
    polygon = QPolygonF()
    polygon.resize(len(x))
    take: Any = VoidPtr  # whose stub knows one argument only
    place = take(polygon.data(), _POINT_BYTES * len(x), True)
    memory = np.frombuffer(place, np.float64).reshape(-1, 2)
    memory[:, 0], memory[:, 1] = x, y
    return polygon
