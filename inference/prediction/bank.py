"""Filters of several speeds, side by side on each keypoint: plain arrays. Pure.

How well each filter foretold the last poses is its weight in what they foretell
together. So an animal at rest is averaged over many poses, and a limb that pushes off
is followed from its first poses on; and the differences tell how far to trust it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from inference.prediction.motion import FILTERS, fading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MEMORY", "Bank", "corrected", "foretold", "moved", "restarted"]

MEMORY = 8
"""Poses over which the filters' noise and weights are learnt."""
_FIRST_PX2 = 2.0**2
"""Noise of a keypoint that was seen once."""
_OWN, _SHARED = 0.25, 0.25
"""How much a keypoint's own pose, and the mean over all, tells of a filter's worth:
limbs move together, and all of them see earlier than one that a movement begins."""
_KEEP = 1.0 - 1.0 / MEMORY

# arrays, because numpy takes twice as long with a number
_HALF = np.array(0.5)
_SURPRISE = np.array(50.0)
"""Most that one pose may say against a filter; it may be a wrong pose."""
_LEAST_PX2 = np.array(0.05**2 / MEMORY)
"""Added at each pose, so that no noise is taken to be below 0.05 px."""
_ALL = np.ones(FILTERS)


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """The filters of all keypoints at one time; not to be written into."""

    motion: NDArray[np.float64]
    """(3, 2, filters, n): place px, velocity px/s, acceleration px/s²; x and y."""
    noise_px2: NDArray[np.float64]
    """(filters, n): variance of a pose, as each filter sees it."""
    worth: NDArray[np.float64]
    """(filters, n): logarithm of a filter's weight against the quickest one's."""

    @staticmethod
    def empty(keypoints: int) -> Bank:
        """Return the filters before the first pose."""
        return Bank(
            np.zeros((3, 2, FILTERS, keypoints)),
            np.full((FILTERS, keypoints), _FIRST_PX2),
            np.zeros((FILTERS, keypoints)),
        )

    def __eq__(self, other: object) -> bool:
        """Tell whether every bit is the same."""
        return isinstance(other, Bank) and self._bits() == other._bits()

    def __hash__(self) -> int:
        """Return a hash of every bit."""
        return hash(self._bits())

    def _bits(self) -> tuple[bytes, bytes, bytes]:
        motion, noise, worth = self.motion, self.noise_px2, self.worth
        return motion.tobytes(), noise.tobytes(), worth.tobytes()


def moved(motion: NDArray[np.float64], time_s: float) -> NDArray[np.float64]:
    """Return the motion (3, 2, filters, n) a time later."""
    place, velocity, left = fading(time_s)
    forth = np.array(((1.0, time_s, place), (0.0, 1.0, velocity), (0.0, 0.0, left)))
    return forth.dot(motion.reshape(3, -1)).reshape(motion.shape)


def corrected(
    bank: Bank,
    motion: NDArray[np.float64],
    away_px: NDArray[np.float64],
    trust: tuple[NDArray[np.float64], NDArray[np.float64]],
    learnt: tuple[int, ...],
) -> Bank:
    """Return the filters once a pose was taken in.

    Parameters
    ----------
    bank
        The filters at the pose before.
    motion
        Theirs, moved to the time of this one.
    away_px
        (2, filters, n): from where each filter expected a keypoint to where it is; 0
        for one that is not taken in.
    trust
        What the filters expect of it and make of it: `twice` and `gain`, as in
        `Settled`; the last axis may be the keypoints.
    learnt
        Over how many poses each keypoint's noise is known, with this one; 0 for one
        that is not taken in.
    """
    keep, learn, mix, staying = _shares(learnt)
    twice, gain = trust
    expected = twice * bank.noise_px2
    squares = away_px * away_px
    against = squares[0]
    against += squares[1]
    against /= expected
    np.minimum(against, _SURPRISE, out=against)
    worth = bank.worth * staying
    worth -= (np.log(expected) + against).dot(mix)
    worth -= worth[0]
    against *= learn
    against += keep
    against *= bank.noise_px2
    against += _LEAST_PX2
    corrected_motion = gain * away_px
    corrected_motion += motion
    return Bank(corrected_motion, against, worth)


def restarted(bank: Bank, keypoints: NDArray[np.float32], which: Sequence[int]) -> Bank:
    """Return the filters with some keypoints at rest where a pose has them."""
    motion, noise, worth = bank.motion.copy(), bank.noise_px2.copy(), bank.worth.copy()
    for k in which:
        motion[:, :, :, k] = 0.0
        motion[0, :, :, k] = keypoints[k, :2, np.newaxis]
        noise[:, k], worth[:, k] = _FIRST_PX2, 0.0
    return Bank(motion, noise, worth)


def foretold(
    bank: Bank, time_s: float, spread: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the filters foretell together, in px.

    Parameters
    ----------
    bank
        The filters.
    time_s
        How long after their time.
    spread
        (filters, 1 or n): variance of the place then, for a noise of 1.

    Returns
    -------
    points
        (2, n).
    variance
        (n,) px², along each axis; with how far the filters disagree.
    """
    motion = bank.motion
    along = np.array((1.0, time_s, fading(time_s)[0]))
    places = along.dot(motion.reshape(3, -1)).reshape(motion.shape[1:])
    weight = np.exp(bank.worth)
    weight /= _ALL.dot(weight)
    points = _ALL.dot(places * weight)
    apart = places - points[:, np.newaxis]
    apart *= apart
    variance = apart[0]
    variance += apart[1]
    variance *= _HALF
    variance += bank.noise_px2 * spread
    variance *= weight
    return points, _ALL.dot(variance)


@lru_cache(maxsize=256)
def _shares(learnt: tuple[int, ...]) -> tuple[NDArray[np.float64], ...]:
    """Return what a pose adds to noise and worth, for each keypoint that is in it."""
    counts = np.array(learnt, np.float64)
    there = counts > 0
    learn = np.divide(1.0, counts, out=np.zeros(len(learnt)), where=there)
    share = _SHARED / max(1, int(there.sum()))
    mix = (np.eye(len(learnt)) * _OWN + share) * there * there[:, np.newaxis]
    return 1.0 - learn, learn, mix, np.where(there, _KEEP, 1.0)
