"""Whether another alignment would do as well: the bars that must not be level."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import TYPE_CHECKING, Any

from offline.alignment.report.pictures.canvas import COLOURS, canvas
from offline.alignment.report.pictures.scene import Picture
from offline.alignment.units import DASH, scale_of_errors, score, size, whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offline.alignment.report.pictures.scene import Scene
    from offline.alignment.result import Candidate

__all__ = ["ambiguity", "rivals"]

_HEIGHT = 250
_REACH = 5
"""Whole pulses to either side that are shown."""
_LEAST_NS = 0.1
"""A bar must have a height, also where every pair fits to the nanosecond."""
_WIDE = 10.0
"""Bars that differ by more than this are shown by their logarithm."""
_NOTHING = {
    "sync_line": "Its barcodes number the pulses, so there was no other alignment to "
    "weigh.",
    "triggers": "Frames carry the trigger's own number, so there was no other "
    "alignment to weigh.",
    "exchanges": "Questions and answers belong together by their number: there was "
    "no other alignment to weigh.",
    "online": "This is the map that ran live: there was no other alignment to weigh.",
}


def ambiguity(scene: Scene) -> Picture:
    """Draw how well the alignment fits when slid by whole pulses."""
    title = "Would another alignment do as well?"
    relation = scene.relation
    shown = rivals(relation.candidates)
    if not shown:
        words = _NOTHING.get(relation.how, "No other alignment was weighed.")
        return Picture(title, words, None)
    with canvas(_HEIGHT) as drawing:
        axes = drawing.axes(bottom=58)[0, 0]
        _bars(axes, shown, taken=relation.verdict == "unique")
        words = _words(scene, shown)
        return Picture(title, words, drawing.svg(f"{scene.name}-a", title))


def rivals(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return for each shift of some pulses the candidate that comes nearest."""
    best: dict[int, Candidate] = {}
    for one in candidates:
        shift = one.shift_pulses
        if abs(shift) > _REACH or not isfinite(one.residual_ns):
            continue
        if shift not in best or (shift and one.z < best[shift].z):
            best[shift] = one
    return [best[shift] for shift in sorted(best)]


def _bars(axes: Any, shown: list[Candidate], *, taken: bool) -> None:
    heights = [max(one.residual_ns, _LEAST_NS) for one in shown]
    scale = scale_of_errors(max(heights))
    heights = [height / scale.one for height in heights]
    bottom = 0.0
    if max(heights) > _WIDE * min(heights):
        axes.set_yscale("log")
        bottom = 10.0 ** floor(log10(min(heights) / 2))
        axes.yaxis.set_major_formatter(lambda value, _: size(value * scale.one))
        axes.yaxis.set_minor_locator(_no_ticks())
        axes.set_title("residual of the pairs")
        top = max(heights) * (max(heights) / bottom) ** 0.1
    else:
        axes.set_title(f"residual of the pairs ({scale.unit})")
        top = 1.15 * max(heights)
    axes.set_ylim(bottom, top)
    for one, height in zip(shown, heights, strict=True):
        best = one.shift_pulses == 0
        colour = ("green" if taken else "orange") if best else "soft"
        axes.bar(
            one.shift_pulses,
            height - bottom,
            bottom=bottom,
            width=0.72,
            color=COLOURS[colour],
            alpha=0.9 if best else 0.5,
        )
        if best:
            word = "taken" if taken else "not taken"
            axes.annotate(
                word,
                (0, height),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
            )
    axes.set_xlim(-_REACH - 0.6, _REACH + 0.6)
    z = {one.shift_pulses: score(one.z) if one.shift_pulses else "" for one in shown}
    ticks = list(range(-_REACH, _REACH + 1))
    axes.set_xticks(ticks, [f"{whole(k)}\n{z.get(k, DASH)}" for k in ticks])
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("shift in pulses; below it z", loc="right")


def _no_ticks() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()


def _words(scene: Scene, shown: list[Candidate]) -> str:
    relation = scene.relation
    best = next((one for one in shown if not one.shift_pulses), None)
    others = [one for one in shown if one.shift_pulses]
    words = "The same pulses, slid by whole pulses and paired anew. "
    if best and others:
        nearest = min(others, key=lambda one: one.z)
        words += (
            f"The best one leaves {size(best.residual_ns)}; the one that comes nearest "
            f"({whole(nearest.shift_pulses)}) {size(nearest.residual_ns)}, "
            f"z = {score(nearest.z)}: by so many standard errors it fits worse. "
        )
    if relation.verdict == "unique":
        return words + "The bar in the middle is the one taken; no other may come near."
    return words + (
        "Others fit as well: the pulses do not tell which is right, so none is taken."
    )
