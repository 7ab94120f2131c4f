"""One video per camera: for people, and for programs that read nothing else.

A video holds every recorded frame, in order, at the camera's nominal rate; it is
decoded again and compared before it gets its name.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
from av.video.reformatter import ColorRange

from offline.archive.codecs import Codec, frame_of, picture_of, video_format
from offline.archive.fold import SPARE_BYTES
from offline.archive.frame_index import count_index, write_index
from offline.archive.progress import Progress, Silent
from offline.archive.raw import raw_datasets
from offline.archive.report import VideoReport
from offline.archive.source import finished_session, owned
from rig.errors import SessionError
from rig.recording import disk
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.archive.codecs import VideoFormat
    from offline.archive.source import Source

__all__ = ["VideoOptions", "require_codec", "videos_folder", "write_videos"]

_h5: Any = h5py
_AT_ONCE_BYTES = 8 * 1024 * 1024
_RATE_UNKNOWN_HZ = 30.0
_FINEST = 1001
"""Largest denominator of a frame rate, as in 30000/1001."""


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """How videos are made."""

    codec: Codec = "ffv1"
    crf: int = 18
    """H.264's constant rate factor; smaller is better and bigger."""
    threads: int = 1


@dataclass(frozen=True, slots=True)
class _Camera:
    recording: Recording
    stream: str
    how: VideoFormat
    path: Path

    @property
    def index(self) -> Path:
        return self.path.with_suffix(".csv")

    @property
    def hidden(self) -> Path:
        return self.path.with_name(f".{self.path.name}")

    @property
    def name(self) -> str:
        return self.stream.removeprefix("cameras/")


def videos_folder(session: Path) -> Path:
    """Return the folder of a session's videos."""
    return session / "derived" / "video"


def require_codec(path: Path, options: VideoOptions) -> None:
    """Refuse a codec that cannot hold what a session's cameras took.

    Raises
    ------
    SpringhareError
        If there is such a camera.
    """
    with Recording.open(path) as recording:
        for name in _cameras(recording):
            video_format(options.codec, recording.streams[name], options.crf)


