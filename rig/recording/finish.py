"""The end of a session: mappings of true length, the ledger, the verdict."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import msgspec

from rig.errors import SessionError
from rig.recording import disk
from rig.recording.extents import committed_extent
from rig.recording.hdf5 import write_session_file
from rig.recording.layout import SESSION_FILE, segments_folder
from rig.recording.reader import read_info, read_layouts
from rig.recording.sidecar import write_sidecar
from sync.clock import utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from rig.recording.ledger import Ledger

__all__ = ["finish_session"]


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
        If there is no session, or the disk refuses; the session is as it was.
    BusyError
        If somebody still writes in it.
    """
    layouts = read_layouts(folder / SESSION_FILE)
    info = read_info(folder)
    lock = disk.lock_folder(segments_folder(folder))
    try:
        extents = {
            name: committed_extent(folder, layout) for name, layout in layouts.items()
        }
        hidden = folder / f".{SESSION_FILE}"
        write_session_file(
            hidden, info.attributes, list(layouts.values()), extents, ledger.to_json()
        )
        disk.publish(hidden, folder / SESSION_FILE)
        done = msgspec.structs.replace(
            info,
            state=state,
            verdict=ledger.verdict,
            finished_utc=utc_now().isoformat(),
        )
        write_sidecar(folder, done)
    except OSError as error:
        msg = (
            f"Expected to finish {folder}, got: {error}: the recording is as it was; "
            "free the disk and finish it again"
        )
        raise SessionError(msg) from error
    finally:
        os.close(lock)
