"""How each keypoint of a pose is taken in: is it there, how far does it count. Pure."""

from __future__ import annotations

from operator import gt
from typing import TYPE_CHECKING, NamedTuple

from inference.prediction.bank import MEMORY
from inference.prediction.motion import Settled, settled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
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
_UNUSUAL = 2.0
"""A pose counts as noisier where it is so many times less likely than usual."""
_KEPT, _ADDED = 0.98, 0.02 * _UNUSUAL
"""How one more pose changes what counts as unusual."""


class Tracks(NamedTuple):
    """What is known of each keypoint, apart from its motion."""

    seen_ns: tuple[int, ...]
    """Last exposure at which it was not marked; -1 without one."""
    poses: tuple[int, ...]
    """How many those were since it was found, up to `MEMORY`."""
    doubtful: tuple[float, ...]
    """How unlikely it is where a pose of it counts as noisier: `_UNUSUAL` times what
    is usual."""

    @staticmethod
    def none(keypoints: int) -> Tracks:
        """Return what is known before the first pose."""
        doubtful = (_UNUSUAL * (CERTAIN - 1.0),) * keypoints
        return Tracks((NEVER,) * keypoints, (0,) * keypoints, doubtful)


class Seen(NamedTuple):
    """A pose's keypoints, as far as they can be trusted."""

    before_ns: int
    """Exposure of the pose before; -1 without one."""
    exposure_ns: int
    unlikely: Sequence[float]
    """How unlikely each is: `CERTAIN` - likelihood."""
    marks: Sequence[int]


class Intake(NamedTuple):
    """How a pose is taken in, and what is known once it is."""

    tracks: Tracks
    learnt: tuple[int, ...]
    """Over how many poses the noise of each is known; 0 if it is not taken in."""
    own: Mapping[int, Settled]
    """What the filters make of those that are not as the others."""
    found: Sequence[int]
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
        (filters, 2 n): from where they were expected; set to 0 where a keypoint is
        not taken in.
    seen
        What the pose says of them.
    hold_ns
        How long a keypoint that is not seen lives on.
    """
    before_ns, exposure_ns, unlikely, marks = seen
    if (
        before_ns == NEVER
        or exposure_ns - before_ns > hold_ns
        or min(tracks.seen_ns) != before_ns
        or any(marks)
        or any(map(gt, unlikely, tracks.doubtful))
    ):
        return _each(bank, tracks, away_px, seen, hold_ns)
    doubtful = [
        _KEPT * was + _ADDED * now
        for now, was in zip(unlikely, tracks.doubtful, strict=True)
    ]
    seen_ns = (exposure_ns,) * len(doubtful)
    after = Tracks(seen_ns, _counted(tracks.poses), tuple(doubtful))
    return Intake(after, tracks.poses, {}, ())


def _each(
    bank: Bank,
    tracks: Tracks,
    away_px: NDArray[np.float64],
    seen: Seen,
    hold_ns: int,
) -> Intake:
    """Return the same where not all keypoints are as usual."""
    seen_ns, learnt = list(tracks.seen_ns), list(tracks.poses)
    after, doubtful = list(_counted(tracks.poses)), list(tracks.doubtful)
    own: dict[int, Settled] = {}
    found: list[int] = []
    for k, mark in enumerate(seen.marks):
        if mark:
            learnt[k], after[k] = 0, tracks.poses[k]
        else:
            seen_ns[k] = seen.exposure_ns
            # one pose says little of what is usual, however unlikely it is
            now, was = seen.unlikely[k], doubtful[k]
            doubtful[k] = _KEPT * was + _ADDED * min(now, 1.5 * was)
            expected = _expected(tracks, seen, k)
            if expected is not None:
                own[k] = expected
            if _is_new(bank, expected, tracks, away_px, seen, hold_ns, k):
                found.append(k)
                learnt[k], after[k] = 0, 1
        if learnt[k] == 0:
            away_px[:, [k, len(learnt) + k]] = 0.0
    known = Tracks(tuple(seen_ns), tuple(after), tuple(doubtful))
    return Intake(known, tuple(learnt), own, found)


def _expected(tracks: Tracks, seen: Seen, k: int) -> Settled | None:
    """Return what the filters make of one keypoint; None if it is as the others."""
    last_ns = tracks.seen_ns[k]
    doubt = seen.unlikely[k] / tracks.doubtful[k]
    late = NEVER < last_ns < seen.before_ns
    if not late and doubt <= 1.0:
        return None
    since_ns = seen.exposure_ns - max(last_ns, seen.before_ns if not late else 0, 0)
    expected = settled(since_ns * 1e-9)
    return expected if doubt <= 1.0 else expected.doubted(doubt * doubt)


def _is_new(
    bank: Bank,
    expected: Settled | None,
    tracks: Tracks,
    away_px: NDArray[np.float64],
    seen: Seen,
    hold_ns: int,
    k: int,
) -> bool:
    """Tell whether a keypoint has nothing to do with what was known of it."""
    last_ns = tracks.seen_ns[k]
    if last_ns == NEVER or seen.exposure_ns - last_ns > hold_ns:
        return True
    if last_ns == seen.before_ns or expected is None:
        return False
    best = int(bank.worth[:, k].argmax())
    square = 0.5 * float((away_px[best, [k, len(tracks.poses) + k]] ** 2).sum())
    variance = float(expected.variance[best, 0] * bank.noise_px2[best, k])
    return square > _LOST * variance


def _counted(poses: tuple[int, ...]) -> tuple[int, ...]:
    if min(poses) == MEMORY:
        return poses
    return tuple(min(count + 1, MEMORY) for count in poses)
