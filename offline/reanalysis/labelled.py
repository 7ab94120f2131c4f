"""A film with the keypoints drawn in it, for people to judge poses by."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import av.error
import numpy as np

from offline.archive.codecs import VideoFormat, frame_of
from offline.reanalysis.sources import open_frames
from rig.errors import SessionError
from rig.recording.disk import publish

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.reanalysis.sources import Source

__all__ = ["COLOURS", "Span", "drawn", "span_of", "write_labelled"]

COLOURS = (
    (0x56, 0xB4, 0xE9),
    (0xF0, 0xE4, 0x42),
    (0xD5, 0x5E, 0x00),
    (0x00, 0xC0, 0x8B),
    (0xCC, 0x79, 0xA7),
    (0xE6, 0x9F, 0x00),
    (0x8F, 0xD3, 0xFF),
    (0xB6, 0xE3, 0x88),
    (0xFF, 0x9E, 0xCF),
    (0xC3, 0xA6, 0xFF),
    (0xFF, 0xD1, 0x8A),
    (0x7F, 0xE0, 0xD0),
)
"""Of body parts by number, RGB: those of the monitor."""
_TRUSTED = 0.5
"""Less likely keypoints are rings."""
_SHARE = 120
"""A dot's radius is so much smaller than the picture's shorter side."""
_LEAST_RADIUS_PX = 2
_RATE_UNKNOWN_HZ = 30.0
_FINEST = 1001
_OPTIONS = {"crf": "20", "preset": "veryfast", "bf": "0"}


@dataclass(frozen=True, slots=True)
class Span:
    """From which second on, and until which."""

    first_s: float = 0.0
    end_s: float | None = None
    """None for the end."""


def span_of(source: Source, span: Span) -> tuple[int, int]:
    """Return the first frame of a span of time, and the one behind its last.

    Raises
    ------
    SessionError
        If no frame is in it.
    """
    rate_hz = source.rate_hz or _RATE_UNKNOWN_HZ
    first = round(span.first_s * rate_hz)
    stop = source.frames if span.end_s is None else round(span.end_s * rate_hz)
    stop = min(stop, source.frames)
    if first >= stop:
        msg = (
            f"Expected frames of {source.name} between --video-from and --video-to, "
            f"got none: it lasts {source.frames / rate_hz:.2f} s"
        )
        raise SessionError(msg)
    return first, stop


def write_labelled(
    path: Path,
    source: Source,
    poses: NDArray[np.float32],
    span: Span,
    advance: Callable[[int], None] = lambda _frames: None,
) -> None:
    """Write a film of a source with its keypoints; it appears whole.

    Parameters
    ----------
    path
        The ``.mp4`` file; one that is there is replaced.
    poses
        (frames, bodyparts, 3) of all frames: x px, y px, likelihood.
    span
        Which part of it.
    advance
        Called with the number of frames that were written.

    Raises
    ------
    SessionError
        If no frame is in the span, frames cannot be read, or the disk refuses.
    """
    first, stop = span_of(source, span)
    hidden = path.with_name(f".{path.name}")
    reader = open_frames(source, colour=source.colour)
    rate = Fraction(source.rate_hz or _RATE_UNKNOWN_HZ).limit_denominator(_FINEST)
    how = _format(source)
    try:
        with av.open(str(hidden), "w", format=how.container) as container:
            stream = cast("av.VideoStream", container.add_stream(how.encoder, rate))
            stream.width, stream.height = source.width_px, source.height_px
            stream.pix_fmt, stream.options = how.pixel_format, dict(how.options)
            stream.codec_context.thread_count = 1
            for number in range(first, stop):
                picture = drawn(reader.read(number, number + 1)[0], poses[number])
                frame = frame_of(picture, how)
                frame.pts, frame.time_base = number - first, 1 / rate
                container.mux(stream.encode(frame))
                advance(1)
            container.mux(stream.encode(None))
        publish(hidden, path)
    except (av.error.FFmpegError, OSError) as error:
        msg = f"Expected to write {path}, got: {error}: make room; poses are kept"
        raise SessionError(msg) from error
    finally:
        reader.close()
        hidden.unlink(missing_ok=True)


def drawn(picture: NDArray[np.uint8], pose: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a picture in colour with the keypoints of a pose in it.

    Parameters
    ----------
    picture
        (height, width) grey or (height, width, 3) RGB.
    pose
        (bodyparts, 3): x px, y px, likelihood. A likely one is a dot, another a ring;
        one that is not a number is left out.
    """
    colours = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    made = np.array(colours)
    height, width = made.shape[:2]
    radius = max(min(height, width) / _SHARE, _LEAST_RADIUS_PX)
    reach = int(radius) + 2
    for number, (x, y, likelihood) in enumerate(pose.tolist()):
        if not np.isfinite([x, y]).all() or not (
            -reach <= x < width + reach and -reach <= y < height + reach
        ):
            continue
        left, top = max(int(x) - reach, 0), max(int(y) - reach, 0)
        part = made[top : int(y) + reach + 1, left : int(x) + reach + 1]
        rows, columns = np.ogrid[: part.shape[0], : part.shape[1]]
        away = np.hypot(columns + left - x, rows + top - y)
        mask = away <= radius
        if not likelihood >= _TRUSTED:
            mask &= away > radius - 1
        part[mask] = COLOURS[number % len(COLOURS)]
    return made


def _format(source: Source) -> VideoFormat:
    even = source.height_px % 2 == source.width_px % 2 == 0
    pixels = "yuv420p" if even else "yuv444p"
    return VideoFormat("h264", "libx264", "mp4", ".mp4", pixels, True, _OPTIONS)
