"""Moves what is in the rings into the session, in blocks, and says what was lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.bus.reader import RingReader
from rig.messages import Loss, StreamStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rig.bus.ring import Ring
    from rig.recording.writer import SessionWriter
    from sync.clock import Clock

__all__ = ["OVERRUN", "Pump"]

OVERRUN = "overwritten in the ring before it was recorded"

_BLOCK_ROWS = 16
"""So many rows are written as soon as they are there…"""
_PATIENCE_NS = 50_000_000
"""…and fewer when they have waited for so long."""
_MOST_ROWS = 64
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
    """When rows that are not yet recorded were first seen."""


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
    known_lost
        By stream, the `seq` before which everything that the session lacks is
        listed as lost already.
    """

    def __init__(
        self,
        writer: SessionWriter,
        rings: Iterable[Ring],
        clock: Clock,
        known_lost: Mapping[str, int],
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._sources: dict[str, _Source] = {}
        for ring in rings:
            name, payload = ring.spec.name, ring.spec.payload
            first = max(writer.next_seq(name), known_lost.get(name, 0))
            reader = RingReader(ring, first)
            reader.taken = writer.count(name)
            most = _MOST_BYTES // payload.nbytes if payload else _MOST_ROWS
            self._sources[name] = _Source(reader, min(_MOST_ROWS, max(1, most)))

    def turn(self, *, all_of_it: bool = False) -> list[Loss]:
        """Record what is due, at most a block per stream.

        Parameters
        ----------
        all_of_it
            Whether small blocks are due at once.

        Returns
        -------
        list of Loss
            What was found to be lost; the caller records it.

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

    def pending(self) -> int:
        """Return how many rows wait in the rings."""
        return sum(max(0, source.reader.available) for source in self._sources.values())

    def behind(self) -> bool:
        """Tell whether a whole block waits somewhere."""
        return any(
            source.reader.available >= _BLOCK_ROWS for source in self._sources.values()
        )

    def all_closed(self, own: str) -> bool:
        """Tell whether every writer that ever came has closed its stream.

        Parameters
        ----------
        own
            Stream that the caller itself writes.
        """
        return all(
            source.reader.ring.closed or source.reader.ring.generation == 0
            for name, source in self._sources.items()
            if name != own
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
                100 * max(0, source.reader.available) / source.reader.ring.slots
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
        # what is lost in one turn is one range: overtaken before the view and in it
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
