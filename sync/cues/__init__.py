"""Independent looks at an alignment: what is seen against what is known to have been.

::

    line ─── predicted light of each frame ─┬─ shift_test: which frame is which
    LED ──── light that is seen ────────────┴─ find_delay: parts of a frame

    motion in the picture ─┬─ window_shifts, where no LED is seen
    force ─────────────────┘
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
