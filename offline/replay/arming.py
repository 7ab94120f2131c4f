"""Whether the loop was armed, as far as the decisions tell."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offline.replay.recorded import RecordedSession
    from rig.config.task import TaskConfig

__all__ = ["Armed", "armed_always", "armed_as_recorded"]

Armed = Callable[[int], bool]
"""Of a host time."""


def armed_always(now_ns: int) -> bool:
    """Return that it was."""
    del now_ns
    return True


def armed_as_recorded(session: RecordedSession, task: TaskConfig) -> Armed:
    """Return what the decisions say: each tells its own, between two holds the first.

    Before the first one it was as the task file says.
    """
    times = session.decisions["host_ns"].tolist()
    states = [bool(state) for state in session.decisions["armed"].tolist()]

    def armed(now_ns: int) -> bool:
        place = bisect_right(times, now_ns) - 1
        return states[place] if place >= 0 else task.armed

    return armed
