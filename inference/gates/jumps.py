"""Keypoints that move faster than is possible, and when their new place holds. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["JumpLimits", "Place", "Track", "followed", "is_near"]

_FORGOTTEN_NS = 1_000_000_000
"""A place that nothing confirmed for so long says nothing any more."""


class Place(NamedTuple):
    """Where a keypoint was."""

    x_px: float
    y_px: float
    exposure_ns: int
    poses: int
    """How many agreed on it, up to `JumpLimits.poses`."""


class Track(NamedTuple):
    """What is kept of a keypoint."""

    trusted: Place | None = None
    """Where it was when it was last trusted."""
    candidate: Place | None = None
    """Where it would be, if poses go on to agree."""


@dataclass(frozen=True, slots=True)
class JumpLimits:
    """What is taken for a jump."""

    speed_px_per_s: float
    """No keypoint is faster."""
    jitter_px: float
    """Poses of a keypoint at rest lie no farther apart."""
    poses: int
    """So many must agree on a new place."""


def is_near(
    place: Place, x_px: float, y_px: float, ns: int, limits: JumpLimits
) -> bool:
    """Tell whether a keypoint can have come from a place by a time."""
    elapsed_s = max(0, ns - place.exposure_ns) * 1e-9
    reach_px = limits.jitter_px + limits.speed_px_per_s * elapsed_s
    return math.hypot(x_px - place.x_px, y_px - place.y_px) <= reach_px


def followed(
    track: Track, x_px: float, y_px: float, exposure_ns: int, limits: JumpLimits
) -> tuple[Track, bool]:
    """Return what is kept of a keypoint after a pose, and whether it jumped there.

    A place that only few poses agreed on gives way to one that more agree on: so a
    wrong first pose is put right by the next two.
    """
    trusted, candidate = track
    if trusted is None or exposure_ns - trusted.exposure_ns > _FORGOTTEN_NS:
        return Track(Place(x_px, y_px, exposure_ns, 1)), False
    if is_near(trusted, x_px, y_px, exposure_ns, limits):
        poses = min(trusted.poses + 1, limits.poses)
        return Track(Place(x_px, y_px, exposure_ns, poses)), False
    agreed = 1
    if candidate and is_near(candidate, x_px, y_px, exposure_ns, limits):
        agreed += candidate.poses
    place = Place(x_px, y_px, exposure_ns, agreed)
    if agreed >= min(trusted.poses + 1, limits.poses):
        return Track(place), False
    return Track(trusted, place), True
