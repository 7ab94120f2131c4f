"""The animal's median shape, and where it puts each part in each frame. Pure.

Places are complex numbers, x + iy: turning, scaling and moving a shape is then
``turn * shape + shift``, with its least squares in closed form. No mirror image is a
fit, which is what tells left from right. Each fit is made robust by weights that fall
with the residual; the shape is the median of the frames in its own terms, and begins
with the frame that fits the others best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.complex128]
    Floats = NDArray[np.float64]

__all__ = ["Shape", "Strays", "fit_shape", "residuals", "strays"]

_ROUNDS, _FIRST = 6, 30
_FEWEST = 10
_SMALL = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The median shape of an animal."""

    places: Places
    """(parts,): centred, of mean square 1; NaN of a part that is too seldom."""
    size_px: Floats
    """(frames,): usual px per unit of the shape in the frame's folder."""


@dataclass(frozen=True, slots=True, eq=False)
class Strays:
    """How far each part is from where the others put it."""

    off_px: Floats
    """(frames, parts); NaN where it cannot be told."""
    told: Floats
    """(frames, parts): the same in sizes of the animal, less where the others are few
    or lie far away, and so foretell badly."""


def fit_shape(places: Places, folders: NDArray[np.int64]) -> Shape | None:
    """Return the median shape of labelled frames; None where they are too few.

    Parameters
    ----------
    places
        (frames, parts): x + iy in px; NaN where a part was not labelled.
    folders
        (frames,): number of the folder that a frame lies in.
    """
    there = np.isfinite(places)
    counts = there.sum(axis=1)
    if (counts >= 3).sum() < _FEWEST:
        return None
    full = np.flatnonzero(counts == counts.max())
    tried = full[np.unique(np.linspace(0, len(full) - 1, _FIRST).astype(int))]
    first = [_unit(places[k]) for k in tried]
    off = [_middle_off(shape, places) for shape in first]
    shape = first[int(np.argmin(off))]
    for _ in range(_ROUNDS):
        turn, shift = _fit(shape, places)
        own = (places - shift[:, None]) / turn[:, None]
        own[counts < 3] = np.nan
        shape = _unit(_median(own))
    size = np.abs(_fit(shape, places)[0])
    return Shape(shape, _by_folder(size, folders))


def residuals(shape: Shape, places: Places) -> Floats:
    """Return how far parts are from the shape fitted to all of them, in its units.

    Returns
    -------
    ndarray of float64
        (frames, parts).
    """
    turn, shift = _fit(shape.places, places)
    off = np.abs(places - turn[:, None] * shape.places - shift[:, None])
    return off / shape.size_px[:, None]


def strays(shape: Shape, places: Places) -> Strays:
    """Return how far each part is from where all the others put it."""
    off_px, told = np.full(places.shape, np.nan), np.full(places.shape, np.nan)
    for k, place in enumerate(shape.places):
        others = places.copy()
        others[:, k] = np.nan
        used = np.isfinite(others) & np.isfinite(shape.places)
        count = used.sum(axis=1)
        able = (count >= 3) & np.isfinite(places[:, k]) & np.isfinite(place)
        if not able.any():
            continue
        turn, shift = _fit(shape.places, others)
        off_px[:, k] = np.where(
            able, np.abs(places[:, k] - turn * place - shift), np.nan
        )
        model = np.where(used, shape.places, 0)
        centre = model.sum(axis=1) / np.maximum(count, 1)
        moment = (np.abs(model - centre[:, None]) ** 2 * used).sum(axis=1)
        lever = 1 / np.maximum(count, 1) + np.abs(place - centre) ** 2 / np.maximum(
            moment, _SMALL
        )
        told[:, k] = off_px[:, k] / shape.size_px / np.sqrt(1 + lever)
    return Strays(off_px, told)


def _fit(shape: Places, places: Places) -> tuple[Places, Places]:
    """Return turn and shift (frames,) of the shape in each frame, robustly."""
    used = np.isfinite(places) & np.isfinite(shape)
    model = np.where(used, shape, 0)
    seen = np.where(used, places, 0)
    weight = used.astype(np.float64)
    turn, shift = _least_squares(model, seen, weight)
    for _ in range(_ROUNDS):
        off = np.abs(seen - turn[:, None] * model - shift[:, None])
        off /= np.maximum(np.abs(turn), _SMALL)[:, None]
        # 5 % of the animal's size is what people place a label within
        weight = used / np.maximum(off, 0.05)
        turn, shift = _least_squares(model, seen, weight)
    return turn, shift


def _least_squares(
    model: Places, seen: Places, weight: Floats
) -> tuple[Places, Places]:
    total = np.maximum(weight.sum(axis=1), _SMALL)
    middle = (weight * model).sum(axis=1) / total
    centre = (weight * seen).sum(axis=1) / total
    from_middle, from_centre = model - middle[:, None], seen - centre[:, None]
    moment = (weight * np.abs(from_middle) ** 2).sum(axis=1)
    product = (weight * from_middle.conj() * from_centre).sum(axis=1)
    turn = product / np.maximum(moment, _SMALL)
    turn = np.where(np.abs(turn) < _SMALL, _SMALL, turn)
    return turn, centre - turn * middle


def _middle_off(shape: Places, places: Places) -> float:
    turn, shift = _fit(shape, places)
    off = np.abs(places - turn[:, None] * shape - shift[:, None])
    off /= np.abs(turn)[:, None]
    return float(np.median(off[np.isfinite(off)]))


def _median(own: Places) -> Places:
    """Return the median of x and of y of each part that is there often enough."""
    found = np.full(own.shape[1], np.nan, np.complex128)
    for k, column in enumerate(own.T):
        there = column[np.isfinite(column)]
        if len(there) >= _FEWEST:
            found[k] = np.median(there.real) + 1j * np.median(there.imag)
    return found


def _unit(shape: Places) -> Places:
    there = shape[np.isfinite(shape)]
    if not len(there):
        return shape
    moved = shape - there.mean()
    size = np.sqrt(np.mean(np.abs(moved[np.isfinite(moved)]) ** 2))
    return moved / max(float(size), _SMALL)


def _by_folder(size: Floats, folders: NDArray[np.int64]) -> Floats:
    usual = np.empty_like(size)
    for folder in np.unique(folders):
        usual[folders == folder] = np.median(size[folders == folder])
    return usual
