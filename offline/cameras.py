"""The cameras of a session, all or those that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rig.errors import SpringhareError
    from rig.recording.reader import Recording

__all__ = ["CAMERAS", "cameras_of", "rows_of_frames"]

CAMERAS = "cameras/"
"""Before a camera's name, the name of its stream of frames."""


def cameras_of(
    recording: Recording,
    wanted: Sequence[str] = (),
    error: type[SpringhareError] = SessionError,
) -> list[str]:
    """Return the names of a session's cameras, in order; each once.

    Parameters
    ----------
    recording
        The session.
    wanted
        Only these; empty for all.
    error
        What an unknown one is, for whoever asks.

    Raises
    ------
    SpringhareError
        Of that kind, if there is no such camera.
    """
    there = sorted(
        name.removeprefix(CAMERAS)
        for name, spec in recording.streams.items()
        if spec.kind == "frames"
    )
    if unknown := [name for name in wanted if name not in there]:
        msg = (
            f"Expected a camera of {recording.folder.name}, got {', '.join(unknown)}; "
            f"there are: {', '.join(there) or 'none'}"
        )
        raise error(msg)
    return [name for name in there if name in wanted or not wanted]


def rows_of_frames(
    frames: NDArray[np.void], wanted_seq: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return in which rows of a recording frames lie.

    Parameters
    ----------
    frames
        (n,) `Frame`, of one camera.
    wanted_seq
        (m,) `seq` of the frames that are looked for.

    Returns
    -------
    ndarray of int64
        (m,): -1 for one that is not there; a frame may have been seen live, and not
        been recorded.
    """
    known = frames["seq"].astype(np.int64)
    if not len(known):
        return np.full(len(wanted_seq), -1)
    rows = np.minimum(np.searchsorted(known, wanted_seq), len(known) - 1)
    return np.where(known[rows] == wanted_seq, rows, -1)
