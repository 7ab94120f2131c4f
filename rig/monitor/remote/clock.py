"""The clock of another machine, told by what it says when it answers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from sync.clock import HostNs, MonotonicClock

if TYPE_CHECKING:
    from sync.clock import Clock

__all__ = ["RemoteClock"]

_WINDOW_NS = 30_000_000_000
"""Two clocks drift apart: an exchange is good for so long, 2 ms at 50 ppm."""


class _Exchange(NamedTuple):
    at_ns: int
    round_trip_ns: int
    offset_ns: int


class RemoteClock:
    """Reads as the host clock of another machine.

    The shortest exchange of the last half minute tells best: the other machine read
    its clock at some moment of it, so the error is at most half of the round trip.

    Parameters
    ----------
    clock
        This machine's.

    Examples
    --------
    >>> from sync.clock import ManualClock
    >>> here = ManualClock(1000)
    >>> there = RemoteClock(here)
    >>> there.take(sent_ns=900, received_ns=1000, host_ns=5000)
    >>> there.now(), there.error_ns
    (5050, 50)
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or MonotonicClock()
        self._exchanges: deque[_Exchange] = deque()
        """Later ones are longer: the first is the shortest."""
        self._best = _Exchange(0, 0, 0)
        self._last_ns = 0

    @property
    def error_ns(self) -> int:
        """How wrong it can be."""
        return self._best.round_trip_ns // 2

    def now(self) -> HostNs:
        """Return the other machine's host time; it never runs backwards."""
        now_ns = self._clock.now() + self._best.offset_ns
        self._last_ns = max(self._last_ns, now_ns)
        return HostNs(self._last_ns)

    def take(self, sent_ns: int, received_ns: int, host_ns: int) -> None:
        """Take in an exchange.

        Parameters
        ----------
        sent_ns, received_ns
            When the question left and the answer came, on this machine's clock.
        host_ns
            When it was answered, on the other's.
        """
        round_trip_ns = received_ns - sent_ns
        offset_ns = host_ns - (sent_ns + received_ns) // 2
        exchanges = self._exchanges
        while exchanges and exchanges[-1].round_trip_ns >= round_trip_ns:
            exchanges.pop()
        exchanges.append(_Exchange(received_ns, round_trip_ns, offset_ns))
        while received_ns - exchanges[0].at_ns > _WINDOW_NS:
            exchanges.popleft()
        self._best = exchanges[0]
