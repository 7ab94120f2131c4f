"""A session put together beside the real one, over the same segments.

In a temporary folder of its own, so that it can be read and judged like any other
before anything is changed where the session is, or without changing it at all.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rig.recording.extents import payload_end
from rig.recording.hdf5 import Extent, write_session_file
from rig.recording.layout import SESSION_FILE, segments_folder
from rig.recording.reader import Recording
from rig.recording.sidecar import write_sidecar

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from rig.recording.ledger import Ledger
    from rig.recording.recovery.wreck import Wreck
    from rig.recording.sidecar import SessionInfo

__all__ = ["Draft", "drafted"]


class Draft:
    """Shows some of the rows of a wreck; make one with `drafted`.

    Parameters
    ----------
    folder
        A temporary folder.
    wreck
        The session.
    """

    def __init__(self, folder: Path, wreck: Wreck) -> None:
        self.folder = folder
        self._wreck = wreck
        place = segments_folder(wreck.folder).resolve()
        segments_folder(folder).symlink_to(place, target_is_directory=True)

    def show_room(self, info: SessionInfo, rows: Mapping[str, int]) -> None:
        """Show so many rows of each stream, and all the payload that may be theirs."""
        extents = {
            name: Extent(n, n * self._wreck.streams[name].layout.units_per_row)
            for name, n in rows.items()
        }
        self._write(info, extents, None)

    def show(
        self, info: SessionInfo, rows: Mapping[str, int], ledger: Ledger | None = None
    ) -> dict[str, Extent]:
        """Show so many rows of each stream and what they own; return how far it goes.

        Parameters
        ----------
        rows
            By stream; they are marked as committed.
        ledger
            Closes the session.
        """
        self.show_room(info, rows)
        extents = self._extents()
        self._write(info, extents, ledger)
        return extents

    def open(self) -> Recording:
        """Open it for reading."""
        return Recording.open(self.folder)

    def _extents(self) -> dict[str, Extent]:
        with self.open() as recording:
            found: dict[str, Extent] = {}
            for name, layout in recording.layouts.items():
                n = recording.room(name)
                if n:
                    [last] = recording.rows(name, n - 1)
                    end = payload_end(layout, n, last)
                    found[name] = Extent(n, end, int(last["seq"]) + 1)
                else:
                    found[name] = Extent()
        return found

    def _write(
        self,
        info: SessionInfo,
        extents: Mapping[str, Extent],
        ledger: Ledger | None,
    ) -> None:
        write_session_file(
            self.folder / SESSION_FILE,
            info.attributes,
            list(self._wreck.layouts.values()),
            extents,
            None if ledger is None else ledger.to_json(),
        )
        write_sidecar(self.folder, info)


@contextmanager
def drafted(wreck: Wreck) -> Generator[Draft]:
    """Make a draft for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="springhare-") as folder:
        yield Draft(Path(folder), wreck)
