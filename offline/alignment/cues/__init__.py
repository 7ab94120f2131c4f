"""Second cues: what a camera itself shows of its time, held against the alignment.

::

    frames ─ gaze ─┬─ spot ─ led ────── an LED against the line that drives it
                   └─ motion ────────── what moves against what the force plate feels

An alignment that goes by triggers alone cannot see that all frames are one place off.
The pictures can. They are read in parts, spread over the session, not all.
"""

from __future__ import annotations

from offline.alignment.cues.look import look_for_cues

__all__ = ["look_for_cues"]