def write_videos(
    path: Path, options: VideoOptions, progress: Progress | None = None
) -> list[VideoReport]:
    """Write a finished session's videos into its ``derived/video``.

    Those that are there already are left as they are; cameras without a frame get
    none.

    Raises
    ------
    SpringhareError
        If the codec cannot hold the pictures.
    SessionError
        If the session is not finished, the disk refuses, or a video does not
        decode to what was recorded; no such video is left.
    BusyError
        If somebody else makes them.
    """
    source = finished_session(path)
    _require_all(source)
    place = videos_folder(source.folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"Expected to make {place}, got: {error}: have it made writable"
        raise SessionError(msg) from error
    with (
        owned(source.folder, place),
        Recording.open(source.file) as recording,
    ):
        cameras = [
            _camera(recording, name, place, options) for name in _cameras(recording)
        ]
        shown = Silent() if progress is None else progress
        return [_video(camera, options, shown) for camera in cameras]


def _require_all(source: Source) -> None:
    # a missing segment would be a film of zeros
    if not source.folded:
        with _h5.File(source.file, "r") as file:
            raw_datasets(source, file)


def _cameras(recording: Recording) -> list[str]:
    return [
        name
        for name, spec in recording.streams.items()
        if spec.kind == "frames" and recording.count(name)
    ]


def _camera(
    recording: Recording, stream: str, place: Path, options: VideoOptions
) -> _Camera:
    how = video_format(options.codec, recording.streams[stream], options.crf)
    name = stream.removeprefix("cameras/").replace("/", "+")
    return _Camera(recording, stream, how, place / f"{name}{how.suffix}")


def _video(camera: _Camera, options: VideoOptions, progress: Progress) -> VideoReport:
    frames = camera.recording.count(camera.stream)
    there = camera.path.exists() and camera.index.exists()
    if there and count_index(camera.index) == frames:
        return _report(camera, frames, 0, 0.0, already_there=True)
    try:
        _encode(camera, options.threads, progress)
        largest, mean = _compare(camera, progress)
        write_index(camera.recording, camera.stream, camera.index)
        disk.publish(camera.hidden, camera.path)
    except OSError as error:  # PyAV's errors are among them
        msg = (
            f"Expected to write {camera.path}, got: {error}: free the disk and run it "
            "again; the recording is untouched"
        )
        raise SessionError(msg) from error
    finally:
        camera.hidden.unlink(missing_ok=True)
    return _report(camera, frames, largest, mean)


def _encode(camera: _Camera, threads: int, progress: Progress) -> None:
    recording, how = camera.recording, camera.how
    with (
        progress.phase(f"video {camera.name}", _nbytes(camera)) as advance,
        av.open(str(camera.hidden), "w", format=how.container) as container,
    ):
        rate_hz = _rate_hz(recording, camera.stream)
        stream = container.add_stream(how.encoder, rate=rate_hz)
        stream = cast("av.VideoStream", stream)
        spec = recording.streams[camera.stream].payload
        height, width = spec.shape[:2] if spec is not None else (0, 0)
        stream.width, stream.height, stream.pix_fmt = width, height, how.pixel_format
        stream.options = dict(how.options)
        context = stream.codec_context
        context.thread_count, context.color_range = threads, ColorRange.JPEG
        stored = 0
        for number, picture in enumerate(_pictures(camera)):
            frame = frame_of(picture, how)
            frame.pts, frame.time_base = number, 1 / rate_hz
            packets = stream.encode(frame)
            container.mux(packets)
            stored = sum(packet.size for packet in packets)
            advance(picture.nbytes, stored)
        container.mux(stream.encode(None))


def _compare(camera: _Camera, progress: Progress) -> tuple[int, float]:
    """Decode a video again; return the largest and the mean error of a pixel.

    Raises
    ------
    SessionError
        If a frame is missing, or a lossless video is not.
    """
    largest, total, count, pixels = 0, 0, 0, 0
    expected = camera.recording.count(camera.stream)
    with (
        progress.phase(f"verifying {camera.name}", _nbytes(camera)) as advance,
        av.open(str(camera.hidden)) as container,
    ):
        container.streams.video[0].thread_type = "AUTO"
        frames = container.decode(video=0)
        for picture, frame in zip(_pictures(camera), frames, strict=False):
            found = picture_of(frame, camera.how)
            error = np.abs(found.astype(np.int32) - picture)
            largest = max(largest, int(error.max()))
            total += int(error.sum())
            count, pixels = count + 1, pixels + picture.size
            advance(picture.nbytes)
        left_over = sum(1 for _ in frames)
    if count + left_over != expected or (camera.how.lossless and largest):
        msg = (
            f"Expected {expected} frames like the recorded ones in {camera.path}, got "
            f"{count + left_over} with errors up to {largest}: the video is removed, "
            "the recording is untouched; run it again"
        )
        raise SessionError(msg)
    return largest, total / pixels


def _pictures(camera: _Camera) -> Iterator[NDArray[Any]]:
    count = camera.recording.count(camera.stream)
    at_once = max(1, _AT_ONCE_BYTES * count // max(1, _nbytes(camera)))
    for first in range(0, count, at_once):
        stop = min(first + at_once, count)
        _require_room(camera.path.parent)
        yield from camera.recording.payload(camera.stream, first, stop)


def _require_room(place: Path) -> None:
    if disk.free_bytes(place) < SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _nbytes(camera: _Camera) -> int:
    payload = camera.recording.layouts[camera.stream].payload
    count = camera.recording.count(camera.stream)
    return 0 if payload is None else count * payload.entry_bytes


def _rate_hz(recording: Recording, stream: str) -> Fraction:
    """Return the camera's nominal rate, or else the one it had."""
    rate_hz = recording.streams[stream].rate_hz
    if rate_hz is None:
        steps_ns = np.diff(recording.rows(stream)["host_ns"])
        step_ns = float(np.median(steps_ns)) if len(steps_ns) else 0.0
        rate_hz = 1e9 / step_ns if step_ns > 0 else _RATE_UNKNOWN_HZ
    return Fraction(rate_hz).limit_denominator(_FINEST)


def _report(
    camera: _Camera,
    frames: int,
    largest: int,
    mean: float,
    *,
    already_there: bool = False,
) -> VideoReport:
    return VideoReport(
        camera=camera.name,
        path=str(camera.path),
        codec=camera.how.codec,
        frames=frames,
        video_bytes=camera.path.stat().st_size,
        largest_error=largest,
        mean_error=mean,
        already_there=already_there,
    )
