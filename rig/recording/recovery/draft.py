"""A session put together beside the real one, over the same segments.

In a temporary folder of its own, with links to the segments, so that it can be read
and judged like any other before anything is changed where the session is, or without
changing it at all.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rig.recording.hdf5 import Extent, write_session_file
from rig.recording.layout import SESSION_FILE, SIDECAR_FILE, segments_folder
from rig.recording.reader import Recording
from rig.recording.recovery.leftovers import unnamed
from rig.recording.recovery.wreck import survey

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from rig.recording.ledger import Ledger
    from rig.recording.sidecar import SessionInfo

__all__ = ["Draft", "drafted"]


class Draft:
    """Shows some of the rows of a wreck; make one with `drafted`.

    Parameters
    ----------
    folder
        A temporary folder.
    session
        The session's.
    """

    def __init__(self, folder: Path, session: Path) -> None:
        self._folder = folder
        place = segments_folder(folder)
        place.mkdir()
        again = unnamed(session)
        for path in segments_folder(session).glob("*.h5"):
            (place / again.get(path, path).name).symlink_to(path.resolve())
        self.wreck = survey(session, place)
        """What is left of the session."""

    def show_room(self, info: SessionInfo, rows: Mapping[str, int]) -> None:
        """Show so many rows of each stream, and all the payload that may be theirs."""
        layouts = self.wreck.layouts
        extents = {
            name: Extent(n, n * layouts[name].units_per_row) for name, n in rows.items()
        }
        self.show(info, extents)

    def show(
        self,
        info: SessionInfo,
        extents: Mapping[str, Extent],
        ledger: Ledger | None = None,
    ) -> None:
        """Show so much of each stream; a ledger closes the session."""
        write_session_file(
            self._folder / SESSION_FILE,
            info.attributes,
            list(self.wreck.layouts.values()),
            extents,
            None if ledger is None else ledger.to_json(),
        )
        (self._folder / SIDECAR_FILE).write_bytes(msgspec.json.encode(info))

    def open(self) -> Recording:
        """Open it for reading."""
        return Recording.open(self._folder)


@contextmanager
def drafted(session: Path) -> Generator[Draft]:
    """Make a draft of the session in a folder, for as long as it is needed.

    Raises
    ------
    SessionError
        If there is no session.
    VersionError
        If it is of another version.
    """
    with tempfile.TemporaryDirectory(prefix="springhare-") as folder:
        yield Draft(Path(folder), session)
