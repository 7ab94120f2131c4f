"""The train of pulses that triggers the cameras, made by a Harp board.

It begins with the start of the session, after every camera is ready, and each
rising edge is an event with a number: the count of triggers is known, not guessed.
Each may be moved a little, at random, from its place on the grid (`sync.pulses`): then
a camera's stamps fit the triggers in one way only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rig.devices.harp_registers import registers

if TYPE_CHECKING:
    from rig.config.rig import CameraTriggerConfig

__all__ = ["trigger_dither_ns", "trigger_period_ns", "trigger_settings"]

_WIDTH_US = 200
"""Long enough for an opto-coupled camera input (at least 100 us)."""


def trigger_period_ns(config: CameraTriggerConfig) -> int:
    """Return the time from one trigger to the next, as the board counts it."""
    return round(1e9 / config.rate_hz)


def trigger_dither_ns(config: CameraTriggerConfig) -> int:
    """Return by how much a trigger is moved at most, as the board counts it."""
    return round(config.dither_us * 1e3)


def trigger_settings(config: CameraTriggerConfig) -> list[tuple[Any, Any]]:
    """Return what to write to the board: registers and values."""
    period_ns = trigger_period_ns(config)
    width_us = max(1, min(_WIDTH_US, period_ns // 2000))
    return [
        # the board holds one against the other: with 0 any period is well
        (registers.CameraTriggerDither, 0),
        (registers.CameraTriggerPeriod, period_ns),
        (registers.CameraTriggerWidth, width_us),
        (registers.CameraTriggerDither, trigger_dither_ns(config)),
    ]
