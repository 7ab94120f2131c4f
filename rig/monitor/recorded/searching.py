"""Looks through a recorded session for moments to jump to, a little at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rig.messages import Loss, from_row
from rig.monitor.recorded.jumps import (
    Jump,
    Jumps,
    LowLikelihood,
    holes_in,
    jump_of_mark,
    listed_gaps,
    unlisted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from rig.monitor.feed import Mark
    from rig.monitor.recorded.paging import Table
    from rig.recording.ledger import Ledger

__all__ = ["Search"]

_AT_ONCE = 32_768
"""Rows that are looked through in one go: some milliseconds."""


class _Take(Protocol):
    def __call__(self, start: int, rows: NDArray[np.void]) -> Iterable[Jump]: ...


class Search:
    """Finds jumps in a session's tables.

    Parameters
    ----------
    zero
        Host time of the session's start.
    ledger
        The session's; None while it has none.
    """

    def __init__(self, zero: int, ledger: Ledger | None) -> None:
        self.jumps = Jumps()
        self._zero = zero
        self._listed = [] if ledger is None else listed_gaps(ledger)
        self._trust_rows = ledger is None
        self._numbered: set[str] = set()
        self._lows: list[LowLikelihood] = []
        self._parts: list[_Part] = []
        self.jumps.add(self._listed)

    @property
    def share_done(self) -> float:
        """How much of what there is has been looked through."""
        rows = sum(part.table.count for part in self._parts)
        done = sum(part.done for part in self._parts)
        return 1.0 if done >= rows else done / rows

    def marks(
        self, table: Table, marks_of: Callable[[NDArray[np.void]], list[Mark]]
    ) -> None:
        """Look for fires, notes and events in decisions or events of nodes."""

        def take(start: int, rows: NDArray[np.void]) -> list[Jump]:
            del start
            if "outcome" in (rows.dtype.names or ()):  # not all that was held back
                rows = rows[np.isin(rows["outcome"], (b"fired", b"sham"))]
            jumps = (jump_of_mark(mark) for mark in marks_of(rows))
            return [jump for jump in jumps if jump is not None]

        self._add(table, take)

    def losses(self, table: Table) -> None:
        """Look for losses that were told of, where no ledger has them."""
        if self._trust_rows:

            def take(start: int, rows: NDArray[np.void]) -> list[Jump]:
                del start
                told = [self._loss(row) for row in rows]
                # of streams whose numbers are looked at, the holes are found
                return [loss for loss in told if loss.what not in self._numbered]

            self._add(table, take)

    def numbers(self, table: Table, column: str, counts: str | None = None) -> None:
        """Look for holes in the device's own numbers."""
        last: list[Any] = []
        self._numbered.add(table.stream)

        def take(start: int, rows: NDArray[np.void]) -> list[Jump]:
            del start
            joined = rows if not last else np.concatenate([last[0], rows])
            last[:] = [rows[-1:]]
            ones = np.ones(len(joined), np.int64)
            many = ones if counts is None else joined[counts]
            times_s = self._seconds(joined["host_ns"])
            holes = holes_in(table.stream, joined[column], many, times_s)
            return unlisted(holes, self._listed)

        self._add(table, take)

    def likelihood(self, table: Table, camera: str, **how: Any) -> None:
        """Look for stretches in which the network was not sure."""
        low = LowLikelihood(camera, **how)
        self._lows.append(low)

        def take(start: int, rows: NDArray[np.void]) -> list[Jump]:
            poses = table.read_payload(start, start + len(rows))
            rows = rows[: len(poses)]
            sound = rows["host_ns"] != 0
            times_s = self._seconds(rows["exposure_ns"][sound])
            return low.take(times_s, poses[sound, :, 2])

        self._add(table, take, sound=False)

    def work(self, pieces: int = 1) -> bool:
        """Look through some pieces; tell whether there is more to look through."""
        for _ in range(pieces):
            part = next((p for p in self._parts if p.done < p.table.count), None)
            if part is None:
                return False
            self.jumps.add(part.work())
        return True

    def finish(self) -> None:
        """Look through all that is left, up to the end."""
        while self.work():
            pass
        for low in self._lows:
            self.jumps.add(low.finish())

    def _add(self, table: Table, take: _Take, *, sound: bool = True) -> None:
        self._parts.append(_Part(table, take, sound=sound))

    def _loss(self, row: np.void) -> Jump:
        loss = from_row(Loss, row)
        text = f"{loss.stream}: {loss.count} missing from {loss.first_id} "
        text += f"({loss.stage}): {loss.cause}"
        return Jump(float(self._seconds(loss.host_ns)), "gap", text, loss.stream)

    def _seconds(self, host_ns: Any) -> Any:
        return (host_ns - self._zero) / 1e9


class _Part:
    """A table that is looked through, and how far that has come."""

    def __init__(self, table: Table, take: _Take, *, sound: bool) -> None:
        self.table = table
        self.done = 0
        self._take = take
        self._sound = sound

    def work(self) -> list[Jump]:
        """Look through the next rows."""
        start = self.done
        rows = self.table.read_rows(start, min(start + _AT_ONCE, self.table.count))
        self.done += len(rows)
        if self._sound:
            rows = rows[rows["host_ns"] != 0]
        return list(self._take(start, rows)) if len(rows) else []
