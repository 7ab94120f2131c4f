"""Joint angles and segment lengths, of the points of one pose or of many.

Points have two or three coordinates, in px or mm. A likelihood is no coordinate: leave
it out. The singular names take plain numbers and cost a microsecond; the plural ones
take arrays.
"""

from __future__ import annotations

from math import atan2, degrees, dist, hypot, nan
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "joint_angle_deg",
    "joint_angles_deg",
    "segment_length",
    "segment_lengths",
]


def joint_angle_deg(
    a: Sequence[float], b: Sequence[float], c: Sequence[float]
) -> float:
    """Return the angle at b between a and c: 180 is a straight joint.

    Returns
    -------
    0 to 180 deg; NaN where a point is, or lies on b.

    Examples
    --------
    >>> joint_angle_deg((0, 1), (0, 0), (2, 0))
    90.0
    """
    ux, uy, *u = [p - q for p, q in zip(a, b, strict=True)]
    vx, vy, *v = [p - q for p, q in zip(c, b, strict=True)]
    uz, vz = (u[0], v[0]) if u else (0.0, 0.0)
    if not (hypot(ux, uy, uz) and hypot(vx, vy, vz)):
        return nan
    # the cross product keeps its digits where the joint is nearly straight
    across = hypot(uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx)
    return degrees(atan2(across, ux * vx + uy * vy + uz * vz))


def joint_angles_deg(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> NDArray[np.float64]:
    """Return the angles at b between a and c: 180 is a straight joint.

    Parameters
    ----------
    a, b, c
        (..., 2) or (..., 3).

    Returns
    -------
    (...) 0 to 180 deg; NaN where a point is, or lies on b.
    """
    middle = np.asarray(b, dtype=np.float64)
    u, v = np.broadcast_arrays(np.asarray(a) - middle, np.asarray(c) - middle)
    if u.shape[-1] == 2:
        across = np.abs(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])
    else:
        across = np.linalg.norm(np.cross(u, v), axis=-1)
    angles = np.degrees(np.arctan2(across, (u * v).sum(axis=-1)))
    apart = u.any(axis=-1) & v.any(axis=-1)
    return np.where(apart, angles, np.nan)


def segment_length(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the distance between two points, in their unit; NaN if one is."""
    return dist(a, b)


def segment_lengths(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Return the distances (...) between points (..., 2) or (..., 3), in their unit."""
    return np.linalg.norm(np.asarray(a, dtype=np.float64) - np.asarray(b), axis=-1)
