"""The way of an output line from the boards' process to those that see its LED.

Twins share nothing but a folder: there each line that something is wired to has a
file that only grows. A row is a time on the host's clock and what happened then.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

import numpy as np

from rig.sim.twins.line_track import LineTrack

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["LineLog", "LineWatcher", "line_path"]

_LOW, _HIGH, _CUT = range(3)
_ROW = np.dtype([("host_ns", "<i8"), ("what", "<i8")])
_READ_BYTES = 65_536


def line_path(epoch_path: Path, device: str, line: str) -> Path:
    """Return where the changes of a line are told."""
    return epoch_path.with_name(f"line-{device}-{line}")


class LineLog:
    """Tells what happens to a line.

    Parameters
    ----------
    path
        The file; made anew.
    """

    def __init__(self, path: Path) -> None:
        self.track = LineTrack()
        """The same, for this process."""
        how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        # held to the end of a board's life: the session's folder may go before
        self._file = os.open(path, how, 0o600)
        weakref.finalize(self, os.close, self._file)

    def change(self, changes: Iterable[tuple[int, bool]]) -> None:
        """Tell of changes (host time, level) that were or will be, in order."""
        rows = [(at_ns, _HIGH if level else _LOW) for at_ns, level in changes]
        for at_ns, what in rows:
            self.track.change(at_ns, what == _HIGH)
        self._append(rows)

    def cut(self, host_ns: int) -> None:
        """Take back what was told for later: the line is low from then on."""
        self.track.cut(host_ns)
        self._append([(host_ns, _CUT)])

    def _append(self, rows: list[tuple[int, int]]) -> None:
        os.write(self._file, np.array(rows, _ROW).tobytes())


class LineWatcher:
    """Follows a line from another process; until there is a file, it is low.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._taken = 0
        self._track = LineTrack()

    def high_fraction(self, begin_ns: int, end_ns: int) -> float:
        """Return which part of an interval the line was high, 0 to 1."""
        self._look()
        return self._track.high_fraction(begin_ns, end_ns)

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _look(self) -> None:
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return
        data = os.pread(self._file, _READ_BYTES, self._taken)
        whole = len(data) - len(data) % _ROW.itemsize
        if not whole:
            return
        self._taken += whole
        for at_ns, what in np.frombuffer(data[:whole], _ROW).tolist():
            if what == _CUT:
                self._track.cut(at_ns)
            else:
                self._track.change(at_ns, what == _HIGH)
        if len(data) == _READ_BYTES:
            self._look()
