"""How far a session's segments are filled: read from the segments themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from rig.recording.hdf5 import Extent
from rig.recording.layout import SEGMENT_INDEX, segments_folder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.recording.layout import StreamLayout

__all__ = ["committed_extent", "committed_prefix", "segment_paths"]

_h5: Any = h5py


def segment_paths(folder: Path, layout: StreamLayout) -> list[Path]:
    """Return the files of a stream's segments, in order, up to the first that lacks."""
    paths: list[Path] = []
    place = segments_folder(folder)
    while (path := place / layout.segment_file(len(paths))).exists():
        paths.append(path)
    return paths


def committed_prefix(host_ns: NDArray[np.int64]) -> int:
    """Return how many rows come before the first one without a mark.

    Parameters
    ----------
    host_ns
        (n,) marks, in ns; 0 where a row is not committed.
    """
    unmarked = host_ns == 0
    return int(np.argmax(unmarked)) if unmarked.any() else len(host_ns)


def committed_extent(folder: Path, layout: StreamLayout) -> Extent:
    """Return what is committed of a stream, whatever its session file says.

    Raises
    ------
    OSError
        If a segment cannot be read.
    """
    paths = segment_paths(folder, layout)
    for number in reversed(range(len(paths))):
        with _h5.File(paths[number], "r") as file:
            rows: NDArray[np.void] = file[SEGMENT_INDEX][:]
        filled = committed_prefix(rows["host_ns"])
        if filled:
            total = number * layout.rows_per_segment + filled
            last = rows[filled - 1]
            end = _payload_end(layout, total, last)
            return Extent(total, end, int(last["seq"]) + 1)
    return Extent()


def _payload_end(layout: StreamLayout, rows: int, last: np.void) -> int:
    if layout.spec.kind != "samples":
        return rows
    return int(last["first_sample"]) + int(last["count"])
