"""How far the pairs lie from the model: over time, and how they are spread."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.alignment.report.pictures.axes import (
    draw_band,
    draw_errors,
    how_drawn,
    legend,
    mark_resets,
    session_time,
)
from offline.alignment.report.pictures.canvas import COLOURS, canvas, dots
from offline.alignment.report.pictures.scene import Picture
from offline.alignment.report.pictures.series import reach
from offline.alignment.units import (
    BAND,
    band,
    count,
    percent,
    scale_of_errors,
    size,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.alignment.report.pictures.scene import Scene

__all__ = ["residual_spread", "residuals_over_time"]

_HEIGHT = 250
_LEAST = 5
"""Pairs below which a distribution is none."""
_FEWEST_BINS, _MOST_BINS = 24, 60
_QUANTILES = 99


def residuals_over_time(scene: Scene) -> Picture:
    """Draw the pairs' residuals with the band that should hold 95 % of them."""
    title = "Residuals over the session"
    if not scene.pairs:
        return Picture(title, "Nothing was paired, so there are no residuals.", None)
    evidence = scene.evidence
    error = evidence.residual_ns
    half = _half_band(scene)
    limit = reach(error, float(np.nanmax(half, initial=0.0)))
    scale = scale_of_errors(limit)
    with canvas(_HEIGHT) as drawing:
        axes = drawing.axes()[0, 0]
        one = session_time(axes, scene.first_s, scene.last_s)
        axes.set_title(f"residual ({scale.unit})")
        x = evidence.time_s / one
        draw_band(axes, x, half, scale, "soft", "95 % of pairs")
        beyond = draw_errors(axes, x, error, scale, limit)
        draw_band(axes, x, BAND * evidence.sd_ns, scale, "orange", "relation, 95 %")
        mark_resets(axes, [time_s / one for time_s in scene.resets_s])
        legend(axes)
        words = _over_time_words(scene, half, beyond)
        return Picture(title, words, drawing.svg(f"{scene.name}-r", title))


def residual_spread(scene: Scene) -> Picture:
    """Draw the residuals' histogram and their quantiles beside those of a Gaussian."""
    title = "Spread of the residuals"
    error = scene.evidence.residual_ns
    error = error[np.isfinite(error)]
    if len(error) < _LEAST:
        words = f"Only {count(len(error))} pairs: too few to show how they are spread."
        return Picture(title, words, None)
    jitter = scene.jitter_ns
    if not jitter:
        return Picture(title, "The jitter of the pairs is not known.", None)
    limit = reach(error, 3.5 * jitter)
    scale = scale_of_errors(limit)
    with canvas(_HEIGHT) as drawing:
        left, right = drawing.axes(columns=(5, 3), share=False)[0]
        _histogram(left, error / scale.one, jitter / scale.one, limit / scale.one)
        left.set_xlabel(f"residual ({scale.unit})", loc="right")
        inside = error[np.abs(error) <= limit]
        _quantiles(right, inside / scale.one, jitter / scale.one, scale.unit)
        beyond = len(error) - len(inside)
        words = (
            f"The bars are the pairs, the curve is what a Gaussian of the fitted "
            f"jitter ({size(jitter)}) would give. To the right the same as quantiles: "
            "dots on the line are Gaussian, ends that bend away are strays, and "
            "steps are the tick of a coarse clock."
        )
        words += f" {count(beyond)} beyond the axes are left out." if beyond else ""
        return Picture(title, words, drawing.svg(f"{scene.name}-h", title))


def _half_band(scene: Scene) -> NDArray[np.float64]:
    return BAND * np.hypot(scene.jitter_ns, scene.evidence.sd_ns)


def _over_time_words(scene: Scene, half: NDArray[np.float64], beyond: int) -> str:
    error = scene.evidence.residual_ns
    known = np.isfinite(half) & np.isfinite(error)
    within = np.abs(error[known]) <= half[known]
    inside = float(np.mean(within)) if len(within) else None
    words = (
        f"How far each of the {count(scene.pairs)} pairs lies from the fitted "
        f"relation. {how_drawn(scene.pairs)} About 95 % should lie within the grey "
        f"band; {percent(inside)} do. The orange band is how well the relation itself "
        f"is known: {band(_median(scene.evidence.sd_ns))} in the median. Pairs should "
        "lie evenly about zero; a wave, a slope or a step would be a clock that the "
        "model does not follow."
    )
    constant = scene.relation.constant_sd_ns
    if constant:
        words += f" A constant part of {band(constant)} cannot be seen here."
    if beyond:
        farthest = size(float(np.nanmax(np.abs(error))))
        words += (
            f" Red triangles: {count(beyond)} beyond the axis, the farthest {farthest} "
            "off."
        )
    if scene.resets_s:
        words += " Dashed: a clock began anew or leapt."
    return words


def _median(values: NDArray[np.float64]) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None


def _histogram(
    axes: Any, error: NDArray[np.float64], jitter: float, limit: float
) -> None:
    bins = int(np.clip(3 * len(error) ** 0.5, _FEWEST_BINS, _MOST_BINS))
    counts, edges = np.histogram(error, bins, (-limit, limit))
    axes.stairs(counts, edges, fill=True, color=COLOURS["blue"], alpha=0.55)
    axes.set_title("pairs")
    axes.set_xlim(-limit, limit)
    axes.yaxis.get_major_locator().set_params(integer=True)
    x = np.linspace(-limit, limit, 201)
    height = len(error) * (edges[1] - edges[0]) / (jitter * (2 * np.pi) ** 0.5)
    y = height * np.exp(-0.5 * (x / jitter) ** 2)
    axes.plot(x, y, color=COLOURS["orange"], linewidth=1.6, label="Gaussian")
    axes.set_ylim(0, 1.05 * max(float(counts.max()), height))
    legend(axes)


def _quantiles(axes: Any, error: NDArray[np.float64], jitter: float, unit: str) -> None:
    shares = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    inverse = NormalDist().inv_cdf
    expected = jitter * np.array([inverse(share) for share in shares.tolist()])
    seen = np.quantile(error, shares)
    ends = 1.08 * max(float(np.abs(expected).max()), float(np.abs(seen).max()), 1e-9)
    axes.plot([-ends, ends], [-ends, ends], color=COLOURS["orange"], linewidth=1.2)
    dots(axes, expected, seen, "blue", 3.2)
    axes.set_xlim(-ends, ends)
    axes.set_ylim(-ends, ends)
    axes.locator_params(nbins=5)
    axes.set_title("quantiles")
    axes.set_xlabel(f"of a Gaussian ({unit})", loc="right")
