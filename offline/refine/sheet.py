"""A contact sheet of ranked frames: live points as rings, offline ones as crosses."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.dataset.checking.sheets import PALETTE, show_around
from offline.picture_file import needs_matplotlib
from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.refine.rank import Ranked

__all__ = ["PER_SHEET", "draw_ranked"]

_COLUMNS = 4
PER_SHEET = 20
"""More are too small to be seen on one."""
_WIDE, _HIGH, _DPI = 3.6, 4.5, 110
_LINE, _LINES = 46, 4
_SHOWN, _FAINT = 0.1, 0.5
"""Likelihoods: below the first a place means nothing, below the second it is faint."""


def draw_ranked(
    ranked: Sequence[Ranked], first: int, path: Path, title: str = ""
) -> None:
    """Draw frames onto one sheet.

    Parameters
    ----------
    ranked
        At most `PER_SHEET`, the best first.
    first
        Rank of the first of them.
    path
        Image file; the kind of image follows from its name.
    title
        What is on it.

    Raises
    ------
    SpringhareError
        If matplotlib is not installed, or the sheet cannot be written.
    """
    with needs_matplotlib():
        from matplotlib.figure import Figure
    columns = min(len(ranked), _COLUMNS)
    rows = -(-len(ranked) // columns)
    size = (_WIDE * max(columns, 2), _HIGH * rows + 1.0)
    figure: Any = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, fontsize=10)
    cells = figure.subplots(rows, columns, squeeze=False)
    for k, axes in enumerate(cells.flat):
        if k >= len(ranked):
            axes.set_axis_off()
            continue
        _draw_frame(axes, ranked[k])
        axes.set_title(_title(ranked[k], first + k), fontsize=7.5, loc="left")
    _legend(figure, _parts(ranked))
    try:
        figure.savefig(path, dpi=_DPI)
    except OSError as error:
        msg = f"Expected to write {path}, got {error.strerror}: name a place with --out"
        raise LabelError(msg) from error


def _title(ranked: Ranked, rank: int) -> str:
    found = ranked.candidate
    head = (
        f"{rank}.  frame {found.frame}, {found.at_s:.3f} s   (score {ranked.total:.2f})"
    )
    lines = [line for words in ranked.words for line in textwrap.wrap(words, _LINE)]
    place = textwrap.wrap(found.view, _LINE)[-1]
    return "\n".join([head, place, *lines[:_LINES]])


def _draw_frame(axes: Any, ranked: Ranked) -> None:
    looked, frame = ranked.looked, ranked.candidate.frame
    live, offline = looked.points(frame)
    likely = [each[each[:, 2] >= _SHOWN, :2] for each in (live, offline)]
    xy_px = np.concatenate(likely).astype(np.float64)
    show_around(axes, looked.view.frame(frame), xy_px)
    colours = _colours(_parts([ranked]))
    for part, point in zip(looked.view.bodyparts, live, strict=False):
        _draw_point(axes, point, colours[part], "o", {"ms": 9, "mfc": "none"})
    if looked.offline is not None:
        for part, point in zip(looked.offline.bodyparts, offline, strict=False):
            _draw_point(axes, point, colours[part], "x", {"ms": 6})


def _draw_point(
    axes: Any, point: NDArray[np.float32], colour: str, marker: str, how: dict[str, Any]
) -> None:
    x, y, likelihood = point.tolist()
    if likelihood < _SHOWN or not np.isfinite((x, y)).all():
        return
    faint = 1.0 if likelihood >= _FAINT else 0.45
    # dark below, so that it shows on what is bright as well
    for wide, dye in ((3.2, "k"), (1.6, colour)):
        axes.plot(x, y, marker, mec=dye, color=dye, mew=wide, alpha=faint, **how)


def _parts(ranked: Sequence[Ranked]) -> list[str]:
    """Return all body parts, those of live models first."""
    live = [part for each in ranked for part in each.looked.view.bodyparts]
    files = [each.looked.offline for each in ranked if each.looked.offline is not None]
    return list(dict.fromkeys([*live, *(p for file in files for p in file.bodyparts)]))


def _colours(parts: Sequence[str]) -> dict[str, str]:
    return {part: PALETTE[k % len(PALETTE)] for k, part in enumerate(parts)}


def _legend(figure: Any, parts: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    sides = {"live": "o", "offline": "x"}
    shown: list[Any] = [
        Line2D([], [], ls="", marker=marker, mec="k", mfc="none", mew=1.6, label=name)
        for name, marker in sides.items()
    ]
    shown.append(Line2D([], [], ls="", label="faint: less likely than 0.5"))
    shown += [
        Line2D([], [], ls="", marker="s", color=colour, label=part)
        for part, colour in _colours(parts).items()
    ]
    figure.legend(handles=shown, loc="outside lower center", ncols=7, fontsize=8,
                  frameon=False)  # fmt: skip
