"""From edges to pulses, sceptically: what does not fit is listed, never dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["CleanPulses", "Edges", "clean_pulses", "put_in_order"]

_GLITCH = 0.3
"""What is shorter than this part of the nominal width is a glitch."""
_WIDTH_SLACK = 0.5
"""By so much of itself the width of a pulse may be off."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Edges of a line in order of time, each once."""

    times_ns: NDArray[np.int64]
    """(n,)"""
    rising: NDArray[np.bool_]
    """(n,) which way each went."""
    duplicates: int
    """Edges that were told twice, and were taken once."""
    out_of_order: int
    """Edges that were earlier than the one before them in the list."""


def put_in_order(times_ns: ArrayLike, rising: ArrayLike, tick_ns: int = 0) -> Edges:
    """Sort edges, and take once what was told twice.

    Parameters
    ----------
    times_ns
        Times of the edges (n,).
    rising
        Which way each went (n,).
    tick_ns
        Two edges of one direction so near each other are one.
    """
    raw = np.atleast_1d(np.asarray(times_ns, np.int64))
    order = np.argsort(raw, kind="stable")
    times = raw[order]
    ups = np.atleast_1d(np.asarray(rising, bool))[order]
    same = np.zeros(len(times), bool)
    same[1:] = (ups[1:] == ups[:-1]) & (np.diff(times) <= tick_ns)
    backward = int((np.diff(raw) < 0).sum())
    return Edges(times[~same], ups[~same], int(same.sum()), backward)


@dataclass(frozen=True, slots=True)
class CleanPulses:
    """The pulses of a line, and all that was no pulse."""

    rise_ns: NDArray[np.int64]
    """Beginnings of the good pulses (n,), in order."""
    fall_ns: NDArray[np.int64]
    """Their ends (n,)."""
    glitches_ns: NDArray[np.int64]
    """(g, 2) begin and end of pulses below 0.3 of the nominal width, dips included."""
    misfits_ns: NDArray[np.int64]
    """(m, 2) begin and end of longer pulses that are not of the nominal width."""
    lone_rise_ns: NDArray[np.int64]
    """Rises whose fall is missing."""
    lone_fall_ns: NDArray[np.int64]
    """Falls whose rise is missing."""
    duplicates: int
    """Edges that were told twice, and were taken once."""
    out_of_order: int
    """Edges that were earlier than the one before them in the list."""
    inverted: bool
    """Whether the line is low where it should be high: the roles were swapped."""
    stuck_ns: NDArray[np.int64]
    """(s, 2) begin and end of spans without any edge, longer than was allowed."""

    @property
    def width_ns(self) -> NDArray[np.int64]:
        """Widths of the good pulses (n,)."""
        return self.fall_ns - self.rise_ns


def clean_pulses(
    times_ns: ArrayLike,
    rising: ArrayLike,
    *,
    width_ns: int,
    jitter_ns: int = 0,
    tick_ns: int = 0,
    longest_gap_ns: int | None = None,
    end_ns: int | None = None,
) -> CleanPulses:
    """Pair the edges of a line into pulses, and list what does not fit.

    Parameters
    ----------
    times_ns
        Times of the edges (n,), in any order.
    rising
        Which way each went (n,).
    width_ns
        Nominal width of a pulse. A good one is within half of it.
    jitter_ns
        By how much a width may be off besides, e.g. the period of the sampler.
    tick_ns
        Two edges of one direction so near each other are one, told twice.
    longest_gap_ns
        A longer time without an edge is a stuck line; None: any time is well.
    end_ns
        When the recording of the line ended; by default with the last edge.

    Examples
    --------
    >>> found = clean_pulses([0, 10, 50, 51, 90, 100], [1, 0, 1, 0, 1, 0], width_ns=10)
    >>> found.rise_ns.tolist(), found.glitches_ns.tolist()
    ([0, 90], [[50, 51]])
    """
    edges = put_in_order(times_ns, rising, tick_ns)
    times, ups = edges.times_ns, edges.rising
    inverted = _is_inverted(times, ups, width_ns, jitter_ns)
    ups = ~ups if inverted else ups
    pairs = np.flatnonzero(ups[:-1] & ~ups[1:])
    paired = np.zeros(len(times), bool)
    paired[pairs] = paired[pairs + 1] = True
    spans = np.stack([times[pairs], times[pairs + 1]], axis=1)
    spans, dips = _without_dips(spans, width_ns)
    width = spans[:, 1] - spans[:, 0]
    glitch = width < _GLITCH * width_ns
    good = ~glitch & (np.abs(width - width_ns) <= _WIDTH_SLACK * width_ns + jitter_ns)
    glitches = np.concatenate([spans[glitch], dips])
    return CleanPulses(
        rise_ns=spans[good, 0],
        fall_ns=spans[good, 1],
        glitches_ns=glitches[np.argsort(glitches[:, 0], kind="stable")],
        misfits_ns=spans[~glitch & ~good],
        lone_rise_ns=times[~paired & ups],
        lone_fall_ns=times[~paired & ~ups],
        duplicates=edges.duplicates,
        out_of_order=edges.out_of_order,
        inverted=inverted,
        stuck_ns=_silences(times, longest_gap_ns, end_ns),
    )


def _is_inverted(
    times: NDArray[np.int64], ups: NDArray[np.bool_], width_ns: int, jitter_ns: int
) -> bool:
    """Tell whether mostly the lows are as long as the highs should be."""
    span = np.diff(times)
    fits = np.abs(span - width_ns) <= _WIDTH_SLACK * width_ns + jitter_ns
    fits &= span >= _GLITCH * width_ns
    highs = fits & ups[:-1] & ~ups[1:]
    lows = fits & ~ups[:-1] & ups[1:]
    return bool(lows.sum() > 2 * highs.sum())


def _without_dips(
    spans: NDArray[np.int64], width_ns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Join what a bouncing contact has cut, where the whole fits better than a part.

    Returns
    -------
    The spans (n, 2), and the dips that were bridged (k, 2).
    """
    near = spans[1:, 0] - spans[:-1, 1] < _GLITCH * width_ns
    if not near.any():
        return spans, np.empty((0, 2), np.int64)
    kept: list[NDArray[np.int64]] = []
    dips: list[NDArray[np.int64]] = []
    for group in np.split(spans, np.flatnonzero(~near) + 1):
        part = np.abs(group[:, 1] - group[:, 0] - width_ns).min()
        if len(group) > 1 and abs(group[-1, 1] - group[0, 0] - width_ns) < part:
            kept.append(np.array([[group[0, 0], group[-1, 1]]]))
            dips.append(np.stack([group[:-1, 1], group[1:, 0]], axis=1))
        else:
            kept.append(group)
    none = np.empty((0, 2), np.int64)
    return np.concatenate([none, *kept]), np.concatenate([none, *dips])


def _silences(
    times: NDArray[np.int64], longest_ns: int | None, end_ns: int | None
) -> NDArray[np.int64]:
    if longest_ns is None or not len(times):
        return np.empty((0, 2), np.int64)
    last = times[-1] if end_ns is None else max(end_ns, times[-1])
    marks = np.append(times, last)
    long = np.flatnonzero(np.diff(marks) > longest_ns)
    return np.stack([marks[long], marks[long + 1]], axis=1)
