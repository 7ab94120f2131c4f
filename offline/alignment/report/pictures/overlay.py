"""The first and the last pulses of both clocks laid over each other.

A wrong shift or a wrong rate shows here to the eye, without any statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.alignment.report.pictures.canvas import COLOURS, canvas, strokes
from offline.alignment.report.pictures.scene import Picture
from offline.alignment.units import BAND, moment, scale_of_errors, size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.alignment.report.pictures.scene import Scene

__all__ = ["first_pulses", "last_pulses"]

_SHOWN = 10
_HEIGHT = 270
_NS = 1e9


def first_pulses(scene: Scene) -> Picture:
    """Draw the first pulses of both clocks."""
    return _overlay(scene, "First", np.argsort(scene.evidence.time_s)[:_SHOWN])


def last_pulses(scene: Scene) -> Picture:
    """Draw the last pulses of both clocks."""
    return _overlay(scene, "Last", np.argsort(scene.evidence.time_s)[-_SHOWN:])


def _overlay(scene: Scene, which: str, pairs: NDArray[np.int64]) -> Picture:
    title = f"{which} {len(pairs) or _SHOWN} {scene.things}, one over the other"
    if not len(pairs):
        return Picture(title, "Nothing was paired.", None)
    evidence, relation = scene.evidence, scene.relation
    zero_s = float(evidence.time_s[pairs[0]])
    since_ns = (evidence.time_s[pairs] - zero_s) * _NS
    span_ns = float(since_ns[-1]) or _NS
    scale = scale_of_errors(span_ns)
    with canvas(_HEIGHT) as drawing:
        upper, lower = drawing.axes(rows=(5, 4), gap=34)[:, 0]
        lower.set_xlim(-0.05 * span_ns / scale.one, 1.05 * span_ns / scale.one)
        lower.set_xlabel(f"since {moment(zero_s)} ({scale.unit})", loc="right")
        mapped = since_ns - evidence.residual_ns[pairs]
        lone = [
            _within((times - zero_s) * _NS, span_ns) / scale.one
            for times in (evidence.source_only_s, evidence.target_only_s)
        ]
        both = (mapped / scale.one, since_ns / scale.one)
        _lanes(upper, both, lone, (relation.source, relation.target))
        _errors(lower, scene, pairs, since_ns / scale.one)
        worst = size(float(np.nanmax(np.abs(evidence.residual_ns[pairs]), initial=0)))
        lonely = len(lone[0]) + len(lone[1])
        words = (
            f"Above: the {which.lower()} {scene.things} as {relation.source} stamped "
            f"them, brought to session time, and as {relation.target} did; strokes of "
            "a pair should meet, and their uneven intervals should agree. Red: what "
            f"only one has ({lonely} here). Below: how far each pair is apart, at most "
            f"{worst}."
        )
        key = f"{scene.name}-{which[0].lower()}"
        return Picture(title, words, drawing.svg(key, title))


def _within(since_ns: NDArray[np.float64], span_ns: float) -> NDArray[np.float64]:
    margin = 0.05 * span_ns
    return since_ns[(since_ns >= -margin) & (since_ns <= span_ns + margin)]


def _lanes(
    axes: Any,
    pairs: tuple[NDArray[np.float64], NDArray[np.float64]],
    lone: list[NDArray[np.float64]],
    names: tuple[str, str],
) -> None:
    axes.grid(visible=False)
    axes.set_ylim(0, 2)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(labelbottom=False, bottom=False)
    axes.spines["bottom"].set_visible(False)
    axes.axhline(1.0, color=COLOURS["line"], linewidth=0.8)
    above, below = pairs
    strokes(axes, above, 1.0, 1.8, "blue", 2.0)
    strokes(axes, below, 0.2, 1.0, "orange", 2.0)
    strokes(axes, lone[0], 1.0, 1.8, "red", 1.2)
    strokes(axes, lone[1], 0.2, 1.0, "red", 1.2)
    for name, y, where in ((names[0], 1.88, "bottom"), (names[1], 0.12, "top")):
        axes.text(0, y, name[:60], va=where, transform=axes.get_yaxis_transform())


def _errors(axes: Any, scene: Scene, pairs: NDArray[np.int64], x: Any) -> None:
    error = scene.evidence.residual_ns[pairs]
    half = BAND * scene.jitter_ns
    limit = 1.25 * max(half, float(np.nanmax(np.abs(error), initial=0.0)), 1.0)
    scale = scale_of_errors(limit)
    axes.set_ylim(-limit / scale.one, limit / scale.one)
    axes.set_title(f"{scene.relation.target} − {scene.relation.source} ({scale.unit})")
    axes.axhspan(
        -half / scale.one, half / scale.one, color=COLOURS["soft"], alpha=0.14, lw=0
    )
    axes.axhline(0, color=COLOURS["soft"], linewidth=0.8)
    axes.plot(x, error / scale.one, "o", color=COLOURS["blue"], markersize=5)
    axes.locator_params(axis="y", nbins=5)
