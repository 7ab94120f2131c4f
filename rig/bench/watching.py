"""How far a recorder is behind its cameras, seen from outside, while it records.

The recorder is the one that runs on a rig and tells nothing for a benchmark's
sake: what is committed is read from the marks in its files (through the page
cache, where it has just put them), and compared with the heads of the rings.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.recording.hdf5 import read_offsets
from rig.recording.layout import SEGMENT_INDEX, segments_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.bus.ring import Ring
    from rig.recording.layout import StreamLayout
    from sync.clock import Clock

__all__ = ["Lag", "Watch"]

_ROWS_AT_ONCE = 256


@dataclass(slots=True)
class Lag:
    """The furthest that a recorder was behind."""

    fullest_percent: float = 0.0
    """Of a ring: what was published and not yet committed."""
    longest_wait_ms: float = 0.0
    """Of a frame, from its arrival until it was committed."""

    def add(self, other: Lag) -> None:
        """Take over what is worse in the other."""
        self.fullest_percent = max(self.fullest_percent, other.fullest_percent)
        self.longest_wait_ms = max(self.longest_wait_ms, other.longest_wait_ms)


class Watch:
    """Looks, again and again, how far some rings are recorded.

    Parameters
    ----------
    folder
        The session's folder.
    rings
        The rings, each with the layout of its stream.
    clock
        Host clock.
    """

    def __init__(
        self, folder: Path, rings: Sequence[tuple[Ring, StreamLayout]], clock: Clock
    ) -> None:
        self._clock = clock
        self._followed = [(ring, _Commits(folder, layout)) for ring, layout in rings]
        self._lag = Lag()

    @property
    def committed(self) -> int:
        """Rows that were committed when last looked, of all rings."""
        return sum(commits.rows for _, commits in self._followed)

    def look(self) -> None:
        """Look once; what lies between two looks is not seen."""
        for ring, commits in self._followed:
            rows = commits.follow()
            waiting = ring.head - rows
            if waiting > 0:
                arrived_ns = int(ring.rows["host_ns"][rows % ring.slots])
                wait_ms = (self._clock.now() - arrived_ns) / 1e6
                self._lag.add(Lag(100 * waiting / ring.slots, wait_ms))

    def take(self) -> Lag:
        """Return the worst since the last time."""
        lag, self._lag = self._lag, Lag()
        return lag

    def close(self) -> None:
        """Let go of the files."""
        for _, commits in self._followed:
            commits.close()


class _Commits:
    """Follows the commit marks of one stream from segment to segment."""

    def __init__(self, folder: Path, layout: StreamLayout) -> None:
        self.rows = 0
        self._place = segments_folder(folder)
        self._layout = layout
        self._number = -1
        self._fd: int | None = None
        self._offset = 0

    def follow(self) -> int:
        """Return how many rows are committed by now."""
        while len(marks := self._next_marks()):
            whole = len(marks) if marks.all() else int(np.argmin(marks != 0))
            self.rows += whole
            if whole < len(marks):
                break
        return self.rows

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _next_marks(self) -> NDArray[np.int64]:
        number, at = divmod(self.rows, self._layout.rows_per_segment)
        row = self._layout.spec.row
        if not self._turn_to(number) or self._fd is None:
            return np.zeros(0, np.int64)
        n = min(_ROWS_AT_ONCE, self._layout.rows_per_segment - at)
        data = os.pread(self._fd, n * row.itemsize, self._offset + at * row.itemsize)
        return np.frombuffer(data, row)["host_ns"]

    def _turn_to(self, number: int) -> bool:
        if number == self._number:
            return True
        path = self._place / self._layout.segment_file(number)
        if not path.exists():
            return False
        self.close()
        self._offset = read_offsets(path)[SEGMENT_INDEX]
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._number = number
        return True
