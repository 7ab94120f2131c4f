"""The firmware's sync line once more, in Python, on board time.

The logic of ``firmware/springhare_daq/sync_line.h``; a test plays both and compares
every message. Unlike a board, it is never late: each edge has the time at which it
was due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.sim.twins.harp_outputs import NO_EDGE_US
from sync.sync_line import SyncLine, segment_edges_us

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Foreseen = Callable[[NDArray[np.int64], NDArray[np.bool_]], object]

__all__ = ["SyncOutput"]


class SyncOutput:
    """The sync line of one board.

    Parameters
    ----------
    edge
        Called with (level, board time in us) when the line changes.
    foreseen
        Called a segment ahead with its edges: board times in us (n,), and levels (n,).
        None of those after a stop will come.
    """

    def __init__(
        self,
        edge: Callable[[bool, int], object],
        foreseen: Foreseen | None = None,
    ) -> None:
        self.number = 0
        """Of the next segment."""
        self._edge = edge
        self._foreseen = foreseen
        self._line: SyncLine | None = None
        self._high = False
        self._segment_us = 0
        self._due: list[tuple[int, bool]] = []

    def start(self, line: SyncLine, number: int, now_us: int) -> None:
        """Begin with a segment."""
        self._line = line
        self.number = number
        self._segment_us = now_us - line.period_us
        self._due = []
        self._foresee(line)

    def stop(self, now_us: int) -> None:
        """Bring the line low."""
        self.poll(now_us)
        self._line = None
        self._due = []
        if self._high:
            self._change(level=False, at_us=now_us)

    def poll(self, now_us: int) -> None:
        """Make the edges that are due."""
        while self.due_us() <= now_us:
            if not self._due:
                self._open_segment()
                continue
            at_us, level = self._due.pop()
            self._change(level=level, at_us=at_us)

    def due_us(self) -> int:
        """Return when something is due next; `NO_EDGE_US` if nothing is."""
        if self._line is None:
            return NO_EDGE_US
        return (
            self._due[-1][0] if self._due else self._segment_us + self._line.period_us
        )

    def _open_segment(self) -> None:
        if self._line is None:
            return
        self._segment_us += self._line.period_us
        times_us, rising = segment_edges_us(self._line, self.number)
        self.number = (self.number + 1) & 0xFFFFFFFF
        at_us = (self._segment_us + times_us).tolist()
        self._due = list(zip(at_us, rising.tolist(), strict=True))[::-1]
        self._foresee(self._line)

    def _foresee(self, line: SyncLine) -> None:
        """Tell of the next segment."""
        if self._foreseen is not None:
            times_us, rising = segment_edges_us(line, self.number)
            self._foreseen(self._segment_us + line.period_us + times_us, rising)

    def _change(self, *, level: bool, at_us: int) -> None:
        self._high = level
        self._edge(level, at_us)
