"""Finding an LED that nobody has told the place of: pixels that go with a line.

First on a grid of coarse cells, then pixel by pixel about the best of them. What is
found is a proposal: it is then held against the line as any place is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.alignment.cues.gaze import read_frames
from offline.alignment.cues.led import REACH, exposures
from offline.alignment.cues.spot import Spot
from sync.cues import correlations

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from offline.alignment.cues.gaze import View
    from sync.cues import Line

__all__ = ["find_spot"]

_CELL_PX = 8
_PULSES = 40
_MARGIN = REACH + 3
"""Frames that are read to either side of a pulse."""
_LEAST_LIKE = 0.35
_SURE = 10.0
"""The best cell, in standard deviations of all cells at all shifts."""
_WITHIN = 0.5
"""Cells and pixels that follow the line half as well as the best are the LED's too."""
_LARGEST_PX = 100.0


def find_spot(
    view: View,
    line: Line,
    progress: Callable[[int, int], object] = lambda done, of: None,
) -> Spot | None:
    """Find where a camera sees an LED that a line drives; None where nothing goes.

    Parameters
    ----------
    view
        Of the camera.
    line
        What may drive one.
    progress
        Told how many frames are read, and of how many.
    """
    places = _about_pulses(view, line)
    height, width = view.shape[:2]
    if min(height, width) < _CELL_PX or not places.any():
        return None
    predicted = line.share(*exposures(view))
    cells = _Cells(0, 0, height, width, _CELL_PX)
    read_frames(view, [(places, cells)], progress)
    seen_at, levels = cells.seen(view)
    shifts = np.arange(-REACH, REACH + 1)
    found = np.abs(correlations(predicted, seen_at, levels, shifts))
    chance = 1.4826 * float(np.median(found))
    if found.max() < max(_LEAST_LIKE, _SURE * chance):
        return None
    best = int(np.argmax(found.max(axis=1)))
    top, left, bottom, right = _box(found[best].reshape(cells.shape))
    pixels = _Cells(top, left, min(bottom, height), min(right, width), 1)
    read_frames(view, [(places, pixels)], progress)
    seen_at, levels = pixels.seen(view)
    likeness = correlations(predicted, seen_at, levels, shifts[best : best + 1])[0]
    # by how much each pixel changes with the line, in grey levels but for a factor
    strength = np.abs(likeness) * np.diff(levels, axis=0).std(axis=0)
    return _spot(strength.reshape(pixels.shape), top, left)


class _Cells:
    """Keeps the mean level of cells of a part of the picture.

    Parameters
    ----------
    top, left, bottom, right
        The part, in px.
    size
        Side of a cell in px; what is no whole cell is left out.
    """

    def __init__(self, top: int, left: int, bottom: int, right: int, size: int) -> None:
        self.shape = (bottom - top) // size, (right - left) // size
        self._size = size
        self._part = (
            slice(None),
            slice(top, top + self.shape[0] * size),
            slice(left, left + self.shape[1] * size),
        )
        self._rows: list[NDArray[np.int64]] = []
        self._levels: list[NDArray[np.float64]] = []

    def take(self, frames: NDArray[Any], rows: NDArray[np.int64]) -> None:
        """Keep what frames show."""
        part = frames[self._part]
        if part.ndim > 3:
            part = part.max(axis=3)
        high, wide, side = *self.shape, self._size
        # first the rows of a cell, which lie one behind the other
        sums = part.reshape(len(rows), high, side, -1).sum(axis=2, dtype=np.uint32)
        sums = sums.reshape(len(rows), high, wide, side).sum(axis=3)
        self._rows.append(rows)
        self._levels.append(sums.reshape(len(rows), -1) / side**2)

    def seen(self, view: View) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the places that were seen (k,), and their cells (k, cells)."""
        return view.places_of(np.concatenate(self._rows)), np.concatenate(self._levels)


def _about_pulses(view: View, line: Line) -> NDArray[np.bool_]:
    """Choose the frames about some pulses, spread over the session (n,)."""
    inside = np.searchsorted(view.middle_ns, line.rise_ns)
    pulses = np.flatnonzero((inside > 0) & (inside < len(view.middle_ns)))
    chosen = np.zeros(len(view.middle_ns), bool)
    if not len(pulses):
        return chosen
    some = pulses[np.linspace(0, len(pulses) - 1, _PULSES).astype(int)]
    ends = np.searchsorted(view.middle_ns, line.fall_ns[some])
    for first, end in zip(inside[some].tolist(), ends.tolist(), strict=True):
        chosen[max(first - _MARGIN, 0) : end + _MARGIN] = True
    return chosen


def _box(likeness: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """Return the part of the picture about the best cell and those that go with it."""
    like = likeness >= _WITHIN * likeness.max()
    grown = likeness == likeness.max()
    while True:
        padded = np.pad(grown, 1)
        wider = grown.copy()
        for shift in ((0, 1), (2, 1), (1, 0), (1, 2)):
            wider |= padded[shift[0] :, shift[1] :][: like.shape[0], : like.shape[1]]
        if ((wider & like) == grown).all():
            break
        grown = wider & like
    y, x = np.nonzero(grown)
    first = np.maximum([y.min() - 1, x.min() - 1], 0) * _CELL_PX
    end = np.array([y.max() + 2, x.max() + 2]) * _CELL_PX
    return int(first[0]), int(first[1]), int(end[0]), int(end[1])


def _spot(strength: NDArray[np.float64], top: int, left: int) -> Spot:
    strong = np.where(strength >= _WITHIN * strength.max(), strength, 0.0)
    y, x = np.indices(strength.shape)
    radius_px = np.sqrt(np.count_nonzero(strong) / np.pi)
    return Spot(
        left + float((strong * x).sum() / strong.sum()),
        top + float((strong * y).sum() / strong.sum()),
        float(np.clip(radius_px, 1.5, _LARGEST_PX)),
    )
