"""The mouse's body: lengths, masses, and where its joints go.

The trunk is rigid, the head turns on the neck, each limb is a chain of segments of
constant length that is laid between its root and its foot (inverse kinematics).
Mass sits at fixed places of the segments, so that the centre of mass is a function
of the pose, and a camera that sees the pose could weigh the mouse's motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BODY_PARTS",
    "JOINTS",
    "MASS_FRACTIONS",
    "POSE_CHANNELS",
    "Body",
    "centre_of_mass",
    "joints_of",
]

BODY_PARTS = (
    "nose",
    "eye",
    "forepaw",
    "iliac_crest",
    "hip",
    "knee",
    "ankle",
    "mtp",
    "toe",
    "tail_base",
)
"""What a pose network is asked for; the paired ones are those of the right side."""

JOINTS = (
    *BODY_PARTS,
    "eye_left",
    "forepaw_left",
    "iliac_crest_left",
    "hip_left",
    "knee_left",
    "ankle_left",
    "mtp_left",
    "toe_left",
    "shoulder",
    "elbow",
    "wrist",
    "shoulder_left",
    "elbow_left",
    "wrist_left",
    "neck",
    "trunk",
    "ear",
    "ear_left",
    "skull",
    "rump",
    "chest",
    "tail_1",
    "tail_2",
    "tail_3",
    "tail_4",
)
"""All points of the body, in the order of `joints_of`."""

POSE_CHANNELS = (
    *("trunk_x", "trunk_y", "trunk_z"),
    *("heading_x", "heading_y", "pitch", "head_pitch", "head_yaw", "tail_sway"),
    *("toe_x", "toe_y", "toe_z"),
    *("toe_left_x", "toe_left_y", "toe_left_z"),
    *("forepaw_x", "forepaw_y", "forepaw_z"),
    *("forepaw_left_x", "forepaw_left_y", "forepaw_left_z"),
)
"""Columns of a pose: mm, unit vector, rad, mm."""

MASS_FRACTIONS: tuple[tuple[float, str, str], ...] = (
    (0.66, "trunk", "trunk"),
    (0.14, "skull", "skull"),
    (0.045, "hip", "knee"),
    (0.045, "hip_left", "knee_left"),
    (0.02, "knee", "ankle"),
    (0.02, "knee_left", "ankle_left"),
    (0.01, "ankle", "mtp"),
    (0.01, "ankle_left", "mtp_left"),
    (0.01, "shoulder", "elbow"),
    (0.01, "shoulder_left", "elbow_left"),
    (0.01, "elbow", "wrist"),
    (0.01, "elbow_left", "wrist_left"),
    (0.01, "tail_1", "tail_2"),
)
"""Share of the body's mass, half way between two joints."""

_TRUNK_POINTS_MM = {
    "iliac_crest": (-13.0, -5.0, 8.0),
    "hip": (-20.0, -7.0, 1.0),
    "tail_base": (-31.0, 0.0, 3.0),
    "shoulder": (17.0, -8.0, -3.0),
    "neck": (23.0, 0.0, 4.0),
    "trunk": (0.0, 0.0, 0.0),
    "rump": (-17.0, 0.0, 1.5),
    "chest": (13.0, 0.0, -1.0),
}
_HEAD_POINTS_MM = {
    "nose": (26.0, 0.0, -2.5),
    "eye": (14.5, -6.2, 3.2),
    "ear": (3.5, -8.0, 7.5),
    "skull": (9.5, 0.0, 1.0),
}
"""From the neck, right side; the left ones are their mirror images."""

_FEMUR_MM, _TIBIA_MM, _FOOT_MM, _TOE_MM = 15.5, 17.5, 9.5, 7.0
_UPPER_ARM_MM, _FOREARM_MM, _PAW_MM = 12.0, 13.0, 5.0
_TAIL_SEGMENT_MM = 19.0
_REACH = 0.985
"""A limb is never stretched further than this: a knee stays a knee."""
_INDEX = {name: k for k, name in enumerate(JOINTS)}


