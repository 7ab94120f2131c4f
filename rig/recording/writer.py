"""The writer of a session: blocks in, crash-safe files out."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from msgspec import structs

from rig.errors import SessionError
from rig.recording import disk
from rig.recording.extents import committed_extent
from rig.recording.hdf5 import Extent, write_session_file
from rig.recording.keeper import Keeper
from rig.recording.layout import (
    RESERVE_BYTES,
    RESERVE_FILE,
    SEGMENT_SECONDS,
    SESSION_FILE,
    StreamLayout,
    segments_folder,
)
from rig.recording.reader import Recording
from rig.recording.segments import SegmentFiles
from rig.recording.sidecar import write_sidecar
from rig.recording.tables import StreamTable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from rig.messages import StreamSpec
    from rig.recording.sidecar import SessionInfo

__all__ = ["SessionWriter", "begin"]

logger = logging.getLogger(__name__)

_ADVICE = "what was committed is safe; free the disk, then run it again"


class SessionWriter:
    """Appends to every stream of a session; make one with `create` or `reopen`.

    One process at a time has a session; the lock ends with it.

    Parameters
    ----------
    folder
        The session's folder.
    layouts
        Its streams.
    extents
        What is committed of each.
    lock
        Descriptor that holds the folder.
    """

    def __init__(
        self,
        folder: Path,
        layouts: Sequence[StreamLayout],
        extents: Mapping[str, Extent],
        lock: int,
    ) -> None:
        self.folder = folder
        self.bytes_written = 0
        self._lock: int | None = lock
        self._broken = ""
        place = segments_folder(folder)
        for leftover in place.glob(".*.h5"):
            leftover.unlink()
        self._keeper = Keeper(place)
        self._reserve = _hold_back(place)
        try:
            self._tables = {
                layout.name: self._table(place, layout, extents[layout.name])
                for layout in layouts
            }
        except BaseException:
            self._keeper.close()
            raise

    def _table(self, place: Path, layout: StreamLayout, extent: Extent) -> StreamTable:
        first = extent.rows // layout.rows_per_segment
        files = SegmentFiles(place, layout, self._keeper, first)
        return StreamTable(layout, files, extent)

    @staticmethod
    def create(
        folder: Path,
        info: SessionInfo,
        specs: Iterable[StreamSpec],
        segment_seconds: float = SEGMENT_SECONDS,
    ) -> SessionWriter:
        """Begin a session in a folder that holds no recording yet.

        The session file appears last: with it, the session has begun.

        Raises
        ------
        SessionError
            If a recording is there already, a stream cannot be recorded, or the
            disk refuses.
        BusyError
            If another process writes there.
        """
        layouts = [StreamLayout.of(spec, segment_seconds) for spec in specs]
        place = segments_folder(folder)
        if (folder / SESSION_FILE).exists() or any(place.glob("[!.]*")):
            msg = (
                f"Expected no recording in {folder}, got one: a session is never "
                "written over; start a new one"
            )
            raise SessionError(msg)
        with _owned(place, f"begin a session in {folder}") as lock:
            begin(folder, info, layouts)
            extents = {layout.name: Extent() for layout in layouts}
            return SessionWriter(folder, layouts, extents, lock)

    @staticmethod
    def reopen(folder: Path) -> SessionWriter:
        """Go on with a session where its committed rows end.

        One that was finished is in the state of being recorded again.

        Raises
        ------
        SessionError
            If there is no session, it is folded or was cut by `recover`, or the disk
            refuses.
        BusyError
            If another process writes there.
        """
        with Recording.open(folder) as recording:
            recording.require_growing()
            layouts, info = recording.layouts, recording.info
            finished = recording.ledger is not None or info.state != "recording"
        with _owned(segments_folder(folder), f"go on with {folder}") as lock:
            if finished:
                again = structs.replace(
                    info, state="recording", verdict=None, finished_utc=None
                )
                begin(folder, again, list(layouts.values()))
            extents = {
                name: committed_extent(folder, layout)
                for name, layout in layouts.items()
            }
            return SessionWriter(folder, list(layouts.values()), extents, lock)

    @property
    def layouts(self) -> dict[str, StreamLayout]:
        """Layout of each stream, by name."""
        return {name: table.layout for name, table in self._tables.items()}

    def count(self, stream: str) -> int:
        """Return the number of committed rows of a stream."""
        return self._tables[stream].rows

    def next_seq(self, stream: str) -> int:
        """Return the `seq` that follows the last committed row's."""
        return self._tables[stream].next_seq

    def room_bytes(self, stream: str) -> int:
        """Return what is laid out for a stream's rows to come, in bytes."""
        return self._tables[stream].room_bytes

    @property
    def next_segment_failed(self) -> str:
        """Why the next segment of some stream could not be laid out; empty if none.

        The current ones have room still, for about half a segment.
        """
        return next((t.failure for t in self._tables.values() if t.failure), "")

    def append_block(
        self,
        stream: str,
        rows: NDArray[np.void],
        payload: NDArray[Any] | None = None,
        intact: Callable[[], int] | None = None,
        digests: Sequence[int | None] | None = None,
    ) -> int:
        """Append rows with their payload; they are committed on return.

        Parameters
        ----------
        stream
            Name of the stream.
        rows
            (n,) rows in the stream's layout; may lie in shared memory.
        payload
            (n, *payload shape); written from where it lies.
        intact
            Called after the payload was written: how many rows, counted back from
            the last, were whole until then. The others are dropped.
        digests
            `payload_digest` of each payload, where it is known already.

        Returns
        -------
        int
            How many rows, counted back from the last, were committed.

        Raises
        ------
        SessionError
            If the disk refuses. What was committed stays; nothing more is taken.
        """
        if self._broken:
            raise SessionError(self._broken)
        table = self._tables[stream]
        try:
            self._keeper.check()
            committed = table.append(rows, payload, intact, digests)
        except OSError as error:
            self._broken = (
                f"Expected to write {stream!r} to {self.folder}, got "
                f"{error.strerror or error} after {table.rows} rows: {_ADVICE}"
            )
            raise SessionError(self._broken) from error
        nbytes = rows.itemsize + (payload[:1].nbytes if payload is not None else 0)
        self.bytes_written += committed * nbytes
        return committed

    def sync(self) -> None:
        """Wait until everything committed is on the disk itself.

        Raises
        ------
        SessionError
            If the disk refuses.
        """
        try:
            self._keeper.sync()
        except OSError as error:
            msg = f"Expected to sync {self.folder}, got: {error}: {_ADVICE}"
            raise SessionError(msg) from error

    def close(self) -> None:
        """Sync and let go of the session, which stays as it is; may be called twice.

        Raises
        ------
        SessionError
            If the last sync failed; everything is closed all the same.
        """
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        self._broken = f"Expected an open session in {self.folder}, it is closed"
        for table in self._tables.values():
            table.close()
        with suppress(OSError):  # of a disk that is gone; `recover` removes it
            self._reserve.unlink(missing_ok=True)
        try:
            self._keeper.close()
        except OSError as error:
            msg = f"Expected to close {self.folder}, got: {error}: {_ADVICE}"
            raise SessionError(msg) from error
        finally:
            os.close(lock)

    def __enter__(self) -> SessionWriter:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


@contextmanager
def _owned(place: Path, what: str) -> Generator[int]:
    """Take a folder of segments; give it back, and say why, if what follows fails."""
    lock = None
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = disk.lock_folder(place)
        yield lock
    except BaseException as error:
        if lock is not None:
            os.close(lock)
        if isinstance(error, OSError):
            msg = f"Expected to {what}, got: {error}: {_ADVICE}"
            raise SessionError(msg) from error
        raise


def _hold_back(place: Path) -> Path:
    """Lay out the reserve; without it, a session on a full disk ends less well."""
    reserve = place / RESERVE_FILE
    try:
        disk.lay_out(reserve, RESERVE_BYTES)
    except OSError as error:
        reserve.unlink(missing_ok=True)
        logger.warning("No reserve for the session's end: %s", error.strerror)
    return reserve


def begin(folder: Path, info: SessionInfo, layouts: Sequence[StreamLayout]) -> None:
    """Put a session file in place that grows with its segments, and its sidecar."""
    disk.sync_parents(segments_folder(folder))
    write_sidecar(folder, info)
    hidden = folder / f".{SESSION_FILE}"
    write_session_file(hidden, info.attributes, layouts)
    disk.publish(hidden, folder / SESSION_FILE)
