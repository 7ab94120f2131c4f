"""The mouse's body: its parts, its joints and where its mass is.

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
    "Body",
    "centre_of_mass",
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
    "loin",
    "back",
    "chest",
    "muzzle",
    "tail_1",
    "tail_2",
    "tail_3",
    "tail_4",
)
"""All points of the body, in the order of `World.joints_mm`."""

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


@dataclass(frozen=True, slots=True)
class Body:
    """Size and mass of one mouse."""

    mass_g: float = 25.0
    scale: float = 1.0
    """All lengths against an average adult's."""


def centre_of_mass(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the centre of mass (n, 3) mm of bodies (n, joints, 3) mm."""
    return np.einsum("j,njk->nk", _WEIGHTS, joints)


def _weights() -> NDArray[np.float64]:
    weights = np.zeros(len(JOINTS))
    for share, one, other in MASS_FRACTIONS:
        weights[JOINTS.index(one)] += 0.5 * share
        weights[JOINTS.index(other)] += 0.5 * share
    return weights


_WEIGHTS = _weights()
