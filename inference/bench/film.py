"""A film as a camera would give it: grey frames, one after the other, with times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["film_frames"]

_USUAL_HZ = 30


def film_frames(
    path: Path, width: int | None = None, height: int | None = None
) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Yield grey frames (height, width) and the times of their exposure, ns.

    Parameters
    ----------
    path
        The film.
    width, height
        To which they are resized; by default they keep their size.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    import av
    import av.error

    try:
        with av.open(str(path)) as film:
            rate_hz = float(film.streams.video[0].average_rate or _USUAL_HZ)
            for number, picture in enumerate(film.decode(video=0)):
                grey = picture.reformat(width=width, height=height, format="gray")
                pixels = grey.to_ndarray().astype(np.uint8, copy=False)
                yield pixels, round(number / rate_hz * 1e9)
    except (av.error.FFmpegError, OSError, IndexError) as error:
        msg = f"Expected a film at {path}, got {error}: name another one with --film"
        raise ModelError(msg) from error
