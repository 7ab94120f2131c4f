"""What has become of the figures that tell most, over the last minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.monitor.terminal.sparklines import LastMinute, sparkline

if TYPE_CHECKING:
    from rig.supervisor.status import Status

__all__ = ["Trends"]

_LOOP = ("total", "pose")
"""The whole loop, or what is known of it while nothing has been fired."""
_SETTLED_S = 2.5
"""Rates are measured over two seconds: before, they tell of the start only."""


class Trends:
    """Remembers the streams' rates and the loop's p99, a minute of each."""

    def __init__(self) -> None:
        self._rates: dict[str, LastMinute] = {}
        self._nominal_hz: dict[str, float | None] = {}
        self._p99_ms: dict[str, LastMinute] = {}
        self._budget_ms: dict[str, float | None] = {}

    def take(self, status: Status) -> None:
        """Take in a session at a glance."""
        if status.phase != "recording" or status.elapsed_s < _SETTLED_S:
            return
        for stream in status.streams:
            if not stream.blind:
                minute = self._rates.setdefault(stream.name, LastMinute(min))
                minute.add(status.elapsed_s, stream.rate_hz)
                self._nominal_hz[stream.name] = stream.nominal_hz
        metrics = {k: v for node in status.nodes for k, v in node.metrics.items()}
        for stage in _LOOP:
            p99_ms = metrics.get(f"{stage}_p99_ms")
            if p99_ms is not None:
                minute = self._p99_ms.setdefault(stage, LastMinute(max))
                minute.add(status.elapsed_s, p99_ms)
                self._budget_ms[stage] = metrics.get(f"budget_{stage}_p99_ms")

    def rate(self, stream: str, width: int) -> str:
        """Return a stream's rate: a full bar is the nominal one, or else the largest.

        Empty where nothing is known.
        """
        minute = self._rates.get(stream)
        if minute is None:
            return ""
        return sparkline(minute.values(width), self._nominal_hz.get(stream))

    def p99(self, stage: str, width: int) -> str:
        """Return a stage's p99: a full bar is the budget, or else the largest.

        Empty where nothing is known.
        """
        minute = self._p99_ms.get(stage)
        if minute is None:
            return ""
        return sparkline(minute.values(width), self._budget_ms.get(stage))
