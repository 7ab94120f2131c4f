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

__all__ = [
    "committed_extent",
    "committed_prefix",
    "payload_end",
    "segment_fault",
    "segment_paths",
]

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
            end = payload_end(layout, total, last)
            return Extent(total, end, int(last["seq"]) + 1)
    return Extent()


def segment_fault(path: Path, layout: StreamLayout) -> str:
    """Return what is wrong with a segment's file; empty if it can be read whole."""
    try:
        with _h5.File(path, "r") as file:
            for dataset in layout.datasets:
                found = file[dataset.segment_name]
                shape = (dataset.entries_per_segment, *dataset.entry_shape)
                end = found.id.get_offset() + dataset.nbytes
                if found.shape != shape or found.dtype != dataset.dtype:
                    return f"{path.name}: {dataset.segment_name} has another layout"
                if end > path.stat().st_size:
                    return f"{path.name} was cut off"
    except (OSError, KeyError) as error:
        return f"{path.name} cannot be read: {error}"
    return ""


def payload_end(layout: StreamLayout, rows: int, last: np.void) -> int:
    """Return how many entries of the payload so many rows own.

    Parameters
    ----------
    last
        The last of these rows.
    """
    if layout.spec.kind != "samples":
        return rows
    end = int(last["first_sample"]) + int(last["count"])
    return min(max(end, 0), rows * layout.units_per_row)
