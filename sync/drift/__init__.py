"""The relation of two clocks over a session, from pulses that both have seen.

`segments` splits the pulses where a clock was reset, `fit` finds what the crystals and
the jitter are like and smooths each stretch with that (`smoother`, `noise`), and
`model` answers for any time, with its standard deviation. `held_out` asks whether
those are honest.
"""

from __future__ import annotations

from sync.drift.fit import fit_clock
from sync.drift.held_out import HeldOut, held_out
from sync.drift.limit import smoothing_limit_ns
from sync.drift.model import ClockModel, ClockSegment
from sync.drift.noise import Jitter
from sync.drift.segments import split_at_resets

__all__ = [
    "ClockModel",
    "ClockSegment",
    "HeldOut",
    "Jitter",
    "fit_clock",
    "held_out",
    "smoothing_limit_ns",
    "split_at_resets",
]
