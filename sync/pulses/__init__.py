"""Pulses that tell which moment it is: how they are made, and how they are read.

A regular pulse looks the same one period later; a random one does not. So the rig
gives off a line whose pulses come after random intervals, and moves each camera
trigger a little, at random, from its place on the grid. Both follow from a seed by
`random_words`, 32-bit integers only, which the firmware computes bit for bit: any
moment of the train can be computed without what came before.

Reading is sceptical: `clean_pulses` pairs edges, and what is no pulse of the
expected width is listed, never dropped in silence.
"""

from __future__ import annotations

from sync.pulses.cleaning import CleanPulses, Edges, clean_pulses, put_in_order
from sync.pulses.counters import UnwrappedCounter, unwrap_counter
from sync.pulses.trains import (
    LEAST_INTERVAL_US,
    MOST_INTERVAL_US,
    random_pulses_us,
    trigger_displacements_ns,
    trigger_times_ns,
)
from sync.pulses.words import random_words

__all__ = [
    "LEAST_INTERVAL_US",
    "MOST_INTERVAL_US",
    "CleanPulses",
    "Edges",
    "UnwrappedCounter",
    "clean_pulses",
    "put_in_order",
    "random_pulses_us",
    "random_words",
    "trigger_displacements_ns",
    "trigger_times_ns",
    "unwrap_counter",
]
