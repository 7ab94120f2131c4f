"""A film as picture files, for Basler's emulator to play: frame-exact, uncompressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
import av.error
import numpy as np

from rig.errors import SpringhareError
from rig.sim.pictures import tiff_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Film", "open_film", "write_film"]


@dataclass(frozen=True, slots=True)
class Film:
    """What a video file holds."""

    path: Path
    width_px: int
    height_px: int
    rate_hz: float
    grey: bool
    """Whether its three colours are the same, so that one plane says it all."""


def open_film(path: Path) -> Film:
    """Look into a video file.

    Raises
    ------
    SpringhareError
        If it is not a video, or does not say how fast it is.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frame = next(container.decode(stream))
            rate = stream.average_rate or stream.guessed_rate
    except (av.error.FFmpegError, IndexError, StopIteration) as error:
        msg = f"Expected a video in {path}, got: {error or 'no pictures'}"
        raise SpringhareError(msg) from error
    if not rate:
        msg = f"Expected {path} to say its frame rate, got none: convert it first"
        raise SpringhareError(msg)
    colours = frame.to_ndarray(format="rgb24")
    grey = bool(np.all(colours == colours[..., :1]))
    return Film(path, frame.width, frame.height, float(rate), grey)


def write_film(
    film: Film, folder: Path, most: int, progress: Callable[[int, int], None]
) -> int:
    """Write the first frames of a film as TIFF files that sort in their order.

    Parameters
    ----------
    film
        The film.
    folder
        Where to; made if it is not there.
    most
        So many frames at most.
    progress
        Called with (done, all) after each frame.

    Returns
    -------
    int
        Number of frames written.
    """
    folder.mkdir(parents=True)
    done = 0
    with av.open(str(film.path)) as container:
        for frame in container.decode(container.streams.video[0]):
            image = frame.to_ndarray(format="gray" if film.grey else "rgb24")
            picture = tiff_of(image.astype(np.uint8, copy=False))
            (folder / f"{done:06d}.tiff").write_bytes(picture)
            done += 1
            progress(done, most)
            if done == most:
                break
    return done
