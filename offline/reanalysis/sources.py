"""What is looked at: a camera of a session, or a video file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
import xxhash

from offline.archive.raw import raw_datasets
from offline.archive.source import finished_session
from offline.cameras import CAMERAS, cameras_of
from offline.reanalysis.film import FilmReader, survey_film
from rig.errors import SessionError, SpringhareError
from rig.recording.layout import SESSION_FILE
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.archive.source import Source as Finished

__all__ = ["FrameReader", "Source", "find_sources", "frames_digest", "open_frames"]

_h5: Any = h5py
_COLOUR_AXES = 3


@dataclass(frozen=True, slots=True)
class Source:
    """Frames of one camera, numbered from 0 in the order of their recording."""

    kind: Literal["session", "video"]
    path: Path
    """The session's folder, or the video file."""
    session_id: str | None
    """None for a video file."""
    camera: str | None
    """None for a video file."""
    frames: int
    width_px: int
    height_px: int
    colour: bool
    """Whether its frames have three colours."""
    rate_hz: float | None
    digest: str
    """Tells these frames from all others."""
    fault: str = ""
    """Why these are not all frames; empty where they are."""

    @property
    def name(self) -> str:
        """For people."""
        return self.path.name if self.camera is None else str(self.session_id)


class FrameReader(Protocol):
    """Whatever gives frames by their numbers."""

    def read(self, start: int, stop: int) -> Sequence[NDArray[np.uint8]]:
        """Return frames from `start` to before `stop`, each (height, width[, 3]).

        Raises
        ------
        SessionError
            If one of them cannot be read.
        """
        ...

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        ...


def find_sources(paths: Iterable[Path], cameras: Sequence[str] = ()) -> list[Source]:
    """Return all cameras of sessions and all video files, each looked at.

    Parameters
    ----------
    paths
        Folders of sessions (or their session files), and video files.
    cameras
        Of sessions only these; empty for all.

    Raises
    ------
    SessionError
        If there is no such session or video, a session is not finished, or it holds
        nothing that a network could look at; all faults together.
    """
    found: list[Source] = []
    faults: list[str] = []
    for path in paths:
        try:
            if path.is_dir() or path.name == SESSION_FILE:
                found += _session(path, cameras)
            else:
                found.append(_film(path))
        except SpringhareError as error:
            faults.append(str(error))
    if faults:
        raise SessionError("\n".join(faults))
    return found


def open_frames(source: Source, *, colour: bool) -> FrameReader:
    """Open the frames of a source.

    Parameters
    ----------
    colour
        Of a video: whether to give RGB, else grey. Frames of a session are given as
        they were recorded.
    """
    if source.kind == "video":
        return FilmReader(source.path, colour=colour)
    return _SessionFrames(source)


def frames_digest(recording: Recording, camera: str) -> str:
    """Return what tells a camera's recorded frames from all others."""
    checksums = recording.checksums(CAMERAS + camera)
    return xxhash.xxh3_128(checksums.tobytes()).hexdigest()


class _SessionFrames:
    def __init__(self, source: Source) -> None:
        self._stream = f"{CAMERAS}{source.camera}"
        self._recording = Recording.open(source.path)

    def read(self, start: int, stop: int) -> Sequence[NDArray[np.uint8]]:
        found = self._recording.payload(self._stream, start, stop)
        if len(found) < stop - start:
            msg = (
                f"Expected frames {start} to {stop - 1} of {self._stream} in "
                f"{self._recording.folder}, got {len(found)} of them: was it changed "
                "meanwhile?"
            )
            raise SessionError(msg)
        return list(found)

    def close(self) -> None:
        self._recording.close()


def _film(path: Path) -> Source:
    if not path.exists():
        msg = f"Expected a session or a video at {path}, got nothing: correct the name"
        raise SessionError(msg)
    survey = survey_film(path)
    return Source(
        kind="video",
        path=path,
        session_id=None,
        camera=None,
        frames=survey.frames,
        width_px=survey.width_px,
        height_px=survey.height_px,
        colour=survey.colour,
        rate_hz=survey.rate_hz,
        digest=survey.digest,
        fault=survey.fault,
    )


def _session(path: Path, cameras: Sequence[str]) -> list[Source]:
    finished = finished_session(path)
    _require_segments(finished)
    with Recording.open(finished.file) as recording:
        found = [
            _camera(recording, name)
            for name in cameras_of(recording, cameras)
            if recording.count(CAMERAS + name)
        ]
    if not found:
        msg = f"Expected frames in {finished.folder}, got none: nothing to look at"
        raise SessionError(msg)
    return found


def _camera(recording: Recording, camera: str) -> Source:
    stream = CAMERAS + camera
    payload = recording.streams[stream].payload
    if payload is None or np.dtype(payload.dtype) != np.uint8:
        kind = "none" if payload is None else np.dtype(payload.dtype).name
        msg = (
            f"Expected pictures of 8 bits from {camera} in {recording.folder}, got "
            f"{kind}: name the other cameras with --camera"
        )
        raise SessionError(msg)
    height, width = payload.shape[:2]
    return Source(
        kind="session",
        path=recording.folder,
        session_id=recording.info.session_id,
        camera=camera,
        frames=recording.count(stream),
        width_px=width,
        height_px=height,
        colour=len(payload.shape) == _COLOUR_AXES,
        rate_hz=recording.streams[stream].rate_hz,
        digest=frames_digest(recording, camera),
    )


def _require_segments(finished: Finished) -> None:
    # a missing segment would be a film of zeros
    if not finished.folded:
        with _h5.File(finished.file, "r") as file:
            raw_datasets(finished, file)
