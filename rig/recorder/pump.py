"""Moves what is in the rings into the session, in blocks, and says what was lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.bus.reader import RingReader
from rig.messages import Loss, StreamStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rig.bus.ring import Ring
    from rig.recording.writer import SessionWriter
    from sync.clock import Clock

__all__ = ["OVERRUN", "Pump"]

OVERRUN = "overwritten in the ring before it was recorded"

_BLOCK_ROWS = 16
"""A block of so many rows is written at once…"""
_PATIENCE_NS = 50_000_000
"""…and a smaller one when it has waited for so long."""
_MOST_BYTES = 8_000_000
"""Most that is written at once, so that a turn stays short."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Source:
    """One ring and how far it is recorded."""

    reader: RingReader
    most_rows: int
    told_lost: int = 0
    """Losses that were reported already."""
    waiting_since_ns: int | None = None
    """When the oldest row that is not yet recorded was first seen."""


class Pump:
    """Empties rings into a session.

    It begins with what the session lacks, so that a recorder that was restarted
    goes on without a gap.

    Parameters
    ----------
    writer
        The open session.
    rings
        The rings of its streams.
    clock
        Host clock.
    """

    def __init__(
        self, writer: SessionWriter, rings: Iterable[Ring], clock: Clock
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._sources = {
            ring.spec.name: self._begin(writer, ring) for ring in rings
        }

    @staticmethod
    def _begin(writer: SessionWriter, ring: Ring) -> _Source:
        reader = RingReader(ring, writer.next_seq(ring.spec.name))
        reader.taken = writer.count(ring.spec.name)
        bytes_per_row = ring.spec.payload.nbytes if ring.spec.payload else 1
        most = max(_BLOCK_ROWS, 64)
        return _Source(reader, max(1, min(most, _MOST_BYTES // max(bytes_per_row, 1))))

    @property
    def names(self) -> list[str]:
        """Names of the streams."""
        return list(self._sources)

    def turn(self, *, all_of_it: bool = False) -> list[Loss]:
        """Record what is due, a block per stream.

        Parameters
        ----------
        all_of_it
            Whether small blocks are due at once.

        Returns
        -------
        list of Loss
            What was found to be lost, to be recorded by the caller.

        Raises
        ------
        SessionError
            If the disk refuses.
        """
        now = self._clock.now()
        losses: list[Loss] = []
        for name, source in self._sources.items():
            if self._due(source, now, all_of_it=all_of_it):
                self._record(name, source)
                losses += self._lost_now(name, source, now)
        return losses

    def pending(self, *, but: frozenset[str] = frozenset()) -> bool:
        """Tell whether any ring has what is not recorded yet."""
        return any(
            source.reader.available > 0
            for name, source in self._sources.items()
            if name not in but
        )

    def behind(self) -> bool:
        """Tell whether a whole block waits somewhere."""
        return any(
            source.reader.available >= _BLOCK_ROWS for source in self._sources.values()
        )

    def all_closed(self, *, but: frozenset[str] = frozenset()) -> bool:
        """Tell whether every writer that ever came has closed its stream."""
        return all(
            source.reader.ring.closed or source.reader.ring.generation == 0
            for name, source in self._sources.items()
            if name not in but
        )

    def status(self) -> dict[str, StreamStatus]:
        """Return how each stream stands: recorded, and lost to the recorder."""
        return {
            name: StreamStatus(
                taken=source.reader.taken,
                lost=source.reader.cursor - source.reader.taken,
            )
            for name, source in self._sources.items()
        }

    def fill_percent(self) -> float:
        """Return how full the fullest ring is."""
        return max(
            (
                100 * source.reader.available / source.reader.ring.slots
                for source in self._sources.values()
            ),
            default=0.0,
        )

    def _due(self, source: _Source, now: int, *, all_of_it: bool) -> bool:
        available = source.reader.available
        if available <= 0:
            return False
        if all_of_it or available >= min(_BLOCK_ROWS, source.most_rows):
            return True
        if source.waiting_since_ns is None:
            source.waiting_since_ns = now
        return now - source.waiting_since_ns >= _PATIENCE_NS

    def _record(self, name: str, source: _Source) -> None:
        reader = source.reader
        if reader.restarted():
            logger.warning("Stream %s has a new writer", name)
        source.waiting_since_ns = None
        view = reader.peek(source.most_rows)
        if len(view):
            payload = view.payload if reader.spec.payload else None
            kept = self._writer.append_block(name, view.rows, payload, view.intact)
            reader.advance(len(view), kept)

    def _lost_now(self, name: str, source: _Source, now: int) -> list[Loss]:
        lost = source.reader.lost - source.told_lost
        if not lost:
            return []
        source.told_lost += lost
        # all that is lost in one turn is one range, and ends where the last one ends
        first = sum(source.reader.losses[-1]) - lost
        logger.warning("Stream %s: %d rows from %d overwritten", name, lost, first)
        return [
            Loss(
                host_ns=now,
                stream=name,
                stage="recorder",
                first_id=first,
                count=lost,
                cause=OVERRUN,
            )
        ]
