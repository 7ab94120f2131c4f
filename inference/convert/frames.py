"""Frames to compare models on: a film's, pictures', a session's, or drawn ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av import VideoFrame
    from av.container import InputContainer
    from numpy.typing import NDArray

__all__ = ["draw_frames", "read_frames", "resized", "varied"]

_PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
_DARKER, _NOISE = 0.6, 8.0
_LONG = 200
"""Frames of a film per frame that is wanted: from here on it is quicker to jump."""


def read_frames(source: Path, count: int, *, colour: bool) -> list[NDArray[np.uint8]]:
    """Return frames from all over a source.

    Parameters
    ----------
    source
        A film, a folder of pictures, or a session (its first camera).
    count
        How many, at most.
    colour
        (height, width, 3) RGB instead of (height, width) grey.

    Raises
    ------
    ModelError
        If there are none.
    """
    frames = list(_chosen(source, count, colour=colour))
    if not frames:
        msg = (
            f"Expected a film, a folder of pictures or a session, got {source}: "
            "name another one with --frames"
        )
        raise ModelError(msg)
    return frames


def draw_frames(
    count: int, width: int, height: int, *, colour: bool
) -> list[NDArray[np.uint8]]:
    """Return drawn frames: an animal of sorts in an arena of sorts, anywhere.

    They show whether two models compute the same, not whether they find anything.
    """
    return [_drawn(number, width, height, colour=colour) for number in range(count)]


def varied(frames: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Yield frames, and every fourth also mirrored, darker and with noise."""
    rng = np.random.default_rng(5)
    for number, frame in enumerate(frames):
        yield frame
        if number % 4 == 0:
            noise = rng.normal(0, _NOISE, frame.shape)
            changed = frame[:, ::-1] * _DARKER + noise
            yield np.clip(changed, 0, 255).astype(np.uint8)


def resized(frame: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Return a frame in another size."""
    import av

    form = "gray" if frame.ndim == 2 else "rgb24"
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=form)
    return _pixels(picture.reformat(width=width, height=height), form)


def _chosen(source: Path, count: int, *, colour: bool) -> Iterator[NDArray[np.uint8]]:
    if source.is_dir() and not (source / "session.h5").is_file():
        files = sorted(p for p in source.rglob("*") if p.suffix.lower() in _PICTURES)
        for file in _spread(files, count):
            yield from _film(file, 1, colour=colour)
    elif source.is_dir() or source.name == "session.h5":
        yield from _session(source, count, colour=colour)
    else:
        yield from _film(source, count, colour=colour)


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """Return at most so many of some things, evenly from first to last."""
    if len(items) <= count:
        return list(items)
    return [items[k] for k in np.linspace(0, len(items) - 1, count).round().astype(int)]


def _film(path: Path, count: int, *, colour: bool) -> Iterator[NDArray[np.uint8]]:
    import av
    import av.error

    form = "rgb24" if colour else "gray"
    try:
        with av.open(str(path)) as film:
            length = _length(film)
            if length > _LONG * count and film.duration:
                yield from (_pixels(p, form) for p in _jumped_to(film, count))
                return
            step = max(length // count, 1)
            for number, picture in enumerate(film.decode(video=0)):
                if number // step >= count:
                    return
                if number % step == 0:
                    yield _pixels(picture, form)
    except (av.error.FFmpegError, OSError, IndexError) as error:
        msg = (
            f"Expected a film or picture at {path}, got {error}: name another one with "
            "--frames"
        )
        raise ModelError(msg) from error


def _jumped_to(film: InputContainer, count: int) -> Iterator[VideoFrame]:
    """Yield pictures from all over a film, without decoding what is between them."""
    first_us, length_us = film.start_time or 0, film.duration or 0
    for k in range(count):
        at_us = first_us + k * length_us // count
        film.seek(at_us)
        for picture in film.decode(video=0):  # from the key picture before it
            if picture.time is None or picture.time * 1_000_000 >= at_us:
                yield picture
                break


def _length(film: InputContainer) -> int:
    """Return the number of frames, from the film's duration where it does not say."""
    stream = film.streams.video[0]
    seconds = (film.duration or 0) / 1_000_000
    return stream.frames or round(seconds * float(stream.average_rate or 0))


def _pixels(picture: VideoFrame, form: str) -> NDArray[np.uint8]:
    return picture.to_ndarray(format=form).astype(np.uint8, copy=False)


def _session(path: Path, count: int, *, colour: bool) -> Iterator[NDArray[np.uint8]]:
    from rig.recording.reader import Recording

    with Recording.open(path) as recording:
        cameras = [name for name in recording.streams if name.startswith("cameras/")]
        if not cameras:
            return
        for row in _spread(range(recording.count(cameras[0])), count):
            frame = recording.payload(cameras[0], row, row + 1)[0]
            yield _with_channels(frame, colour=colour)


def _with_channels(frame: NDArray[Any], *, colour: bool) -> NDArray[np.uint8]:
    if frame.dtype != np.uint8:
        msg = (
            f"Expected a session with 8-bit frames, got {frame.dtype}: the network "
            "takes no others; name another source with --frames"
        )
        raise ModelError(msg)
    if colour and frame.ndim == 2:
        return np.repeat(frame[..., None], 3, axis=2)
    if not colour and frame.ndim == 3:
        return frame.mean(axis=2).astype(np.uint8)
    return frame


def _drawn(number: int, width: int, height: int, *, colour: bool) -> NDArray[np.uint8]:
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:height, :width] / min(height, width)
    light = 150 + 60 * np.sin(2.1 * x + rng.uniform(0, 6)) * np.cos(1.7 * y)
    picture = np.repeat(light[..., None], 3, axis=2)
    centre = rng.uniform(0.2, 0.8, 2) * (width, height) / min(height, width)
    heading, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.12)
    for along, broad, shade in ((0, 1.0, 50), (1.1, 0.55, 60), (1.6, 0.25, 30)):
        at = centre + along * length * np.array([np.cos(heading), np.sin(heading)])
        ahead = (x - at[0]) * np.cos(heading) + (y - at[1]) * np.sin(heading)
        aside = (y - at[1]) * np.cos(heading) - (x - at[0]) * np.sin(heading)
        body = np.hypot(ahead / length, aside / (0.55 * length)) < broad
        picture[body] = shade * np.array([1.0, 0.9, 0.8])
    picture += rng.normal(0, 5, picture.shape)
    pixels = np.clip(picture, 0, 255).astype(np.uint8)
    return pixels if colour else np.ascontiguousarray(pixels[..., 1])
