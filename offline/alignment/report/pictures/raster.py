"""Which pulses both clocks have, and which only one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.alignment.report.pictures.axes import mark_resets, session_time
from offline.alignment.report.pictures.canvas import COLOURS, canvas, strokes
from offline.alignment.report.pictures.scene import Picture
from offline.alignment.units import count, length

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.alignment.report.pictures.scene import Scene

__all__ = ["raster"]

_HEIGHT = 230
_STROKES = 500
"""Pulses of a row up to which each is a stroke of its own."""
_COLUMNS = 235
_ROW, _TALL = 1.0, 0.58
_VISIBLE_GAP = 0.01
"""Share of the session that a gap must last to be seen as one."""


def raster(scene: Scene) -> Picture:
    """Draw each pulse in the row of the clocks that have it."""
    title = f"{scene.things.capitalize()} found and missed"
    evidence, relation = scene.evidence, scene.relation
    rows = (
        ("in both", evidence.time_s, "blue"),
        (f"only in {_short(relation.source)}", evidence.source_only_s, "red"),
        (f"only in {_short(relation.target)}", evidence.target_only_s, "red"),
    )
    if not any(len(times) for _, times, _ in rows):
        return Picture(title, f"There are no {scene.things} to show.", None)
    many = 0.0
    with canvas(_HEIGHT) as drawing:
        axes = drawing.axes()[0, 0]
        one = session_time(axes, scene.first_s, scene.last_s)
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        axes.set_ylim(-_ROW * len(rows), 0)
        span = (scene.first_s / one, scene.last_s / one)
        for k, (name, times, colour) in enumerate(rows):
            floor = -_ROW * (k + 1) + 0.04
            axes.axhline(floor, color=COLOURS["line"], linewidth=0.8)
            label = f"{name}: {count(len(times))}"
            axes.text(0.0, floor + _TALL + 0.08, label, transform=_beside(axes))
            many = max(many, _row(axes, times / one, floor, colour, span))
        _gap(axes, scene, one)
        mark_resets(axes, [time_s / one for time_s in scene.resets_s])
        words = _words(scene, many * one)
        return Picture(title, words, drawing.svg(f"{scene.name}-m", title))


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _beside(axes: Any) -> Any:
    """Return where x is a share of the axes and y a value."""
    return axes.get_yaxis_transform()


def _row(
    axes: Any,
    times: NDArray[np.float64],
    floor: float,
    colour: str,
    span: tuple[float, float],
) -> float:
    """Draw one row; return the width of a column where pulses were counted, else 0."""
    times = times[np.isfinite(times)]
    if len(times) <= _STROKES:
        strokes(axes, times, floor, floor + _TALL, colour)
        return 0.0
    counts, edges = np.histogram(times, _COLUMNS, span)
    heights = floor + _TALL * counts / max(int(counts.max()), 1)
    axes.stairs(
        heights, edges, baseline=floor, fill=True, color=COLOURS[colour], alpha=0.75
    )
    return float(edges[1] - edges[0])


def _gap(axes: Any, scene: Scene, one: float) -> None:
    """Shade the longest time without a pair, where it is long enough to be seen."""
    times = np.sort(scene.evidence.time_s)
    if len(times) < 2:
        return
    at = int(np.argmax(np.diff(times)))
    begin, end = float(times[at]), float(times[at + 1])
    if end - begin < _VISIBLE_GAP * (scene.last_s - scene.first_s):
        return
    style = {"color": COLOURS["orange"], "alpha": 0.2, "linewidth": 0}
    axes.axvspan(begin / one, end / one, 1 - 0.96 / 3, 1, **style)


def _words(scene: Scene, column_s: float) -> str:
    relation = scene.relation
    lone = (
        f"{count(relation.source_only)} only {relation.source} has, "
        f"{count(relation.target_only)} only {relation.target} has"
    )
    if not scene.pairs:
        return f"Nothing was paired: {lone}, for all that is known."
    words = (
        f"{count(relation.pulses)} {scene.things} were paired; {lone}. The longest "
        f"time without a pair is {length(relation.longest_gap_s)} (shaded where it is "
        "long enough to be seen). The upper row should be filled from end to end; "
        "misses in a bunch are a cable, a pause or a recorder that could not follow."
    )
    if column_s:
        each = length(column_s)
        words += f" Where they are many, the height tells how many there are in {each}."
    return words
