"""Constant delays: measured with a line that everybody sees, kept, and found again.

::

    rig ─ springhare run ─ session ─ measure ─ calibration ─ <data root>/calibrations
                                        │                              │
                            LED, test pulse, wire          find_calibration ─ align

Alignment brings clocks together; how long after the truth a device stamps it, no clock
can tell. One line that a camera sees, a channel feels and a board hears does.
"""

from __future__ import annotations

from offline.delays.calibration import Calibration, StreamLatency
from offline.delays.store import find_calibration, read_calibration, store_calibration

__all__ = [
    "Calibration",
    "StreamLatency",
    "find_calibration",
    "read_calibration",
    "store_calibration",
]
