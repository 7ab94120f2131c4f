"""Whether the stated errors are honest: pulses that the fit has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.alignment.report.pictures.axes import (
    draw_band,
    draw_errors,
    legend,
    mark_resets,
    session_time,
)
from offline.alignment.report.pictures.canvas import COLOURS, canvas
from offline.alignment.report.pictures.scene import Picture
from offline.alignment.report.pictures.series import reach
from offline.alignment.units import count, percent, scale_of_errors, size

if TYPE_CHECKING:
    from offline.alignment.report.pictures.scene import Scene

__all__ = ["held_out_errors"]

_HEIGHT, _LOW = 300, 220
_MOST_PARTS = 10
"""Stretches of the session whose coverage is shown."""
_LEAST = 15
"""Pulses of a stretch, below which its coverage says nothing."""


def held_out_errors(scene: Scene) -> Picture:
    """Draw the errors of the pulses that were left out, and how many the band holds."""
    title = f"{scene.things.capitalize()} held out, and predicted"
    evidence = scene.evidence
    if not len(evidence.held_out_s):
        words = "Too few pairs to leave some out: the errors could not be tested."
        return Picture(title, words, None)
    half = evidence.held_out_band_ns
    limit = reach(evidence.held_out_error_ns, float(np.nanmax(half, initial=0.0)))
    scale = scale_of_errors(limit)
    parts = _parts(scene)
    with canvas(_HEIGHT if parts else _LOW) as drawing:
        rows = drawing.axes(rows=(7, 3) if parts else (1,), gap=30)[:, 0]
        upper, lower = rows[0], rows[-1]
        one = session_time(lower, scene.first_s, scene.last_s)
        x = evidence.held_out_s / one
        upper.set_title(f"error ({scale.unit})")
        draw_band(upper, x, half, scale, "soft", "95 % band")
        beyond = draw_errors(upper, x, evidence.held_out_error_ns, scale, limit)
        legend(upper)
        if parts:
            upper.tick_params(labelbottom=False)
            _coverage(lower, parts, one)
        for axes in rows:
            mark_resets(axes, [time_s / one for time_s in scene.resets_s])
        words = _words(scene, beyond)
        return Picture(title, words, drawing.svg(f"{scene.name}-o", title))


def _parts(scene: Scene) -> list[tuple[float, float, float]]:
    """Return where stretches of the session begin and end, and their coverage."""
    evidence = scene.evidence
    inside = np.abs(evidence.held_out_error_ns) <= evidence.held_out_band_ns
    number = int(np.clip(len(inside) // (2 * _LEAST), 1, _MOST_PARTS))
    edges = np.linspace(scene.first_s, scene.last_s, number + 1)
    which = np.searchsorted(edges, evidence.held_out_s) - 1
    which = np.clip(which, 0, number - 1)
    counts = np.bincount(which, minlength=number)
    shares = np.bincount(which, inside, number) / np.maximum(counts, 1)
    return [
        (float(edges[k]), float(edges[k + 1]), float(shares[k]))
        for k in np.flatnonzero(counts >= _LEAST).tolist()
    ]


def _coverage(axes: Any, parts: list[tuple[float, float, float]], one: float) -> None:
    """Draw the share within the band in each part of the session."""
    axes.set_title("share within the band")
    axes.axhline(0.95, color=COLOURS["orange"], linewidth=1.2)
    axes.set_ylim(min(0.76, min(share for _, _, share in parts) - 0.02), 1.02)
    axes.set_yticks([0.8, 0.95], ["80 %", "95 %"])
    style = {"color": COLOURS["blue"], "linewidth": 3, "solid_capstyle": "butt"}
    for begin, end, share in parts:
        axes.plot([begin / one, end / one], [share, share], **style)


def _words(scene: Scene, beyond: int) -> str:
    relation = scene.relation
    words = (
        f"{count(relation.held_out)} {scene.things} were left out of a fit and "
        f"predicted by it: {size(relation.held_out_rms_ns)} rms, "
        f"{percent(relation.held_out_coverage)} within their 95 % band (their own "
        "jitter is in it). Near 95 % throughout, the stated errors are "
        "honest; much less, and they are too small."
    )
    if relation.held_out < _LEAST:
        words += " So few tell little."
    if beyond:
        words += f" Red triangles: {count(beyond)} beyond the axis."
    return words
