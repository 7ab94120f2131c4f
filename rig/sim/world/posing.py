"""From a pose to the joints: where every point of the body is.

The trunk is rigid, the head turns on the neck, each limb is a chain of segments of
constant length that is laid between its root and its foot (inverse kinematics).
A foot out of reach stays where the limb ends: no segment is ever stretched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rig.sim.world.body import JOINTS, Body

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["POSE_CHANNELS", "joints_of"]

POSE_CHANNELS = (
    *("trunk_x", "trunk_y", "trunk_z"),
    *("heading_x", "heading_y", "pitch", "head_pitch", "head_yaw", "tail_sway"),
    *("toe_x", "toe_y", "toe_z"),
    *("toe_left_x", "toe_left_y", "toe_left_z"),
    *("forepaw_x", "forepaw_y", "forepaw_z"),
    *("forepaw_left_x", "forepaw_left_y", "forepaw_left_z"),
)
"""Columns of a pose: mm, unit vector, rad, mm."""

_TRUNK_POINTS_MM = {
    "iliac_crest": (-13.0, -5.0, 8.0),
    "hip": (-20.0, -7.0, 1.0),
    "tail_base": (-31.0, 0.0, 3.0),
    "shoulder": (16.0, -7.0, -4.0),
    "neck": (23.0, 0.0, 4.0),
    "trunk": (0.0, 0.0, 0.0),
    "rump": (-18.0, 0.0, -0.5),
    "loin": (-8.0, 0.0, 1.5),
    "back": (4.0, 0.0, 1.0),
    "chest": (14.0, 0.0, -1.5),
}
_HEAD_POINTS_MM = {
    "nose": (25.0, 0.0, -3.0),
    "eye": (14.5, -6.2, 3.2),
    "ear": (2.5, -7.5, 8.5),
    "skull": (8.5, 0.0, 0.5),
    "muzzle": (17.0, 0.0, -1.0),
}
"""From the neck, right side; the left ones are their mirror images."""

_FEMUR_MM, _TIBIA_MM, _FOOT_MM, _TOE_MM = 15.5, 17.5, 9.5, 7.0
_UPPER_ARM_MM, _FOREARM_MM, _PAW_MM = 12.0, 13.0, 5.0
_TAIL_SEGMENT_MM = 19.0
_REACH = 0.985
"""A limb is never stretched further than this: a knee stays a knee."""
_SIDES = np.array([-1.0, 1.0])[:, None]
"""Right and left: the sign of y."""


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
    heading = pose[:, 3:5]
    trunk = _axes(heading, pose[:, 5])
    joints[:, _TRUNK] = pose[:, None, 0:3] + body.scale * (_TRUNK_LOCAL @ trunk)
    head = _axes(_turned(heading, pose[:, 7]), pose[:, 6])
    neck = joints[:, None, JOINTS.index("neck")]
    joints[:, _HEAD] = neck + body.scale * (_HEAD_LOCAL @ head)
    level = _axes(heading, np.zeros(len(pose)))[:, :, None, :]
    feet = pose[:, 9:21].reshape(len(pose), 2, 2, 3)
    _lay_hind_limbs(joints, feet[:, 0], level, body)
    _lay_forelimbs(joints, feet[:, 1], level, body)
    _lay_tail(joints, pose[:, 8:9], level[:, :, 0], body)
    return joints


def _pair(name: str) -> list[int]:
    """Return the places of a joint of the right and of the left side."""
    return [JOINTS.index(name), JOINTS.index(f"{name}_left")]


def _rigid(
    points: dict[str, tuple[float, float, float]],
) -> tuple[list[int], NDArray[np.float64]]:
    """Return the joints of a rigid part, both sides, and their places in it."""
    places = dict(points)
    for name, (x, y, z) in points.items():
        if f"{name}_left" in JOINTS:
            places[f"{name}_left"] = (x, -y, z)
    return [JOINTS.index(name) for name in places], np.array(list(places.values()))


_TRUNK, _TRUNK_LOCAL = _rigid(_TRUNK_POINTS_MM)
_HEAD, _HEAD_LOCAL = _rigid(_HEAD_POINTS_MM)
_HIP, _KNEE, _ANKLE = _pair("hip"), _pair("knee"), _pair("ankle")
_MTP, _TOE = _pair("mtp"), _pair("toe")
_SHOULDER, _ELBOW = _pair("shoulder"), _pair("elbow")
_WRIST, _FOREPAW = _pair("wrist"), _pair("forepaw")


def _axes(
    heading: NDArray[np.float64], pitch: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the axes ahead, left and up as rows (n, 3, 3); pitch is nose up."""
    x, y = (heading / np.sqrt(_dot(heading, heading))).T
    cos, sin = np.cos(pitch), np.sin(pitch)
    axes = np.zeros((len(pitch), 3, 3))
    axes[:, 0, 0], axes[:, 0, 1], axes[:, 0, 2] = cos * x, cos * y, sin
    axes[:, 1, 0], axes[:, 1, 1] = -y, x
    axes[:, 2, 0], axes[:, 2, 1], axes[:, 2, 2] = -sin * x, -sin * y, cos
    return axes


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.einsum("...k,...k->...", a, b)[..., None]


