"""The arithmetic of live 3D, written once.

The formulas take floats or arrays alike: `vectorised` gives them whole arrays, and
`compiled` hands this file to numba, with the loops at its end. Every sum is written
out in one order and nothing is left to "fast math", so that both give the same
numbers, on every machine.

All of it is in one file because numba trusts what it compiled earlier as long as the
file of the outermost function has not changed.

A camera is anything with the attributes `CAMERA`: a row of `CAMERA_ROW`, or arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Number: TypeAlias = Any  # a float, or an array of any shape
    Row: TypeAlias = Any  # numbers in a row: a tuple, or an array by its first axis
    Lens: TypeAlias = Any  # numbers or arrays by the names of `CAMERA`
    Cameras: TypeAlias = NDArray[np.void]
    Place: TypeAlias = tuple[float, float, float]
    Bools: TypeAlias = NDArray[np.bool_]
    Marks: TypeAlias = NDArray[np.uint8]

__all__ = [
    "CALLED",
    "CAMERA",
    "CAMERA_ROW",
    "FITS",
    "STEPS",
    "direction",
    "distorted",
    "equations",
    "intersection",
    "inverse",
    "miss_px2",
    "pull",
    "slope",
    "triangulate",
]

CAMERA = (
    *("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "limit"),
    *("r00", "r01", "r02", "r10", "r11", "r12", "r20", "r21", "r22"),
    *("tx", "ty", "tz"),
)
"""Lens, rotation and translation world to camera. The limit is the squared distance
from the axis (of x / z and y / z) at which the polynomial of the lens turns round;
what lies beyond is not seen."""
CAMERA_ROW = np.dtype([(name, np.float64) for name in CAMERA])
FITS = 2  # how often the views that agree are collected, and a point fitted to them
STEPS = 2  # of Gauss and Newton in each: 1 mm off, 0.01 mm off, 1 nm off
_ROUNDS = 5  # of Newton against a lens: from a tenth to 1e-16 takes four
_PARALLEL = 1e-12  # rays that meet at less than about 1e-6 rad do not meet
_SLACK_PX2 = 1e-4  # an undistorted pixel, distorted again, is 0.01 px off at most


# -- formulas, on floats or arrays


def distorted(x: Number, y: Number, camera: Lens) -> tuple[Number, Number]:
    """Return where the lens puts a direction; both are x / z and y / z."""
    k1, k2, p1, p2, k3 = camera.k1, camera.k2, camera.p1, camera.p2, camera.k3
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return (
        x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
        y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y,
    )


def slope(x: Number, y: Number, camera: Lens) -> tuple[Number, Number, Number]:
    """Return the derivatives of `distorted`: x by x, x by y (= y by x), y by y."""
    k1, k2, p1, p2, k3 = camera.k1, camera.k2, camera.p1, camera.p2, camera.k3
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    bend = 2.0 * (k1 + r2 * (2.0 * k2 + 3.0 * r2 * k3))
    return (
        radial + x * x * bend + 2.0 * p1 * y + 6.0 * p2 * x,
        x * y * bend + 2.0 * p1 * x + 2.0 * p2 * y,
        radial + y * y * bend + 6.0 * p1 * y + 2.0 * p2 * x,
    )


def direction(u: Number, v: Number, camera: Lens) -> tuple[Number, Number, Number]:
    """Return the direction that a pixel looks along, and whether it is known.

    It is not for NaN, and where the lens draws nothing.
    """
    x_seen, y_seen = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    x, y = x_seen, y_seen
    for _ in range(_ROUNDS):
        x_now, y_now = distorted(x, y, camera)
        a, b, d = slope(x, y, camera)
        x_off, y_off = x_now - x_seen, y_now - y_seen
        scale = 1.0 / (a * d - b * b)
        x = x - (d * x_off - b * y_off) * scale
        y = y - (a * y_off - b * x_off) * scale
    x_again, y_again = distorted(x, y, camera)
    u_off, v_off = camera.fx * (x_again - x_seen), camera.fy * (y_again - y_seen)
    close = u_off * u_off + v_off * v_off < _SLACK_PX2
    return x, y, close & (x * x + y * y < camera.limit)


def _within(place: Row, camera: Lens) -> tuple[Number, Number, Number]:
    """Return a place of the world in the camera's frame."""
    px, py, pz = place[0], place[1], place[2]
    return (
        camera.r00 * px + camera.r01 * py + camera.r02 * pz + camera.tx,
        camera.r10 * px + camera.r11 * py + camera.r12 * pz + camera.ty,
        camera.r20 * px + camera.r21 * py + camera.r22 * pz + camera.tz,
    )


def _across(x: Number, y: Number, camera: Lens) -> tuple[Number, ...]:
    """Return two axes in the world, across the direction x / z, y / z."""
    return (
        camera.r00 - x * camera.r20,
        camera.r01 - x * camera.r21,
        camera.r02 - x * camera.r22,
        camera.r10 - y * camera.r20,
        camera.r11 - y * camera.r21,
        camera.r12 - y * camera.r22,
    )


