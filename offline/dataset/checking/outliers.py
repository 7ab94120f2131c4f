"""Parts that are not where the animal's shape and bones allow them to be. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from offline.dataset.checking.shape import strays
from offline.dataset.checking.usual import beyond

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from offline.dataset.checking.shape import Shape

__all__ = ["Outlier", "outliers"]

_LEAST_OFF = 0.2
"""Sizes of the animal: nothing nearer to its place is an outlier."""
_LEAST_LOG = 0.35
"""Of a bone's length, in natural logs."""
_LEAST_PX = 3.0
_MOST_OF_SHAPE = 1.5


@dataclass(frozen=True, slots=True)
class Outlier:
    """A part that stands out in one frame."""

    frame: int
    part: int
    score: float
    """How many times the limit."""
    texts: tuple[str, ...]
    """Why, in words."""


def outliers(
    shape: Shape | None,
    places: NDArray[np.complex128],
    bodyparts: Sequence[str],
    bones: Sequence[tuple[int, int]],
) -> list[Outlier]:
    """Return the part of each frame that explains most of what is odd in it.

    Parameters
    ----------
    shape
        Of the frames; None leaves bones only.
    places
        (frames, parts): x + iy in px; NaN where a part was not labelled.
    bodyparts
        Names.
    bones
        Pairs of parts; empty for all pairs.
    """
    bones = list(bones) or list(combinations(range(len(bodyparts)), 2))
    odd: dict[int, list[tuple[tuple[int, ...], float, str]]] = defaultdict(list)
    for frame, bone, score, text in _bones(places, bodyparts, bones):
        odd[frame].append((bone, score, text))
    if shape is not None:
        for frame, part, score, text in _off_shape(shape, places, bodyparts):
            odd[frame].append(((part,), score, text))
    return [_blame(frame, why) for frame, why in sorted(odd.items())]


def _blame(frame: int, odd: list[tuple[tuple[int, ...], float, str]]) -> Outlier:
    """Return the part that has most to do with what is odd, and the gravest reasons."""
    blame: dict[int, float] = defaultdict(float)
    for parts, score, _ in odd:
        for part in parts:
            # without a wrong part the others' places are foretold wrongly as well, but
            # lengths between those stay what they were
            blame[part] += score if len(parts) > 1 else min(score, _MOST_OF_SHAPE)
    part = max(blame, key=lambda k: blame[k])
    # a shape's reason first: it names the part itself
    mine = sorted(
        (why for why in odd if part in why[0]), key=lambda w: (len(w[0]), -w[1])
    )
    worst = max(score for _, score, _ in mine)
    return Outlier(frame, part, worst, tuple(text for _, _, text in mine[:2]))


def _bones(
    places: NDArray[np.complex128],
    bodyparts: Sequence[str],
    bones: Sequence[tuple[int, int]],
) -> list[tuple[int, tuple[int, int], float, str]]:
    first, second = (np.array([bone[k] for bone in bones], int) for k in (0, 1))
    length = np.abs(places[:, first] - places[:, second])
    found: list[tuple[int, tuple[int, int], float, str]] = []
    for k, bone in enumerate(bones):
        there = length[:, k][np.isfinite(length[:, k])]
        if not len(there) or (middle := float(np.median(there))) < _LEAST_PX:
            continue
        # a bone of no length is two parts at one place, which is told elsewhere
        logs = np.log(np.maximum(length[:, k], 1) / middle)
        least = max(_LEAST_LOG, 2 * _LEAST_PX / middle)
        scores = np.maximum(_side(logs, least), _side(-logs, least))
        low, high = np.quantile(there, (0.05, 0.95))
        a, b = (bodyparts[part] for part in bone)
        for frame in np.flatnonzero(scores > 1):
            text = (
                f"{a} to {b} is {length[frame, k]:.0f} px, "
                f"usually {low:.0f} to {high:.0f}"
            )
            found.append((int(frame), bone, float(scores[frame]), text))
    return found


def _side(logs: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Return what is beyond the limit of one side, which has a tail of its own."""
    one = np.where(logs > 0, logs, np.nan)
    return beyond(one[:, None], least)[:, 0]


def _off_shape(
    shape: Shape, places: NDArray[np.complex128], bodyparts: Sequence[str]
) -> list[tuple[int, int, float, str]]:
    found = strays(shape, places)
    scores = beyond(found.told, _LEAST_OFF)
    result: list[tuple[int, int, float, str]] = []
    for frame, part in np.argwhere(scores > 1):
        column = found.off_px[:, part]
        usual = float(np.nanquantile(column, 0.95))
        text = (
            f"{bodyparts[part]} is {column[frame]:.0f} px from where the other parts "
            f"put it, usually less than {usual:.0f}"
        )
        result.append((int(frame), int(part), float(scores[frame, part]), text))
    return result
