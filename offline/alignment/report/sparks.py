"""A stream's ± 95 % over the session, as small as a word.

Drawn by hand: there is one in each row of the table, and matplotlib would take longer
for these than for all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from offline.alignment import units
from offline.alignment.report.markup import Html, join, tag
from offline.alignment.result import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.alignment.result import AlignedStream, StreamSummary

__all__ = ["spark"]

_WIDTH, _HEIGHT, _FLOOR = 150.0, 34.0, 28.0
_MOST, _FEWEST, _PER_COLUMN = 120, 8, 4
"""Columns, and elements that there should be in each."""
_MOST_MARKS = 200


def spark(
    summary: StreamSummary, stream: AlignedStream | None, span: tuple[float, float]
) -> Html:
    """Return a stream's error over the session, and below it what was lost.

    Parameters
    ----------
    summary, stream
        The stream; without its times there is nothing to draw.
    span
        Session times of the beginning and the end of what is drawn.
    """
    if stream is None:
        return Html(units.DASH)
    count = int(np.clip(len(stream.time_ns) // _PER_COLUMN, _FEWEST, _MOST))
    columns, sd_ns = _columns(stream, span, count)
    if not len(columns):
        return Html(units.DASH)
    most = float(sd_ns.max())
    x = (columns + 0.5) * _WIDTH / count
    y = _FLOOR - 1 - (_FLOOR - 5) * (sd_ns / most if most > 0 else 0 * sd_ns)
    pieces = np.split(np.arange(len(x)), np.flatnonzero(np.diff(columns) > 1) + 1)
    parts = [_line(x[piece], y[piece]) for piece in pieces]
    lost = _lost(summary, span)
    low, high = units.band(float(sd_ns.min())), units.band(most)
    label = f"± 95 % over the session: from {low} to {high}"
    if summary.lost:
        label += f"; {units.count(summary.lost)} lost"
    base = tag("path", d=f"M0 {_FLOOR:g}H{_WIDTH:g}", class_="base")
    return tag(
        "svg",
        tag("title", label),
        base,
        *parts,
        lost,
        class_="spark",
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        role="img",
    )


def _columns(
    stream: AlignedStream, span: tuple[float, float], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the columns that have elements, and the largest error in each."""
    known = stream.time_ns != NO_TIME
    known &= np.isfinite(stream.sd_ns)
    width_ns = max((span[1] - span[0]) * 1e9 / count, 1.0)
    column = (stream.time_ns[known] - span[0] * 1e9) // width_ns
    column = np.clip(column, 0, count - 1).astype(np.int64)
    largest = np.full(count, -1.0)
    np.maximum.at(largest, column, stream.sd_ns[known].astype(np.float64))
    found = np.flatnonzero(largest >= 0)
    return found, largest[found]


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> Html:
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    if len(x) == 1:
        points = f"{x[0] - 0.6:.1f},{y[0]:.1f} {x[0] + 0.6:.1f},{y[0]:.1f}"
    return tag("polyline", points=points)


def _lost(summary: StreamSummary, span: tuple[float, float]) -> Html:
    width = (span[1] - span[0]) or 1.0
    times = [run.time_s for run in summary.losses]
    shown = times[:: max(1, -(-len(times) // _MOST_MARKS))]
    places = [_WIDTH * (t - span[0]) / width for t in shown if t == t]
    marks = join(f"M{place:.1f} {_FLOOR + 1:g}v5" for place in places)
    return tag("path", d=marks, class_="lost") if places else Html()
