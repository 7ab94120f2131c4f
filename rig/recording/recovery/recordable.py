"""Makes a wreck fit to be gone on with: what is still in memory wants to be recorded.

A recorder goes on where the files end, and needs a session file and whole segments
to do so.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import structs

from rig.recording import disk
from rig.recording.layout import (
    SEGMENT_SECONDS,
    SESSION_FILE,
    SIDECAR_FILE,
    StreamLayout,
    segments_folder,
)
from rig.recording.recovery.leftovers import keep_old, set_aside
from rig.recording.recovery.wreck import survey
from rig.recording.sidecar import write_sidecar
from rig.recording.writer import begin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rig.messages import StreamSpec
    from rig.recording.recovery.wreck import Wreck

__all__ = ["make_recordable"]


def make_recordable(folder: Path, specs: Iterable[StreamSpec]) -> list[str]:
    """Mend what keeps a recorder from going on with a session.

    Parameters
    ----------
    folder
        The session's folder.
    specs
        Streams that are still in memory.

    Returns
    -------
    list of str
        What was done, each in a sentence; empty where nothing was to be done.

    Raises
    ------
    SessionError
        If nothing was ever recorded there.
    BusyError
        If it is being recorded.
    OSError
        If the disk refuses.
    """
    lock = disk.lock_folder(segments_folder(folder))
    try:
        wreck = survey(folder)
        steps = list[str]()
        for stream in wreck.streams.values():
            if stream.fault and (names := set_aside(folder, stream)):
                steps.append(f"{', '.join(names)} moved to segments/set-aside")
        if wreck.info_fault:
            keep_old(folder / SIDECAR_FILE)
        if wreck.file is None:
            keep_old(folder / SESSION_FILE)
            again = structs.replace(wreck.info, state="recording", verdict=None)
            begin(folder, again, _layouts(wreck, specs))
            steps.append("session.h5 put together from the segments, to go on with")
        elif wreck.info_fault:
            write_sidecar(folder, wreck.info)
            steps.append("session.json written anew")
        return steps
    finally:
        os.close(lock)


def _layouts(wreck: Wreck, specs: Iterable[StreamSpec]) -> list[StreamLayout]:
    """Return what the segments say, and for streams that have none, their specs."""
    layouts = wreck.layouts
    for spec in specs:
        layouts.setdefault(spec.name, StreamLayout.of(spec, SEGMENT_SECONDS))
    return list(layouts.values())
