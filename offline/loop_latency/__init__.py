"""The time of the loop, from light to edge: of a session, and of a wired rig.

::

    recording ─ clocks ─ times ─ figures ─┬─ table, JSON
                                          └─ picture
"""

from __future__ import annotations

from offline.loop_latency.figures import loop_latency
from offline.loop_latency.result import LoopLatency
from offline.loop_latency.times import loop_times

__all__ = ["LoopLatency", "loop_latency", "loop_times"]
