"""One stream at the times of another, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.result import NO_TIME
from offline.session.data import NS_PER_S, StreamData, blank
from offline.session.resampling import chosen, resample_at
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from offline.session.resampling import Method, Way

__all__ = ["Target", "take_at", "times_within"]

_AT_ONCE = 500_000
"""Elements of a stream that are resampled together, about."""
_HOLE_NS = 20 * NS_PER_S
"""What lies between two times that are farther apart is not read for them."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Times that values are wanted at."""

    time_ns: NDArray[np.int64]
    """(m,) session times, rising."""
    sd_ns: NDArray[np.float32]
    """(m,) their standard deviations."""
    period_ns: float | None
    """Time between them; None if they are not regular."""
    span_ns: tuple[int, int]
    same: bool = False
    """Whether they are the very times of the stream that is resampled."""


def take_at(
    take: Callable[[int | None, int | None], StreamData],
    target: Target,
    method: Method,
    max_gap_s: float | None,
    width_s: float | None,
) -> StreamData:
    """Return a stream's values at other times.

    Parameters
    ----------
    take
        Gives the stream from one session time (ns) to before another.
    target
        When values are wanted.
    method, max_gap_s, width_s
        See `Session.resample`.
    """
    nothing = take(0, 0)
    gap_ns = nothing.info.gap_ns(max_gap_s)
    width_ns = target.period_ns if width_s is None else width_s * NS_PER_S
    way = chosen(nothing, method, gap_ns, width_ns)
    count = len(target.time_ns)
    values = blank((count, *nothing.values.shape[1:]), nothing.values.dtype)
    present = np.zeros(count, np.bool_)
    own_sd_ns = np.full(count, np.nan, np.float32)
    for places in _pieces(target.time_ns, nothing.info.period_ns):
        wanted = target.time_ns[places]
        found = resample_at(take(*_window(wanted, way)), wanted, way)
        values[places], present[places] = found.values, found.present
        own_sd_ns[places] = found.sd_ns
    sd_ns = target.sd_ns if target.same else np.hypot(target.sd_ns, own_sd_ns)
    rate_hz = NS_PER_S / target.period_ns if target.period_ns else None
    return StreamData(
        info=replace(nothing.info, rate_hz=rate_hz, count=count),
        time_ns=target.time_ns,
        sd_ns=np.where(present, sd_ns, np.float32(np.nan)),
        values=values,
        present=present,
        element=np.arange(count),
        span_ns=target.span_ns,
    )


def times_within(
    times: NDArray[np.int64], start_ns: int | None, stop_ns: int | None
) -> NDArray[np.int64]:
    """Return the times that lie in a window.

    Raises
    ------
    SessionError
        If they are no session times, or fall.
    """
    times = np.asarray(times)
    if times.dtype.kind not in "iu" or times.ndim != 1:
        msg = (
            "Expected session times in ns, integer, got "
            f"{times.dtype} of shape {times.shape}: give (1e9 * time_s).astype(int)"
        )
        raise SessionError(msg)
    times = times.astype(np.int64)
    if (np.diff(times) < 0).any() or (times == NO_TIME).any():
        msg = "Expected session times that rise, got some that fall: sort them"
        raise SessionError(msg)
    low = 0 if start_ns is None else np.searchsorted(times, start_ns)
    high = None if stop_ns is None else np.searchsorted(times, stop_ns)
    return times[low:high]


def _window(time_ns: NDArray[np.int64], way: Way) -> tuple[int | None, int | None]:
    """Return from when to before when a stream must be known; all of it if need be."""
    if np.isinf(way.reach_ns):
        return None, None
    reach_ns = int(np.ceil(way.reach_ns)) + 1
    return int(time_ns[0]) - reach_ns, int(time_ns[-1]) + reach_ns


def _pieces(time_ns: NDArray[np.int64], period_ns: float | None) -> Iterator[slice]:
    """Yield pieces of rising times.

    So a long stream is never in memory as a whole, and what lies between times that
    are far apart is not read.
    """
    if not len(time_ns):
        return
    cuts = np.empty(0, np.intp)
    if period_ns is not None:  # else elements are few, and any may be needed
        part = (time_ns - time_ns[0]) // int(_AT_ONCE * period_ns)
        cuts = np.flatnonzero((np.diff(time_ns) > _HOLE_NS) | (np.diff(part) > 0)) + 1
    edges = [0, *cuts.tolist(), len(time_ns)]
    yield from (slice(low, high) for low, high in pairwise(edges))