def miss_px2(place: Row, u: Number, v: Number, camera: Lens) -> tuple[Number, Number]:
    """Return how far, squared, a place is seen from u, v; and whether it is seen."""
    xc, yc, zc = _within(place, camera)
    near = 1.0 / zc
    x, y = xc * near, yc * near
    x_seen, y_seen = distorted(x, y, camera)
    u_off = camera.fx * x_seen + camera.cx - u
    v_off = camera.fy * y_seen + camera.cy - v
    return u_off * u_off + v_off * v_off, (zc > 0.0) & (x * x + y * y < camera.limit)


def equations(x: Number, y: Number, camera: Lens) -> tuple[Number, ...]:
    """Return the normal equations of "the place lies in this direction".

    Returns
    -------
    Nine numbers: the matrix' upper triangle row by row, then the right side. Those of
    several views are added.
    """
    axes = _across(x, y, camera)
    right = x * camera.tz - camera.tx, y * camera.tz - camera.ty
    return _normal(axes, right)


def pull(place: Row, u: Number, v: Number, camera: Lens) -> tuple[Number, ...]:
    """Return the normal equations of "the place moves to where it is seen at u, v".

    Returns
    -------
    Nine numbers, as those of `equations`; they are solved by a step in mm.
    """
    xc, yc, zc = _within(place, camera)
    near = 1.0 / zc
    x, y = xc * near, yc * near
    x_seen, y_seen = distorted(x, y, camera)
    a, b, d = slope(x, y, camera)
    x0, x1, x2, y0, y1, y2 = _across(x, y, camera)
    fx, fy = camera.fx * near, camera.fy * near
    a, b, c, d = fx * a, fx * b, fy * b, fy * d
    slopes = (
        a * x0 + b * y0,
        a * x1 + b * y1,
        a * x2 + b * y2,
        c * x0 + d * y0,
        c * x1 + d * y1,
        c * x2 + d * y2,
    )
    u_off = u - (camera.fx * x_seen + camera.cx)
    v_off = v - (camera.fy * y_seen + camera.cy)
    return _normal(slopes, (u_off, v_off))


def _normal(rows: Row, right: Row) -> tuple[Number, ...]:
    """Return the normal equations of two rows of three."""
    a0, a1, a2, b0, b1, b2 = rows
    a, b = right
    return (
        a0 * a0 + b0 * b0,
        a0 * a1 + b0 * b1,
        a0 * a2 + b0 * b2,
        a1 * a1 + b1 * b1,
        a1 * a2 + b1 * b2,
        a2 * a2 + b2 * b2,
        a0 * a + b0 * b,
        a1 * a + b1 * b,
        a2 * a + b2 * b,
    )


def inverse(m: Row) -> tuple[tuple[Number, ...], Number]:
    """Return the inverse of a symmetric 3 x 3 matrix, and whether it has one.

    Both matrices are upper triangles, row by row.
    """
    c00 = m[3] * m[5] - m[4] * m[4]
    c01 = m[2] * m[4] - m[1] * m[5]
    c02 = m[1] * m[4] - m[2] * m[3]
    c11 = m[0] * m[5] - m[2] * m[2]
    c12 = m[1] * m[2] - m[0] * m[4]
    c22 = m[0] * m[3] - m[1] * m[1]
    det = m[0] * c00 + m[1] * c01 + m[2] * c02
    trace = m[0] + m[3] + m[5]
    s = 1.0 / det
    triangle = (c00 * s, c01 * s, c02 * s, c11 * s, c12 * s, c22 * s)
    return triangle, det > _PARALLEL * (trace * trace * trace)


def intersection(m: Row) -> tuple[tuple[Number, Number, Number], Number]:
    """Return what solves nine numbers of equations, and whether they can be solved."""
    (i00, i01, i02, i11, i12, i22), regular = inverse(m)
    place = (
        i00 * m[6] + i01 * m[7] + i02 * m[8],
        i01 * m[6] + i11 * m[7] + i12 * m[8],
        i02 * m[6] + i12 * m[7] + i22 * m[8],
    )
    return place, regular


# -- loops over points, pairs and views, to be compiled


def triangulate(
    keypoints: Floats,
    marks: Marks,
    cameras: Cameras,
    min_likelihood: float,
    outlier_px: float,
    noise_px: float,
    points: Floats,
    covariance: Floats,
    error_px: Floats,
    used: Bools,
) -> None:
    """Find n points in the pictures of m cameras; the last four arguments are written.

    Shapes: keypoints (m, n, 3), marks (m, n), cameras (m,) `CAMERA_ROW`; points
    (n, 3), covariance (n, 3, 3), error_px (n,), used (m, n).
    """
    m, n = keypoints.shape[0], keypoints.shape[1]
    seen, rows, total = np.empty((m, 3)), np.empty((m, 9)), np.empty(9)
    agree = np.empty(m, np.bool_)
    limit_px2 = outlier_px * outlier_px
    for k in range(n):
        _look(keypoints[:, k], marks[:, k], cameras, min_likelihood, seen, rows)
        place, known = _begin(seen, rows, cameras, limit_px2, total)
        for _ in range(FITS):
            if known:
                known = _collect(seen, cameras, limit_px2, place, agree)
            if known:
                place, known = _fit(seen, cameras, agree, place, total)
        error = _mean_miss_px(seen, cameras, agree, place) if known else np.nan
        known = np.isfinite(error)
        for c in range(m):
            used[c, k] = known and agree[c]
        error_px[k] = error
        _write(known, place, total, noise_px, points[k], covariance[k])


