"""A replay as it happened, or some times faster or slower."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rig.messages import Decision
    from sync.clock import Clock

__all__ = ["Audience", "Pacer"]


class Audience(Protocol):
    """Whoever watches a replay."""

    def await_moment(self, now_ns: int) -> None:
        """Return when a moment of the session (host time) may come."""
        ...

    def hear(self, decisions: Sequence[Decision]) -> None:
        """Take what was decided at the moment."""
        ...


class Pacer:
    """Holds the moments of a session back until they are due.

    Parameters
    ----------
    clock
        The host's, now.
    factor
        How many times faster than it happened; None holds nothing back.
    wait
        Waits so many seconds.

    Examples
    --------
    >>> from sync.clock import ManualClock
    >>> clock = ManualClock()
    >>> pacer = Pacer(clock, 2.0, lambda s: clock.advance(round(s * 1e9)))
    >>> for moment_ns in (7_000_000_000, 8_000_000_000):
    ...     pacer.await_moment(moment_ns)
    >>> clock.now()
    500000000
    """

    def __init__(
        self,
        clock: Clock,
        factor: float | None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._factor, self._wait = clock, factor, wait
        self._first: tuple[int, int] | None = None
        """Host times of the first moment, in the session and now."""
        self.behind_ns = 0
        """By how much a moment came too late, at most."""

    def await_moment(self, moment_ns: int) -> None:
        """Return when a moment of the session (host time) is due."""
        if self._factor is None:
            return
        now_ns = int(self._clock.now())
        if self._first is None:
            self._first = moment_ns, now_ns
        then_ns, began_ns = self._first
        left_ns = began_ns + round((moment_ns - then_ns) / self._factor) - now_ns
        self.behind_ns = max(self.behind_ns, -left_ns)
        if left_ns > 0:
            self._wait(left_ns / 1e9)
