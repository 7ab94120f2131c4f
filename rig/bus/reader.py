"""Readers: how anybody follows a stream, each with a cursor of its own.

A reader that is overtaken by the writer counts what it lost and goes on; it
harms neither the writer nor any other reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.bus.ring import Ring
    from rig.messages import StreamSpec

__all__ = ["KEPT_LOSSES", "Batch", "RingReader", "StreamReader", "View"]

KEPT_LOSSES = 256
"""Ranges of losses that a reader remembers; a reader that is always too slow would
else grow for as long as the session lasts."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows and payloads that were copied out of a ring, in order."""

    rows: NDArray[np.void]
    """(n,) structured array in the stream's row layout."""
    payload: NDArray[Any]
    """(n, *payload shape); (n, 0) uint8 for a stream without payload."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)


class StreamReader(Protocol):
    """Follows a stream, wherever it is: `RingReader` here, `RemoteReader` afar.

    At any time, of the elements published since the reader began, each is taken,
    skipped, lost or still to come.
    """

    cursor: int
    """`seq` of the element that comes next."""
    taken: int
    """Elements read."""
    skipped: int
    """Elements passed over by `latest`: policy, not loss."""
    losses: list[tuple[int, int]]
    """(first seq, count) of elements overwritten before they were read: at least
    the newest `KEPT_LOSSES` ranges. `lost` counts them all."""

    @property
    def spec(self) -> StreamSpec:
        """What the stream is."""
        ...

    @property
    def lost(self) -> int:
        """Number of elements overwritten before they were read."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the writer has closed the stream and all of it was read."""
        ...

    def restarted(self) -> bool:
        """Tell, once for each restart, whether the stream has a new writer."""
        ...

    def read(self, most: int) -> Batch:
        """Copy the next elements, in order, every one: at most `most`, maybe none."""
        ...

    def latest(self) -> Batch | None:
        """Copy the newest element that was not read yet; skip the ones before it."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """Elements as they lie in the ring, not copied; check `intact` after use."""

    first_seq: int
    rows: NDArray[np.void]
    payload: NDArray[Any]
    locks: NDArray[np.int64]
    seals: NDArray[np.void]
    """(n,) or, in a stream whose payloads are small, (0,)."""

    def __len__(self) -> int:
        """Return the number of elements."""
        return len(self.rows)

    def digests(self) -> list[int | None] | None:
        """Return what the writer says of each payload; None where it has not yet.

        They hold for the elements that are still whole afterwards.

        Returns
        -------
        list or None
            None for a stream whose payloads are not sealed.
        """
        if not len(self.seals):
            return None
        return [
            digest if next_seq == self.first_seq + k + 1 else None
            for k, (next_seq, digest) in enumerate(self.seals.tolist())
        ]

    def intact(self) -> int:
        """Return how many elements, counted back from the last, are still whole.

        The writer overtakes from the front: the first ones go first.
        """
        n = len(self.locks)
        if n and self.locks.item(0) == 2 * self.first_seq + 2:
            return n  # the usual case, and much quicker
        wanted = 2 * np.arange(self.first_seq, self.first_seq + n) + 2
        broken = np.flatnonzero(self.locks != wanted)
        return n - (int(broken[-1]) + 1 if len(broken) else 0)


class RingReader:
    """One reader of a ring, with a cursor of its own.

    Parameters
    ----------
    ring
        The ring, mapped by this process.
    start
        The `seq` to begin with; by default the next one to be published.
    """

    def __init__(self, ring: Ring, start: int | None = None) -> None:
        self.ring = ring
        self.cursor = ring.head if start is None else start
        self.generation = ring.generation
        self.taken = 0
        """Elements read."""
        self.skipped = 0
        """Elements passed over by `latest`: policy, not loss."""
        self.lost = 0
        """Number of elements overwritten before they were read."""
        self.losses: list[tuple[int, int]] = []
        """(first seq, count) of elements overwritten before they were read: the
        newest `KEPT_LOSSES` ranges."""
        self._nothing = Batch(ring.rows[:0].copy(), ring.payload[:0].copy())

    @property
    def spec(self) -> StreamSpec:
        """What the stream is."""
        return self.ring.spec

    @property
    def available(self) -> int:
        """Number of elements published and not yet read."""
        return self.ring.head - self.cursor

    @property
    def finished(self) -> bool:
        """Whether the writer has closed the stream and all of it was read."""
        return self.ring.closed and self.available <= 0

    def restarted(self) -> bool:
        """Tell, once for each restart, whether the ring has a new writer."""
        generation = self.ring.generation
        changed = generation > max(self.generation, 1)  # the first writer is none
        self.generation = generation
        return changed

    def peek(self, most: int) -> View:
        """Return the next elements as they lie, at most `most` and unbroken in memory.

        The view may be empty. Use it, check `View.intact`, then `advance`.
        """
        self._catch_up()
        slots = self.ring.slots
        slot = self.cursor % slots
        n = max(0, min(self.available, most, slots - slot))
        part = slice(slot, slot + n)
        return View(
            self.cursor,
            self.ring.rows[part],
            self.ring.payload[part],
            self.ring.locks[part],
            self.ring.seals[part],
        )

    def advance(self, n: int, intact: int | None = None) -> None:
        """Move on by `n` elements, of which the last `intact` were still whole."""
        whole = n if intact is None else intact
        if whole < n:
            self._lose(n - whole)
        self.cursor += whole
        self.taken += whole

    def read(self, most: int) -> Batch:
        """Copy the next elements, in order, every one: at most `most`, maybe none.

        What the writer overtook is counted in `losses`.
        """
        if self.available == 0:  # the usual case of whoever looks often
            return self._nothing
        view = self.peek(most)
        rows, payload = view.rows.copy(), view.payload.copy()
        intact = view.intact()
        self.advance(len(rows), intact)
        first = len(rows) - intact
        return Batch(rows[first:], payload[first:])

    def latest(self) -> Batch | None:
        """Copy the newest element that was not read yet; skip the ones before it.

        Returns
        -------
        Batch or None
            One element; None when there is nothing new.
        """
        while (head := self.ring.head) > self.cursor:
            self.skipped += head - 1 - self.cursor
            self.cursor = head - 1
            batch = self.read(1)
            if len(batch):
                return batch
        return None

    def _catch_up(self) -> None:
        # The slot after the newest is being written: the oldest whole element is
        # the one behind it. A sixteenth of the ring is left as a head start.
        oldest = self.ring.head - self.ring.slots + 1
        if self.cursor < oldest:
            self._lose(oldest + self.ring.slots // 16 - self.cursor)

    def _lose(self, n: int) -> None:
        n = min(n, max(self.available, 0))
        if n <= 0:
            return
        if self.losses and sum(self.losses[-1]) == self.cursor:
            first, count = self.losses.pop()
            self.losses.append((first, count + n))
        else:
            self.losses.append((self.cursor, n))
            del self.losses[:-KEPT_LOSSES]
        self.lost += n
        self.cursor += n
