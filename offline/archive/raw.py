"""The raw rows of a finished session, read from its segments and nowhere else.

`session.h5` gives zeros, without a word, where a segment is missing; so nothing is
read through it that is to be kept for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from rig.errors import SessionError
from rig.recording.extents import committed_extent
from rig.recording.layout import segments_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.archive.source import Source
    from rig.recording.layout import DatasetLayout, StreamLayout

__all__ = ["RawDataset", "raw_datasets", "read_raw"]

_h5: Any = h5py
_ADVICE = "see what springhare check says of it"


@dataclass(frozen=True, slots=True)
class RawDataset:
    """One dataset of a session, and the segments that hold it."""

    path: str
    """In `session.h5`."""
    stream: str
    role: str
    """What it is called in a segment."""
    files: tuple[Path, ...]
    entries_per_file: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def entries(self) -> int:
        """Length of the first axis."""
        return self.shape[0]

    @property
    def entry_bytes(self) -> int:
        """Size of one entry along the first axis."""
        return int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Size of all of it."""
        return self.entries * self.entry_bytes


def raw_datasets(source: Source, file: Any) -> list[RawDataset]:
    """Return all datasets of a session, each segment looked at.

    Parameters
    ----------
    file
        The open `session.h5`; of a stream that `recover` cut, what it shows is all.

    Raises
    ------
    SessionError
        If a segment is missing, or holds something else than `session.h5` shows.
    """
    found = [
        dataset
        for layout in source.layouts.values()
        for dataset in _datasets_of(source, file, layout)
    ]
    for dataset in found:
        for path in dataset.files:
            _look_at(path, dataset)
    return found


def read_raw(dataset: RawDataset, first: int, stop: int) -> NDArray[Any]:
    """Return entries from `first` to before `stop`, as the segments hold them.

    Raises
    ------
    OSError
        If a segment cannot be read.
    """
    entries = np.empty((stop - first, *dataset.shape[1:]), dataset.dtype)
    at = first
    while at < stop:
        number, begin = divmod(at, dataset.entries_per_file)
        end = min(dataset.entries_per_file, begin + stop - at)
        here = np.s_[at - first : at - first + end - begin]
        with _h5.File(dataset.files[number], "r") as file:
            file[dataset.role].read_direct(entries, np.s_[begin:end], here)
        at += end - begin
    return entries


def _datasets_of(
    source: Source, file: Any, layout: StreamLayout
) -> Iterator[RawDataset]:
    for dataset in layout.datasets:
        if dataset.session_path not in file:
            continue
        shape = tuple(file[dataset.session_path].shape)
        if layout.name not in source.cut:
            _require_all(source.folder, layout, dataset, shape[0])
        yield RawDataset(
            dataset.session_path,
            layout.name,
            dataset.segment_name,
            _files(source.folder, layout, dataset, shape[0]),
            dataset.entries_per_segment,
            shape,
            dataset.dtype,
        )


def _require_all(
    folder: Path, layout: StreamLayout, dataset: DatasetLayout, entries: int
) -> None:
    """Refuse a session file that does not show all that the segments hold."""
    rows, payload = _extent_of(folder, layout)
    committed = payload if dataset == layout.payload else rows
    if entries != committed:
        msg = (
            f"Expected {committed} entries of {dataset.session_path}, as the "
            f"segments hold, got {entries} in session.h5: {_ADVICE}"
        )
        raise SessionError(msg)


def _extent_of(folder: Path, layout: StreamLayout) -> tuple[int, int]:
    try:
        extent = committed_extent(folder, layout)
    except OSError as error:
        msg = f"Expected to read the segments of {layout.name}, got: {error}: {_ADVICE}"
        raise SessionError(msg) from error
    return extent.rows, extent.payload


def _files(
    folder: Path, layout: StreamLayout, dataset: DatasetLayout, entries: int
) -> tuple[Path, ...]:
    count = -(-entries // dataset.entries_per_segment)
    place = segments_folder(folder)
    return tuple(place / layout.segment_file(number) for number in range(count))


def _look_at(path: Path, dataset: RawDataset) -> None:
    wanted = (dataset.entries_per_file, *dataset.shape[1:])
    try:
        with _h5.File(path, "r") as file:
            found = file[dataset.role]
            whole = found.shape == wanted and found.dtype == dataset.dtype
            end = found.id.get_offset() + int(found.nbytes)
    except (OSError, KeyError) as error:
        msg = f"Expected the segment {path}, got: {error}: {_ADVICE}"
        raise SessionError(msg) from error
    if not whole or end > path.stat().st_size:
        msg = (
            f"Expected {path} to hold {wanted} {dataset.dtype}, it does not: {_ADVICE}"
        )
        raise SessionError(msg)
