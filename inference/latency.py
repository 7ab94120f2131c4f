"""How long each stage took lately, for the live table.

The session file has every stamp; this keeps the last few hundred in memory, so
that a heartbeat can say a median and a 99th percentile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rig.messages import Pose

__all__ = ["LatencyMeter", "RateMeter"]

_KEPT = 512


class _Window:
    def __init__(self) -> None:
        self._values = np.zeros(_KEPT, np.int64)
        self._n = 0

    def add(self, value: int) -> None:
        self._values[self._n % _KEPT] = value
        self._n += 1

    def newest(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return self._values[: min(self._n, _KEPT)]


class LatencyMeter:
    """The last 512 poses of all cameras, by stage."""

    def __init__(self) -> None:
        self._stages = {
            "latency": _Window(),
            "arrival_to_pose": _Window(),
            "inference": _Window(),
        }

    def add(self, pose: Pose) -> None:
        """Take a published pose into account."""
        self._stages["latency"].add(pose.host_ns - pose.exposure_ns)
        self._stages["arrival_to_pose"].add(pose.host_ns - pose.arrival_ns)
        self._stages["inference"].add(pose.inferred_ns - pose.dequeued_ns)

    def figures(self) -> dict[str, float]:
        """Return ``<stage>_p50_ms`` and ``<stage>_p99_ms``; empty before any pose.

        ``latency`` is exposure midpoint to published pose, ``arrival_to_pose``
        begins with the frame's arrival at the host, ``inference`` is the network.
        """
        found: dict[str, float] = {}
        for name, window in self._stages.items():
            # by rank: numpy's percentile takes ten times as long, twice a second
            ordered = np.sort(window.newest())
            n = len(ordered)
            for percent in (50, 99) if n else ():
                rank = -(-percent * n // 100)
                found[f"{name}_p{percent}_ms"] = int(ordered[rank - 1]) / 1e6
        return found


class RateMeter:
    """How often something happened within the last two seconds."""

    def __init__(self, span_ns: int = 2_000_000_000) -> None:
        self._span_ns = span_ns
        self._stamps = _Window()

    def add(self, host_ns: int) -> None:
        """Take an occurrence into account."""
        self._stamps.add(host_ns)

    def rate_hz(self, now_ns: int) -> float:
        """Return the rate: over the span, or over the kept stamps where it is fast."""
        stamps = self._stamps.newest()
        recent = stamps[stamps > now_ns - self._span_ns]
        if len(recent) < 2:
            return 0.0
        span_ns = max(now_ns - int(recent.min()), 1)
        return (len(recent) - 1) * 1e9 / span_ns
