"""Distances between keypoints that the body keeps: given, or learnt live. Pure.

What a camera sees of a length is anywhere between nothing and the whole of it, so only
the longest can be learnt. A keypoint that jumps away makes lengths longer, at times in
most of the poses; so the shorter ones are believed, and the longest is looked for from
there on.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Learnt", "Length", "learnt_with", "longest_of"]

LEAST_SAMPLES = 32
"""Poses before which a learnt length marks nothing."""
_MOST_SAMPLES = 256
"""Then every second one is dropped, and every second pose is taken from there on: so
they are spread over the whole session."""
_LOOK_EVERY = 16
_WRONG_SHARE, _RIGHT_SHARE = 0.05, 0.3
"""Quantiles between which lengths are believed at first."""
_CLIP_SDS = 3.0
_MAD_TO_SD = 1.4826
_LEAST_SD_PX = 1.0
_ROUNDS = 20
_SLACK = 1.3
"""The longest that was seen, times this, is still possible."""


@dataclass(frozen=True, slots=True)
class Length:
    """A distance between two keypoints."""

    one: int
    other: int
    range_px: tuple[float, float] | None
    """Shortest and longest; None to learn the longest."""


class Learnt(NamedTuple):
    """What is known of a length that is learnt."""

    longest_px: float | None = None
    """None until enough poses were seen."""
    samples_px: tuple[float, ...] = ()
    """In order of length."""
    every: int = 1
    """Of so many poses one is taken."""
    skipped: int = 0
    """Since the last one that was."""


def learnt_with(learnt: Learnt, length_px: float) -> Learnt:
    """Return what is known of a length after a pose."""
    if learnt.skipped + 1 < learnt.every:
        return learnt._replace(skipped=learnt.skipped + 1)
    samples, every = list(learnt.samples_px), learnt.every
    insort(samples, length_px)
    longest = learnt.longest_px
    if len(samples) >= LEAST_SAMPLES and len(samples) % _LOOK_EVERY == 0:
        longest = longest_of(samples)
    if len(samples) == _MOST_SAMPLES:
        samples, every = samples[1::2], 2 * every
    return Learnt(longest, tuple(samples), every)


def longest_of(samples_px: list[float]) -> float:
    """Return how long a length can be, given sorted samples, some of them wrong.

    Examples
    --------
    >>> right = [80.0, 90.0, 95.0, 98.0, 99.0, 100.0, 100.0, 100.0]
    >>> longest_of([*right, 300.0, 380.0, 440.0, 490.0, 560.0])
    130.0
    """
    count = len(samples_px)
    low, high = int(_WRONG_SHARE * count), max(2, int(_RIGHT_SHARE * count))
    for _ in range(_ROUNDS):
        believed = samples_px[low:high]
        middle = believed[len(believed) // 2]
        apart = sorted(abs(sample - middle) for sample in believed)
        sd = max(_MAD_TO_SD * apart[len(apart) // 2], _LEAST_SD_PX)
        bounds = (
            bisect_left(samples_px, middle - _CLIP_SDS * sd),
            bisect_right(samples_px, middle + _CLIP_SDS * sd),
        )
        if bounds == (low, high):
            break
        low, high = bounds
    return samples_px[high - 1] * _SLACK
