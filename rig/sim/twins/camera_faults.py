"""The part of a fault script that a simulated camera plays."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rig.config.fault_script import ScriptedFault

__all__ = ["CameraFaults"]


class CameraFaults:
    """Plays a camera's faults at their times after the start.

    Parameters
    ----------
    faults
        This camera's.
    """

    def __init__(self, faults: Sequence[ScriptedFault]) -> None:
        self._queue = sorted(faults, key=lambda fault: fault.at_s)
        self._started_ns: int | None = None
        self._left: Counter[str] = Counter()
        self._plugged_ns = 0
        self.resets = 0
        """How often the camera's clock was set anew."""

    def begin(self, now_ns: int) -> None:
        """Start the script's time, once."""
        if self._started_ns is None:
            self._started_ns = now_ns

    def play(self, now_ns: int) -> None:
        """Begin what is due."""
        while self._queue and self._at_ns(self._queue[0]) <= now_ns:
            fault = self._queue.pop(0)
            if fault.fault == "unplug":
                self._plugged_ns = now_ns + round(fault.seconds * 1e9)
            elif fault.fault == "clock_reset":
                self.resets += 1
            else:
                self._left[fault.fault] += fault.count

    def unplugged(self, now_ns: int) -> bool:
        """Tell whether the cable is out."""
        return now_ns < self._plugged_ns

    def strikes(self, fault: str) -> bool:
        """Tell whether the next frame or trigger has a fault, which is then used up."""
        if self._left[fault] <= 0:
            return False
        self._left[fault] -= 1
        return True

    def _at_ns(self, fault: ScriptedFault) -> int:
        if self._started_ns is None:
            return 1 << 62
        return self._started_ns + round(fault.at_s * 1e9)
