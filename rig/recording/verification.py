"""Is each row, with its pixels, still what was recorded? Asked of its checksum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rig.recording.checksums import payload_digests, row_checksums

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from rig.recording.layout import StreamLayout
    from rig.recording.reader import Recording

__all__ = ["named_rows", "rows_at_once", "verify"]

_READ_BYTES = 32_000_000
"""What is read at once."""
_NAMED = 5
"""Rows that do not agree with their checksums and are named."""


def rows_at_once(layout: StreamLayout) -> int:
    """Return how many rows are read and compared at once."""
    return max(1, _READ_BYTES // layout.row_bytes)


def named_rows(wrong: Sequence[int]) -> str:
    """Say which rows are not what was recorded."""
    named = ", ".join(map(str, wrong[:_NAMED]))
    more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return f"rows that are not what was recorded (checksum): {named}{more}"


def verify(
    recording: Recording, stream: str, start: int = 0, stop: int | None = None
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Compare rows and payload with their checksums, some at a time.

    Yields
    ------
    tuple
        How many rows were compared, and which of them, counted from the stream's
        first, are not what was recorded.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    layout = recording.layouts[stream]
    stop = recording.count(stream) if stop is None else stop
    step = rows_at_once(layout)
    for begin in range(start, stop, step):
        end = min(begin + step, stop)
        rows = recording.rows(stream, begin, end)
        sums = row_checksums(rows, _digests(recording, layout, begin, rows))
        agree = np.zeros(end - begin, bool)
        # rows after a hole are not given, and so do not agree
        agree[: len(rows)] = (
            sums == recording.checksums(stream, begin, end)[: len(rows)]
        )
        yield end - begin, begin + np.flatnonzero(~agree)


def _digests(
    recording: Recording, layout: StreamLayout, begin: int, rows: NDArray[np.void]
) -> list[int] | None:
    if layout.payload is None or not len(rows):
        return None
    if layout.spec.kind != "samples":
        return payload_digests(
            recording.raw_payload(layout.name, begin, begin + len(rows))
        )
    # a row that a power cut tore may point anywhere: it must not lead us astray
    per_row = layout.units_per_row
    first = int(np.clip(rows["first_sample"][0], 0, begin * per_row))
    most = first + len(rows) * per_row
    begins = np.clip(rows["first_sample"], first, most)
    ends = np.clip(begins + np.clip(rows["count"], 0, per_row), first, most)
    samples = recording.raw_payload(layout.name, first, int(ends.max()))
    return payload_digests(
        [
            samples[at - first : end - first]
            for at, end in zip(begins, ends, strict=True)
        ]
    )
