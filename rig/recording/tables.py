"""The order in which a block reaches the disk: the one place that decides it.

A row is *committed* when its `host_ns` on disk is not 0. Payload comes first;
then the source is asked whether it was whole all the while (a ring's writer may
have overtaken us); then the rows without their `host_ns`; then the same bytes
again with it. The second writing changes nothing but the marks, in ascending
order, so that whoever looks at any instant, or after a kill, finds a run of whole
rows with their payload, and after it nothing that counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rig.recording.hdf5 import Extent
    from rig.recording.layout import DatasetLayout, StreamLayout
    from rig.recording.segments import SegmentFiles

__all__ = ["StreamTable"]


class StreamTable:
    """Appends blocks of rows and payload to one stream.

    Parameters
    ----------
    layout
        The stream's layout.
    files
        Its segment files.
    extent
        What is committed already.
    """

    def __init__(
        self, layout: StreamLayout, files: SegmentFiles, extent: Extent
    ) -> None:
        self.layout = layout
        self.rows = extent.rows
        """Rows committed."""
        self.payload = extent.payload
        """Entries of the payload that they own."""
        self.next_seq = extent.next_seq
        """One more than the last row's `seq`."""
        self._files = files
        self._per_row = layout.units_per_row
        self._samples = layout.spec.kind == "samples"

    def append(
        self,
        rows: NDArray[np.void],
        payload: NDArray[Any] | None,
        intact: Callable[[], int] | None,
    ) -> int:
        """Write a block in the order that commits it; return the rows committed.

        Raises
        ------
        SessionError
            If a row has no host time or more samples than its payload.
        OSError
            The disk's own words.
        """
        staged = rows.copy()
        payload = None if payload is None else np.ascontiguousarray(payload)
        while len(staged):
            entries = self._place(staged)
            self._write_payload(staged, payload, entries)
            whole = len(staged) if intact is None else intact()
            if whole >= len(staged):
                break
            staged = staged[len(staged) - whole :]
            payload = None if payload is None else payload[len(payload) - whole :]
        if len(staged):
            self._require_sound(staged)
            self._commit(staged)
        return len(staged)

    def close(self) -> None:
        """Let go of the files."""
        self._files.close()

    def _place(self, staged: NDArray[np.void]) -> NDArray[np.int64]:
        """Return the payload entries of each row; tell sample blocks where they lie."""
        if not self._samples:
            return np.ones(len(staged), np.int64)
        # what is torn is dropped later, but must not lead us astray before
        entries = np.clip(staged["count"], 0, self._per_row)
        staged["first_sample"] = self.payload + np.cumsum(entries) - entries
        return entries

    def _write_payload(
        self,
        staged: NDArray[np.void],
        payload: NDArray[Any] | None,
        entries: NDArray[np.int64],
    ) -> None:
        target = self.layout.payload
        if target is None or payload is None:
            return
        if not self._samples:
            self._files.write(target, self.payload, payload)
        elif (entries == self._per_row).all():
            flat = payload.reshape(-1, *target.entry_shape)
            self._files.write(target, self.payload, flat)
        else:
            self._write_partial(target, staged, payload)

    def _write_partial(
        self, target: DatasetLayout, staged: NDArray[np.void], payload: NDArray[Any]
    ) -> None:
        for row, block in zip(staged, payload, strict=True):
            count = min(max(int(row["count"]), 0), self._per_row)
            self._files.write(target, int(row["first_sample"]), block[:count])

    def _require_sound(self, staged: NDArray[np.void]) -> None:
        faulty = staged["host_ns"] == 0
        if self._samples:
            faulty |= (staged["count"] < 0) | (staged["count"] > self._per_row)
        if faulty.any():
            row = staged[int(np.argmax(faulty))]
            msg = (
                f"Expected rows of {self.layout.name!r} with a host_ns that is not 0 "
                f"and a count within the block, got {row}: the node that writes it "
                "has a fault"
            )
            raise SessionError(msg)

    def _commit(self, staged: NDArray[np.void]) -> None:
        index = self.layout.index
        unmarked = staged.copy()
        unmarked["host_ns"] = 0
        self._files.write(index, self.rows, unmarked)
        self._files.write(index, self.rows, staged)
        self.rows += len(staged)
        self.next_seq = int(staged["seq"][-1]) + 1
        self.payload += int(staged["count"].sum()) if self._samples else len(staged)
        self._files.retire_before(self.rows, self.payload)
