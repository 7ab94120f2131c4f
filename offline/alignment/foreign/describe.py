"""A train in figures: how regular it is, and where something is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.result import LostRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Description", "describe"]

_LEAST = 20
_REGULAR = 0.1
"""Spread of the intervals beside their median, up to which a train is regular."""
_HOLE = 1.5
_LONGEST_LOSS_NS = 1_000_000_000
"""A longer silence is a pause: nobody loses frames for a second and goes on."""
_MOST_LISTED = 1000
_MAD = 1.4826


@dataclass(frozen=True, slots=True)
class Description:
    """What a train's intervals tell."""

    rate_hz: float | None
    """Of a regular train, pauses and holes apart; None of an irregular one."""
    lost: int
    """Elements that are missing in a regular train, by its intervals."""
    losses: tuple[LostRun, ...]
    """The same, each hole; the first thousand."""
    pauses: int
    """Silences of more than a second in a regular train."""
    longest_gap_s: float


def describe(
    times_ns: NDArray[np.int64], runs: Sequence[slice], time_s: NDArray[np.float64]
) -> Description:
    """Look at a train's intervals.

    Parameters
    ----------
    times_ns
        (n,) by its own clock, in the order of recording.
    runs
        Stretches in which that clock counted on.
    time_s
        (n,) session times, to say where holes are; NaN where there is none.
    """
    empty = np.empty(0, np.int64)
    parts = [np.diff(np.sort(times_ns[run])) for run in runs]
    gaps = np.concatenate([empty, *parts])
    longest_s = float(gaps.max(initial=0)) * 1e-9
    median = float(np.median(gaps)) if len(gaps) else 0.0
    spread = _MAD * float(np.median(np.abs(gaps - median))) if len(gaps) else 0.0
    if len(gaps) < _LEAST or median <= 0 or spread > _REGULAR * median:
        return Description(None, 0, (), 0, longest_s)
    before = np.concatenate(
        [empty, *(np.argsort(times_ns[r], kind="stable")[:-1] + r.start for r in runs)]
    )
    longest_loss = max(_LONGEST_LOSS_NS, 5 * median)
    hole = (gaps > _HOLE * median) & (gaps < longest_loss)
    missing = _missing(gaps, median)
    hole &= missing > 0
    losses = tuple(
        LostRun(
            first_id=int(before[k]) + 1,
            count=int(missing[k]),
            time_s=float(time_s[before[k]]) + median * 1e-9,
            cause="an interval of several periods",
        )
        for k in np.flatnonzero(hole)[:_MOST_LISTED]
    )
    sound = gaps[gaps <= _HOLE * median]
    return Description(
        rate_hz=1e9 / float(sound.mean()),
        lost=int(missing[hole].sum()),
        losses=losses,
        pauses=int(np.count_nonzero(gaps >= longest_loss)),
        longest_gap_s=longest_s,
    )


def _missing(gaps: NDArray[np.int64], median: float) -> NDArray[np.int64]:
    """Return how many elements are missing in each gap.

    Where a stamp is only late the gap after it is as much too short.
    """
    short = np.minimum(gaps - median, 0.0)
    beside = np.zeros(len(gaps))
    beside[1:] += short[:-1]
    beside[:-1] += short[1:]
    return np.maximum(np.rint((gaps + beside) / median).astype(np.int64) - 1, 0)
