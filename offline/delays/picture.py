"""What a calibration measured, as a picture: all edges over one another.

People would rather look: a delay that is right lies in the middle of the edge, and one
edge that is not like the others is seen at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.alignment import units
from offline.delays.display import precisely
from offline.picture_file import needs_matplotlib
from sync.cues import above_dark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.delays.measure import Trace
    from sync.cues import Looks

__all__ = ["draw_calibration", "overlay"]

_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#888888"
_LOOKS = 2.5
"""So many lengths of a look are shown to either side of the delay."""
_DPI = 130


def draw_calibration(traces: Mapping[str, Trace], path: Path, title: str) -> None:
    """Draw what streams showed about the line's rises and falls.

    Parameters
    ----------
    traces
        By stream; at least one.
    path
        Image file; the kind of image follows from its name.
    title
        What it is of.

    Raises
    ------
    SpringhareError
        If matplotlib is not installed.
    """
    with needs_matplotlib():
        from matplotlib.figure import Figure
    figure = Figure(figsize=(12, 0.8 + 2.6 * len(traces)), layout="constrained")
    rows = figure.subplots(
        len(traces), 3, squeeze=False, gridspec_kw={"width_ratios": [3, 3, 2]}
    )
    for row, (name, trace) in zip(rows, traces.items(), strict=True):
        _draw_edges(row[0], trace, rising=True)
        _draw_edges(row[1], trace, rising=False)
        _draw_told(row[2], trace)
        row[0].set_title(f"{name}, rises", fontsize=9, loc="left")
        row[1].set_title("falls", fontsize=9, loc="left")
        row[0].set_ylabel(f"{trace.what}, part of full", fontsize=8)
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=_DPI)


def overlay(
    trace: Trace, *, rising: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the looks nearest to edges that go one way, laid over one another.

    Returns
    -------
    Time of each look's middle since its edge in ns (k,), and how much of the full
    light it shows (k,).
    """
    delay = trace.delay
    middle_ns, level = above_dark(trace.line, trace.looks, delay.delay_ns)
    nearest = trace.line.nearest(middle_ns - delay.delay_ns)
    since_ns = middle_ns - trace.line.edges_ns[nearest]
    reach_ns = _reach_ns(trace)
    shown = np.abs(since_ns - delay.delay_ns) <= reach_ns
    shown &= (nearest % 2 == 0) == rising
    gain = 1.0 if delay.light is None else delay.light.gain
    return since_ns[shown], level[shown] / gain


def _draw_edges(axis: Any, trace: Trace, *, rising: bool) -> None:
    looks, delay = trace.looks, trace.delay
    times_ns, shown = overlay(trace, rising=rising)
    reach_ns = _reach_ns(trace)
    scale = units.scale_of_errors(reach_ns)
    axis.plot(
        *(times_ns / scale.one, shown, "."),
        color=_BLUE,
        alpha=0.35,
        markersize=4,
        rasterized=True,
    )
    grid = np.linspace(-reach_ns, reach_ns, 601)
    lit = np.clip(grid / _length_ns(looks) + 0.5, 0, 1)
    expected = lit if rising else 1 - lit
    axis.plot((grid + delay.delay_ns) / scale.one, expected, color=_ORANGE, lw=1.2)
    axis.axvline(0, color=_GREY, lw=0.8, ls="--")
    axis.axvline(delay.delay_ns / scale.one, color=_ORANGE, lw=0.8)
    axis.set_xlabel(f"middle of the look since the line's edge ({scale.unit})")
    axis.set_ylim(-0.35, 1.35)
    _plain(axis)


def _draw_told(axis: Any, trace: Trace) -> None:
    delay = trace.delay
    off_ns = delay.told_ns - delay.delay_ns
    axis.set_title(
        f"{precisely(delay.delay_ns, delay.sd_ns)} {units.band(delay.sd_ns)} (95 %)",
        fontsize=9,
        loc="left",
    )
    _plain(axis)
    if not len(off_ns):
        axis.text(0.05, 0.8, "no edge fell into an exposure", transform=axis.transAxes)
        return
    scale = units.scale_of_errors(float(np.abs(off_ns).max()))
    axis.hist(off_ns / scale.one, bins=25, color=_BLUE)
    axis.axvline(0, color=_ORANGE, lw=0.8)
    axis.set_xlabel(f"what single edges say, less the delay ({scale.unit})")
    axis.set_ylabel(f"of {len(off_ns)} edges", fontsize=8)


def _length_ns(looks: Looks) -> float:
    return float(np.median(looks.end_ns - looks.begin_ns))


def _reach_ns(trace: Trace) -> float:
    """Return how much is shown to either side, also where exposures are short."""
    return max(_LOOKS * _length_ns(trace.looks), 0.3 * trace.looks.period_ns)


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.xaxis.label.set_size(8)
