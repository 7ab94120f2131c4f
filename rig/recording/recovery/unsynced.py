"""The rows that a power cut may have spoilt: compared before any of them is kept.

While recording, everything is brought to the disk itself about once a second. When
the power fails, what came after may be there or not, in any order: a row may have
outlived its pixels. Its checksum, which vouches for both, tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.recording.extents import payload_end
from rig.recording.hdf5 import Extent
from rig.recording.verification import rows_at_once, verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.recording.reader import Recording
    from rig.recording.recovery.wreck import StreamWreck

__all__ = ["LEAST_SEGMENTS", "UNSYNCED_NS", "Kept", "keep_what_agrees", "unsynced_from"]

UNSYNCED_NS = 60_000_000_000
"""What is older was surely synced, however slow the disk was."""
LEAST_SEGMENTS = 2


@dataclass(frozen=True, slots=True)
class Kept:
    """How many rows of a stream are kept, and why not more."""

    extent: Extent
    published: int
    """One more than the `seq` of the last that was committed, kept or not."""
    compared: int = 0
    """Rows that were compared with their checksums."""
    wrong: tuple[int, ...] = ()
    """Rows that are kept, and are not what was recorded."""

    @property
    def rows(self) -> int:
        """How many are kept."""
        return self.extent.rows

    @property
    def next_seq(self) -> int:
        """One more than the `seq` of the last."""
        return self.extent.next_seq


def unsynced_from(stream: StreamWreck) -> int:
    """Return the first row of a stream that may not have been synced.

    Rows of the last minute, and of the last two segments at least.
    """
    if not stream.rows:
        return 0
    marks, per_segment = stream.host_ns, stream.layout.rows_per_segment
    recent = int(np.argmax((marks >= marks[-1] - UNSYNCED_NS) & (marks != 0)))
    last_segment = (stream.rows - 1) // per_segment
    return min(recent, max(0, last_segment + 1 - LEAST_SEGMENTS) * per_segment)


def keep_what_agrees(
    recording: Recording,
    stream: StreamWreck,
    start: int,
    unsynced: int,
    told: Callable[[int], None],
) -> Kept:
    """Compare rows with their checksums; end the stream at the first that may be cut.

    Parameters
    ----------
    recording
        Shows the rows that are asked about.
    start
        Row from which on they are compared.
    unsynced
        Row from which on one that does not agree ends the stream. What is wrong
        before that was on the disk, and was spoilt there later: that is no reason
        to cut.
    told
        Is told of each further byte that was compared.
    """
    name, size = stream.layout.name, stream.layout.row_bytes
    shown, step = recording.room(name), rows_at_once(stream.layout)
    wrong: list[int] = []
    for begin in range(start, shown, step):
        end = min(begin + step, shown)
        wrong += _wrong(recording, name, begin, end)
        told((end - begin) * size)
    cut = [k for k in wrong if k >= unsynced]
    rows = cut[0] if cut else shown
    extent = _extent(recording, stream, rows)
    return Kept(
        extent,
        published=_published(stream, extent, set(wrong)),
        compared=max(0, shown - start),
        wrong=tuple(k for k in wrong if k < rows),
    )


def _extent(recording: Recording, stream: StreamWreck, rows: int) -> Extent:
    if not rows:
        return Extent()
    [last] = recording.rows(stream.layout.name, rows - 1, rows)
    end = payload_end(stream.layout, rows, last)
    return Extent(rows, end, int(last["seq"]) + 1)


def _published(stream: StreamWreck, kept: Extent, wrong: set[int]) -> int:
    """Return where the numbers of a stream ended, by the rows that can be trusted."""
    total, backwards = stream.rows, range(stream.unbroken - 1, kept.rows - 1, -1)
    last = next((k for k in backwards if k not in wrong), None)
    at_least = kept.next_seq + total - kept.rows
    if last is None:
        return at_least
    return max(at_least, int(stream.seqs[last]) + total - last)


def _wrong(recording: Recording, name: str, begin: int, end: int) -> list[int]:
    try:
        return [int(k) for _, bad in verify(recording, name, begin, end) for k in bad]
    except OSError:  # a place on the disk that cannot be read: find the rows in it
        if end - begin == 1:
            return [begin]
        middle = (begin + end) // 2
        return [
            *_wrong(recording, name, begin, middle),
            *_wrong(recording, name, middle, end),
        ]
