"""The frames of a camera, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rig.recording.reader import Recording

__all__ = ["pictures"]

_BATCH_BYTES = 32 * 1024 * 1024
"""Pixels read together, about."""


def pictures(
    recording: Recording, stream: str, rows: NDArray[np.int64]
) -> Iterator[NDArray[Any] | None]:
    """Yield the pictures of recorded rows; None for a row of -1, a lost frame.

    Parameters
    ----------
    rows
        (n,) in any order; those that follow one another are read together.
    """
    payload = recording.streams[stream].payload
    at_once = max(1, _BATCH_BYTES // (payload.nbytes if payload else 1))
    cuts = np.flatnonzero((np.diff(rows) != 1) | (rows[:-1] < 0)) + 1
    for part in np.split(rows, cuts) if len(rows) else ():
        for first in range(0, len(part), at_once):
            batch = part[first : first + at_once]
            if batch[0] < 0:
                yield None
            else:
                yield from recording.payload(stream, int(batch[0]), int(batch[-1]) + 1)
