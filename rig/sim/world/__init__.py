"""The simulated world: pure functions of time, no device, no bus, no clock."""

from __future__ import annotations

from rig.sim.world.body import BODY_PARTS, JOINTS, Body
from rig.sim.world.muscles import EMG_CHANNELS, EMG_RATE_HZ
from rig.sim.world.neurons import IMAGING_RATE_HZ, TUNINGS, Neurons
from rig.sim.world.world import Story, World

__all__ = [
    "BODY_PARTS",
    "EMG_CHANNELS",
    "EMG_RATE_HZ",
    "FORCE_CHANNELS",
    "IMAGING_RATE_HZ",
    "JOINTS",
    "TUNINGS",
    "Body",
    "Neurons",
    "Story",
    "World",
]

FORCE_CHANNELS = ("Fx", "Fy", "Fz", "Mx", "My", "Mz")
"""Columns of `World.forces`: mN and mN mm about the platform's centre."""
