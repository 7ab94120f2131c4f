"""Reading `derived/aligned.h5`: the times of a window, and no more than that."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from offline.alignment.layout import FRAME_ID, ROW, RUNS, SD, TIME, runs_of
from offline.alignment.result import NO_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Placed", "Stored"]

_h5: Any = h5py
_AT_ONCE = 1 << 20
"""Elements looked at together, where the file does not say how the times run."""
_NOT_HALVED = 4096
"""Runs shorter than this are read whole, and holes shorter than this are read too."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Elements of a stream that lie in a window, in order of time."""

    element: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    sd_ns: NDArray[np.float32]
    row: NDArray[np.int64] | None
    """Frames only: row of the recorded stream, -1 for a lost one."""
    frame_id: NDArray[np.int64] | None


class Stored:
    """An aligned session's times; the file stays open until `close`."""

    def __init__(self, path: Path) -> None:
        self._file = _h5.File(path, "r")
        self._runs: dict[str, NDArray[np.int64]] = {}

    @property
    def attributes(self) -> dict[str, Any]:
        """Those of the whole file."""
        return {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in self._file.attrs.items()
        }

    def streams(self) -> list[str]:
        """Return the names of the streams that have times."""
        found: list[str] = []

        def look(name: str, item: Any) -> None:
            if isinstance(item, _h5.Group) and TIME in item:
                found.append(name)

        self._file.visititems(look)
        return sorted(found)

    def attributes_of(self, stream: str) -> dict[str, Any]:
        """Return the attributes of a stream: kind, clock, path, rate_hz."""
        return dict(self._file[stream].attrs)

    def count(self, stream: str) -> int:
        """Return the number of a stream's elements, those without a time included."""
        return len(self._file[stream][TIME])

    def recorded(self, stream: str) -> int:
        """Return of how many recorded elements the stream was made."""
        group = self._file[stream]
        if ROW not in group:
            return len(group[TIME])
        rows = group[ROW]
        for stop in range(len(rows), 0, -_NOT_HALVED):
            part = rows[max(0, stop - _NOT_HALVED) : stop]
            if part.max() >= 0:
                return int(part.max()) + 1
        return 0

    def window(
        self, stream: str, start_ns: int | None = None, stop_ns: int | None = None
    ) -> Placed:
        """Return the elements from one time to before another.

        Parameters
        ----------
        stream
            One of `streams`.
        start_ns, stop_ns
            Session times; None for no limit. Elements without a time are left out.
        """
        group = self._file[stream]
        start = NO_TIME + 1 if start_ns is None else start_ns
        stop = np.iinfo(np.int64).max if stop_ns is None else stop_ns
        blocks = list(self._blocks(stream, start, stop))
        time_ns = _read(group[TIME], blocks)
        element = np.concatenate(
            [np.empty(0, np.int64), *(np.arange(*block) for block in blocks)]
        )
        inside = np.flatnonzero(_inside(time_ns, start, stop))
        order = inside[np.argsort(time_ns[inside], kind="stable")]
        row, frame_id = (
            _read(group[name], blocks)[order] if name in group else None
            for name in (ROW, FRAME_ID)
        )
        sd_ns = _read(group[SD], blocks)[order]
        return Placed(element[order], time_ns[order], sd_ns, row, frame_id)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def _blocks(
        self, stream: str, start_ns: int, stop_ns: int
    ) -> Iterator[tuple[int, int]]:
        """Yield blocks of elements, in order, that hold all of a window."""
        times = self._file[stream][TIME]
        runs = self._runs_of(stream)
        hit = runs[(runs[:, 2] < stop_ns) & (runs[:, 3] >= start_ns)]
        block: tuple[int, int] | None = None
        for first, last, *_ in hit.tolist():
            low, high = _narrowed(times, first, last, start_ns, stop_ns)
            if block is None:
                block = (low, high)
            elif low - block[1] <= _NOT_HALVED:
                block = (block[0], high)
            else:
                yield block
                block = (low, high)
        if block is not None:
            yield block

    def _runs_of(self, stream: str) -> NDArray[np.int64]:
        if stream not in self._runs:
            group = self._file[stream]
            self._runs[stream] = (
                group[RUNS][:] if RUNS in group else _looked_for(group[TIME])
            )
        return self._runs[stream]


def _looked_for(times: Any) -> NDArray[np.int64]:
    """Return the runs of a dataset; a run ends where a piece that is read ends."""
    return np.concatenate(
        [
            np.empty((0, 4), np.int64),
            *(
                runs_of(times[first : first + _AT_ONCE], first)
                for first in range(0, len(times), _AT_ONCE)
            ),
        ]
    )


def _narrowed(
    times: Any, first: int, last: int, start_ns: int, stop_ns: int
) -> tuple[int, int]:
    """Return the part of a run that lies in a window, by halving."""
    if last - first <= _NOT_HALVED:
        return first, last
    places = range(first, last)
    low = bisect_left(places, start_ns, key=lambda place: int(times[place]))
    high = bisect_left(places, stop_ns, low, key=lambda place: int(times[place]))
    return first + low, first + high


def _read(dataset: Any, blocks: list[tuple[int, int]]) -> NDArray[Any]:
    parts = [dataset[first:last] for first, last in blocks]
    return np.concatenate([np.empty(0, dataset.dtype), *parts])


def _inside(
    time_ns: NDArray[np.int64], start_ns: int, stop_ns: int
) -> NDArray[np.bool_]:
    return (time_ns != NO_TIME) & (time_ns >= start_ns) & (time_ns < stop_ns)
