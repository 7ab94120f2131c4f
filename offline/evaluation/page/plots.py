"""The plots of one set of frames."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.report.markup import Html, join
from offline.evaluation.judging import WITHIN_PX
from offline.evaluation.page.svg import (
    Plane,
    Scale,
    label,
    legend,
    line,
    log_scale,
    mark,
)
from offline.evaluation.words import px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from offline.evaluation.judging import Judged
    from offline.evaluation.resampling import Estimate
    from offline.evaluation.result import Evaluation

__all__ = ["groups_plot", "parts_plot", "pck_plot", "reliability_plot"]

_ROW, _GAP, _TOP = 22.0, 8.0, 10.0
_WIDE, _NARROW = 820.0, 500.0
_MOST_DOTS = 400
"""Of one row; of more points, as many are shown, evenly by rank."""
_GOLDEN = 0.618034
_SHARES = Scale(0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
_LETTER = 7.4
"""Width of one, about."""


def parts_plot(judged: Judged, found: Evaluation) -> Html:
    """Return the errors of each part, model under model."""
    rows = judged.models
    picked = _rows_of(judged, found)
    largest = max((float(e.max()) for e in picked.values() if len(e)), default=10.0)
    shown = [part for part in found.parts if any(part in m.parts for m in rows)]
    plane = _rows_plane(log_scale(largest), shown, len(rows), _WIDE)
    marks: list[Html] = []
    for k, part in enumerate(shown):
        top = _top(k, len(rows))
        marks.append(label(part, plane.left - 8, top + len(rows) * _ROW / 2 + 4))
        for m, model in enumerate(rows):
            if part in model.parts:
                off = picked[m, part]
                middle = top + (m + 0.5) * _ROW
                marks += _strip(plane, m, middle, off, model.parts[part].median_px)
    svg = plane.drawn(marks, "error (px)", "", "Error of each part, by model")
    return join([legend([model.name for model in rows]), svg])


def groups_plot(judged: Judged) -> Html:
    """Return the median error of each video or animal, model under model."""
    shown = list(judged.models[0].groups)
    medians = [
        one.median_px for model in judged.models for one in model.groups.values()
    ]
    tops = [v for one in medians for v in (one.value, one.high) if isfinite(v)]
    plane = _rows_plane(
        log_scale(max(tops, default=10.0)), shown, len(judged.models), _NARROW
    )
    marks: list[Html] = []
    for k, group in enumerate(shown):
        top = _top(k, len(judged.models))
        middle = top + len(judged.models) * _ROW / 2
        marks.append(label(_short(group), plane.left - 8, middle + 4))
        for m, model in enumerate(judged.models):
            told = model.groups[group].median_px
            marks += _estimate(plane, m, top + (m + 0.5) * _ROW, told)
    return plane.drawn(marks, "median error (px)", "", "Median error by group")


def pck_plot(judged: Judged) -> Html:
    """Return the share of labelled points within each distance."""
    ticks = tuple(float(tick) for tick in range(0, 31, 5))
    plane = Plane(Scale(0.0, 30.0, ticks), _SHARES)
    x = plane.across(WITHIN_PX)
    marks: list[Html] = []
    for m, model in enumerate(judged.models):
        marks.append(line(m, x, plane.up(np.array(model.pck))))
        if model.gated:
            marks.append(line(m, x, plane.up(np.array(model.gated.pck)), "line dashed"))
    return plane.drawn(marks, "distance (px)", "share of points", "PCK curve")


def reliability_plot(judged: Judged) -> Html:
    """Return bins of likelihood against the share of right points."""
    plane = Plane(_SHARES, _SHARES)
    ends = np.array([0.0, 1.0])
    marks = [line(0, plane.across(ends), plane.up(ends), "diagonal")]
    for m, model in enumerate(judged.models):
        told = model.calibration
        count = np.array(told.count)
        if not count.any():
            continue
        x = plane.across(np.array(told.likelihood)[count > 0])
        y = plane.up(np.array(told.right)[count > 0])
        marks.append(line(m, x, y, "line thin"))
        radius = 2.5 + 7 * np.sqrt(count[count > 0] / count.sum())
        marks += [
            mark("circle", m, "dot", cx=a, cy=b, r=c)
            for a, b, c in zip(x, y, radius, strict=True)
        ]
    what = "Likelihood against the share of right points"
    return plane.drawn(marks, "likelihood", "share within 10 px", what)


def _rows_of(
    judged: Judged, found: Evaluation
) -> dict[tuple[int, str], NDArray[np.float64]]:
    """Return the sorted errors of each model and part."""
    picked: dict[tuple[int, str], NDArray[np.float64]] = {}
    for m, seen in enumerate(found.seen):
        for k, part in enumerate(found.parts):
            off = seen.errors_px[judged.rows, k]
            picked[m, part] = np.sort(off[np.isfinite(off)])
    return picked


def _rows_plane(scale: Scale, names: Sequence[str], models: int, width: float) -> Plane:
    left = 16 + _LETTER * max((len(_short(name)) for name in names), default=0)
    height = _TOP + len(names) * (models * _ROW + _GAP) + 40
    left = max(left, 40.0)
    return Plane(scale, None, width=width, height=height, left=left, top=_TOP)


def _top(k: int, models: int) -> float:
    return _TOP + k * (models * _ROW + _GAP) + _GAP / 2


def _strip(
    plane: Plane, m: int, y: float, off: NDArray[np.float64], median: Estimate
) -> list[Html]:
    if not len(off):
        return []
    spread = np.arange(len(off)) * _GOLDEN % 1.0 - 0.5  # so that dots do not hide dots
    chosen = np.unique(np.linspace(0, len(off) - 1, _MOST_DOTS).astype(np.int64))
    dots = [
        mark("circle", m, "point", cx=x, cy=y + s * 0.6 * _ROW, r=1.8)
        for x, s in zip(plane.across(off[chosen]), spread[chosen], strict=True)
    ]
    low, high = plane.across(np.quantile(off, (0.25, 0.75)))
    height = 0.5 * _ROW
    box = mark(
        "rect", m, "box", x=low, y=y - height / 2, width=high - low, height=height
    )
    return [*dots, box, *_estimate(plane, m, y, median, dot=False)]


def _estimate(
    plane: Plane, m: int, y: float, told: Estimate, *, dot: bool = True
) -> list[Html]:
    if not isfinite(told.value):
        return []
    x = float(plane.across(told.value))
    at = y if dot else y + 0.36 * _ROW
    marks: list[Html] = []
    if isfinite(told.low):
        low, high = (float(plane.across(end)) for end in (told.low, told.high))
        ends = np.array([low, high]), np.array([at, at])
        marks.append(line(m, *ends, "line bar"))
    if dot:
        marks.append(mark("circle", m, "dot", cx=x, cy=y, r=4.5))
        end = plane.width - plane.right
        marks.append(label(px(told.value), end, y - 5))
    else:
        tall = np.array([y - 0.3 * _ROW, y + 0.3 * _ROW])
        marks.append(line(m, np.array([x, x]), tall, "line median"))
    return marks


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:11]}…{name[-12:]}"
