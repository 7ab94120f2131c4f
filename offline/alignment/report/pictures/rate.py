"""How the two crystals ran against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.report.pictures.axes import mark_resets, session_time
from offline.alignment.report.pictures.canvas import COLOURS, canvas
from offline.alignment.report.pictures.scene import Picture
from offline.alignment.report.pictures.series import thinned
from offline.alignment.units import ppm, ppm_per_h

if TYPE_CHECKING:
    from offline.alignment.report.pictures.scene import Scene

__all__ = ["rate_over_time"]

_HEIGHT = 210
_LEAST_PPM = 0.01
"""Half of what the axis shows at least: below it is nothing but rounding."""


def rate_over_time(scene: Scene) -> Picture:
    """Draw how much faster the target's clock ran, over the session."""
    title = "Rate of the clocks"
    relation, evidence = scene.relation, scene.evidence
    x, y = thinned(evidence.time_s, evidence.ppm)
    if len(x) < 2:
        return Picture(title, "Fewer than two pairs tell nothing of a rate.", None)
    low, high = float(y.min()), float(y.max())
    half = max(0.6 * (high - low), _LEAST_PPM)
    with canvas(_HEIGHT) as drawing:
        axes = drawing.axes()[0, 0]
        one = session_time(axes, scene.first_s, scene.last_s)
        axes.set_title("ppm")
        axes.set_ylim((low + high) / 2 - half, (low + high) / 2 + half)
        x, y = _broken(x, y, scene.resets_s)
        axes.plot(x / one, y, color=COLOURS["blue"], linewidth=1.5)
        mark_resets(axes, [time_s / one for time_s in scene.resets_s])
        words = (
            f"How much faster {relation.target} ran than {relation.source}: "
            f"{ppm(relation.drift_ppm)} in the mean, "
            f"within a range of {ppm(high - low).lstrip('+')}, changing by at most "
            f"{ppm_per_h(relation.drift_change_ppm_per_h)}. A "
            "crystal wanders slowly as it warms and cools; steps or spikes would be "
            "wrong pulses or a clock that was set."
        )
        return Picture(title, words, drawing.svg(f"{scene.name}-p", title))


def _broken(
    x: np.ndarray, y: np.ndarray, resets_s: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve that is interrupted where a clock began anew."""
    cuts = np.searchsorted(x, resets_s)
    return np.insert(x, cuts, resets_s), np.insert(y, cuts, np.nan)
