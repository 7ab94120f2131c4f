"""Independent looks at an alignment: what is seen against what is known to have been.

::

    line ── predicted light of each frame ─┬─ shift_test   whole frames: which is which
    LED in the picture ── seen light ──────┴─ find_delay   parts of a frame

    motion in the picture ── against force ── window_shifts, where there is no LED
"""

from __future__ import annotations

from sync.cues.delay import Delay, find_delay
from sync.cues.line import Line, Looks
from sync.cues.near import Light, above_dark
from sync.cues.shifts import ShiftTest, correlations, shift_test
from sync.cues.windows import WindowShifts, window_shifts

__all__ = [
    "Delay",
    "Light",
    "Line",
    "Looks",
    "ShiftTest",
    "WindowShifts",
    "above_dark",
    "correlations",
    "find_delay",
    "shift_test",
    "window_shifts",
]
