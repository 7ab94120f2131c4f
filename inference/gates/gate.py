"""Which keypoints of a pose can be trusted. Pure: no clock, the same in replay.

Three gates, in this order: a keypoint is likely enough, its distances to others are
those of a body, and it did not jump. What does not pass is marked, never changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.gates.jumps import JumpLimits, Track, followed, is_near
from inference.gates.lengths import Learnt, Length, learnt_with
from rig.config.nearest import nearest
from rig.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rig.config.task import GatesConfig

__all__ = [
    "GOOD",
    "JUMP",
    "LENGTH",
    "LIKELIHOOD",
    "Gates",
    "GatesState",
    "begin",
    "compile_gates",
    "gate",
]

GOOD, LIKELIHOOD, JUMP, LENGTH = 0, 1, 2, 3
"""Marks: good, or the gate that a keypoint did not pass."""

_Points = list[list[float]]
"""[x px, y px, likelihood] of each keypoint."""


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates of a task file, ready for a model's keypoints."""

    likelihoods: tuple[float, ...]
    """Least of each keypoint."""
    jumps: JumpLimits | None = None
    lengths: tuple[Length, ...] = ()


@dataclass(frozen=True, slots=True)
class GatesState:
    """What is carried from pose to pose of one camera."""

    tracks: tuple[Track, ...]
    learnt: tuple[Learnt, ...]
    """Of each length."""


def compile_gates(config: GatesConfig, bodyparts: Sequence[str]) -> Gates:
    """Make a task's gates ready for a model's body parts.

    Raises
    ------
    ConfigError
        If a gate uses a keypoint that the model does not have; lists all of them.
    """
    used = [
        *(("likelihoods", name) for name in config.likelihoods),
        *(("lengths", name) for length in config.lengths for name in length.between),
    ]
    faults = [
        f"inference.gates.{where}: expected a keypoint of the model "
        f"({', '.join(bodyparts)}), got {name!r}{_did_you_mean(name, bodyparts)}"
        for where, name in used
        if name not in bodyparts
    ]
    if faults:
        raise ConfigError("\n".join(faults))
    index = list(bodyparts).index
    speed = config.max_speed_px_per_s
    return Gates(
        likelihoods=tuple(
            config.likelihoods.get(name, config.likelihood) for name in bodyparts
        ),
        jumps=None
        if speed is None
        else JumpLimits(speed, config.jitter_px, config.reacquire_poses),
        lengths=tuple(
            Length(
                index(length.between[0]),
                index(length.between[1]),
                None if length.range_px == "learnt" else length.range_px,
            )
            for length in config.lengths
        ),
    )


def begin(gates: Gates) -> GatesState:
    """Return the state before the first pose."""
    keypoints = len(gates.likelihoods)
    return GatesState((Track(),) * keypoints, (Learnt(),) * len(gates.lengths))


def gate(
    gates: Gates,
    state: GatesState,
    keypoints: NDArray[np.float32],
    exposure_ns: int,
) -> tuple[GatesState, NDArray[np.uint8]]:
    """Mark the keypoints of a pose.

    Parameters
    ----------
    gates
        What is asked of them.
    state
        What the pose before gave; it is not changed.
    keypoints
        (n, 3): x px, y px, likelihood.
    exposure_ns
        Exposure midpoint: what is possible depends on the time since.

    Returns
    -------
    state
        For the next pose.
    marks
        (n,): `GOOD`, `LIKELIHOOD`, `JUMP` or `LENGTH`. A keypoint that is not finite
        has no likelihood.
    """
    points: _Points = keypoints.tolist()
    marks = [
        # written so that NaN is not good
        GOOD if point[2] >= least and math.isfinite(point[0] + point[1]) else LIKELIHOOD
        for point, least in zip(points, gates.likelihoods, strict=True)
    ]
    learnt = state.learnt
    if gates.lengths:
        jumped = _jumped(gates.jumps, state.tracks, points, exposure_ns)
        broken, learnt = _measured(gates.lengths, learnt, points, marks)
        _mark_lengths(broken, jumped, marks)
    tracks = state.tracks
    if gates.jumps is not None:
        tracks = _tracked(gates.jumps, tracks, points, exposure_ns, marks)
    return GatesState(tracks, learnt), np.array(marks, np.uint8)


def _jumped(
    limits: JumpLimits | None,
    tracks: Sequence[Track],
    points: _Points,
    exposure_ns: int,
) -> list[bool]:
    """Tell which keypoints are not where they were, whatever else is wrong."""
    if limits is None:
        return [False] * len(points)
    return [
        track.trusted is not None
        and not is_near(track.trusted, point[0], point[1], exposure_ns, limits)
        for track, point in zip(tracks, points, strict=True)
    ]


def _measured(
    lengths: Sequence[Length],
    learnt: tuple[Learnt, ...],
    points: _Points,
    marks: Sequence[int],
) -> tuple[list[Length], tuple[Learnt, ...]]:
    """Return the lengths that are not a body's, and what is learnt of all."""
    after = list(learnt)
    broken: list[Length] = []
    for k, length in enumerate(lengths):
        if marks[length.one] or marks[length.other]:
            continue
        one, other = points[length.one], points[length.other]
        px = math.hypot(one[0] - other[0], one[1] - other[1])
        if length.range_px is not None:
            shortest, longest = length.range_px
        else:
            shortest, longest = 0.0, learnt[k].longest_px
            after[k] = learnt_with(learnt[k], px)
        if px < shortest or (longest is not None and px > longest):
            broken.append(length)
    return broken, tuple(after)


def _mark_lengths(
    broken: list[Length], jumped: Sequence[bool], marks: list[int]
) -> None:
    """Mark the ends that are to blame: those with most broken lengths first.

    Of several with as many, those that jumped; where none did, all.
    """
    while broken:
        ends = [end for length in broken for end in (length.one, length.other)]
        most = max(map(ends.count, ends))
        worst = {end for end in ends if ends.count(end) == most}
        blamed = {end for end in worst if jumped[end]} or worst
        for end in blamed:
            marks[end] = LENGTH
        broken = [
            length
            for length in broken
            if length.one not in blamed and length.other not in blamed
        ]


def _tracked(
    limits: JumpLimits,
    tracks: tuple[Track, ...],
    points: _Points,
    exposure_ns: int,
    marks: list[int],
) -> tuple[Track, ...]:
    """Follow the keypoints that are good so far, and mark those that jumped."""
    after = list(tracks)
    for k, mark in enumerate(marks):
        x_px, y_px, _ = points[k]
        if mark == GOOD:
            after[k], jumped = followed(tracks[k], x_px, y_px, exposure_ns, limits)
            if jumped:
                marks[k] = JUMP
        elif mark == LENGTH:
            after[k] = _contradicted(tracks[k], x_px, y_px, exposure_ns, limits)
    return tuple(after)


def _contradicted(
    track: Track, x_px: float, y_px: float, exposure_ns: int, limits: JumpLimits
) -> Track:
    """Return a track whose trusted place, if the keypoint is there, counts for less."""
    trusted = track.trusted
    if trusted is None or not is_near(trusted, x_px, y_px, exposure_ns, limits):
        return track
    if trusted.poses == 1:
        return Track(None, track.candidate)
    return Track(trusted._replace(poses=trusted.poses - 1), track.candidate)


def _did_you_mean(name: str, bodyparts: Sequence[str]) -> str:
    near = nearest(name, bodyparts)
    return f": did you mean {near!r}?" if near else ""
