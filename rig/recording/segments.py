"""The segment files of one stream, written as if they were two endless tables.

The next segment is made beside the data's way, under a hidden name, and gets
its own name at the moment it is needed: whoever looks sees whole segments only.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rig.recording.disk import BlockFile
from rig.recording.hdf5 import make_segment_image, read_offsets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.recording.keeper import Keeper
    from rig.recording.layout import DatasetLayout, StreamLayout

__all__ = ["SegmentFiles"]


@dataclass(frozen=True, slots=True)
class _Segment:
    """One open segment."""

    file: BlockFile
    offsets: Mapping[str, int]


class SegmentFiles:
    """Writes entries at positions that run through all segments of a stream.

    Parameters
    ----------
    folder
        Folder of the segment files.
    layout
        The stream's layout.
    keeper
        Syncs the files and makes the next one ahead.
    first
        Number of the segment that is written next.
    """

    def __init__(
        self, folder: Path, layout: StreamLayout, keeper: Keeper, first: int = 0
    ) -> None:
        self.layout = layout
        self._folder = folder
        self._keeper = keeper
        self._image = make_segment_image(layout, folder / f".{layout.segment_file(0)}")
        self._open: dict[int, _Segment] = {}
        self._spare: tuple[int, Future[BlockFile]] | None = None
        self._ahead = first - 1
        self._named = first + int(self._path(first).exists())
        self._make_ahead(first)

    def write(self, dataset: DatasetLayout, first: int, entries: NDArray[Any]) -> None:
        """Write entries from position `first` on, straight from the caller's memory.

        Raises
        ------
        OSError
            The disk's own words; some of the entries may have been written.
        """
        for segment, at, part in self._parts(dataset, first, len(entries)):
            offset = segment.offsets[dataset.segment_name] + at * dataset.entry_bytes
            segment.file.write(entries[part], offset)
            self._keeper.written(segment.file)

    @property
    def laid_out(self) -> int:
        """Number of segments that are there or can be named at any moment."""
        if self._spare is None:
            return self._named
        number, future = self._spare
        ready = future.done() and not future.cancelled() and not future.exception()
        return max(self._named, number + 1) if ready else self._named

    @property
    def failure(self) -> str:
        """Why the next segment could not be laid out; empty if it could."""
        if self._spare is None or not self._spare[1].done():
            return ""
        error = self._spare[1].exception()
        return "" if error is None else str(error)

    def retire_before(self, rows: int, payload: int) -> None:
        """Let go of segments that neither the rows nor the payload will reach again."""
        done = rows // self.layout.rows_per_segment
        if self.layout.payload is not None:
            done = min(done, payload // self.layout.payload.entries_per_segment)
        for number in [k for k in self._open if k < done]:
            self._keeper.retire(self._open.pop(number).file)

    def close(self) -> None:
        """Let go of all files and remove the spare one; may be called twice."""
        for segment in self._open.values():
            self._keeper.retire(segment.file)
        self._open.clear()
        if self._spare is not None:
            number, future = self._spare
            self._spare = None
            if not future.cancel() and future.exception() is None:
                future.result().close()
            with suppress(OSError):  # of a disk that is gone; `recover` removes it
                self._hidden(number).unlink(missing_ok=True)

    def _parts(
        self, dataset: DatasetLayout, first: int, count: int
    ) -> Iterator[tuple[_Segment, int, slice]]:
        per_segment = dataset.entries_per_segment
        done = 0
        while done < count:
            number, at = divmod(first + done, per_segment)
            n = min(count - done, per_segment - at)
            yield self._segment(number), at, slice(done, done + n)
            done += n
            if 2 * (at + n) > per_segment:
                self._make_ahead(number + 1)

    def _segment(self, number: int) -> _Segment:
        if number not in self._open:
            self._open[number] = self._opened(number)
        return self._open[number]

    def _opened(self, number: int) -> _Segment:
        """Open a segment that is there, or give the spare one its name."""
        path = self._path(number)
        if path.exists():
            offsets = read_offsets(path)
            return _Segment(BlockFile(path), offsets)
        file = self._take_spare(number)
        try:
            self._hidden(number).rename(path)
        except OSError:  # of a disk that is gone
            file.close()
            raise
        self._keeper.named()
        self._named = max(self._named, number + 1)
        return _Segment(file, self._image.offsets)

    def _make_ahead(self, number: int) -> None:
        if number <= self._ahead or self._path(number).exists():
            return
        self._ahead = number
        self._spare = (number, self._keeper.make_ahead(lambda: self._make(number)))

    def _take_spare(self, number: int) -> BlockFile:
        if self._spare is not None and self._spare[0] == number:
            future = self._spare[1]
            self._spare = None
            if future.exception() is None:
                return future.result()
        return self._make(number)

    def _make(self, number: int) -> BlockFile:
        return BlockFile.create(
            self._hidden(number), self._image.size, self._image.pieces
        )

    def _path(self, number: int) -> Path:
        return self._folder / self.layout.segment_file(number)

    def _hidden(self, number: int) -> Path:
        return self._folder / f".{self.layout.segment_file(number)}"
