"""The frame index: which row of the recording each frame of a video is.

A video has one constant frame rate; when each picture was really taken stands
here, beside it.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from rig.recording.disk import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from rig.recording.reader import Recording

__all__ = ["COLUMNS", "count_index", "write_index"]

COLUMNS = ("frame", "seq", "frame_id", "host_ns", "exposure_ns")
_AT_ONCE = 100_000


def write_index(recording: Recording, stream: str, path: Path) -> int:
    """Write the frame index of a camera; it appears whole.

    Returns
    -------
    int
        Number of frames.
    """
    hidden = path.with_name(f".{path.name}")
    count = recording.count(stream)
    with hidden.open("w", encoding="ascii", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for first in range(0, count, _AT_ONCE):
            rows = recording.rows(stream, first, min(first + _AT_ONCE, count))
            numbers = np.arange(first, first + len(rows))
            columns = (numbers, *(rows[name] for name in COLUMNS[1:]))
            writer.writerows(zip(*(c.tolist() for c in columns), strict=True))
    hidden.rename(path)
    sync_folder(path.parent)
    return count


def count_index(path: Path) -> int:
    """Return how many frames an index lists."""
    with path.open("rb") as file:
        return sum(1 for _ in file) - 1
