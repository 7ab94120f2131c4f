"""The session that is to be folded: may it be, was it, and who else is at it."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]

from rig.errors import BusyError, SessionError
from rig.recording import disk
from rig.recording.layout import RESERVE_FILE, SESSION_FILE, segments_folder
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from pathlib import Path

    from rig.recording.layout import StreamLayout

__all__ = [
    "Source",
    "finished_session",
    "owned",
    "remove_segments",
    "require_only_segments",
    "take_place",
]

_h5: Any = h5py
_REPLACED = "session.before-recovery*.h5"


@dataclass(frozen=True, slots=True)
class Source:
    """A finished session, as it stands now."""

    folder: Path
    session_id: str
    layouts: Mapping[str, StreamLayout]
    filter: str | None
    """What the pixels of its folded file are packed with; None before it is folded."""
    cut: frozenset[str]
    """Streams of which the segments hold more than `recover` let the session have."""

    @property
    def folded(self) -> bool:
        """Whether its session file holds everything itself."""
        return self.filter is not None

    @property
    def has_segments(self) -> bool:
        """Whether the raw rows are still there."""
        return segments_folder(self.folder).is_dir()

    @property
    def file(self) -> Path:
        """The session file."""
        return self.folder / SESSION_FILE


def finished_session(path: Path) -> Source:
    """Return how a session stands, given its folder or its session file.

    Raises
    ------
    SessionError
        If there is none, or it was not brought to its end.
    VersionError
        If it is of another version.
    """
    with Recording.open(path) as recording:
        if recording.info.state == "recording" or recording.ledger is None:
            msg = (
                f"Expected a finished session in {recording.folder}, got one that is "
                "being recorded or whose end was cut off: stop it, or run springhare "
                f"recover {recording.folder}"
            )
            raise SessionError(msg)
        return Source(
            recording.folder,
            recording.info.session_id,
            dict(recording.layouts),
            _filter_of(recording),
            recording.recovered.cut,
        )


@contextmanager
def owned(folder: Path, place: Path) -> Generator[None]:
    """Have a session for this process alone.

    Parameters
    ----------
    place
        The folder in it that recorders lock too, or another one that is there.

    Raises
    ------
    BusyError
        If somebody records it, or compresses it.
    """
    try:
        lock = disk.lock_folder(place)
    except BusyError as error:
        msg = (
            f"Expected nobody at {folder}, got a recorder or another springhare "
            "compress: let it end first"
        )
        raise BusyError(msg) from error
    try:
        yield
    finally:
        os.close(lock)


def require_only_segments(source: Source) -> None:
    """Refuse segments that hold anything else than the session: they will be removed.

    Raises
    ------
    SessionError
        If there are other files, or rows that `recover` left out.
    """
    if source.cut:
        msg = (
            "Expected a session to which all rows of its segments belong, got one that "
            f"recover cut ({', '.join(sorted(source.cut))}): run it with --keep-raw, "
            "so that what was left out stays"
        )
        raise SessionError(msg)
    place = segments_folder(source.folder)
    strange = sorted(
        path.name
        for path in place.iterdir()
        if path.name != RESERVE_FILE and not _is_segment(path, source.layouts.values())
    )
    if strange:
        msg = (
            f"Expected only segments in {place}, got {', '.join(strange[:3])}: move "
            "them elsewhere; this folder is removed in the end"
        )
        raise SessionError(msg)


@contextmanager
def take_place(source: Source) -> Generator[None]:
    """Have the session file unread by anybody while another takes its place.

    Whoever has it open would read zeros from it once the segments are gone, so
    this waits for nobody and refuses. It asks for HDF5's own lock, which every
    reader holds where the file system has locks.

    Raises
    ------
    BusyError
        If somebody has it open.
    """
    fd = os.open(source.file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        msg = (
            f"Expected nobody to have {source.file} open, got somebody: close it "
            "there, then run it again; what was done is kept"
        )
        raise BusyError(msg) from error
    try:
        yield
    finally:
        os.close(fd)


def remove_segments(folder: Path) -> None:
    """Remove the raw rows of a folded session; a removal cut off is ended.

    The folder loses its name first, so that half of it is never taken for all. The
    session files that `recover` replaced go first: without segments they show zeros.
    """
    place = segments_folder(folder)
    going = folder / f".{place.name}"
    _empty(going)
    if place.is_dir():
        for old in folder.glob(_REPLACED):
            old.unlink()
        place.rename(going)
        disk.sync_folder(folder)
        _empty(going)


def _filter_of(recording: Recording) -> str | None:
    if not recording.folded:
        return None
    with _h5.File(recording.folder / SESSION_FILE, "r") as file:
        return str(file.attrs["storage_filter"])


def _empty(going: Path) -> None:
    if going.is_dir():
        for path in going.iterdir():
            path.unlink()
        going.rmdir()


def _is_segment(path: Path, layouts: Iterable[StreamLayout]) -> bool:
    number = path.stem.rpartition("-")[2]
    name = path.name.removeprefix(".")  # one that was being made ahead
    return number.isdecimal() and any(
        name == layout.segment_file(int(number)) for layout in layouts
    )
