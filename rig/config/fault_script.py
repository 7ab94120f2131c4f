"""The script of faults for a simulated session: what goes wrong, where and when.

A rig is trusted after it has been seen to lose something and say so. Devices'
faults are played by their twins; `stall` and `kill` strike a node's process from
outside (a stalled disk is a stalled recorder, a slow consumer a stalled one).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rig.config.base import Closed, Name, Positive

__all__ = ["FaultScript", "ScriptedFault"]


class ScriptedFault(Closed):
    """One thing that goes wrong."""

    device: Name
    """A device of the rig file, or the node ``recorder`` or ``inference``."""
    at_s: Annotated[float, Field(ge=0)]
    """Seconds after the start of the recording."""
    fault: Literal[
        "lost_frame",
        "failed_grab",
        "missed_trigger",
        "extra_trigger",
        "corrupt_bytes",
        "drop_message",
        "unplug",
        "clock_reset",
        "key_off",
        "stall",
        "kill",
    ]
    count: Annotated[int, Field(ge=1)] = 1
    """How many frames, triggers or messages in a row."""
    seconds: Positive = 1.0
    """How long an `unplug`, a `key_off` or a `stall` lasts."""


class FaultScript(Closed):
    """A whole script."""

    format: Literal["springhare-faults/1"]
    faults: tuple[ScriptedFault, ...]
