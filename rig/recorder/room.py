"""How long the disk will last.

Each stream has room of its own, laid out ahead of its rows; when that is full, it
takes from what is free, which all share. A stream that carries little keeps its
room from the others, so that a sum over all would promise too much.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sync.clock import Clock

__all__ = ["Demand", "DiskUse", "RoomMeter", "seconds_left"]

_WINDOW_NS = 10_000_000_000
"""Rates are taken over so long."""


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What one stream has of the disk."""

    published_bytes: int
    """All that ever came. Its rate is the source's, also where the recorder catches up
    with what a stall left in the rings."""
    room_bytes: int
    """Laid out, and neither filled nor wanted by what waits in the ring."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one stream asks of the disk."""

    bytes_per_s: float
    room_bytes: int


def seconds_left(free_bytes: int, demands: Iterable[Demand]) -> float | None:
    """Return after how long the first stream finds no room; None if none is written.

    Examples
    --------
    >>> seconds_left(100, [Demand(10, 50), Demand(0, 1_000_000)])
    15.0
    """
    first_full = sorted(
        (demand for demand in demands if demand.bytes_per_s > 0),
        key=lambda demand: demand.room_bytes / demand.bytes_per_s,
    )
    left_s, rate, room = None, 0.0, 0
    for demand in first_full:
        if left_s is not None and demand.room_bytes / demand.bytes_per_s >= left_s:
            break
        rate += demand.bytes_per_s
        room += demand.room_bytes
        left_s = max(0.0, (free_bytes + room) / rate)
    return left_s


class RoomMeter:
    """Measures the rate at which streams come, over the last seconds.

    Parameters
    ----------
    clock
        Host clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._marks: deque[tuple[int, Mapping[str, DiskUse]]] = deque()

    def mark(self, uses: Mapping[str, DiskUse]) -> None:
        """Note how far the streams have come, now."""
        now = self._clock.now()
        self._marks.append((now, uses))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW_NS:
            self._marks.popleft()

    def demands(self) -> list[Demand]:
        """Return what the streams ask of the disk; empty before the second mark."""
        if len(self._marks) < 2:
            return []
        (first_ns, first), (last_ns, last) = self._marks[0], self._marks[-1]
        elapsed_s = max(last_ns - first_ns, 1) / 1e9
        return [
            Demand(
                (use.published_bytes - first[name].published_bytes) / elapsed_s,
                use.room_bytes,
            )
            for name, use in last.items()
        ]
