"""Filters of several speeds, side by side on each keypoint: plain arrays. Pure.

How well each filter foretold the last poses is its weight in what they foretell
together. So an animal at rest is averaged over many poses, and a limb that pushes off
is followed from its first poses on; and the differences tell how far to trust it.

All arrays have the same columns: x of each keypoint, then y of each. What belongs to a
keypoint as a whole stands there twice: numpy takes twice as long for two arrays of
different shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from inference.prediction.motion import FILTERS, Settled, fading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["MEMORY", "Bank", "corrected", "foretold", "moved", "restarted"]

MEMORY = 8
"""Poses over which the filters' noise and weights are learnt."""
_FIRST_PX2 = 2.0**2
"""Noise of a keypoint that was seen once."""
_LEAST_PX2 = 0.05**2
"""No noise is taken to be below."""
_OWN, _SHARED = 0.25, 0.25
"""How much a keypoint's own pose, and the mean over all, tells of a filter's worth:
limbs move together, and all of them see earlier than one that a movement begins."""
_SURPRISE = 50.0
"""Most that one pose may say against a filter; it may be a wrong pose."""
_ALL = np.ones(FILTERS)


class Bank(NamedTuple):
    """The filters of n keypoints at one time; not to be written into."""

    motion: NDArray[np.float64]
    """(3, filters, 2 n): place px, velocity px/s, acceleration px/s²."""
    noise_px2: NDArray[np.float64]
    """(filters, 2 n): variance of a pose, as each filter sees it."""
    worth: NDArray[np.float64]
    """(filters, 2 n): logarithm of a filter's weight."""

    @staticmethod
    def empty(keypoints: int) -> Bank:
        """Return the filters before the first pose."""
        shape = (FILTERS, 2 * keypoints)
        return Bank(np.zeros((3, *shape)), np.full(shape, _FIRST_PX2), np.zeros(shape))

    def __eq__(self, other: object) -> bool:
        """Tell whether every bit is the same."""
        return isinstance(other, Bank) and _bits(self) == _bits(other)

    def __hash__(self) -> int:
        """Return a hash of every bit."""
        return hash(_bits(self))


@dataclass(frozen=True, slots=True)
class _Shares:
    """What a pose adds to noise and worth, (filters, 2 n) or (2 n, 2 n)."""

    keep: NDArray[np.float64]
    learn: NDArray[np.float64]
    least: NDArray[np.float64]
    surprise: NDArray[np.float64]
    both: NDArray[np.float64]
    """Of `both_axes`."""
    mix: NDArray[np.float64]
    """From what speaks against the filters to their worth."""
    staying: NDArray[np.float64]


def moved(motion: NDArray[np.float64], time_s: float) -> NDArray[np.float64]:
    """Return the motion a time later."""
    place, velocity, left = fading(time_s)
    forth = np.array(((1.0, time_s, place), (0.0, 1.0, velocity), (0.0, 0.0, left)))
    return forth.dot(motion.reshape(3, -1)).reshape(motion.shape)


def corrected(
    bank: Bank,
    motion: NDArray[np.float64],
    away_px: NDArray[np.float64],
    common: Settled,
    own: Mapping[int, Settled],
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
        (filters, 2 n): from where each filter expected a keypoint to where it is; 0
        for one that is not taken in.
    common, own
        What the filters expect and make of it: of all keypoints but some.
    learnt
        Over how many poses each keypoint's noise is known, with this one; 0 for one
        that is not taken in.
    """
    shares = _shares(learnt)
    keypoints = len(learnt)
    expected = bank.noise_px2 * common.variance
    after = common.gain.dot(away_px).reshape(motion.shape)
    for k, settled in own.items():
        columns = [k, keypoints + k]
        expected[:, columns] = bank.noise_px2[:, columns] * settled.variance
        turned = settled.gain.dot(away_px[:, columns])
        after[:, :, columns] = turned.reshape(3, FILTERS, 2)
    after += motion
    against = (away_px * away_px).dot(shares.both)
    against /= expected
    np.minimum(against, shares.surprise, out=against)
    worth = bank.worth * shares.staying
    np.log(expected, out=expected)
    expected += against
    worth -= expected.dot(shares.mix)
    against *= shares.learn
    against += shares.keep
    against *= bank.noise_px2
    against += shares.least
    return Bank(after, against, worth)


def restarted(bank: Bank, keypoints: NDArray[np.float32], which: Sequence[int]) -> Bank:
    """Return the filters with some keypoints at rest where a pose has them."""
    motion, noise, worth = bank.motion.copy(), bank.noise_px2.copy(), bank.worth.copy()
    for k in which:
        columns = [k, len(keypoints) + k]
        motion[:, :, columns] = 0.0
        motion[0, :, columns] = keypoints[k, :2, np.newaxis]
        noise[:, columns], worth[:, columns] = _FIRST_PX2, 0.0
    return Bank(motion, noise, worth)


def foretold(
    bank: Bank, time_s: float, spread: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the filters foretell together.

    Parameters
    ----------
    bank
        The filters.
    time_s
        How long after their time.
    spread
        (filters, 1 or 2 n): variance of the place then, for a noise of 1.

    Returns
    -------
    points
        (2 n,) px.
    variance
        (2 n,) px², the same for x and y; how far the filters disagree is a part of it.
    """
    motion = bank.motion
    along = np.array((1.0, time_s, fading(time_s)[0]))
    places = along.dot(motion.reshape(3, -1)).reshape(motion.shape[1:])
    weight = np.exp(bank.worth)
    total = _ALL.dot(weight)
    points = _ALL.dot(places * weight)
    points /= total
    places -= points
    places *= places
    places += bank.noise_px2 * spread
    places *= weight
    variance = _ALL.dot(places)
    variance /= total
    return points, variance.dot(both_axes(len(variance) // 2))


@lru_cache(maxsize=16)
def both_axes(keypoints: int) -> NDArray[np.float64]:
    """Return what makes of 2 n columns their mean over x and y, (2 n, 2 n)."""
    return np.tile(0.5 * np.eye(keypoints), (2, 2))


def _bits(bank: Bank) -> tuple[bytes, bytes, bytes]:
    return bank.motion.tobytes(), bank.noise_px2.tobytes(), bank.worth.tobytes()


@lru_cache(maxsize=256)
def _shares(learnt: tuple[int, ...]) -> _Shares:
    """Return the shares, given over how many poses each keypoint is known."""
    counts = np.tile(np.array(learnt, np.float64), 2)
    there = counts > 0
    learn = np.divide(1.0, counts, out=np.zeros(len(counts)), where=there)
    share = _SHARED / max(1, int(there.sum()))
    mix = (np.eye(len(counts)) * _OWN + share) * there * there[:, np.newaxis]
    wide = np.ones((FILTERS, 1))
    return _Shares(
        keep=wide * (1.0 - learn),
        learn=wide * learn,
        least=np.full((FILTERS, len(counts)), _LEAST_PX2 / MEMORY),
        surprise=np.full((FILTERS, len(counts)), _SURPRISE),
        both=both_axes(len(learnt)),
        mix=mix,
        staying=wide * np.where(there, 1.0 - 1.0 / MEMORY, 1.0),
    )
