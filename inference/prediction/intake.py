"""How each keypoint of a pose is taken in: is it there, how far does it count. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from inference.prediction.bank import MEMORY
from inference.prediction.motion import Settled, settled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from inference.prediction.bank import Bank

__all__ = ["CERTAIN", "NEVER", "Intake", "Seen", "Tracks", "taken_in"]

NEVER = -1
"""Exposure of what was not seen yet."""
CERTAIN = 1.01
"""Above all likelihoods, so that the best of them differ little."""
_LOST = 25.0
"""Squared sds from where the best filter expected it at which a keypoint begins anew,
after it was not seen: where it was before has nothing to do with it."""
_USUAL_SHARE = 0.02
"""How much one pose says of a keypoint's usual likelihood."""
_UNUSUAL = 2.0
"""A pose counts as noisier where it is so many times less likely than usual."""


class Tracks(NamedTuple):
    """What is known of each keypoint, apart from its motion."""

    seen_ns: tuple[int, ...]
    """Last exposure at which it was not marked; -1 without one."""
    poses: tuple[int, ...]
    """How many those were since it was found, up to `MEMORY`."""
    usual: tuple[float, ...]
    """How unlikely it usually is."""

    @staticmethod
    def none(keypoints: int) -> Tracks:
        """Return what is known before the first pose."""
        usual = (CERTAIN - 1.0,) * keypoints
        return Tracks((NEVER,) * keypoints, (0,) * keypoints, usual)


class Seen(NamedTuple):
    """A pose's keypoints, as far as they can be trusted."""

    before_ns: int
    """Exposure of the pose before; -1 without one."""
    exposure_ns: int
    unlikely: Sequence[float]
    """How unlikely each is: `CERTAIN` - likelihood."""
    marks: Sequence[int]

    @property
    def interval_s(self) -> float:
        """Return the time since the pose before; 0 without one."""
        if self.before_ns == NEVER:
            return 0.0
        return (self.exposure_ns - self.before_ns) * 1e-9


class Intake(NamedTuple):
    """A pose made ready for the filters, and what is known once they have it."""

    twice: NDArray[np.float64]
    """As in `Settled`; the last axis may be the keypoints."""
    gain: NDArray[np.float64]
    learnt: tuple[int, ...]
    """Over how many poses the noise of each is known; 0 if it is not taken in."""
    tracks: Tracks
    found: tuple[int, ...] = ()
    """Those that begin anew where the pose has them."""


def taken_in(
    bank: Bank,
    tracks: Tracks,
    away_px: NDArray[np.float64],
    seen: Seen,
    hold_ns: int,
) -> Intake:
    """Return how a pose is to be taken in.

    Parameters
    ----------
    bank
        The filters at the pose before.
    tracks
        What is known of the keypoints.
    away_px
        (2, filters, n): from where they were expected; set to 0 where a keypoint is
        not taken in.
    seen
        What the pose says of them.
    hold_ns
        How long a keypoint that is not seen lives on.
    """
    usual: list[float] = []
    as_usual = (
        min(tracks.seen_ns) == seen.before_ns >= seen.exposure_ns - hold_ns
        and seen.before_ns != NEVER
        and not any(seen.marks)
    )
    for now, was in zip(seen.unlikely, tracks.usual, strict=True):
        if now > _UNUSUAL * was:
            as_usual = False
        usual.append(was + _USUAL_SHARE * (min(now, 3.0 * was) - was))
    common = settled(seen.interval_s)
    if as_usual:
        now_ns = (seen.exposure_ns,) * len(usual)
        after = Tracks(now_ns, _counted(tracks.poses), tuple(usual))
        return Intake(common.twice, common.gain, tracks.poses, after)
    return _each(bank, tracks, away_px, seen, hold_ns, usual)


def _each(
    bank: Bank,
    tracks: Tracks,
    away_px: NDArray[np.float64],
    seen: Seen,
    hold_ns: int,
    usual: list[float],
) -> Intake:
    """Return the same where not all keypoints are as usual."""
    common = settled(seen.interval_s)
    seen_ns, learnt = list(tracks.seen_ns), list(tracks.poses)
    after, found = list(_counted(tracks.poses)), []
    own: dict[int, Settled] = {}
    for k, mark in enumerate(seen.marks):
        if mark:
            usual[k], learnt[k], after[k] = tracks.usual[k], 0, tracks.poses[k]
        else:
            seen_ns[k] = seen.exposure_ns
            expected = _expected(common, tracks, seen, k)
            if expected is not common:
                own[k] = expected
            if _is_new(bank, expected, tracks, away_px, seen, hold_ns, k):
                found.append(k)
                learnt[k], after[k] = 0, 1
        if learnt[k] == 0:
            away_px[:, :, k] = 0.0
    twice, gain = common.twice, common.gain
    if own:
        twice = np.repeat(twice, len(usual), axis=1)
        gain = np.repeat(gain, len(usual), axis=3)
        for k, expected in own.items():
            twice[:, k], gain[..., k] = expected.twice[:, 0], expected.gain[..., 0]
    now = Tracks(tuple(seen_ns), tuple(after), tuple(usual))
    return Intake(twice, gain, tuple(learnt), now, tuple(found))


def _expected(common: Settled, tracks: Tracks, seen: Seen, k: int) -> Settled:
    """Return what the filters make of one keypoint: when, and how likely, it is."""
    expected = common
    if NEVER < tracks.seen_ns[k] < seen.before_ns:
        expected = settled((seen.exposure_ns - tracks.seen_ns[k]) * 1e-9)
    doubt = seen.unlikely[k] / (_UNUSUAL * tracks.usual[k])
    if doubt <= 1.0:
        return expected
    twice = expected.twice + 2.0 * (doubt * doubt - 1.0)
    return Settled(twice, expected.gain * (expected.twice / twice), expected.known)


def _is_new(
    bank: Bank,
    expected: Settled,
    tracks: Tracks,
    away_px: NDArray[np.float64],
    seen: Seen,
    hold_ns: int,
    k: int,
) -> bool:
    """Tell whether a keypoint has nothing to do with what was known of it."""
    seen_ns = tracks.seen_ns[k]
    if seen_ns == NEVER or seen.exposure_ns - seen_ns > hold_ns:
        return True
    if seen_ns == seen.before_ns:
        return False
    best = int(bank.worth[:, k].argmax())
    square = float((away_px[:, best, k] ** 2).sum())
    return square > _LOST * float(expected.twice[best, 0] * bank.noise_px2[best, k])


def _counted(poses: tuple[int, ...]) -> tuple[int, ...]:
    if min(poses) == MEMORY:
        return poses
    return tuple(min(count + 1, MEMORY) for count in poses)
