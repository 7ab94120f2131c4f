"""One clock's stamps in one row, although it began anew in between.

A board that is plugged in again counts from 0 once more, and says some times twice.
Each start is an epoch of its own; a timeline lays them one behind the other, so that
every stamp of the clock is one moment only. By how much they are really apart is not
known from the stamps: the relations to other clocks have a segment for each epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Epoch", "Timeline", "timeline_of"]

_STEP_BACK_NS = 1_000_000
"""A smaller step back is a stamp out of order, no clock that began anew."""
_SAME_NS = 10_000_000_000
"""Starts that streams of one device tell within such a time are one start."""
_APART_NS = 100_000_000_000
"""Between epochs, beside what they seem to be apart."""
_LOOKED_AT = 15


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch over which the clock counted on."""

    first_host_ns: int
    """When its first stamp arrived at the host."""
    last_host_ns: int
    """When its last one did."""
    first_ahead_ns: int
    """Device time minus host time at the first, about."""
    last_ahead_ns: int
    """The same at the last."""
    added_ns: int = 0
    """To its stamps, to have them behind those of the epoch before."""

    def away_ns(
        self, ahead_ns: NDArray[np.int64], host_ns: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return how far stamps (n,) are from this epoch; infinite at other times."""
        span = (self.first_host_ns, max(self.last_host_ns, self.first_host_ns + 1))
        change = self.last_ahead_ns - self.first_ahead_ns
        expected = np.interp(host_ns - span[0], [0, span[1] - span[0]], [0, change])
        away = np.abs((ahead_ns - self.first_ahead_ns) - expected)
        away[(host_ns < span[0] - _SAME_NS) | (host_ns > span[1] + _SAME_NS)] = np.inf
        return away


@dataclass(frozen=True, slots=True)
class Timeline:
    """The epochs of one clock, in order."""

    epochs: tuple[Epoch, ...]

    @property
    def restarts(self) -> int:
        """How often the clock began anew."""
        return len(self.epochs) - 1

    def unfold(
        self, device_ns: NDArray[np.int64], host_ns: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the stamps (n,) on the timeline.

        Parameters
        ----------
        device_ns
            (n,) stamps of the device.
        host_ns
            (n,) when each arrived at the host, late by any delay.
        """
        device = np.asarray(device_ns, np.int64)
        if not self.restarts:
            return device
        host = np.asarray(host_ns, np.int64)
        away = [epoch.away_ns(device - host, host) for epoch in self.epochs]
        added = np.array([epoch.added_ns for epoch in self.epochs])
        return device + added[np.argmin(np.stack(away), axis=0)]


def timeline_of(
    streams: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> Timeline:
    """Find where a clock began anew.

    Parameters
    ----------
    streams
        Of each stream that the clock stamped: device times (n,) and arrivals at the
        host (n,), in the order of recording.

    Examples
    --------
    >>> import numpy as np
    >>> host = np.arange(100, dtype=np.int64) * 1_000_000_000
    >>> device = np.where(host < 50_000_000_000, host, host - 50_000_000_000)
    >>> timeline = timeline_of([(device, host)])
    >>> timeline.restarts, bool(np.all(np.diff(timeline.unfold(device, host)) > 0))
    (1, True)
    """
    stretches = sorted(
        (stretch for device, host in streams for stretch in _stretches(device, host)),
        key=lambda stretch: stretch[1].first_host_ns,
    )
    starts = [stretch.first_host_ns for began, stretch in stretches if began]
    borders = [
        at
        for at, before in zip(starts, [None, *starts], strict=False)
        if before is None or at - before > _SAME_NS
    ]
    groups: list[list[Epoch]] = [[] for _ in range(len(borders) + 1)]
    for _, stretch in stretches:
        ends = (stretch.first_host_ns + _SAME_NS, stretch.last_host_ns - _SAME_NS)
        before, after = np.searchsorted(borders, ends)
        if before >= after:  # or it went on over a start: too rare to show it
            middle = (stretch.first_host_ns + stretch.last_host_ns) // 2
            groups[int(np.searchsorted(borders, middle))].append(stretch)
    return Timeline(_one_behind_the_other([_one(group) for group in groups if group]))


def _stretches(
    device_ns: NDArray[np.int64], host_ns: NDArray[np.int64]
) -> Iterator[tuple[bool, Epoch]]:
    """Yield the stretches of one stream, and whether each follows a step back."""
    bounds = [0, *_restarts(device_ns, host_ns), len(device_ns)]
    for first, end in pairwise(bounds):
        if first == end:
            continue
        ahead = device_ns[first:end] - host_ns[first:end]
        # arrivals are late, never early: the largest of some is the truest
        yield (
            first > 0,
            Epoch(
                int(host_ns[first]),
                int(host_ns[end - 1]),
                int(ahead[:_LOOKED_AT].max()),
                int(ahead[-_LOOKED_AT:].max()),
            ),
        )


def _restarts(device_ns: NDArray[np.int64], host_ns: NDArray[np.int64]) -> list[int]:
    """Return where a stream's stamps step back and stay behind.

    A stamp told out of its order steps back as well, but the next ones do not.
    """
    steps = np.diff(device_ns)
    ahead = device_ns - host_ns
    found: list[int] = []
    for at in (np.flatnonzero(steps < -_STEP_BACK_NS) + 1).tolist():
        before = ahead[max(0, at - _LOOKED_AT) : at].max()
        after = ahead[at : at + _LOOKED_AT].max()
        if before - after > -steps[at - 1] // 2:
            found.append(at)
    return found


def _one(group: Sequence[Epoch]) -> Epoch:
    first = min(group, key=lambda one: one.first_host_ns)
    last = max(group, key=lambda one: one.last_host_ns)
    return Epoch(
        first.first_host_ns,
        last.last_host_ns,
        first.first_ahead_ns,
        last.last_ahead_ns,
    )


def _one_behind_the_other(epochs: Sequence[Epoch]) -> tuple[Epoch, ...]:
    laid = list(epochs[:1]) or [Epoch(0, 0, 0, 0)]
    for epoch in epochs[1:]:
        before = laid[-1]
        back = before.last_ahead_ns - epoch.first_ahead_ns
        laid.append(replace(epoch, added_ns=before.added_ns + back + _APART_NS))
    return tuple(laid)
