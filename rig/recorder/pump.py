"""Moves what is in the rings into the session, in blocks, and says what was lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.bus.reader import RingReader
from rig.messages import Loss, StreamStatus
from rig.recording.ledger import AWAY, HELD_UP, OVERRUN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rig.bus.ring import Ring
    from rig.recording.writer import SessionWriter
    from sync.clock import Clock

__all__ = ["Pump"]

_BLOCK_ROWS = 32
"""So many rows are written as soon as they are there…"""
_PATIENCE_NS = 150_000_000
"""…and fewer when they have waited for so long."""
_MOST_ROWS = 128
_MOST_BYTES = 32_000_000
"""Most that is written at once, so that a turn stays short; the larger, the cheaper."""

_HELD_UP_NS = 1_000_000_000
"""A turn takes milliseconds; one that took so long stood still, or the disk did."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Source:
    """One ring and how far it is recorded."""

    reader: RingReader
    most_rows: int
    here_from: int
    """What has a smaller `seq` was published before this recorder came."""
    told_lost: int = 0
    """Losses that were reported already."""
    waiting_since_ns: int | None = None
    """When rows that are not yet recorded were first seen."""

    @property
    def block_rows(self) -> int:
        """So many rows are worth a write."""
        return min(_BLOCK_ROWS, self.most_rows)


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
        self._turned_ns: int | None = None
        """When the last turn began."""
        self._sources: dict[str, _Source] = {}
        for ring in rings:
            name, payload = ring.spec.name, ring.spec.payload
            first = max(writer.next_seq(name), known_lost.get(name, 0))
            reader = RingReader(ring, first)
            reader.taken = writer.count(name)
            most = _MOST_BYTES // payload.nbytes if payload else _MOST_ROWS
            self._sources[name] = _Source(
                reader, min(_MOST_ROWS, max(1, most)), here_from=ring.head
            )

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
        before, self._turned_ns = self._turned_ns, now
        losses: list[Loss] = []
        for name, source in self._sources.items():
            if self._due(source, now, all_of_it=all_of_it):
                self._record(name, source)
                since_ns = now if before is None else before
                losses += self._lost_now(name, source, since_ns)
        return losses

    def heads(self) -> dict[str, int]:
        """Return how many rows of each stream were published so far."""
        return {name: source.reader.ring.head for name, source in self._sources.items()}

    def pending(self) -> int:
        """Return how many rows wait in the rings."""
        return sum(max(0, source.reader.available) for source in self._sources.values())

    def behind(self) -> bool:
        """Tell whether a whole block waits somewhere."""
        return any(
            source.reader.available >= source.block_rows
            for source in self._sources.values()
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
        if all_of_it or available >= source.block_rows:
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
            kept = self._writer.append_block(
                name, view.rows, payload, view.intact, view.digests()
            )
            reader.advance(len(view), kept)

    def _lost_now(self, name: str, source: _Source, since_ns: int) -> list[Loss]:
        """Return what was lost to a stream since the turn before this one began."""
        lost = source.reader.lost - source.told_lost
        if not lost:
            return []
        source.told_lost += lost
        # what is lost in one turn is one range: overtaken before the view and in it
        first = sum(source.reader.losses[-1]) - lost
        now = self._clock.now()
        cause = _cause(now - since_ns) if first >= source.here_from else AWAY
        logger.warning("Stream %s: %d rows from %d %s", name, lost, first, cause)
        return [
            Loss(
                host_ns=now,
                stream=name,
                stage="recorder",
                first_id=first,
                count=lost,
                cause=cause,
            )
        ]


def _cause(turn_ns: int) -> str:
    """Return why something was overwritten, after a turn that took so long."""
    if turn_ns < _HELD_UP_NS:
        return OVERRUN
    return f"{HELD_UP} {turn_ns / 1e9:.1f} s"
