"""From a folder of rings to a folder of files: what recorder and salvage share."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from rig.bus.reader import RingReader
from rig.errors import SessionError, SpringhareError
from rig.messages import Loss, StreamSpec, from_row
from rig.recorder.pump import Pump
from rig.recorder.room import DiskUse
from rig.recording.layout import SESSION_FILE
from rig.recording.ledger import RECORDER
from rig.recording.reader import Recording
from rig.recording.writer import SessionWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rig.bus.directory import StreamDirectory
    from rig.bus.ring import Ring
    from rig.messages import StreamStatus
    from rig.recording.sidecar import SessionInfo
    from sync.clock import Clock

__all__ = ["OWN_STREAM", "Emptying", "own_spec", "readable_rings"]

OWN_STREAM = f"losses/{RECORDER}"

_PAUSE_S = 0.0025
_QUIET_TURNS = 100
"""A stream that nobody closed is given up after so many turns without news."""
_MOST_TURNS = 20_000

logger = logging.getLogger(__name__)


def own_spec() -> StreamSpec:
    """Return the stream on which the recorder lists what it lost."""
    return StreamSpec(name=OWN_STREAM, kind="losses", node=RECORDER)


def readable_rings(streams: StreamDirectory) -> tuple[list[Ring], dict[str, str]]:
    """Return all rings of a session, and why those that cannot be read cannot."""
    rings: list[Ring] = []
    faults: dict[str, str] = {}
    for name in streams.names():
        try:
            rings.append(streams.ring(name))
        except SpringhareError as error:
            faults[name] = str(error)
    return rings, faults


class Emptying:
    """Empties a session's rings into its files, from where the files end.

    Parameters
    ----------
    streams
        The session's rings.
    rings
        Those that are to be recorded.
    writer
        The session.
    clock
        Host clock.
    """

    def __init__(
        self,
        streams: StreamDirectory,
        rings: Sequence[Ring],
        writer: SessionWriter,
        clock: Clock,
    ) -> None:
        self._writer = writer
        own = [ring for ring in rings if ring.spec.name == OWN_STREAM]
        listed = _listed_ends(writer.folder, own)
        self._pump = Pump(writer, rings, clock, listed)
        self._losses = streams.writer(OWN_STREAM) if own else None

    @staticmethod
    def open(
        streams: StreamDirectory,
        rings: Sequence[Ring],
        folder: Path,
        info: Callable[[], SessionInfo],
        segment_seconds: float,
        clock: Clock,
    ) -> Emptying:
        """Begin a session's files, or go on with them where they are.

        Parameters
        ----------
        info
            Tells what the session is; asked only if its files are to be begun.

        Raises
        ------
        SessionError
            If there is a recording of other streams, or the disk refuses.
        BusyError
            If another process writes there.
        """
        specs = [ring.spec for ring in rings]
        if (folder / SESSION_FILE).exists():
            writer = SessionWriter.reopen(folder)
        else:
            writer = SessionWriter.create(folder, info(), specs, segment_seconds)
        try:
            _require_same(writer, specs)
            return Emptying(streams, rings, writer, clock)
        except BaseException:
            writer.close()
            raise

    @property
    def next_segment_failed(self) -> str:
        """Why some stream's next segment finds no room; empty while all have some."""
        return self._writer.next_segment_failed

    def disk_uses(self) -> Mapping[str, DiskUse]:
        """Return what each stream has of the disk, by name."""
        layouts, status = self._writer.layouts, self._pump.status()
        uses: dict[str, DiskUse] = {}
        for name, head in self._pump.heads().items():
            waiting = max(0, head - status[name].taken - status[name].lost)
            per_row = layouts[name].row_bytes
            room = self._writer.room_bytes(name) - waiting * per_row
            uses[name] = DiskUse(head * per_row, room)
        return uses

    @property
    def fill_percent(self) -> float:
        """How full the fullest ring is."""
        return self._pump.fill_percent()

    def status(self) -> Mapping[str, StreamStatus]:
        """Return how each stream stands."""
        return self._pump.status()

    def turn(self, *, all_of_it: bool = False) -> bool:
        """Record what is due; return whether a whole block still waits somewhere.

        Raises
        ------
        SessionError
            If the disk refuses.
        """
        for loss in self._pump.turn(all_of_it=all_of_it):
            if self._losses is not None:
                self._losses.append(loss)
        return self._pump.behind()

    def finish(self, *, wait: bool) -> None:
        """Record all that is there and let go of the session.

        Parameters
        ----------
        wait
            Whether streams that were not closed yet are given a moment.

        Raises
        ------
        SessionError
            If the disk refuses.
        """
        quiet = 0
        for _ in range(_MOST_TURNS):
            self.turn(all_of_it=True)
            if self._pump.pending():
                quiet = 0
                continue
            if not wait or self._pump.all_closed(OWN_STREAM) or quiet >= _QUIET_TURNS:
                break
            quiet += 1
            time.sleep(_PAUSE_S)
        else:
            logger.warning("Streams are still being written; the rest is left in them")
        self._close_losses()
        self.turn(all_of_it=True)
        self._writer.close()

    def close(self) -> None:
        """Let go of everything, whatever was recorded; may be called twice."""
        self._close_losses()
        self._writer.close()

    def _close_losses(self) -> None:
        if self._losses is not None:
            self._losses.close()
            self._losses = None


def _require_same(writer: SessionWriter, specs: Sequence[StreamSpec]) -> None:
    layouts = writer.layouts
    strange = [
        spec.name
        for spec in specs
        if spec.name not in layouts or layouts[spec.name].spec != spec
    ]
    if strange:
        msg = (
            f"Expected the streams that {writer.folder} began with, got another "
            f"{', '.join(strange)}: start a new session"
        )
        raise SessionError(msg)


def _listed_ends(folder: Path, own: Sequence[Ring]) -> dict[str, int]:
    """Return where the last loss ends that a recorder before us listed, by stream."""
    with Recording.open(folder) as recording:
        listed = [from_row(Loss, row) for row in recording.rows(OWN_STREAM)]
    for ring in own:
        rows = RingReader(ring, 0).read(ring.slots).rows
        listed += [from_row(Loss, row) for row in rows]
    return {
        loss.stream: max(
            other.first_id + other.count
            for other in listed
            if other.stream == loss.stream
        )
        for loss in listed
    }
