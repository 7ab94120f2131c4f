"""Contact sheets: suspect pictures around the animal, with what is wrong as title."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.dataset.checking.pictures import read_picture
from offline.picture_file import needs_matplotlib
from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path, PurePosixPath

    from numpy.typing import NDArray

    from offline.dataset.checking.finding import Finding
    from offline.dataset.project import Project

__all__ = [
    "PALETTE",
    "PER_SHEET",
    "Panel",
    "draw_sheet",
    "panels_of",
    "show_around",
    "window_of",
]

_COLUMNS, _ROWS = 3, 2
PER_SHEET = _COLUMNS * _ROWS
_ALL_COLUMNS = 6
PALETTE = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#0072b2", "#d55e00")
"""Okabe and Ito's palette, which the colour-blind can tell apart."""
_SUSPECT, _DPI, _LINE = "#ff2020", 110, 62
_LINES, _MARGIN, _LEAST_PX = 5, 0.35, 40.0


@dataclass(frozen=True, slots=True)
class Panel:
    """One place on a sheet."""

    images: tuple[PurePosixPath, ...]
    """The picture, and one that it was compared with, if any."""
    parts: tuple[str, ...]
    """To be marked."""
    texts: tuple[str, ...]


def panels_of(findings: Sequence[Finding]) -> list[Panel]:
    """Return one panel per suspect picture, in the order of its worst finding."""
    by_image: dict[PurePosixPath, list[Finding]] = {}
    for finding in findings:
        if finding.is_suspect and finding.images:
            by_image.setdefault(finding.images[0], []).append(finding)
    panels: list[Panel] = []
    for image, mine in by_image.items():
        others = [f.images[1] for f in mine if len(f.images) > 1]
        parts = dict.fromkeys(part for f in mine for part in f.parts)
        texts = tuple(f"{f.kind}: {f.text}" for f in mine)
        panels.append(Panel((image, *others[:1]), tuple(parts), texts))
    return panels


def window_of(
    xy_px: NDArray[np.float64], size_px: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return left, right, top, bottom in px of a square view of an animal.

    Parameters
    ----------
    xy_px
        (parts, 2); NaN where not labelled. All of the labels are in the view.
    size_px
        Width, height of the picture, which is shown whole where there is no label.
    """
    there = xy_px[np.isfinite(xy_px).all(axis=1)]
    if not len(there):
        return -0.5, size_px[0] - 0.5, -0.5, size_px[1] - 0.5
    low, high = there.min(axis=0), there.max(axis=0)
    half = max(float((high - low).max()) * (0.5 + _MARGIN), _LEAST_PX)
    x, y = (low + high) / 2
    return x - half, x + half, y - half, y + half


def draw_sheet(
    project: Project, panels: Sequence[Panel], path: Path, title: str
) -> None:
    """Draw pictures with their labels onto one sheet.

    Parameters
    ----------
    project
        The project.
    panels
        At most `PER_SHEET` with texts; any number without.
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
    is_small = not any(panel.texts for panel in panels)
    columns = min(len(panels), _ALL_COLUMNS if is_small else _COLUMNS)
    rows = -(-len(panels) // columns)
    wide, high = (2.6, 2.9) if is_small else (5.4, 5.9)
    figure = Figure(figsize=(wide * max(columns, 2), high * rows + 0.5))
    figure.set_layout_engine("constrained")
    figure.suptitle(title, fontsize=11)
    cells = figure.add_gridspec(rows, columns)
    for k, panel in enumerate(panels):
        cell = cells[divmod(k, columns)]
        inner = cell.subgridspec(1, len(panel.images), wspace=0.02)
        for side, image in enumerate(panel.images):
            axes = figure.add_subplot(inner[0, side])
            _draw_picture(axes, project, image, panel, named=not is_small)
            if side == 0:
                axes.set_title(_title(panel), fontsize=8, loc="left")
    try:
        figure.savefig(path, dpi=_DPI)
    except OSError as error:
        msg = f"Expected to write {path}, got {error.strerror}: name a place with --out"
        raise LabelError(msg) from error


def _title(panel: Panel) -> str:
    image = panel.images[0]
    name = f"{image.parent.name}/{image.name}"
    if not panel.texts:
        return "\n".join(textwrap.wrap(name, 34)[-2:])
    width = _LINE // len(panel.images) if len(panel.images) > 1 else _LINE
    lines = [line for text in panel.texts for line in textwrap.wrap(text, width)]
    return "\n".join([*textwrap.wrap(name, width)[-2:], *lines[:_LINES]])


def _draw_picture(
    axes: Any, project: Project, image: PurePosixPath, panel: Panel, *, named: bool
) -> None:
    try:
        picture = read_picture(project.folder / image)
    except LabelError:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "cannot be read", ha="center", transform=axes.transAxes)
        return
    labels = project.labels
    xy_px = np.full((len(labels.bodyparts), 2), np.nan)
    if image in labels.images:
        xy_px = labels.xy_px[labels.images.index(image)]
    show_around(axes, picture, xy_px)
    for part, (x, y) in enumerate(xy_px):
        if np.isfinite(x) and np.isfinite(y):
            is_suspect = labels.bodyparts[part] in panel.parts
            _draw_part(axes, (x, y), part, labels.bodyparts[part], is_suspect, named)
    if image != panel.images[0]:
        axes.set_xlabel(f"{image.parent.name}/{image.name}"[-40:], fontsize=7)


def show_around(
    axes: Any, picture: NDArray[np.uint8], xy_px: NDArray[np.float64]
) -> None:
    """Show a picture around an animal, on a matplotlib axis.

    Parameters
    ----------
    picture
        (height, width) grey, or (height, width, 3).
    xy_px
        (parts, 2); NaN where not known.
    """
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor("#303030")
    height, width = picture.shape[:2]
    left, right, top, bottom = window_of(xy_px, (width, height))
    first_x, first_y = max(0, int(left)), max(0, int(top))
    cut = picture[first_y : max(0, int(bottom) + 2), first_x : max(0, int(right) + 2)]
    if cut.size:
        rows, columns = cut.shape[:2]
        edges = np.array([first_x, first_x + columns, first_y + rows, first_y]) - 0.5
        axes.imshow(
            cut, extent=edges, interpolation="nearest", cmap="gray", vmin=0, vmax=255
        )
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal")


def _draw_part(
    axes: Any,
    place: tuple[float, float],
    part: int,
    name: str,
    is_suspect: bool,
    named: bool,
) -> None:
    x, y = place
    colour = PALETTE[part % len(PALETTE)]
    axes.plot(x, y, "o", color=colour, markersize=4, markeredgecolor="k", mew=0.5)
    if is_suspect:
        axes.plot(x, y, "o", mfc="none", mec=_SUSPECT, markersize=15, mew=2)
    if not named:
        return
    # names to different sides, so that those of parts close by are not on one another
    side = (9, -9)[part % 2]
    axes.annotate(
        name,
        (x, y),
        xytext=(side, (7, 7, -9, -9)[part % 4]),
        textcoords="offset points",
        ha="left" if side > 0 else "right",
        va="center",
        fontsize=8,
        color=colour,
        weight="bold" if is_suspect else "normal",
        bbox={"facecolor": "k", "alpha": 0.55, "pad": 0.8, "edgecolor": "none"},
        annotation_clip=False,
    )
