"""The actuator of a rig: its lines, their limits, and what must hold for a fire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rig.config.base import Closed, Fraction, Name

__all__ = ["ActuatorConfig", "ActuatorLine"]


class ActuatorLine(Closed):
    """An output that a rule may fire; the limits are enforced by the firmware."""

    pin: Annotated[int, Field(ge=0, le=7)]
    """Number of the output on the board."""
    max_width_us: Annotated[int, Field(gt=0, le=10_000_000)]
    max_rate_hz: Annotated[float, Field(gt=0, le=10_000)]
    max_duty: Fraction = 0.5


class ActuatorConfig(Closed):
    """Outputs of a Harp device, by name."""

    lines: Annotated[dict[Name, ActuatorLine], Field(min_length=1)]
    dead_man_ms: Annotated[int, Field(ge=100, le=10_000)] = 1000
    """So long after the last sign of life of the inference node, and of the host, all
    outputs go low and nothing is fired."""
    arm_line: Name | None = None
    """One of this device's input lines, wired to a key: while it is low, the board
    gives no pulse, whatever the host says."""
