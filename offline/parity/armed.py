"""Whether the loop was armed at any moment, by what was noted when it was changed."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from offline.replay import RecordedSession
    from offline.replay.arming import Armed
    from rig.config.task import TaskConfig
    from rig.recording.reader import Recording

__all__ = ["armed_as_noted"]

_EVENTS = "node_events"


def armed_as_noted(
    recording: Recording, session: RecordedSession, task: TaskConfig
) -> Armed:
    """Return when the loop was armed, also where nothing was decided.

    Where nobody noted it the nearest decision tells; before the first note, and
    without any, it was as the task file says.
    """
    found = _notes(recording) or _nearest(session)
    if not found:
        return lambda _now_ns: task.armed
    times, states = [at for at, _ in found], [state for _, state in found]

    def armed(now_ns: int) -> bool:
        place = bisect_right(times, now_ns) - 1
        return task.armed if place < 0 else states[place]

    return armed


def _notes(recording: Recording) -> list[tuple[int, bool]]:
    if _EVENTS not in recording.streams:
        return []
    events = recording.rows(_EVENTS)
    changed = events[np.isin(events["state"], [b"arm", b"disarm"])]
    states = (changed["state"] == b"arm").tolist()
    return list(zip(changed["host_ns"].tolist(), states, strict=True))


def _nearest(session: RecordedSession) -> list[tuple[int, bool]]:
    """Return the decisions' states, each from half way to the one before."""
    times = session.decisions["host_ns"].tolist()
    starts = [0, *((a + b) // 2 for a, b in pairwise(times))]
    states = (session.decisions["armed"] != 0).tolist()
    return list(zip(starts, states, strict=False))
