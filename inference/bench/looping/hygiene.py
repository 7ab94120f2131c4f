"""What may be asked of the system for a process that must not be late.

Each habit is tried alone, on beside off, in every process of the loop. What helps is
in `rig.system`; the others are here, so that it can be seen that they do not.
"""

from __future__ import annotations

import ctypes
import gc
import os
from typing import TYPE_CHECKING, Literal

from rig.system import take_priority

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HABITS", "Role", "take_up"]

Role = Literal["camera", "inference", "actuator"]

_PRIORITIES: dict[Role, int] = {"camera": 50, "inference": 40, "actuator": 50}
_PR_SET_TIMERSLACK = 29
_LOCK_ALL = 3
_CORES: dict[Role, int] = {"camera": 0, "inference": -1, "actuator": 0}


def _fifo(role: Role) -> None:
    take_priority(_PRIORITIES[role])


def _timer_slack(role: Role) -> None:
    del role
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def _pinned(role: Role) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[_CORES[role]]})


def _no_gc(role: Role) -> None:
    del role
    gc.freeze()
    gc.disable()


def _memory_locked(role: Role) -> None:
    del role
    ctypes.CDLL(None).mlockall(_LOCK_ALL)


HABITS: dict[str, Callable[[Role], None]] = {
    "fifo": _fifo,
    "timer_slack": _timer_slack,
    "pinned": _pinned,
    "no_gc": _no_gc,
    "memory_locked": _memory_locked,
}
"""By name."""


def take_up(habit: str, role: Role) -> None:
    """Ask the system for a habit; nothing for an empty name."""
    if habit:
        HABITS[habit](role)
