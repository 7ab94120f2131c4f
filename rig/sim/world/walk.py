"""The walk: a trot once round the open field, from standstill to standstill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rig.errors import ConfigError
from rig.sim.world.paths import Path, smooth_step
from rig.sim.world.plan import Plan, Posture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.sim.world.body import Body

__all__ = ["ROUND_RADIUS_MM", "plan_walk"]

ROUND_RADIUS_MM = 60.0
_START_S = 0.4
_STEP_S = 0.004
_STRIDES = 9
_DUTY = 0.55
_STAND_Z_MM = 20.0
_LIFT_MM = 5.0
_FEET = ((-14.0, -11.0, 0.0), (-14.0, 11.0, 0.5), (20.0, -8.0, 0.55), (20.0, 8.0, 0.05))
"""Right toe, left toe, right forepaw, left forepaw: ahead and to the left of the
trunk's centre in mm, and place in the stride."""


def plan_walk(body: Body, period_s: float, rng: np.random.Generator) -> Plan:
    """Return the plan of a walk.

    Raises
    ------
    ConfigError
        If the period is too short for a round at a mouse's speed.
    """
    if period_s < 3.0:
        msg = (
            "Expected a period of at least 3.0 s for the story 'walk', got "
            f"{period_s} s: give it more time"
        )
        raise ConfigError(msg)
    walk = _Walk(body.scale, period_s, float(rng.uniform(0.0, 2.0 * np.pi)))
    times = np.arange(round(period_s / _STEP_S)) * (
        period_s / round(period_s / _STEP_S)
    )
    centre = Path.sampled(walk.centre(times), period_s)
    feet = Path.sampled(walk.feet(times), period_s)
    return Plan(
        body=body,
        centre=centre,
        trunk_mm=centre(0.0)[0],
        posture=Posture(walk.heading, walk.angles, feet),
        hind_load=walk.hind_load,
        onset_s=_START_S,
    )


class _Walk:
    """One round: how far it has come decides all else."""

    def __init__(self, size: float, period_s: float, bearing: float) -> None:
        self.size = size
        self.period_s = period_s
        self.bearing = bearing
        self.long_s = period_s - 2.0 * _START_S

    def done(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of the round that is done."""
        return smooth_step((np.mod(t_s, self.period_s) - _START_S) / self.long_s)

    def pace(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the speed as a share of its peak."""
        u = np.clip((np.mod(t_s, self.period_s) - _START_S) / self.long_s, 0.0, 1.0)
        return 16.0 * (u * (1.0 - u)) ** 2

    def at(
        self, done: NDArray[np.float64], ahead: float, left: float
    ) -> NDArray[np.float64]:
        """Return the ground's point beside the way, (n, 2) mm."""
        angle = 2.0 * np.pi * done + self.bearing
        radial = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        along = np.stack([-np.sin(angle), np.cos(angle)], axis=1)
        return (ROUND_RADIUS_MM - left) * radial + ahead * along

    def heading(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        angle = 2.0 * np.pi * self.done(t_s) + self.bearing
        return np.stack([-np.sin(angle), np.cos(angle)], axis=1)

    def centre(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        done = self.done(t_s)
        bounce = 0.7 * self.pace(t_s) * np.cos(4.0 * np.pi * _STRIDES * done)
        return np.column_stack([self.at(done, 0.0, 0.0), _STAND_Z_MM - bounce])

    def angles(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        stride = 2.0 * np.pi * _STRIDES * self.done(t_s)
        pace = self.pace(t_s)
        return np.stack(
            [
                0.10 - 0.06 * pace + 0.02 * pace * np.sin(2.0 * stride),
                -0.25 + 0.10 * pace,
                0.10 * pace + 0.08 * pace * np.sin(stride),
                0.08 + 0.12 * pace * np.sin(stride),
            ],
            axis=1,
        )

    def feet(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        done, pace = self.done(t_s), self.pace(t_s)
        columns = []
        for ahead, left, offset in _FEET:
            stride = _STRIDES * done + offset
            count, phase = np.floor(stride), np.mod(stride, 1.0)
            swing = smooth_step((phase - _DUTY) / (1.0 - _DUTY))
            middle = (count + 0.5 * _DUTY - offset) / _STRIDES
            here = self.at(middle, ahead * self.size, left * self.size)
            there = self.at(
                middle + 1.0 / _STRIDES, ahead * self.size, left * self.size
            )
            place = here + swing[:, None] * (there - here)
            u = np.clip((phase - _DUTY) / (1.0 - _DUTY), 0.0, 1.0)
            lift = _LIFT_MM * pace * 16.0 * (u * (1.0 - u)) ** 2
            columns.extend([place, lift[:, None]])
        return np.concatenate(columns, axis=1)

    def hind_load(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much each hind limb carries: a bump in its stance."""
        done, pace = self.done(t_s), self.pace(t_s)
        loads = []
        for _, _, offset in _FEET[:2]:
            u = np.clip(np.mod(_STRIDES * done + offset, 1.0) / _DUTY, 0.0, 1.0)
            bump = 16.0 * (u * (1.0 - u)) ** 2
            loads.append(0.28 * (1.0 - pace) + 0.6 * pace * bump)
        return np.stack(loads, axis=1)
