"""A stretch of a recorded session as a film: cameras side by side, as they are shown.

What is drawn over the pictures is drawn by whoever gives `paint`; here is what comes
when, and the file.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, cast

import av
import av.error
import numpy as np

from rig.errors import SpringhareError
from rig.monitor.health.watcher import clock_words

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.monitor.feed import Look, Mark, MarkKind
    from rig.monitor.recorded import RecordedFeed

__all__ = [
    "ClipRequest",
    "Paint",
    "Still",
    "clip_frames",
    "require_clip",
    "require_outside",
    "stills",
    "write_clip",
]

FLASH_S = 0.2
"""So long, on the screen, a fire is seen."""
_FLASHES: frozenset[MarkKind] = frozenset({"fired", "sham", "decided", "pulse"})
_MOST_FPS = 240.0


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """What is wanted."""

    path: Path
    """Where to; its ending tells the format: .mp4, .mkv, .mov."""
    start_s: float
    end_s: float
    cameras: tuple[str, ...] = ()
    """Side by side, in this order; all of the session when empty."""
    speed: float = 1.0
    """Seconds of the session in a second of the film."""
    fps: float = 30.0
    replace: bool = False
    """Whether a file that is there may be replaced."""


@dataclass(frozen=True, slots=True)
class Still:
    """One picture of the film."""

    at_s: float
    looks: Sequence[Look | None]
    """Of each camera; None where it has not taken a picture yet."""
    caption: str
    flash: MarkKind | None = None
    """A fire that happened just now."""


class Paint(Protocol):
    """Draws one picture of the film."""

    def __call__(self, still: Still) -> NDArray[np.uint8]:
        """Return it as (height, width, 3); of one size for all of a film."""
        ...


def write_clip(
    feed: RecordedFeed,
    request: ClipRequest,
    paint: Paint,
    progress: Callable[[int, int], bool] = lambda _done, _all: True,
) -> int:
    """Write a film and return how many pictures it has; 0 if it was given up.

    Parameters
    ----------
    feed
        The session; its slider stays where it is.
    request
        What is wanted.
    paint
        Draws the pictures.
    progress
        Is told (done, all) after each picture; False gives up, and leaves no file.

    Raises
    ------
    SpringhareError
        If there is nothing to be shown, a file is there already, or it cannot be
        written.
    """
    frames = clip_frames(feed, request, paint)
    total = 0
    for done, total in frames:
        if not progress(done, total) and done < total:
            frames.close()
            return 0
    return total


def clip_frames(
    feed: RecordedFeed, request: ClipRequest, paint: Paint
) -> Generator[tuple[int, int]]:
    """Write a film picture by picture; yields (done, all) after each.

    The file has its name when all is done; whoever closes this before leaves none.
    """
    total = require_clip(feed, request)
    hidden = request.path.with_name(f".{request.path.name}")
    try:
        with av.open(str(hidden), "w", format=_container(request.path)) as container:
            film = _Film(container, request.fps)
            for done, still in enumerate(stills(feed, request), 1):
                film.add(paint(still))
                if done < total:
                    yield done, total
            film.finish()
        _publish(hidden, request)
    except (OSError, av.error.FFmpegError) as error:
        msg = (
            f"Expected to write {request.path}, got: {error}: name another place, "
            "or free the disk"
        )
        raise SpringhareError(msg) from error
    finally:
        hidden.unlink(missing_ok=True)
    yield total, total


def stills(feed: RecordedFeed, request: ClipRequest) -> Iterator[Still]:
    """Yield what each picture of a film shows."""
    cameras = request.cameras or tuple(c.name for c in feed.shown.cameras)
    step_s = request.speed / request.fps
    shown_s = FLASH_S * request.speed
    marks = feed.happened(request.start_s - shown_s, request.end_s)
    fires = [mark for mark in marks if mark.kind in _FLASHES]
    for k in range(_count(request)):
        at_s = request.start_s + k * step_s
        flash = next(
            (f for f in reversed(fires) if 0 <= at_s - f.at_s < max(shown_s, step_s)),
            None,
        )
        looks = [feed.look_at(name, at_s) for name in cameras]
        caption = _caption(feed, at_s, request.speed, flash)
        yield Still(at_s, looks, caption, None if flash is None else flash.kind)


def _caption(feed: RecordedFeed, at_s: float, speed: float, flash: Mark | None) -> str:
    clock = f" ({clock_words(at_s)})" if at_s >= 60 else ""
    words = f"{at_s:.3f} s{clock}   {feed.shown.session_id}"
    if speed != 1:
        words += f"   {speed:g}× speed"
    return words if flash is None else f"{words}   {flash.text.partition(':')[0]}"


def _count(request: ClipRequest) -> int:
    lasts_s = (request.end_s - request.start_s) / request.speed
    return max(1, math.ceil(round(lasts_s * request.fps, 6)))


def require_clip(feed: RecordedFeed, request: ClipRequest) -> int:
    """Refuse what cannot be shown; return how many pictures it will have.

    Raises
    ------
    SpringhareError
        The message says what would do.
    """
    known = [camera.name for camera in feed.shown.cameras]
    wrong = [name for name in request.cameras if name not in known]
    msg = ""
    if wrong or not known:
        msg = f"Expected cameras of the session, got {', '.join(wrong) or 'none'}; "
        msg += f"there are: {', '.join(known) or 'none'}"
    elif not 0 <= request.start_s < request.end_s:
        msg = f"Expected a clip that ends after it begins, got {request.start_s:g} s "
        msg += f"to {request.end_s:g} s: the session has 0 s to {feed.end_s:.1f} s"
    elif request.start_s >= feed.end_s:
        msg = f"Expected a clip within the session, got one from {request.start_s:g} s:"
        msg += f" it ends at {feed.end_s:.1f} s"
    elif request.speed <= 0 or not 0 < request.fps <= _MOST_FPS:
        msg = f"Expected a speed above 0 and 1 to {_MOST_FPS:g} pictures a second, got "
        msg += f"{request.speed:g} and {request.fps:g}"
    elif request.path.exists() and not request.replace:
        msg = f"Expected no file at {request.path}, got one: name another"
    if msg:
        raise SpringhareError(msg)
    require_outside(feed.folder, request.path)
    _container(request.path)
    return _count(request)


def require_outside(folder: Path, path: Path) -> None:
    """Refuse a place within a recording, but for its ``derived``.

    Raises
    ------
    SpringhareError
        If a file there would lie among what was recorded.
    """
    place, session = path.resolve(), folder.resolve()
    inside = session in place.parents
    if inside and place.relative_to(session).parts[0] != "derived":
        msg = f"Expected a place outside the recording {folder}, got {path}: name one "
        msg += f"in {folder / 'derived'} or elsewhere"
        raise SpringhareError(msg)


def _publish(hidden: Path, request: ClipRequest) -> None:
    """Give a film its name; one that somebody made meanwhile is not written over."""
    if request.replace:
        hidden.replace(request.path)
    else:
        os.link(hidden, request.path)


def _container(path: Path) -> str:
    found = {".mp4": "mp4", ".mkv": "matroska", ".mov": "mov"}.get(path.suffix.lower())
    if found is None:
        msg = f"Expected a film's name that ends with .mp4, .mkv or .mov, got {path}"
        raise SpringhareError(msg)
    return found


class _Film:
    """The stream of pictures in a file."""

    def __init__(self, container: Any, fps: float) -> None:
        self._container = container
        self._rate = Fraction(fps).limit_denominator(1001)
        self._stream: av.VideoStream | None = None
        self._count = 0

    def add(self, picture: NDArray[np.uint8]) -> None:
        height, width = picture.shape[:2]
        picture = np.pad(
            picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge"
        )  # as yuv420p must have it
        if self._stream is None:
            self._stream = self._begin(*picture.shape[:2])
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))

    def _begin(self, height: int, width: int) -> av.VideoStream:
        stream = self._container.add_stream("libx264", rate=self._rate)
        stream = cast("av.VideoStream", stream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast"}
        return stream
