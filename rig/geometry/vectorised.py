"""The loops of `kernel` as whole arrays: the same numbers where numba is missing.

Each function stands for the one of the same name there; arrays are (views, points),
and (views, pairs, points) while pairs of views are tried.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.geometry import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

__all__ = ["triangulate"]

_BLOCK = 4096
"""Points at a time: arrays of pairs stay in the cache, and films in memory."""


def triangulate(
    keypoints: Floats,
    marks: NDArray[np.uint8],
    cameras: NDArray[np.void],
    min_likelihood: float,
    outlier_px: float,
    noise_px: float,
    points: Floats,
    covariance: Floats,
    error_px: Floats,
    used: Bools,
) -> None:
    """Find n points in the pictures of m cameras; as `kernel.triangulate`."""
    for first in range(0, keypoints.shape[1], _BLOCK):
        some = slice(first, first + _BLOCK)
        with np.errstate(all="ignore"):  # NaN is an answer here
            _triangulate(
                _Views(keypoints[:, some], marks[:, some], cameras, min_likelihood),
                outlier_px * outlier_px,
                noise_px * noise_px,
                (points[some], covariance[some], error_px[some], used[:, some]),
            )


_Cameras = namedtuple("_Cameras", kernel.CAMERA)
"""Each value of all cameras, as an array."""


class _Views:
    """What the cameras see of n points."""

    def __init__(
        self,
        keypoints: Floats,
        marks: NDArray[np.uint8],
        cameras: NDArray[np.void],
        min_likelihood: float,
    ) -> None:
        self.u, self.v, likelihood = np.ascontiguousarray(np.moveaxis(keypoints, -1, 0))
        self.cameras = _Cameras(*(cameras[name][:, None] for name in kernel.CAMERA))
        x, y, known = kernel.direction(self.u, self.v, self.cameras)
        trusted = (marks == 0) & (likelihood > 0.0) & (likelihood >= min_likelihood)
        self.seen: Bools = trusted & known
        self.weights: Floats = np.where(self.seen, likelihood, 0.0)
        self.equations: Floats = np.stack(kernel.equations(x, y, self.cameras))
        """The nine numbers of each view, (9, m, n)."""

    def miss_px2(self, place: Floats) -> tuple[Floats, Bools]:
        """Return how far places (3, n) are from where each view saw them."""
        return kernel.miss_px2(place, self.u, self.v, self.cameras)


def _triangulate(
    views: _Views, limit_px2: float, noise_px2: float, out: tuple[Any, ...]
) -> None:
    place, known = _begin(views, limit_px2)
    total = np.zeros((9, *known.shape))
    agree = views.seen
    for _ in range(kernel.FITS):
        agree, enough = _collect(views, limit_px2, place)
        place, total, fitted = _fit(views, agree, place)
        known = known & enough & fitted
    points, covariance, error_px, used = out
    error_px[:] = np.where(known, _mean_miss_px(views, agree, place), np.nan)
    known = np.isfinite(error_px)
    used[:] = agree & known
    points[:] = np.where(known, place, np.nan).T
    variance = np.where(known, noise_px2, np.nan)
    triangle, _ = kernel.inverse(total)
    for i, j, value in zip(*np.triu_indices(3), triangle, strict=True):
        covariance[:, i, j] = covariance[:, j, i] = value * variance


def _begin(views: _Views, limit_px2: float) -> tuple[Floats, Bools]:
    one, other = np.triu_indices(len(views.u), 1)
    pairs = views.equations[:, one] + views.equations[:, other]
    between, regular = kernel.intersection(pairs)
    both = views.seen[one] & views.seen[other] & regular
    cost = np.where(both, _cost(views, limit_px2, between), np.inf)
    best = cost.argmin(axis=0)[None]
    place = np.stack([np.take_along_axis(axis, best, 0)[0] for axis in between])
    return place, np.take_along_axis(cost, best, 0)[0] < np.inf


def _cost(
    views: _Views, limit_px2: float, places: tuple[Floats, Floats, Floats]
) -> Floats:
    off_px2, visible = kernel.miss_px2(
        places,
        views.u[:, None],
        views.v[:, None],
        _Cameras(*(values[:, None] for values in views.cameras)),
    )
    off_px2 = np.where(visible & (off_px2 < limit_px2), off_px2, limit_px2)
    return _added((views.weights[:, None] * off_px2).swapaxes(0, 1), views.seen)


def _collect(views: _Views, limit_px2: float, place: Floats) -> tuple[Bools, Bools]:
    off_px2, visible = views.miss_px2(place)
    agree = views.seen & visible & (off_px2 < limit_px2)
    return agree, agree.sum(axis=0) >= 2


def _fit(views: _Views, agree: Bools, place: Floats) -> tuple[Floats, Floats, Bools]:
    fitted = np.ones(place.shape[1], np.bool_)
    total = np.zeros((9, place.shape[1]))
    for _ in range(kernel.STEPS):
        rows = np.stack(kernel.pull(place, views.u, views.v, views.cameras))
        total = _added(views.weights * rows, agree)
        step, regular = kernel.intersection(total)
        fitted = fitted & regular
        place = place + np.stack(step)
    return place, total, fitted


def _mean_miss_px(views: _Views, agree: Bools, place: Floats) -> Floats:
    off_px2, visible = views.miss_px2(place)
    miss = np.where(visible, np.sqrt(off_px2), np.nan)
    return _added(miss, agree) / agree.sum(axis=0)


def _added(values: Floats, chosen: Bools) -> Floats:
    """Return the sum over views (..., m, n), one after the other as a loop does it."""
    return np.where(chosen, values, 0.0).sum(axis=-2)
