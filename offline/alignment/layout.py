"""Where everything stands in `derived/aligned.h5`: shared by who writes and who reads.

A recorded stream's own name is its place: ``/cameras/left/time_ns``. Relations stand
under ``/relations``. Root attributes are `ATTRIBUTES`.

What lets a reader find one second in two hours without reading all of them is `runs`,
made by `runs_of`: times rise within a stream, except where a clock began anew or an
element has no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.result import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "ALIGNED_FILE",
    "ALIGNED_FORMAT",
    "ALIGNED_VERSION",
    "ATTRIBUTES",
    "FRAME_ID",
    "RELATIONS",
    "ROW",
    "RUNS",
    "SD",
    "TIME",
    "relation_name",
    "runs_of",
]

ALIGNED_FILE = "derived/aligned.h5"
"""In the session's folder."""
ALIGNED_FORMAT = "springhare-aligned"
ALIGNED_VERSION = 1
ATTRIBUTES = (
    "format",
    "format_version",
    "session_id",
    "reference",
    "origin_ns",
    "started_utc",
    "level",
    "json",
)
"""Of the file's root; `json` is `Alignment.to_json`."""

TIME = "time_ns"
"""(n,) int64: session time of each element; `NO_TIME` where it has none."""
SD = "sd_ns"
"""(n,) float32: its standard deviation; NaN where there is no time."""
ROW = "row"
"""(n,) int64, frames only: row of the recorded stream, -1 for a lost frame."""
FRAME_ID = "frame_id"
"""(n,) int64, frames only."""
RUNS = "runs"
"""(r, 4) int64: first element, element after the last, first time, last time of each
run of elements whose times do not fall. A file without it is read, but slower."""

RELATIONS = "relations"
"""Group of the relations; no stream is called that."""


def relation_name(source: str, target: str) -> str:
    """Return the name of a relation's group among the relations."""
    return f"{source}-{target}"


def runs_of(time_ns: NDArray[np.int64], first: int = 0) -> NDArray[np.int64]:
    """Return the runs of elements whose times do not fall.

    Parameters
    ----------
    time_ns
        (n,) times; those that are `NO_TIME` are in no run.
    first
        Number of the first element.

    Returns
    -------
    ndarray
        (r, 4) int64: first element, element after the last, first time, last time.
    """
    timed = time_ns != NO_TIME
    joined = timed[1:] & timed[:-1] & (time_ns[1:] >= time_ns[:-1])
    starts = np.flatnonzero(timed & ~np.append(False, joined))
    lasts = np.flatnonzero(timed & ~np.append(joined, False))
    return np.stack(
        [first + starts, first + lasts + 1, time_ns[starts], time_ns[lasts]], axis=1
    ).astype(np.int64)