def _turned(
    heading: NDArray[np.float64], angle: NDArray[np.float64]
) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = heading[:, 0], heading[:, 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=1)


def _lay_hind_limbs(
    joints: NDArray[np.float64],
    toe: NDArray[np.float64],
    level: NDArray[np.float64],
    body: Body,
) -> None:
    """Lay knees, ankles, MTPs and toes; the heel lifts as the leg stretches."""
    hip = joints[:, _HIP]
    ahead, left, up = level[:, 0], level[:, 1], level[:, 2]
    gap = (hip - toe) / body.scale
    stretch = np.sqrt(_dot(gap, gap))
    passed = _dot(gap, ahead)
    heel = 0.80 + 0.50 * np.tanh((stretch - 31.0) / 6.0)
    heel += 0.25 + 0.25 * np.tanh((passed - 4.0) / 6.0)
    roll = 0.45 * np.maximum(heel - 0.6, 0.0)
    mtp = toe + body.scale * _TOE_MM * (np.sin(roll) * up - np.cos(roll) * ahead)
    ankle = mtp + body.scale * _FOOT_MM * (np.sin(heel) * up - np.cos(heel) * ahead)
    lengths = (body.scale * _FEMUR_MM, body.scale * _TIBIA_MM)
    knee, short = _bend(hip, ankle, lengths, left, 0.35 * _SIDES)
    joints[:, _KNEE] = knee
    joints[:, _ANKLE] = ankle + short
    joints[:, _MTP] = mtp + short
    joints[:, _TOE] = toe + short


def _lay_forelimbs(
    joints: NDArray[np.float64],
    paw: NDArray[np.float64],
    level: NDArray[np.float64],
    body: Body,
) -> None:
    """Lay elbows, wrists and paws; the paw goes on as the forearm points."""
    shoulder = joints[:, _SHOULDER]
    lengths = (body.scale * _UPPER_ARM_MM, body.scale * (_FOREARM_MM + _PAW_MM))
    elbow, short = _bend(shoulder, paw, lengths, -level[:, 1], -0.25 * _SIDES)
    reached = paw + short
    share = _FOREARM_MM / (_FOREARM_MM + _PAW_MM)
    joints[:, _ELBOW] = elbow
    joints[:, _FOREPAW] = reached
    joints[:, _WRIST] = elbow + share * (reached - elbow)


def _bend(
    root: NDArray[np.float64],
    tip: NDArray[np.float64],
    lengths: tuple[float, float],
    axis: NDArray[np.float64],
    splay: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the joint between two segments, and the tip's way back into reach.

    The joint bends about `axis` and a little (`splay`) along it.
    """
    upper, lower = lengths
    line = tip - root
    distance = np.sqrt(_dot(line, line))
    along = line / distance
    most = (upper + lower) * _REACH
    allowed = np.minimum(np.maximum(distance, abs(upper - lower) * 1.02), most)
    short = (allowed - distance) * along
    # `axis` is horizontal: the cross product has few terms.
    x, y, z = along[..., 0], along[..., 1], along[..., 2]
    out = splay * axis
    out[..., 0] -= z * axis[..., 1]
    out[..., 1] += z * axis[..., 0]
    out[..., 2] += x * axis[..., 1] - y * axis[..., 0]
    out -= _dot(out, along) * along
    out /= np.sqrt(_dot(out, out))
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
    last = joints[:, JOINTS.index("tail_base")]
    for k in range(1, 5):
        drop = np.minimum(0.42 * np.maximum(last[:, 2:] - 2.0, 0.0), 0.8 * length)
        side = np.minimum(np.maximum(sway * k, -0.6), 0.6) * length
        back = np.sqrt(np.maximum(length**2 - drop**2 - side**2, 0.0))
        last = last - back * level[:, 0] + side * level[:, 1] - drop * level[:, 2]
        joints[:, JOINTS.index(f"tail_{k}")] = last
