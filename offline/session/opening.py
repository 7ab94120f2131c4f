"""Whether an alignment belongs to the recording that it lies beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from offline.alignment.layout import ALIGNED_FILE, ALIGNED_FORMAT, ALIGNED_VERSION
from offline.session.figures import alignment_from_json
from offline.session.stored import Stored
from rig.errors import SessionError

if TYPE_CHECKING:
    from offline.alignment.result import Alignment
    from rig.recording.reader import Recording

__all__ = ["open_alignment"]


def open_alignment(recording: Recording) -> tuple[Stored, Alignment]:
    """Open the alignment of a recording, and its figures.

    It must be of this session and know as many elements as the recording has: one
    that was made before the session ended, or before `recover` cut it, does not.

    Raises
    ------
    SessionError
        If there is none, or it is not of this recording as it is now.
    """
    path = recording.folder / ALIGNED_FILE
    if not path.exists():
        raise _align_again(recording, "an aligned session", "no " + ALIGNED_FILE)
    try:
        stored = Stored(path)
    except OSError as error:
        got = f"a file that HDF5 refuses: {error}"
        raise _align_again(recording, f"an HDF5 file in {path}", got) from error
    try:
        _require_format(recording, stored)
        _require_same(recording, stored)
        return stored, _figures(recording, stored)
    except BaseException:
        stored.close()
        raise


def _require_format(recording: Recording, stored: Stored) -> None:
    attributes = stored.attributes
    wanted = (ALIGNED_FORMAT, ALIGNED_VERSION)
    found = (attributes.get("format"), attributes.get("format_version"))
    if found != wanted:
        raise _align_again(
            recording,
            f"{wanted[0]} of version {wanted[1]} in {ALIGNED_FILE}",
            f"{found[0]} of version {found[1]}",
        )


def _require_same(recording: Recording, stored: Stored) -> None:
    session_id = recording.info.session_id
    if (found := stored.attributes.get("session_id")) != session_id:
        wanted = f"the alignment of {session_id}"
        raise _align_again(recording, wanted, f"that of {found}")
    for stream in stored.streams():
        if stream not in recording.streams:
            wanted = f"an alignment of the streams of {session_id}"
            raise _align_again(recording, wanted, f"one that has {stream}, too")
        samples = recording.streams[stream].kind == "samples"
        there = (recording.payload_count if samples else recording.count)(stream)
        if (found := stored.recorded(stream)) != there:
            wanted = f"an alignment of all {there} elements of {stream}"
            raise _align_again(recording, wanted, f"one of {found}")


def _figures(recording: Recording, stored: Stored) -> Alignment:
    try:
        return alignment_from_json(stored.attributes["json"])
    except (KeyError, msgspec.MsgspecError) as error:
        wanted = f"the figures of the alignment in {ALIGNED_FILE}"
        raise _align_again(recording, wanted, str(error)) from error


def _align_again(recording: Recording, wanted: str, found: str) -> SessionError:
    return SessionError(
        f"Expected {wanted}, got {found}: springhare align {recording.folder}"
    )
