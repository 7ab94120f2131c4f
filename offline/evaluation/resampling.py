"""Frames drawn anew, for intervals that hold for other frames. Pure.

What is drawn are frames, never points: the parts of a frame err together, and points
drawn one by one would give intervals that are too narrow. Frames of one recording err
together too; where there are enough recordings or animals, whole ones are drawn.

Sources: B. Efron and R. J. Tibshirani, *An Introduction to the Bootstrap*, 1993
(percentile intervals: chapter 13); A. C. Davison and D. V. Hinkley, *Bootstrap Methods
and their Application*, 1997 (data in groups: section 3.8); C. A. Field and A. H. Welsh,
*Bootstrapping clustered data*, J. R. Stat. Soc. B 69 (2007) 369.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LEAST_GROUPS", "Estimate", "Units", "draws", "estimate", "units_of"]

LEAST_GROUPS = 5
"""Fewer cannot stand for all that there are: an interval from them would be luck."""
_LOW, _HIGH = 0.025, 0.975


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % confidence interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What is drawn as a whole."""

    kind: Literal["frames", "videos", "animals"]
    of_frame: NDArray[np.int64]
    """(frames,): number of the unit that each frame belongs to."""

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.of_frame.max(initial=-1)) + 1


def units_of(groups: Sequence[str], kind: Literal["videos", "animals"]) -> Units:
    """Return groups as units where there are `LEAST_GROUPS` or more, else frames.

    Parameters
    ----------
    groups
        (frames,): the video or the animal of each frame.
    kind
        Which of the two.
    """
    names = sorted(set(groups))
    if len(names) < LEAST_GROUPS:
        return Units("frames", np.arange(len(groups), dtype=np.int64))
    return Units(kind, np.array([names.index(name) for name in groups], np.int64))


def draws(units: Units, repeats: int, random: np.random.Generator) -> NDArray[np.int32]:
    """Return how often each frame was drawn, with replacement, in each repeat.

    Returns
    -------
    ndarray of int32
        (repeats, frames).
    """
    count = units.count
    if count == 0:
        return np.zeros((repeats, 0), np.int32)
    drawn = random.multinomial(count, np.full(count, 1 / count), size=repeats)
    return drawn.astype(np.int32)[:, units.of_frame]


def estimate(value: float, drawn: NDArray[np.floating]) -> Estimate:
    """Return a figure with the percentile interval of its repeats.

    Parameters
    ----------
    value
        Of the frames as they are.
    drawn
        (repeats,); NaN where a draw held nothing to tell it from.
    """
    told = drawn[np.isfinite(drawn)]
    if not len(told) or not np.isfinite(value):
        return Estimate(value, np.nan, np.nan)
    low, high = np.quantile(told, (_LOW, _HIGH))
    return Estimate(value, float(low), float(high))
