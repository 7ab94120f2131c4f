"""The device time of every sample of a signal, and what of it is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.alignment.recorded import Recorded

__all__ = ["LaidSamples", "lay_samples"]


@dataclass(frozen=True, slots=True, eq=False)
class LaidSamples:
    """The blocks of a signal, each with the stamp of its first sample."""

    block_ns: NDArray[np.int64]
    """(2 m,) device times of the first sample of each block, and of where the one
    behind its last would be."""
    count: NDArray[np.int64]
    """(m,) samples of each block."""
    gaps: tuple[tuple[int, int, int], ...]
    """Device's number of the first sample that is missing, how many are, and the row
    of the sample that comes next."""

    def spread(
        self, time_ns: NDArray[np.int64], sd_ns: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the time and its standard deviation of each sample (n,).

        Within a block, some milliseconds, a relation is a line.

        Parameters
        ----------
        time_ns, sd_ns
            (2 m,) mapped times of `block_ns`.
        """
        begins, ends = time_ns[0::2], time_ns[1::2]
        block = np.repeat(np.arange(len(self.count)), self.count)
        within = np.arange(len(block)) - np.repeat(
            np.cumsum(self.count) - self.count, self.count
        )
        period = (ends - begins) / np.maximum(self.count, 1)
        times = begins[block] + np.rint(within * period[block]).astype(np.int64)
        return times, sd_ns[0::2][block]


def lay_samples(recorded: Recorded, stream: str) -> LaidSamples:
    """Lay a signal's samples on its device's timeline.

    The samples of a block are a nominal period of the device's own clock apart, which
    is the clock that takes them.
    """
    rows = recorded.rows(stream)
    begins = recorded.stamps(stream)
    rate_hz = float(recorded.recording.attributes(stream)["rate_hz"])
    count = rows["count"].astype(np.int64)
    ends = begins + np.rint(count * 1e9 / rate_hz).astype(np.int64)
    numbers = rows["device_sample"].astype(np.int64)
    missing = numbers[1:] - (numbers[:-1] + count[:-1])
    first_row = np.cumsum(count)
    gaps = tuple(
        (int(numbers[at] + count[at]), int(missing[at]), int(first_row[at]))
        for at in np.flatnonzero(missing > 0)
    )
    return LaidSamples(np.stack([begins, ends], axis=1).ravel(), count, gaps)
