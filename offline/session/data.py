"""A stretch of one stream on the session's clock, as arrays.

Times never fall. What was lost keeps its place where it is known (frames), and never
gets a value; where samples are lost there is a gap in the times.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rig.messages import StreamKind

__all__ = ["GAP_PERIODS", "NS_PER_S", "StreamData", "StreamInfo", "Times", "blank"]

NS_PER_S = 1_000_000_000
GAP_PERIODS = 1.5
"""Two elements farther apart than so many nominal periods have a gap between them."""


class Times(NamedTuple):
    """Session times of elements, and how sure they are."""

    time_ns: NDArray[np.int64]
    """(n,) ns since the session's start."""
    sd_ns: NDArray[np.float32]
    """(n,) standard deviations."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a stream is."""

    name: str
    kind: StreamKind
    clock: str
    """The clock that stamped it."""
    count: int
    """Elements: frames with the lost ones, samples, poses, rows."""
    rate_hz: float | None = None
    """Nominal elements per second; None for a stream without a rate, such as events."""
    channels: tuple[str, ...] = ()
    """Names of the channels, or of the keypoints."""
    units: tuple[str, ...] = ()
    """Along the last axis of the values: of each channel; of x, y and likelihood."""
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """All that was recorded beside the data."""

    @property
    def period_ns(self) -> float | None:
        """Nominal time between two elements; None for a stream without a rate."""
        return NS_PER_S / self.rate_hz if self.rate_hz else None

    def gap_ns(self, max_gap_s: float | None) -> float:
        """Return the longest time between elements that is no gap, in ns.

        Parameters
        ----------
        max_gap_s
            As somebody wishes; None for 1.5 nominal periods, and without limit for a
            stream without a rate.
        """
        if max_gap_s is not None:
            return max_gap_s * NS_PER_S
        return GAP_PERIODS * self.period_ns if self.period_ns else np.inf


@dataclass(frozen=True, slots=True, eq=False)
class StreamData:
    """A stretch of one stream, n elements in order of time."""

    info: StreamInfo
    time_ns: NDArray[np.int64]
    """(n,) ns since the session's start; never falls."""
    sd_ns: NDArray[np.float32]
    """(n,) standard deviations of the times."""
    values: NDArray[Any]
    """Signals: (n, channels) in physical units. Poses: (n, keypoints, 3) x px, y px,
    likelihood. Frames: (n,) frame IDs. All else: (n,) rows as they were recorded."""
    present: NDArray[np.bool_]
    """(n,) False for a frame that was lost, and for what resampling could not know:
    there numbers are NaN, whole numbers -1, rows empty (the frame ID of a lost frame is
    known)."""
    element: NDArray[np.int64]
    """(n,) number of each element in its stream."""
    span_ns: tuple[int, int]
    """The window that was asked for: from, to before."""

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.info.name

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, or of the keypoints."""
        return self.info.channels

    @property
    def units(self) -> tuple[str, ...]:
        """Units along the last axis of the values."""
        return self.info.units

    @property
    def time_s(self) -> NDArray[np.float64]:
        """Times (n,) in s since the session's start."""
        return self.time_ns / NS_PER_S

    def __len__(self) -> int:
        """Return the number of elements."""
        return len(self.time_ns)

    def between(self, start_ns: int | None, stop_ns: int | None) -> StreamData:
        """Return what lies from one session time to before another; None: no limit."""
        low = 0 if start_ns is None else np.searchsorted(self.time_ns, start_ns)
        high = None if stop_ns is None else np.searchsorted(self.time_ns, stop_ns)
        span_ns = (
            self.span_ns[0] if start_ns is None else start_ns,
            self.span_ns[1] if stop_ns is None else stop_ns,
        )
        return replace(self.only(slice(low, high)), span_ns=span_ns)

    def only(self, wanted: slice | NDArray[np.bool_]) -> StreamData:
        """Return some of the elements, those that are wanted."""
        return replace(
            self,
            time_ns=self.time_ns[wanted],
            sd_ns=self.sd_ns[wanted],
            values=self.values[wanted],
            present=self.present[wanted],
            element=self.element[wanted],
        )

    def joined(self, gap_ns: float) -> NDArray[np.bool_]:
        """Return between which neighbours nothing is missing, (n - 1,).

        They follow one another in the stream too, both are there, and no longer than
        `gap_ns` lies between them.
        """
        return (
            (np.diff(self.element) == 1)
            & self.present[1:]
            & self.present[:-1]
            & (np.diff(self.time_ns) <= gap_ns)
        )

    def stretches(self, max_gap_s: float | None = None) -> NDArray[np.int64]:
        """Return from when to when nothing is missing.

        Parameters
        ----------
        max_gap_s
            Longest time between elements that is no gap; by default 1.5 periods.

        Returns
        -------
        ndarray
            (k, 2) int64 ns: first and last element of each stretch. A stream without a
            rate is one stretch, as long as the window, unless `max_gap_s` is given.
        """
        gap_ns = self.info.gap_ns(max_gap_s)
        if np.isinf(gap_ns):
            return np.array([self.span_ns], np.int64)
        joined = self.joined(gap_ns)
        firsts = np.flatnonzero(self.present & ~np.append(False, joined)[: len(self)])
        lasts = np.flatnonzero(self.present & ~np.append(joined, False)[: len(self)])
        return np.stack([self.time_ns[firsts], self.time_ns[lasts]], axis=1)


def blank(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array of nothing: NaN, -1, or empty rows."""
    if dtype.kind == "f":
        return np.full(shape, np.nan, dtype)
    return np.full(shape, -1, dtype) if dtype.kind == "i" else np.zeros(shape, dtype)
