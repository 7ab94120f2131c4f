"""Live against offline as a picture: what was skipped, how far apart, which fires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.fires import FIRES
from offline.parity.pixels import apart, gaps
from offline.picture_file import needs_matplotlib

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.parity.compare import Compared
    from offline.parity.result import CameraParity

__all__ = ["draw_parity"]

_IDEAL, _LIVE, _SKIPPED, _DARK = "#009e73", "#d55e00", "#c00000", "#444444"
_PX, _WIDEST = "#0072b2", "#7fb2d1"
"""Okabe and Ito's palette, which the colour-blind can tell apart."""
_KINDS = {"missed": "x", "false": "+", "shifted": "o"}
_BINS, _DPI = 600, 140
_LEAST_PX = 1.0
"""Of the axis: what is nothing must not look like much."""


def draw_parity(found: Compared, path: Path) -> None:
    """Draw a comparison into an image file; its kind follows from its name.

    Parameters
    ----------
    found
        What was compared.
    path
        The image file.

    Raises
    ------
    SpringhareError
        If matplotlib is not installed.
    """
    with needs_matplotlib():
        from matplotlib.figure import Figure
    cameras = found.result.cameras
    heights = [h for c in cameras for h in (1.0, 2.4, 0.5 + 0.45 * len(c.rules))]
    figure: Any = Figure(figsize=(12, 1.3 + sum(heights)), layout="constrained")
    axes = figure.subplots(
        len(heights),
        1,
        squeeze=False,
        sharex=True,
        gridspec_kw={"height_ratios": heights},
    )[:, 0]
    for k, camera in enumerate(cameras):
        skipped, pixels, fires = axes[3 * k : 3 * k + 3]
        _draw_skipped(skipped, found, camera)
        _draw_pixels(pixels, found, camera)
        _draw_fires(fires, found, camera)
    axes[-1].set_xlabel("time since the session's start (s)")
    _legend(figure, found)
    figure.suptitle(
        f"{found.result.session_id}   ·   live against offline", fontsize=10
    )
    figure.savefig(path, dpi=_DPI)


def _draw_skipped(axis: Any, found: Compared, camera: CameraParity) -> None:
    """Draw the share of skipped frames over time, and each run of them below."""
    sides = found.sides[camera.camera]
    at_s, seen = _seconds(found, sides.exposure_ns), sides.seen
    if len(at_s):
        bins = np.linspace(at_s[0], at_s[-1] + 1e-9, min(_BINS, len(at_s)) // 4 + 2)
        frames, _ = np.histogram(at_s, bins)
        missing, _ = np.histogram(at_s[~seen], bins)
        share = 100 * missing / np.maximum(frames, 1)
        axis.stairs(share, bins, fill=True, color=_SKIPPED, alpha=0.35, lw=0)
    runs = gaps(seen)
    spans = [
        (at_s[a], max(at_s[min(b, len(at_s) - 1)] - at_s[a], 1e-3)) for a, b in runs
    ]
    axis.broken_barh(spans, (-22, 14), color=_SKIPPED, lw=0.4, ec=_SKIPPED)
    axis.set_ylim(-26, 104)
    axis.set_yticks([0, 100])
    axis.set_ylabel("skipped (%)")
    coverage = camera.coverage
    told = f"camera {camera.camera}: {coverage.skipped} of {coverage.frames} frames "
    told += "skipped live"
    if coverage.longest is not None:
        told += f", at most {coverage.longest.frames} in a row"
    axis.set_title(told, fontsize=9, loc="left")
    _plain(axis)


def _draw_pixels(axis: Any, found: Compared, camera: CameraParity) -> None:
    frames, px = apart(found.sides[camera.camera])
    known = np.isfinite(px).any(axis=1)
    frames, px = frames[known], px[known]
    at_s = _seconds(found, found.sides[camera.camera].exposure_ns[frames])
    if len(px):
        most, middle = np.nanmax(px, axis=1), np.nanmedian(px, axis=1)
        axis.plot(at_s, most, ".", ms=3.5, color=_WIDEST, mew=0)
        axis.plot(at_s, middle, ".", ms=3.5, color=_PX, mew=0)
        axis.set_ylim(0, max(1.08 * float(most.max()), _LEAST_PX))
    whole = camera.pixels[0]
    told = "no place that both find likely"
    if whole.median_px is not None and whole.max_px is not None:
        told = f"median {whole.median_px:.2f} px, max {whole.max_px:.2f} px"
    axis.set_title(f"live minus offline: {told}", fontsize=9, loc="left")
    axis.set_ylabel("px")
    _plain(axis)


def _draw_fires(axis: Any, found: Compared, camera: CameraParity) -> None:
    """Draw a row for each rule: ideal fires above, live ones below, and differences."""
    stages = found.stages.get(camera.camera, {})
    names = [rule.rule for rule in reversed(camera.rules)]
    for k, name in enumerate(names):
        for stage, low, high, colour in (
            ("ideal", 0.02, 0.4, _IDEAL),
            ("recorded", -0.4, -0.02, _LIVE),
        ):
            times = [
                each.at_ns
                for each in stages.get(stage, ())
                if each.decision.rule == name and each.decision.outcome in FIRES
            ]
            at_s = _seconds(found, np.array(times, np.int64))
            axis.vlines(at_s, k + low, k + high, color=colour, lw=1.4)
    for each in camera.differences:
        axis.plot(each.at_s, names.index(each.rule), _KINDS[each.kind], color="k",
                  ms=6, mfc="none", mew=1.2)  # fmt: skip
    labels = [f"{r.rule}\n{r.found} of {r.ideal} found" for r in camera.rules[::-1]]
    axis.set_yticks(range(len(names)), labels)
    axis.set_ylim(-0.5, max(len(names), 1) - 0.5)
    axis.grid(axis="x", lw=0.4, alpha=0.5)
    title = "fires" if names else "no rule of this camera was compared"
    axis.set_title(title, fontsize=9, loc="left")
    _plain(axis)


def _legend(figure: Any, found: Compared) -> None:
    from matplotlib.lines import Line2D

    shown: list[Any] = [
        Line2D([], [], ls="", marker="s", color=_SKIPPED, label="frames skipped live"),
        Line2D([], [], ls="", marker=".", color=_PX, label="median of the parts"),
        Line2D([], [], ls="", marker=".", color=_WIDEST, label="worst part"),
    ]
    if any(camera.rules for camera in found.result.cameras):
        marks = {"ideal fire": _IDEAL, "live fire": _LIVE}
        shown += [
            Line2D([], [], ls="", marker="|", ms=9, mew=1.6, color=colour, label=name)
            for name, colour in marks.items()
        ]
    kinds = {d.kind for camera in found.result.cameras for d in camera.differences}
    shown += [
        Line2D([], [], ls="", marker=marker, color="k", mfc="none", label=kind)
        for kind, marker in _KINDS.items()
        if kind in kinds
    ]
    figure.legend(handles=shown, loc="outside lower center", ncols=len(shown),
                  fontsize=8, frameon=False)  # fmt: skip


def _seconds(found: Compared, times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    return (times_ns - found.session.started_ns) / 1e9


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.yaxis.label.set_size(8)
    axis.margins(x=0.01)
