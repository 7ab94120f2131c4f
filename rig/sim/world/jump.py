"""The jump: stand, crouch, push off the platform, fly, land, step back.

The centre of mass is a chain of quintics whose knots are the phases of the jump.
Push-off ends with the acceleration of free fall, so the ground's force runs out
exactly when the feet leave it; the flight is the parabola that follows from the
take-off velocity; landing begins with free fall and ends at rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.errors import ConfigError
from rig.sim.world.paths import Knot, Path, smooth_step
from rig.sim.world.plan import GRAVITY_MM_S2, Plan, Posture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.sim.world.body import Body

__all__ = ["plan_jump"]

_STAND_UNTIL_S = 0.8
_CROUCH_S = 0.26
_HOLD_S = 0.03
_ABSORB_S = 0.048
_RISE_S = 0.26
_REST_S = 0.15
_STEP_BACK_S = 1.3
_ROUNDS_BACK = 3
_FOREPAW_LAG_S = 0.016
"""The forepaws meet the ground after the hind feet."""
_STAND_Z_MM, _CROUCH_Z_MM, _TAKE_OFF_Z_MM, _LAND_Z_MM = 20.0, 16.5, 40.0, 33.0
_ABSORBED_Z_MM = 17.5
_FLAT = np.array([1.0, 0.0, 1.0])
"""Takes a place onto the plane of the jump."""
_PUSH_SHAPE = 0.44
"""Mean velocity of the push-off as a share of the take-off velocity."""
_FOOT_X_MM = (-13.0, -13.0, 19.0, 19.0)
_FOOT_Y_MM = (-11.0, 11.0, -8.0, 8.0)
"""Right toe, left toe, right forepaw, left forepaw from the standing centre."""


@dataclass(frozen=True, slots=True)
class _Jump:
    """Times and places of one jump; times in s, places in mm."""

    start_x: float
    length: float
    height: float
    crouch: float
    push: float
    off: float
    land: float
    absorbed: float
    risen: float
    back: float
    home: float
    velocity_x: float
    velocity_z: float
    land_velocity_z: float
    crouch_x: float
    off_x: float
    land_x: float
    end_x: float


def plan_jump(body: Body, period_s: float, rng: np.random.Generator) -> Plan:
    """Return the plan of a jump.

    Raises
    ------
    ConfigError
        If the period is too short for a whole jump.
    """
    jump = _timed(rng)
    if jump.home > period_s - 0.1:
        msg = (
            f"Expected a period of at least {jump.home + 0.1:.1f} s for the story "
            f"'jump', got {period_s} s: give it more time"
        )
        raise ConfigError(msg)
    centre = _centre(jump, period_s)
    angles = _angles(jump, period_s)
    feet = _feet(jump, centre, period_s)
    trunk = np.array([jump.start_x, 0.0, _STAND_Z_MM])
    return Plan(
        body=body,
        centre=centre,
        trunk_mm=trunk,
        posture=Posture(lambda t: np.tile([1.0, 0.0], (len(t), 1)), angles, feet),
        hind_load=lambda t: _hind_load(jump, t),
        onset_s=jump.push,
        take_off_s=jump.off,
        landing_s=jump.land,
        take_off_velocity_mm_s=(jump.velocity_x, 0.0, jump.velocity_z),
        jump_height_mm=jump.height,
    )


def _timed(rng: np.random.Generator) -> _Jump:
    height = rng.uniform(26.0, 38.0)
    length = rng.uniform(34.0, 46.0)
    up = float(np.sqrt(2.0 * GRAVITY_MM_S2 * height))
    down = float(np.sqrt(2.0 * GRAVITY_MM_S2 * (height + _TAKE_OFF_Z_MM - _LAND_Z_MM)))
    flight = (up + down) / GRAVITY_MM_S2
    ahead = length / flight
    crouch = _STAND_UNTIL_S + rng.uniform(0.0, 0.05)
    push = crouch + _CROUCH_S + _HOLD_S
    push_s = (_TAKE_OFF_Z_MM - _CROUCH_Z_MM) / (_PUSH_SHAPE * up)
    off = push + push_s
    land = off + flight
    absorbed = land + _ABSORB_S
    risen = absorbed + _RISE_S
    back = risen + _REST_S
    start_x = -0.5 * length - 8.0
    crouch_x = start_x - 7.0
    off_x = crouch_x + _PUSH_SHAPE * ahead * push_s
    land_x = off_x + length
    return _Jump(
        start_x=start_x,
        length=length,
        height=height,
        crouch=crouch,
        push=push,
        off=off,
        land=land,
        absorbed=absorbed,
        risen=risen,
        back=back,
        home=back + _STEP_BACK_S,
        velocity_x=ahead,
        velocity_z=up,
        land_velocity_z=-down,
        crouch_x=crouch_x,
        off_x=off_x,
        land_x=land_x,
        end_x=land_x + 0.42 * ahead * _ABSORB_S + 2.0,
    )


def _centre(jump: _Jump, period_s: float) -> Path:
    fall = (0.0, 0.0, -GRAVITY_MM_S2)
    absorbed_x = jump.land_x + 0.42 * jump.velocity_x * _ABSORB_S
    knots = [
        Knot(jump.crouch, (jump.start_x, 0.0, _STAND_Z_MM)),
        Knot(jump.crouch + _CROUCH_S, (jump.crouch_x, 0.0, _CROUCH_Z_MM)),
        Knot(jump.push, (jump.crouch_x, 0.0, _CROUCH_Z_MM)),
        Knot(
            jump.off,
            (jump.off_x, 0.0, _TAKE_OFF_Z_MM),
            (jump.velocity_x, 0.0, jump.velocity_z),
            fall,
        ),
        Knot(
            jump.land,
            (jump.land_x, 0.0, _LAND_Z_MM),
            (jump.velocity_x, 0.0, jump.land_velocity_z),
            fall,
        ),
        Knot(
            jump.absorbed,
            (absorbed_x, 0.0, _ABSORBED_Z_MM),
            None,
            (0.0, 0.0, 0.2 * GRAVITY_MM_S2),
        ),
        Knot(jump.risen, (jump.end_x, 0.0, _STAND_Z_MM)),
        Knot(jump.back, (jump.end_x, 0.0, _STAND_Z_MM)),
        Knot(jump.home, (jump.start_x, 0.0, _STAND_Z_MM)),
    ]
    return Path.through(knots, period_s)


def _angles(jump: _Jump, period_s: float) -> Path:
    """Pitch, head pitch, head yaw and tail sway, rad."""
    stand = (0.10, -0.30, 0.0, 0.10)
    middle = 0.5 * (jump.off + jump.land)
    knots = [
        Knot(jump.crouch, stand),
        Knot(jump.crouch + 0.8 * _CROUCH_S, (0.30, 0.12, 0.0, 0.14)),
        Knot(jump.push, (0.34, 0.15, 0.0, 0.14)),
        Knot(jump.off, (0.66, 0.30, 0.0, 0.0), (1.0, -0.5, 0.0, 0.0)),
        Knot(middle, (0.42, 0.10, 0.0, -0.08), (-5.0, -3.0, 0.0, 0.0)),
        Knot(jump.land, (0.06, -0.12, 0.0, 0.0), (-2.5, 0.0, 0.0, 0.0)),
        Knot(jump.absorbed, (0.02, -0.25, 0.0, 0.08)),
        Knot(jump.risen, stand),
        Knot(jump.back + 0.2, (0.10, -0.40, 0.10, 0.16)),
        Knot(jump.home - 0.2, (0.12, -0.35, -0.08, -0.05)),
        Knot(jump.home, stand),
    ]
    return Path.through(knots, period_s)


def _feet(jump: _Jump, centre: Path, period_s: float) -> Path:
    """Right toe, left toe, right forepaw, left forepaw, mm."""
    columns = [_foot(jump, centre, k, period_s) for k in range(4)]
    times = np.arange(round(period_s / 0.002)) * 0.002
    stacked = np.concatenate([column(times) for column in columns], axis=1)
    return Path.sampled(stacked, len(times) * 0.002)


def _foot(jump: _Jump, centre: Path, which: int, period_s: float) -> Path:
    y = _FOOT_Y_MM[which]
    here = np.array([jump.start_x + _FOOT_X_MM[which], y, 0.0])
    there = np.add(here, (jump.end_x - jump.start_x, 0.0, 0.0))
    hind = which < 2
    lift = jump.off if hind else jump.push + 0.35 * (jump.off - jump.push)
    tucked = lift + (0.03 if hind else 0.05)
    reached = jump.land - 0.035
    trail = np.array([-17.0, y, -31.0]) if hind else np.array([17.0, y, -12.0])
    ready = np.array([-8.0, y, -29.0]) if hind else np.array([21.0, y, -26.0])
    knots = [Knot(lift, here)]
    for time, place in ((tucked, trail), (reached, ready)):
        motion = centre(time, 1)[0]
        pull = centre(time, 2)[0]
        at = centre(time)[0] * _FLAT + place
        knots.append(Knot(time, at, motion, pull))
    knots.append(Knot(jump.land if hind else jump.land + _FOREPAW_LAG_S, there))
    knots.extend(_steps_back(jump, here, there, which))
    return Path.through(knots, period_s)


def _steps_back(
    jump: _Jump,
    here: NDArray[np.float64],
    there: NDArray[np.float64],
    which: int,
) -> list[Knot]:
    """Return the swings of one foot: the four feet take turns."""
    turn = (0, 2, 3, 1)[which]
    slot = _STEP_BACK_S / (4 * _ROUNDS_BACK)
    knots = []
    for k in range(_ROUNDS_BACK):
        before = there + (here - there) * (k / _ROUNDS_BACK)
        after = there + (here - there) * ((k + 1) / _ROUNDS_BACK)
        start = jump.back + (4 * k + turn) * slot
        top = 0.5 * (before + after) + np.array([0.0, 0.0, 3.5])
        along = (after - before) / slot * 1.6
        knots.append(Knot(start, before))
        knots.append(Knot(start + 0.5 * slot, top, along))
        knots.append(Knot(start + 0.999 * slot, after))
    return knots


def _hind_load(jump: _Jump, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hind limbs carry a standing mouse's half, and all of its push-off."""
    loaded = smooth_step((t_s - jump.push) / 0.02) - smooth_step(
        (t_s - jump.land) / 0.02
    )
    share = 0.5 * (0.55 + 0.45 * loaded)
    return np.stack([share, share], axis=1)
