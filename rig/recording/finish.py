"""The end of a session: mappings of true length, the ledger, the verdict."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import msgspec

from rig.errors import SessionError
from rig.recording import disk
from rig.recording.extents import committed_extent, segment_paths
from rig.recording.hdf5 import write_session_file
from rig.recording.layout import SESSION_FILE, segments_folder
from rig.recording.reader import Recording
from rig.recording.sidecar import write_sidecar
from sync.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rig.recording.hdf5 import Extent
    from rig.recording.layout import StreamLayout
    from rig.recording.ledger import Ledger
    from rig.recording.sidecar import SessionInfo

__all__ = ["finish_session", "settle"]


def finish_session(
    folder: Path,
    ledger: Ledger,
    state: Literal["complete", "salvaged"] = "complete",
) -> None:
    """Put a session file with fixed mappings to the committed rows in place.

    The segments are not touched, and the old session file stays until the new
    one takes its name. Finishing again writes the same anew.

    Raises
    ------
    SessionError
        If there is no session, it is folded or was cut by `recover`, or the disk
        refuses; the session is as it was.
    BusyError
        If somebody still writes in it.
    """
    with Recording.open(folder) as recording:
        recording.require_growing()
        layouts, info = recording.layouts, recording.info
    lock = disk.lock_folder(segments_folder(folder))
    try:
        extents = {
            name: committed_extent(folder, layout) for name, layout in layouts.items()
        }
        settle(folder, info, layouts, extents, ledger, state)
    except OSError as error:
        msg = (
            f"Expected to finish {folder}, got: {error}: the recording is as it was; "
            "free the disk and finish it again"
        )
        raise SessionError(msg) from error
    finally:
        os.close(lock)


def settle(
    folder: Path,
    info: SessionInfo,
    layouts: Mapping[str, StreamLayout],
    extents: Mapping[str, Extent],
    ledger: Ledger,
    state: Literal["complete", "salvaged"],
) -> None:
    """Give a session its last form: rows, then mappings, then what is said of it.

    Each is on the disk itself before the next is begun, so that a power cut leaves
    no session that claims what it does not hold. For who holds the session's lock.

    Raises
    ------
    OSError
        The disk's own words.
    """
    _sync_segments(folder, layouts.values())
    hidden = folder / f".{SESSION_FILE}"
    write_session_file(
        hidden, info.attributes, list(layouts.values()), extents, ledger.to_json()
    )
    disk.publish(hidden, folder / SESSION_FILE)
    done = msgspec.structs.replace(
        info, state=state, verdict=ledger.verdict, finished_utc=utc_now().isoformat()
    )
    write_sidecar(folder, done)
    _release_unwritten(folder, layouts.values())


def _sync_segments(folder: Path, layouts: Iterable[StreamLayout]) -> None:
    """Wait until the rows are on the disk: a recorder that was killed did not."""
    for layout in layouts:
        for path in segment_paths(folder, layout):
            disk.sync_file(path)
    disk.sync_folder(segments_folder(folder))


def _release_unwritten(folder: Path, layouts: Iterable[StreamLayout]) -> None:
    """Give back the room that the last segments were laid out for and did not need."""
    for layout in layouts:
        for path in segment_paths(folder, layout)[-1:]:
            disk.release_unwritten(path)
