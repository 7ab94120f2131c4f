"""A video file, frame by frame: how many there are for certain, and each by its number.

What a file says of its own length may be wrong, and a jump into a film may land on
another picture. So the film is decoded once to count its pictures, and pictures are
numbered in the order in which they come, as OpenCV and DeepLabCut number them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import av
import av.error
import av.logging
import numpy as np
import xxhash

from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["FilmReader", "FilmSurvey", "survey_film"]

_READ_BYTES = 1 << 24
_DEEP_BITS = 8


@dataclass(frozen=True, slots=True)
class FilmSurvey:
    """What a video file really holds."""

    frames: int
    """How many can be decoded, from the first on."""
    width_px: int
    height_px: int
    colour: bool
    """Whether its pixels have colours; they may be grey all the same."""
    rate_hz: float | None
    digest: str
    """XXH3 (128 bits) of the file, in hexadecimal."""
    fault: str
    """Why frames are missing or damaged; empty where all is well."""


@dataclass(slots=True)
class _Count:
    frames: int = 0
    corrupt: int = 0
    discarded: int = 0
    error: str = ""
    said: str = ""
    """The first error that FFmpeg tells nobody but its log."""


def survey_film(path: Path) -> FilmSurvey:
    """Decode a video once, to know what is in it.

    Raises
    ------
    SessionError
        If there is no file, no video, no frame, more than 8 bits a colour, or
        frames of several sizes.
    """
    try:
        survey = _survey(path)
    except (av.error.FFmpegError, OSError) as error:
        msg = f"Expected a video in {path}, got: {error}: name another file"
        raise SessionError(msg) from error
    if not survey.frames:
        msg = f"Expected frames in {path}, got none that can be decoded"
        msg += f" ({survey.fault})" if survey.fault else ""
        raise SessionError(msg)
    return survey


class FilmReader:
    """Frames of a video by their numbers; quick where the numbers rise.

    Parameters
    ----------
    path
        The file.
    colour
        Whether to give RGB, else grey.
    """

    def __init__(self, path: Path, *, colour: bool) -> None:
        self._path = path
        self._form = "rgb24" if colour else "gray"
        self._container: Any = None
        self._frames: Iterator[av.VideoFrame] = iter(())
        self._next = 0

    def read(self, start: int, stop: int) -> list[NDArray[np.uint8]]:
        """Return frames from `start` to before `stop`.

        Returns
        -------
        list of ndarray
            (height, width) or (height, width, 3) uint8 each.

        Raises
        ------
        SessionError
            If one of them cannot be decoded.
        """
        try:
            self._go_to(start)
            found: list[NDArray[np.uint8]] = [
                np.asarray(frame.to_ndarray(format=self._form), np.uint8)
                for frame in islice(self._frames, stop - start)
            ]
        except (av.error.FFmpegError, OSError) as error:
            msg = f"Expected to read {self._path}, got: {error}"
            raise SessionError(msg) from error
        self._next += len(found)
        if len(found) < stop - start:
            msg = (
                f"Expected frames {start} to {stop - 1} in {self._path}, got "
                f"{len(found)} of them: was it changed meanwhile?"
            )
            raise SessionError(msg)
        return found

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._frames = iter(())
        if self._container is not None:
            self._container.close()
            self._container = None

    def _go_to(self, start: int) -> None:
        if self._container is None or start < self._next:
            self.close()
            self._container = av.open(str(self._path))
            stream = self._container.streams.video[0]
            stream.codec_context.thread_count = 1
            self._frames = self._container.decode(stream)
            self._next = 0
        for _ in islice(self._frames, start - self._next):
            self._next += 1


def _survey(path: Path) -> FilmSurvey:
    count, first = _Count(), _Kind(0, 0, colour=False)
    with _listening(count), av.open(str(path)) as container:
        if not container.streams.video:
            msg = f"Expected a video in {path}, got no video stream: name another file"
            raise SessionError(msg)
        stream = container.streams.video[0]
        # one thread: FFmpeg's log is heard from it without fear of a deadlock
        stream.codec_context.thread_count = 1
        for frame in _decoded(container, stream, count):
            if count.frames == 1:
                first = _Kind.of(frame, path)
            first.require(frame, path, count.frames - 1)
        rate = stream.average_rate or stream.guessed_rate
        declared = stream.frames
    return FilmSurvey(
        frames=count.frames,
        width_px=first.width_px,
        height_px=first.height_px,
        colour=first.colour,
        rate_hz=float(rate) if rate else None,
        digest=_digest(path),
        fault=_fault(declared, count),
    )


@contextmanager
def _listening(count: _Count) -> Generator[None]:
    """Hear what FFmpeg says to its log: of bytes that it skips it says nothing else."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=True) as logs:
            yield
    finally:
        av.logging.set_level(before)
    if logs:
        _, who, words = logs[0]
        count.said = f"{who}: {words.strip()}"


@dataclass(frozen=True, slots=True)
class _Kind:
    width_px: int
    height_px: int
    colour: bool

    @staticmethod
    def of(frame: av.VideoFrame, path: Path) -> _Kind:
        depths = [component.bits for component in frame.format.components]
        if max(depths, default=0) > _DEEP_BITS:
            msg = (
                f"Expected 8 bits a colour in {path}, got {max(depths)} "
                f"({frame.format.name}): convert it first, with the contrast of your "
                "choice"
            )
            raise SessionError(msg)
        colour = not frame.format.name.startswith("gray")
        return _Kind(frame.width, frame.height, colour)

    def require(self, frame: av.VideoFrame, path: Path, number: int) -> None:
        if (frame.width, frame.height) != (self.width_px, self.height_px):
            msg = (
                f"Expected frames of {self.width_px}x{self.height_px} in {path}, got "
                f"{frame.width}x{frame.height} from frame {number} on: cut it there"
            )
            raise SessionError(msg)


def _decoded(container: Any, stream: Any, count: _Count) -> Iterator[av.VideoFrame]:
    """Yield pictures up to the first that cannot be decoded, and count them."""
    try:
        for packet in container.demux(stream):
            count.discarded += packet.is_discard
            for frame in packet.decode():
                count.frames += 1
                count.corrupt += frame.is_corrupt
                yield frame
    except av.error.FFmpegError as error:
        count.error = error.strerror or "invalid data"


def _fault(declared: int, count: _Count) -> str:
    """Return in words what is missing in a film; empty where nothing is."""
    faults: list[str] = []
    if count.error:
        where = f"from frame {count.frames} on it cannot be decoded"
        faults.append(f"{where} ({count.error})")
    if declared > count.frames + count.discarded:
        faults.append(f"it says it has {declared} frames, {count.frames} are there")
    if count.corrupt:
        faults.append(f"{count.corrupt} frames are damaged")
    if count.said:
        faults.append(f"FFmpeg found it damaged ({count.said})")
    return "; ".join(faults)


def _digest(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while data := file.read(_READ_BYTES):
            digest.update(data)
    return digest.hexdigest()