def _look(
    keypoints: Floats,
    marks: Marks,
    cameras: Cameras,
    min_likelihood: float,
    seen: Floats,
    rows: Floats,
) -> None:
    """Write each view's pixel, weight (0 for none) and equations."""
    for c in range(seen.shape[0]):
        u, v, likelihood = keypoints[c, 0], keypoints[c, 1], keypoints[c, 2]
        seen[c, 0], seen[c, 1], seen[c, 2] = u, v, 0.0
        if marks[c] == 0 and likelihood > 0.0 and likelihood >= min_likelihood:
            x, y, known = direction(u, v, cameras[c])
            if known:
                seen[c, 2] = likelihood
                row = equations(x, y, cameras[c])
                for j in range(9):
                    rows[c, j] = row[j]


def _begin(
    seen: Floats, rows: Floats, cameras: Cameras, limit_px2: float, total: Floats
) -> tuple[Place, bool]:
    """Return the place, out of those of any two views, that fits all views best."""
    best, place = np.inf, (np.nan, np.nan, np.nan)
    for one in range(seen.shape[0]):
        for other in range(one + 1, seen.shape[0]):
            if seen[one, 2] == 0.0 or seen[other, 2] == 0.0:
                continue
            for j in range(9):
                total[j] = rows[one, j] + rows[other, j]
            between, regular = intersection(total)
            if regular:
                cost = _cost(seen, cameras, limit_px2, between, best)
                if cost < best:
                    best, place = cost, between
    return place, best < np.inf


def _cost(
    seen: Floats, cameras: Cameras, limit_px2: float, place: Place, best: float
) -> float:
    """Return how badly a place fits, or more than `best`; outliers count as limits."""
    cost = 0.0
    for c in range(seen.shape[0]):
        if seen[c, 2] > 0.0 and cost < best:
            off_px2, visible = miss_px2(place, seen[c, 0], seen[c, 1], cameras[c])
            if not (visible and off_px2 < limit_px2):
                off_px2 = limit_px2
            cost += seen[c, 2] * off_px2
    return cost


def _collect(
    seen: Floats, cameras: Cameras, limit_px2: float, place: Place, agree: Bools
) -> bool:
    """Write which views agree with a place; return whether two or more do."""
    count = 0
    for c in range(seen.shape[0]):
        off_px2, visible = miss_px2(place, seen[c, 0], seen[c, 1], cameras[c])
        agree[c] = seen[c, 2] > 0.0 and visible and off_px2 < limit_px2
        count += agree[c]
    return count >= 2


def _fit(
    seen: Floats, cameras: Cameras, agree: Bools, place: Place, total: Floats
) -> tuple[Place, bool]:
    """Return the place moved to where the views that agree see it, and whether it can.

    Weighted least squares in pixels; `total` is left with the last equations.
    """
    for _ in range(STEPS):
        total[:] = 0.0
        for c in range(seen.shape[0]):
            if agree[c]:
                row = pull(place, seen[c, 0], seen[c, 1], cameras[c])
                for j in range(9):
                    total[j] += seen[c, 2] * row[j]
        step, regular = intersection(total)
        if not regular:
            return place, False
        place = (place[0] + step[0], place[1] + step[1], place[2] + step[2])
    return place, True


def _mean_miss_px(seen: Floats, cameras: Cameras, agree: Bools, place: Place) -> float:
    """Return how far a place is from where it was seen; NaN if it cannot be seen."""
    total, count = 0.0, 0.0
    for c in range(seen.shape[0]):
        if agree[c]:
            off_px2, visible = miss_px2(place, seen[c, 0], seen[c, 1], cameras[c])
            total += np.sqrt(off_px2) if visible else np.nan
            count += 1.0
    return total / count


def _write(
    known: bool,
    place: Place,
    total: Floats,
    noise_px: float,
    point: Floats,
    covariance: Floats,
) -> None:
    """Write a point and its covariance; NaN where it is not known."""
    variance_px2 = noise_px * noise_px if known else np.nan
    triangle, _ = inverse(total)
    j = 0
    for row in range(3):
        point[row] = place[row] if known else np.nan
        for column in range(row, 3):
            covariance[row, column] = triangle[j] * variance_px2
            covariance[column, row] = covariance[row, column]
            j += 1


_FORMULAS = (distorted, slope, direction, miss_px2, equations, pull, intersection)
_PIECES = (_within, _across, _normal, inverse)
_LOOPS = (_look, _begin, _cost, _collect, _fit, _mean_miss_px, _write)
CALLED = (*_FORMULAS, *_PIECES, *_LOOPS)
"""All that `triangulate` calls, to be compiled with it."""
