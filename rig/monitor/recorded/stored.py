"""Where a recorded stream's entries are read from: its segments, or a folded file.

Segments hold them at known places, so that reading takes no library and no lock: a
session that is being recorded is not disturbed, and hours of it cost no more than
seconds. What is not there, or not yet, is 0.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rig.recording.extents import committed_extent
from rig.recording.hdf5 import read_offsets
from rig.recording.layout import segments_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.recording.layout import DatasetLayout, StreamLayout
    from rig.recording.reader import Recording

__all__ = ["Folded", "Segments", "Stored", "stored_of"]


class Stored(Protocol):
    """The entries of one stream."""

    def count(self) -> int:
        """Return how many rows are committed."""
        ...

    def rows(self, start: int, stop: int) -> NDArray[np.void]:
        """Return rows from `start` to before `stop`, committed or not."""
        ...

    def payload(self, start: int, stop: int) -> tuple[NDArray[Any], bool]:
        """Return entries of the payload, and whether all of them were there."""
        ...


def stored_of(recording: Recording, stream: str) -> Stored:
    """Return where a stream of a session is read from."""
    kind = Folded if recording.folded else Segments
    return kind(recording, stream)


class Segments:
    """Reads the entries of a stream where they lie in its segment files."""

    def __init__(self, recording: Recording, stream: str) -> None:
        self._recording = recording
        self._layout: StreamLayout = recording.layouts[stream]
        self._offsets: dict[int, dict[str, int]] = {}

    def count(self) -> int:
        """Return how many rows are committed; of a closed session, how many it has."""
        if self._recording.ledger is not None:
            return self._recording.room(self._layout.name)
        with suppress(OSError):
            return committed_extent(self._recording.folder, self._layout).rows
        return 0

    def rows(self, start: int, stop: int) -> NDArray[np.void]:
        """Return rows from `start` to before `stop`, committed or not."""
        return self._read(self._layout.index, start, stop)[0]

    def payload(self, start: int, stop: int) -> tuple[NDArray[Any], bool]:
        """Return entries of the payload, and whether all of them were there."""
        dataset = self._layout.payload
        if dataset is None:
            return np.zeros(stop - start), False
        return self._read(dataset, start, stop)

    def _read(
        self, dataset: DatasetLayout, start: int, stop: int
    ) -> tuple[NDArray[Any], bool]:
        found = np.zeros((stop - start, *dataset.entry_shape), dataset.dtype)
        each, done, whole = dataset.entries_per_segment, start, True
        while done < stop:
            number, first = divmod(done, each)
            count = min(each - first, stop - done)
            piece = self._piece(dataset, number, first, count)
            found[done - start : done - start + len(piece)] = piece
            whole &= len(piece) == count
            done += count
        return found, whole

    def _piece(
        self, dataset: DatasetLayout, number: int, first: int, count: int
    ) -> NDArray[Any]:
        """Return entries of one segment; fewer where it ends before or lacks."""
        path = segments_folder(self._recording.folder)
        path /= self._layout.segment_file(number)
        size = max(1, math.prod(dataset.entry_shape))
        try:
            if number not in self._offsets:
                self._offsets[number] = read_offsets(path)
            begin = self._offsets[number][dataset.segment_name]
            values = np.fromfile(
                path,
                dataset.dtype,
                count * size,
                offset=begin + first * dataset.entry_bytes,
            )
        except (OSError, KeyError):
            return np.zeros((0, *dataset.entry_shape), dataset.dtype)
        entire = len(values) // size
        return values[: entire * size].reshape(entire, *dataset.entry_shape)


class Folded:
    """Reads the entries of a stream from a session that is one compressed file."""

    def __init__(self, recording: Recording, stream: str) -> None:
        self._recording = recording
        self._stream = stream

    def count(self) -> int:
        """Return how many rows there are."""
        return self._recording.count(self._stream)

    def rows(self, start: int, stop: int) -> NDArray[np.void]:
        """Return rows from `start` to before `stop`."""
        layout = self._recording.layouts[self._stream]
        found = np.zeros(stop - start, layout.spec.row)
        with suppress(OSError):
            rows = self._recording.rows(self._stream, start, stop)
            found[: len(rows)] = rows
        return found

    def payload(self, start: int, stop: int) -> tuple[NDArray[Any], bool]:
        """Return entries of the payload, and whether all of them were there."""
        dataset = self._recording.layouts[self._stream].payload
        if dataset is None:
            return np.zeros(stop - start), False
        found = np.zeros((stop - start, *dataset.entry_shape), dataset.dtype)
        with suppress(OSError):
            entries = self._recording.raw_payload(self._stream, start, stop)
            found[: len(entries)] = entries
            return found, len(entries) == stop - start
        return found, False
