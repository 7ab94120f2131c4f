"""Left and right labelled the wrong way round. Pure.

Each frame is fitted by the median shape as it was labelled and with pairs exchanged.
Frames are suspect only of a pair that has an order: which nearly always fits clearly
better one way. Paws of an animal seen from its side have none.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from offline.dataset.checking.shape import residuals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from offline.dataset.checking.shape import Shape

__all__ = ["Swap", "exchanged", "swapped"]

Swap = tuple[int, tuple[tuple[int, int], ...], float]
"""Frame, the pairs to exchange in it, and by how many times it fits better."""
_MOST_UNCLEAR, _MOST_SWAPPED = 0.1, 0.3
_CLEAR = 0.4
"""Of the usual difference between both ways: less is unclear."""
_ALL_SETS_OF = 4
_LEAST = 0.03
"""Sizes of the animal: residuals are never taken to be smaller."""
_BETTER = 1.5


def swapped(
    shape: Shape,
    places: NDArray[np.complex128],
    pairs: Sequence[tuple[int, int]],
) -> list[Swap]:
    """Return the frames whose labels fit clearly better with pairs exchanged.

    Parameters
    ----------
    shape
        Of these frames.
    places
        (frames, parts): x + iy in px; NaN where a part was not labelled.
    pairs
        Numbers of left and right parts.
    """
    pairs = [pair for pair in pairs if _is_told(shape, places, pair)]
    if not pairs:
        return []
    as_labelled = residuals(shape, places)
    usual = _usual(as_labelled)
    cost = _cost(as_labelled, usual)
    ordered = [pair for pair in pairs if _has_order(shape, places, pair, cost, usual)]
    sets = _sets(ordered)
    if not sets:
        return []
    costs = np.stack(
        [_cost(residuals(shape, exchanged(places, some)), usual) for some in sets]
    )
    best = np.argmin(costs, axis=0)
    gain = cost - costs.min(axis=0)
    known = np.isfinite(places[:, np.isfinite(shape.places)]).sum(axis=1) >= 3
    least = _CLEAR * float(np.median((costs.min(axis=0) - cost)[known & (gain < 0)]))
    found: list[Swap] = []
    for frame in np.flatnonzero(known & (gain > least)):
        some = sets[int(best[frame])]
        if _are_there(places[frame], some):
            found.append((int(frame), some, float(gain[frame] / least)))
    return found


def exchanged(
    places: NDArray[np.complex128], pairs: Sequence[tuple[int, int]]
) -> NDArray[np.complex128]:
    """Return places with some pairs of parts exchanged, in every frame."""
    order = np.arange(places.shape[-1])
    for left, right in pairs:
        order[[left, right]] = order[[right, left]]
    return places[..., order]


def _sets(pairs: Sequence[tuple[int, int]]) -> list[tuple[tuple[int, int], ...]]:
    """Return what could have been exchanged together."""
    if len(pairs) <= _ALL_SETS_OF:
        sizes = range(1, len(pairs) + 1)
        return [some for size in sizes for some in combinations(pairs, size)]
    return [*((pair,) for pair in pairs), tuple(pairs)]


def _is_told(
    shape: Shape, places: NDArray[np.complex128], pair: tuple[int, int]
) -> bool:
    """Return whether enough frames show both parts and a third."""
    both = np.isfinite(places[:, list(pair)]).all(axis=1)
    third = np.isfinite(places).sum(axis=1) >= 3
    known = bool(np.isfinite(shape.places[list(pair)]).all())
    return known and int((both & third).sum()) >= 10


def _has_order(
    shape: Shape,
    places: NDArray[np.complex128],
    pair: tuple[int, int],
    cost: NDArray[np.float64],
    usual: NDArray[np.float64],
) -> bool:
    """Return whether the frames tell which of both is the left one."""
    there = np.isfinite(places[:, list(pair)]).all(axis=1)
    there &= np.isfinite(places).sum(axis=1) >= 3
    other = _cost(residuals(shape, exchanged(places, [pair])), usual)
    better = (other - cost)[there]
    middle = float(np.median(better))
    if middle < np.log(_BETTER):
        return False
    unclear = float(np.mean(np.abs(better) < _CLEAR * middle))
    return unclear <= _MOST_UNCLEAR and float(np.mean(better < 0)) <= _MOST_SWAPPED


def _usual(off: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (parts,): the median residual of each; of one that is never there, any."""
    usual = np.full(off.shape[1], _LEAST)
    for k, column in enumerate(off.T):
        if len(there := column[np.isfinite(column)]):
            usual[k] = max(float(np.median(there)), _LEAST)
    return usual


def _cost(off: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (frames,): how badly a fit is, robustly; a single part counts little."""
    return np.nansum(np.log1p((off / usual) ** 2), axis=1)


def _are_there(
    places: NDArray[np.complex128], pairs: Sequence[tuple[int, int]]
) -> bool:
    return all(np.isfinite(places[list(pair)]).any() for pair in pairs)
