"""What a story asks of the body: where it goes and how it holds itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.sim.world.body import Body, centre_of_mass
from rig.sim.world.paths import Path
from rig.sim.world.posing import joints_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GRAVITY_MM_S2", "Motion", "Plan", "Posture", "baked"]

GRAVITY_MM_S2 = 9810.0

Motion = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]
"""Times (n,) s to values (n, d); periodic and smooth."""

_BAKE_STEP_S = 0.002
_SOLVER_ROUNDS = 9


@dataclass(frozen=True, slots=True)
class Posture:
    """How the body is held, as functions of time."""

    heading: Motion
    """(n, 2) unit vector in the horizontal plane."""
    angles: Motion
    """(n, 4) pitch, head pitch, head yaw, tail sway, rad."""
    feet: Motion
    """(n, 12) right toe, left toe, right forepaw, left forepaw, mm."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One story, worked out for one mouse."""

    body: Body
    centre: Path | None
    """Path of the centre of mass, mm; None where the trunk itself stands still."""
    trunk_mm: NDArray[np.float64]
    """Where the trunk is while it stands still, and the first guess elsewhere."""
    posture: Posture
    hind_load: Motion
    """(n, 2) share of the ground's force on the right and left hind limb."""
    onset_s: float
    """Start of the movement that the story is about."""
    take_off_s: float | None = None
    landing_s: float | None = None
    take_off_velocity_mm_s: tuple[float, float, float] | None = None
    jump_height_mm: float | None = None
    """Rise of the centre of mass from take-off to the top of the flight."""
    reach_target_mm: tuple[float, float, float] | None = None
    """Where the forepaw grasps."""


def baked(plan: Plan, period_s: float) -> tuple[Path, Path]:
    """Return the path of the pose and that of the centre of mass.

    Where the story gives the centre of mass (a flight is a parabola whatever the
    limbs do), the trunk is placed so that the body as a whole is there.
    """
    count = round(period_s / _BAKE_STEP_S)
    poses = _solved(plan, np.arange(count) * (period_s / count))
    path = Path.sampled(poses, period_s)
    if plan.centre is not None:
        return path, plan.centre
    weighed = centre_of_mass(joints_of(poses, plan.body))
    return path, Path.sampled(weighed, period_s)


def _solved(plan: Plan, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    posture = plan.posture
    trunk = np.broadcast_to(plan.trunk_mm, (len(t_s), 3))
    rest = [posture.heading(t_s), posture.angles(t_s), posture.feet(t_s)]
    pose = np.concatenate([trunk, *rest], axis=1)
    if plan.centre is None:
        return pose
    wanted = plan.centre(t_s)
    pose[:, :3] = wanted
    for _ in range(_SOLVER_ROUNDS):
        pose[:, :3] += wanted - centre_of_mass(joints_of(pose, plan.body))
    return pose
