"""The order of a train: where its clock began anew, and what merely came late.

A clock that begins anew says times twice. Each start is an epoch; they are laid one
behind the other, so that each stamp is one moment only. By how much they are really
apart the stamps do not say: a relation to another clock has a segment for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from offline.alignment.foreign.train import Train

__all__ = ["Epoch", "Order", "epochs_of", "laid_out", "order_of", "runs_of"]

_STEP_BACK_NS = 100_000
"""A smaller step back is a coarse tick or a late stamp, no clock that began anew."""
_LATE = 3
"""So few stamps that are earlier than those before came late."""
_MOST_RUNS = 20
_MOST_STEPS = 0.05
_APART_NS = 100_000_000_000
"""Between epochs that are laid one behind the other."""
_REACH_NS = 600_000_000_000
"""Stamps that are further from an epoch are not of it: another start, or a clock that
nobody has asked."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the order of a train's stamps tells."""

    runs: tuple[slice, ...]
    """Stretches over which the clock counted on; all stamps are in one."""
    within_tick: int
    """Steps back of no more than the clock's tick: of two stamps, the rounding."""
    small_steps: int
    """Steps back of more, but of less than a restart."""
    late: int
    """Stamps that came after later ones."""
    doubles: int
    """Stamps that are the same as the one before."""

    @property
    def restarts(self) -> int:
        """How many times the clock began anew."""
        return max(len(self.runs) - 1, 0)


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch over which a clock counted on."""

    first_ns: int
    last_ns: int
    added_ns: int
    """To its stamps, to have them behind those of the epoch before."""


def order_of(train: Train) -> Order:
    """Look at the order of a train's stamps.

    Raises
    ------
    SessionError
        If it goes back so often that it is simply in no order.
    """
    times = train.times_ns
    steps = np.diff(times)
    cuts = _restarts(times, _LATE)
    back = np.count_nonzero(steps < -_STEP_BACK_NS)
    if len(cuts) > _MOST_RUNS or back > max(_MOST_RUNS, _MOST_STEPS * len(times)):
        at = int(np.argmax(steps < -_STEP_BACK_NS)) + 1
        msg = (
            f"Expected the times of {train.name} in the order of recording, got {back} "
            f"steps back among {len(times)}, the first before row {at}: sort them, or "
            "name the column that holds times with --column"
        )
        raise SessionError(msg)
    runs = tuple(slice(a, b) for a, b in pairwise([0, *cuts, len(times)]) if b > a)
    late = sum(
        int(
            np.count_nonzero(times[r] < np.maximum.accumulate(times[r]) - _STEP_BACK_NS)
        )
        for r in runs
    )
    small = (steps < 0) & (steps >= -_STEP_BACK_NS)
    rounded = small & (steps >= -train.tick_ns)
    return Order(
        runs=runs,
        within_tick=int(np.count_nonzero(rounded)),
        small_steps=int(np.count_nonzero(small & ~rounded)),
        late=late,
        doubles=int(np.count_nonzero(steps == 0)),
    )


def runs_of(times_ns: NDArray[np.int64]) -> tuple[slice, ...]:
    """Return the stretches between any two of which the times go back."""
    cuts = _restarts(times_ns, 0)
    return tuple(slice(a, b) for a, b in pairwise([0, *cuts, len(times_ns)]) if b > a)


def _restarts(times: NDArray[np.int64], late: int) -> list[int]:
    """Return where a clock began anew: what follows is earlier, and stays so."""
    cuts: list[int] = []
    first = 0
    while len(cuts) <= _MOST_RUNS:
        part = times[first:]
        below = part < np.maximum.accumulate(part) - _STEP_BACK_NS
        edges = np.flatnonzero(np.diff(below, prepend=False, append=False))
        begins, ends = edges[::2], edges[1::2]
        for_good = (ends - begins > late) | (ends == len(part))
        if not for_good.any():
            break
        first += int(begins[np.argmax(for_good)])
        cuts.append(first)
    return cuts


def epochs_of(times_ns: NDArray[np.int64], runs: Sequence[slice]) -> tuple[Epoch, ...]:
    """Return a clock's epochs, laid one behind the other, from a train's runs.

    Nothing is added to the longest one: its stamps stand as they were recorded.
    """
    epochs: list[Epoch] = []
    for run in runs:
        first, last = int(times_ns[run].min()), int(times_ns[run].max())
        added = 0
        if epochs:
            before = epochs[-1]
            added = before.last_ns + before.added_ns + _APART_NS - first
        epochs.append(Epoch(first, last, added))
    sizes = [run.stop - run.start for run in runs]
    kept = epochs[int(np.argmax(sizes))].added_ns if epochs else 0
    return tuple(Epoch(e.first_ns, e.last_ns, e.added_ns - kept) for e in epochs)


def laid_out(
    times_ns: NDArray[np.int64], runs: Sequence[slice], epochs: Sequence[Epoch]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return times with the epochs one behind the other, and the epoch of each.

    Parameters
    ----------
    runs
        Of these times, in the order of recording.
    epochs
        Of the clock, of which this train may have slept through some.

    Returns
    -------
    The times (n,), and the epochs (n,), -1 for a stamp that is near none of them.
    """
    laid = times_ns.copy()
    which = np.full(len(times_ns), -1)
    for run, k in zip(runs, _assigned(times_ns, runs, epochs), strict=True):
        part, epoch = times_ns[run], epochs[k]
        away = max(int(part.min()) - epoch.last_ns, epoch.first_ns - int(part.max()))
        if away > _REACH_NS:
            continue
        laid[run] = part + epoch.added_ns
        which[run] = k
    return laid, which


def _assigned(
    times_ns: NDArray[np.int64], runs: Sequence[slice], epochs: Sequence[Epoch]
) -> list[int]:
    """Return an epoch for each run, in order, so that their ends meet best.

    Of two runs each has its own epoch, if there are enough.
    """
    own = 0 if len(runs) <= len(epochs) else 1
    best: list[tuple[float, list[int]]] = [(0, [])] * len(epochs)
    for number, run in enumerate(runs):
        first, last = int(times_ns[run].min()), int(times_ns[run].max())
        after: list[tuple[float, list[int]]] = []
        for k, epoch in enumerate(epochs):
            before = best[: k + own] if number else best[:1]
            cost, chosen = min(before, key=lambda way: way[0], default=(inf, []))
            apart = abs(first - epoch.first_ns) + abs(last - epoch.last_ns)
            after.append((cost + apart, [*chosen, k]))
        best = after
    return min(best, key=lambda way: way[0])[1] if best else []