@dataclass(frozen=True, slots=True)
class Body:
    """Size and mass of one mouse."""

    mass_g: float = 25.0
    scale: float = 1.0
    """All lengths against an average adult's."""


def joints_of(pose: NDArray[np.float64], body: Body) -> NDArray[np.float64]:
    """Return all joints of the body in a pose.

    Parameters
    ----------
    pose
        (n, len(POSE_CHANNELS)).
    body
        The mouse.

    Returns
    -------
    (n, len(JOINTS), 3) mm in the world: x ahead, y to the left, z up.
    """
    joints = np.empty((len(pose), len(JOINTS), 3))
    axes = _axes(pose[:, 3:5], pose[:, 5])
    _lay(joints, pose[:, 0:3], axes, _TRUNK_POINTS_MM, body.scale)
    head = _axes(_turned(pose[:, 3:5], pose[:, 7]), pose[:, 6])
    _lay(joints, joints[:, _INDEX["neck"]], head, _HEAD_POINTS_MM, body.scale)
    level = _axes(pose[:, 3:5], np.zeros(len(pose)))
    for suffix, side, toe, paw in (("", -1.0, 9, 15), ("_left", 1.0, 12, 18)):
        _lay_hind_limb(joints, suffix, side, pose[:, toe : toe + 3], level, body)
        _lay_forelimb(joints, suffix, side, pose[:, paw : paw + 3], level, body)
    _lay_tail(joints, pose[:, 8], level, body)
    return joints


