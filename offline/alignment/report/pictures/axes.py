"""What the pictures have in common: times below, errors up, dots in their band."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.alignment.report.pictures.canvas import COLOURS, dots
from offline.alignment.report.pictures.series import DOTS, envelope, thinned
from offline.alignment.units import scale_of_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from offline.alignment.units import Scale

    _Floats = NDArray[np.float64]

__all__ = [
    "draw_band",
    "draw_errors",
    "how_drawn",
    "legend",
    "mark_resets",
    "session_time",
]

_MOST_STRAYS = 150
_BAND_COLUMNS = 120


def session_time(axes: Any, first_s: float, last_s: float) -> float:
    """Give axes the session's time below; return what one of its units is, in s."""
    scale = scale_of_times(last_s - first_s)
    margin = 0.01 * (last_s - first_s) or 0.5
    axes.set_xlim((first_s - margin) / scale.one, (last_s + margin) / scale.one)
    axes.set_xlabel(f"session time ({scale.unit})", loc="right")
    return scale.one


def draw_errors(
    axes: Any, x: _Floats, error_ns: _Floats, scale: Scale, reach_ns: float
) -> int:
    """Draw errors as dots, or as the stretch they fill where they are many.

    Returns
    -------
    int
        How many lie beyond the axis; they are marked at its edge.
    """
    keep = np.isfinite(x) & np.isfinite(error_ns)
    x, error_ns = x[keep], error_ns[keep]
    limit = reach_ns / scale.one
    axes.set_ylim(-limit, limit)
    if not len(x):
        return 0
    inside = np.abs(error_ns) <= reach_ns
    y = error_ns / scale.one
    if len(x) <= DOTS:
        dots(axes, x[inside], y[inside], "blue")
    elif inside.any():
        _fill(axes, x[inside], y[inside])
    _strays(axes, x[~inside], y[~inside], limit)
    return int(np.count_nonzero(~inside))


def _fill(axes: Any, x: _Floats, y: _Floats) -> None:
    found = envelope(x, y)
    style = {"color": COLOURS["blue"], "linewidth": 0}
    axes.fill_between(found.x, found.low, found.high, alpha=0.3, **style)
    axes.fill_between(found.x, found.quarter, found.three_quarters, alpha=0.85, **style)


def _strays(axes: Any, x: _Floats, y: _Floats, limit: float) -> None:
    for sign, marker in ((1, "^"), (-1, "v")):
        here = np.flatnonzero(sign * y > 0)
        here = here[:: max(1, -(-len(here) // _MOST_STRAYS))]
        edge = np.full(len(here), 0.97 * sign * limit)
        style = {"markersize": 5, "linestyle": "none", "markeredgewidth": 0}
        axes.plot(x[here], edge, marker, color=COLOURS["red"], **style)


def how_drawn(points: int) -> str:
    """Return in words how `draw_errors` draws so many points."""
    if points <= DOTS:
        return "Each dot is one."
    return "They are many: the dark part holds the middle half, the light part all."


def draw_band(
    axes: Any, x: _Floats, half_ns: _Floats, scale: Scale, colour: str, name: str
) -> None:
    """Draw a band around zero as its two edges and what is between them."""
    x, half = thinned(x, half_ns / scale.one, _BAND_COLUMNS)
    if not len(x):
        return
    style = {"color": COLOURS[colour], "linewidth": 0}
    axes.fill_between(x, -half, half, alpha=0.14, **style)
    edges = np.concatenate([-half, [np.nan], half])
    across = np.concatenate([x, [np.nan], x])
    axes.plot(across, edges, color=COLOURS[colour], linewidth=1.1, label=name)


def legend(axes: Any, columns: int = 3) -> None:
    """Name what is drawn, above the axes and to the right."""
    if not axes.get_legend_handles_labels()[1]:
        return
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.01, 0.985),
        ncols=columns,
        borderpad=0.0,
        handlelength=1.3,
        handletextpad=0.5,
        columnspacing=1.2,
    )


def mark_resets(axes: Any, x: Sequence[float]) -> None:
    """Draw a dashed line wherever a clock began anew."""
    for one in x:
        axes.axvline(one, color=COLOURS["red"], linewidth=1.2, linestyle=(0, (4, 3)))
