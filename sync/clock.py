"""Clocks: the only place in the system that reads time.

Every stamp on the bus is an integer count of nanoseconds on one host clock, so
that equality and ordering are exact and no unit has to be guessed.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NewType, Protocol

__all__ = ["Clock", "HostNs", "ManualClock", "MonotonicClock", "utc_now"]

HostNs = NewType("HostNs", int)
"""Nanoseconds on the host's monotonic clock (CLOCK_MONOTONIC)."""


class Clock(Protocol):
    """Anything that can say what time it is on the host clock."""

    def now(self) -> HostNs:
        """Return the current host time."""
        ...


class MonotonicClock:
    """The host clock: monotonic, never stepped by NTP."""

    def now(self) -> HostNs:
        """Return the current host time."""
        return HostNs(time.monotonic_ns())


class ManualClock:
    """A clock that a test moves by hand.

    Examples
    --------
    >>> clock = ManualClock()
    >>> clock.advance(5)
    >>> clock.now()
    5
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now(self) -> HostNs:
        """Return the current host time."""
        return HostNs(self._now_ns)

    def advance(self, delta_ns: int) -> None:
        """Move the clock forward.

        Raises
        ------
        ValueError
            If `delta_ns` is negative: a host clock never runs backwards.
        """
        if delta_ns < 0:
            msg = f"Expected a step of at least 0 ns, got {delta_ns} ns"
            raise ValueError(msg)
        self._now_ns += delta_ns


def utc_now() -> datetime:
    """Return the wall time, for a session's metadata and nothing else."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that reads it