def centre_of_mass(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the centre of mass (n, 3) mm of bodies (n, joints, 3) mm."""
    weights = np.zeros(len(JOINTS))
    for share, one, other in MASS_FRACTIONS:
        weights[_INDEX[one]] += 0.5 * share
        weights[_INDEX[other]] += 0.5 * share
    return np.einsum("j,njk->nk", weights, joints)


def _axes(
    heading: NDArray[np.float64], pitch: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the axes ahead, left and up as rows (n, 3, 3); pitch is nose up."""
    flat = heading / np.linalg.norm(heading, axis=1, keepdims=True)
    cos, sin = np.cos(pitch), np.sin(pitch)
    axes = np.zeros((len(pitch), 3, 3))
    axes[:, 0, 0], axes[:, 0, 1], axes[:, 0, 2] = cos * flat[:, 0], cos * flat[:, 1], sin
    axes[:, 1, 0], axes[:, 1, 1] = -flat[:, 1], flat[:, 0]
    axes[:, 2, 0], axes[:, 2, 1] = -sin * flat[:, 0], -sin * flat[:, 1]
    axes[:, 2, 2] = cos
    return axes


def _turned(
    heading: NDArray[np.float64], angle: NDArray[np.float64]
) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = heading[:, 0], heading[:, 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=1)


def _lay(
    joints: NDArray[np.float64],
    origin: NDArray[np.float64],
    axes: NDArray[np.float64],
    points: dict[str, tuple[float, float, float]],
    scale: float,
) -> None:
    """Lay the points of a rigid part, those off its middle on both sides."""
    for name, place in points.items():
        local = scale * np.array(place)
        joints[:, _INDEX[name]] = origin + np.einsum("k,nkj->nj", local, axes)
        mirror = _INDEX.get(f"{name}_left")
        if mirror is not None:
            local[1] = -local[1]
            joints[:, mirror] = origin + np.einsum("k,nkj->nj", local, axes)


def _lay_hind_limb(
    joints: NDArray[np.float64],
    suffix: str,
    side: float,
    toe: NDArray[np.float64],
    level: NDArray[np.float64],
    body: Body,
) -> None:
    """Lay hip, knee, ankle, MTP, toe; the heel lifts as the leg stretches."""
    hip = joints[:, _INDEX["hip" + suffix]]
    ahead, left, up = level[:, 0], level[:, 1], level[:, 2]
    gap = (hip - toe) / body.scale
    stretch = np.linalg.norm(gap, axis=1)
    passed = np.einsum("nj,nj->n", gap, ahead)
    heel = 0.30 + 0.50 * (1.0 + np.tanh((stretch - 31.0) / 6.0))
    heel = (heel + 0.25 * (1.0 + np.tanh((passed - 4.0) / 6.0)))[:, None]
    roll = 0.45 * np.maximum(heel - 0.6, 0.0)
    mtp = toe + body.scale * _TOE_MM * (np.sin(roll) * up - np.cos(roll) * ahead)
    ankle = mtp + body.scale * _FOOT_MM * (np.sin(heel) * up - np.cos(heel) * ahead)
    knee, short = _bend(
        hip, ankle, body.scale * _FEMUR_MM, body.scale * _TIBIA_MM, left, 0.35 * side
    )
    joints[:, _INDEX["knee" + suffix]] = knee
    joints[:, _INDEX["ankle" + suffix]] = ankle + short
    joints[:, _INDEX["mtp" + suffix]] = mtp + short
    joints[:, _INDEX["toe" + suffix]] = toe + short


def _lay_forelimb(
    joints: NDArray[np.float64],
    suffix: str,
    side: float,
    paw: NDArray[np.float64],
    level: NDArray[np.float64],
    body: Body,
) -> None:
    """Lay shoulder, elbow, wrist and paw; the paw goes on as the forearm points."""
    shoulder = joints[:, _INDEX["shoulder" + suffix]]
    forearm = body.scale * (_FOREARM_MM + _PAW_MM)
    elbow, short = _bend(
        shoulder, paw, body.scale * _UPPER_ARM_MM, forearm, -level[:, 1], -0.25 * side
    )
    joints[:, _INDEX["elbow" + suffix]] = elbow
    joints[:, _INDEX["forepaw" + suffix]] = paw + short
    share = _FOREARM_MM / (_FOREARM_MM + _PAW_MM)
    joints[:, _INDEX["wrist" + suffix]] = elbow + share * (paw + short - elbow)


def _bend(
    root: NDArray[np.float64],
    tip: NDArray[np.float64],
    upper: float,
    lower: float,
    axis: NDArray[np.float64],
    splay: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the joint between two segments, and the tip's way back into reach.

    The joint bends about `axis` and a little (`splay`) along it.
    """
    line = tip - root
    distance = np.linalg.norm(line, axis=1, keepdims=True)
    along = line / distance
    allowed = np.clip(distance, abs(upper - lower) * 1.02, (upper + lower) * _REACH)
    short = (allowed - distance) * along
    out = np.cross(along, axis) + splay * axis
    out -= np.sum(out * along, axis=1, keepdims=True) * along
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    foot = (upper**2 - lower**2 + allowed**2) / (2.0 * allowed)
    height = np.sqrt(np.maximum(upper**2 - foot**2, 0.0))
    return root + foot * along + height * out, short


def _lay_tail(
    joints: NDArray[np.float64],
    sway: NDArray[np.float64],
    level: NDArray[np.float64],
    body: Body,
) -> None:
    """Lay the tail: it trails behind, sinks towards the ground and sways."""
    length = body.scale * _TAIL_SEGMENT_MM
    last = joints[:, _INDEX["tail_base"]]
    for k in range(1, 5):
        drop = np.minimum(0.42 * np.maximum(last[:, 2] - 2.0, 0.0), 0.8 * length)
        side = np.clip(sway * k, -0.6, 0.6) * length
        back = np.sqrt(np.maximum(length**2 - drop**2 - side**2, 0.0))
        last = last + (
            -back[:, None] * level[:, 0]
            + side[:, None] * level[:, 1]
            - drop[:, None] * level[:, 2]
        )
        joints[:, _INDEX[f"tail_{k}"]] = last
