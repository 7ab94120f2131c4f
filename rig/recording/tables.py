"""The order in which a block reaches the disk: the one place that decides it.

A row is *committed* when its `host_ns` on disk is not 0. Payload comes first; then
the source is asked whether it was whole all the while (a ring's writer may have
overtaken us); then the rows without their `host_ns`, and their checksums; then the
same bytes again with it. The second writing changes nothing but the marks, in ascending
order, so that whoever looks at any instant, or after a kill, finds a run of whole
rows with their payload, and after it nothing that counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rig.errors import SessionError
from rig.recording.checksums import payload_digests, row_checksums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        known: Sequence[int | None] | None,
    ) -> int:
        """Write a block in the order that commits it; return the rows committed.

        Raises
        ------
        SessionError
            If a row has no host time or more samples than its payload.
        OSError
            The disk's own words.
        """
        staged = _copied(rows)
        payload = None if payload is None else np.ascontiguousarray(payload)
        digests: list[int] | None = None
        while n := len(staged):
            digests = self._write_payload(staged, payload, known)
            whole = n if intact is None else intact()
            if whole >= n:
                break
            staged = staged[n - whole :]
            payload = None if payload is None else payload[n - whole :]
            known = None if known is None else known[n - whole :]
        if len(staged):
            self._require_sound(staged)
            self._commit(staged, digests)
        return len(staged)

    @property
    def room_bytes(self) -> int:
        """What is laid out for the stream and not filled yet, in bytes."""
        rows = self._files.laid_out * self.layout.rows_per_segment - self.rows
        return max(0, rows) * self.layout.row_bytes

    @property
    def failure(self) -> str:
        """Why there is no next segment; empty if there is nothing wrong."""
        return self._files.failure

    def close(self) -> None:
        """Let go of the files."""
        self._files.close()

    def _write_payload(
        self,
        staged: NDArray[np.void],
        payload: NDArray[Any] | None,
        known: Sequence[int | None] | None,
    ) -> list[int] | None:
        """Write the payload; return the digest of what each row owns of it."""
        target = self.layout.payload
        if target is None or payload is None:
            return None
        counts = self._place(staged) if self._samples else None
        if counts is not None:
            self._write_partial(target, staged, payload, counts)
        elif self._samples:
            flat = payload.reshape(-1, *target.entry_shape)
            self._files.write(target, self.payload, flat)
        else:
            self._files.write(target, self.payload, payload)
        return payload_digests(payload, known, counts)

    def _place(self, staged: NDArray[np.void]) -> list[int] | None:
        """Tell blocks of samples where they lie; return their lengths unless full."""
        # what is torn is dropped later, but must not lead us astray before
        counts = np.clip(staged["count"], 0, self._per_row)
        staged["first_sample"] = self.payload + np.cumsum(counts) - counts
        return None if (counts == self._per_row).all() else counts.tolist()

    def _write_partial(
        self,
        target: DatasetLayout,
        staged: NDArray[np.void],
        payload: NDArray[Any],
        counts: Sequence[int],
    ) -> None:
        for row, block, count in zip(staged, payload, counts, strict=True):
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

    def _commit(self, staged: NDArray[np.void], digests: Sequence[int] | None) -> None:
        index, checksums = self.layout.index, row_checksums(staged, digests)
        unmarked = _copied(staged)
        unmarked["host_ns"] = 0
        self._files.write(index, self.rows, unmarked)
        self._files.write(self.layout.checksum, self.rows, checksums)
        self._files.write(index, self.rows, staged)
        self.rows += len(staged)
        self.next_seq = int(staged["seq"][-1]) + 1
        self.payload += int(staged["count"].sum()) if self._samples else len(staged)
        self._files.retire_before(self.rows, self.payload)


def _copied(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Copy rows byte for byte: NumPy's own copy leaves what lies between fields open.

    Nothing of this process's memory gets into a session, and equal rows are equal
    bytes.
    """
    return np.frombuffer(bytearray(rows.tobytes()), rows.dtype)
