"""The disk while a session is recorded: a warning in time, a stop before the end.

The recorder says how long the disk will last (`minutes_left`) and whether a
stream's next segment finds no room (`disk_full`); here it is judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ALARM_MINUTES", "STOP_SECONDS", "WARN_MINUTES", "DiskWatch"]

WARN_MINUTES = 10.0
"""Time to free the disk, or to bring the experiment to its end."""
ALARM_MINUTES = 2.0
_WARN_AGAIN_MINUTES = 12.0
"""A new warning is due only after so much room was seen: the rate is not steady."""
STOP_SECONDS = 15.0
"""What the end of a session may still write: up to 2 s until a low disk is noticed,
4 s and more that wait in the rings, a few seconds until every device has stopped;
twice that."""


@dataclass(slots=True)
class DiskWatch:
    """Judges what the recorder says of the disk."""

    _warned: bool = False

    def warning(self, metrics: Mapping[str, float]) -> str:
        """Return a warning, once each time the disk runs low; else an empty string."""
        minutes = metrics.get("minutes_left")
        if minutes is None:
            return ""
        if minutes > _WARN_AGAIN_MINUTES:
            self._warned = False
        if minutes > WARN_MINUTES or self._warned:
            return ""
        self._warned = True
        return f"the disk has room for {minutes:.1f} min more"

    @staticmethod
    def stop_reason(metrics: Mapping[str, float]) -> str:
        """Return why the session must end now; empty while it need not."""
        if metrics.get("disk_full"):
            return "the disk is nearly full: there is no room for the next segment"
        minutes = metrics.get("minutes_left")
        if minutes is not None and minutes * 60 < STOP_SECONDS:
            return f"the disk is nearly full: room for {minutes * 60:.0f} s"
        return ""
