"""The reach: head and trunk still, the right forepaw goes out and brings home."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rig.errors import ConfigError
from rig.sim.world.paths import Knot, Path
from rig.sim.world.plan import Plan, Posture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.sim.world.body import Body

__all__ = ["plan_reach"]

_ONSET_S = 1.2
_LONGEST_S = 1.6


def plan_reach(body: Body, period_s: float, rng: np.random.Generator) -> Plan:
    """Return the plan of a reach.

    Raises
    ------
    ConfigError
        If the period is too short for a whole reach.
    """
    onset = _ONSET_S + rng.uniform(-0.1, 0.1)
    if onset + _LONGEST_S > period_s - 0.1:
        msg = (
            f"Expected a period of at least {onset + _LONGEST_S + 0.1:.1f} s for the "
            f"story 'reach', got {period_s} s: give it more time"
        )
        raise ConfigError(msg)
    size = body.scale
    pitch = 0.50 + rng.uniform(-0.04, 0.04)
    trunk = np.array([-8.0, 0.0, 26.0 * size])
    aim = np.array([42.0, -3.0, 24.0]) + rng.uniform(-1.5, 1.5, 3)
    paws = _forepaw(onset, period_s, size, aim)
    x, y, z = (trunk * [1.0, 1.0, 0.0] + size * aim).tolist()
    still = np.array([pitch, -0.28, 0.0, 0.12])
    rest = np.concatenate(
        [
            trunk * [1.0, 1.0, 0.0] + size * np.array([-10.0, -11.0, 0.0]),
            trunk * [1.0, 1.0, 0.0] + size * np.array([-10.0, 11.0, 0.0]),
        ]
    )
    left = trunk * [1.0, 1.0, 0.0] + size * np.array([26.0, 8.0, 10.0])

    def feet(t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        fixed = np.tile(rest, (len(t_s), 1))
        other = np.tile(left, (len(t_s), 1))
        return np.concatenate([fixed, trunk * [1, 1, 0] + paws(t_s), other], axis=1)

    return Plan(
        body=body,
        centre=None,
        trunk_mm=trunk,
        posture=Posture(
            lambda t: np.tile([1.0, 0.0], (len(t), 1)),
            lambda t: np.tile(still, (len(t), 1)),
            feet,
        ),
        hind_load=lambda t: np.full((len(t), 2), 0.4),
        onset_s=onset,
        reach_target_mm=(x, y, z),
    )


def _forepaw(
    onset: float, period_s: float, size: float, aim: NDArray[np.float64]
) -> Path:
    """Rest on the bar, lift, reach, grasp, bring to the mouth, put down."""
    rest, lifted = np.array([26.0, -8.0, 10.0]), np.array([27.0, -8.0, 19.0])
    mouth = np.array([37.0, -2.5, 30.0])
    speed = (aim - lifted) / 0.16
    times = onset + np.array([0.0, 0.09, 0.22, 0.32, 0.52, 0.95, 1.20])
    pulled = aim + np.array([-1.0, 0.0, -1.5])
    places = [rest, lifted, aim, pulled, mouth, mouth, rest]
    knots = [Knot(t, size * p) for t, p in zip(times, places, strict=True)]
    knots[1] = Knot(times[1], size * lifted, size * speed)
    return Path.through(knots, period_s)
