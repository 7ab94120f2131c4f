"""Boxes of pixels, and where one of a few sizes is put so that it holds a place.

A box's corner lies on the network's grid (a multiple of `align_px`): the network
then computes inside it what it would compute in the whole picture, but for the
pixels near the border. Where the picture's own border asks for it, holding the
place comes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Box", "place_box", "sides_px"]

_SMALLEST_PX = 128
_LARGEST_SHARE = 0.8
"""Of the picture's side; above it the whole picture costs little more."""


class Box(NamedTuple):
    """Part of a picture, in pixels; x1 and y1 are the first ones outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Rows."""
        return self.y1 - self.y0

    def holds(self, other: Box) -> bool:
        """Return whether all of another box lies inside."""
        return (
            self.x0 <= other.x0
            and self.y0 <= other.y0
            and self.x1 >= other.x1
            and self.y1 >= other.y1
        )


def sides_px(length_px: int, align_px: int, growth: float) -> tuple[int, ...]:
    """Return the sides that a box may have along one side of a picture, rising.

    Parameters
    ----------
    length_px
        Of the picture's side; itself the last.
    align_px
        All but the last are multiples of it.
    growth
        From one to the next: fine steps waste fewer pixels, coarse ones make fewer
        shapes for an engine to prepare.

    Examples
    --------
    >>> sides_px(480, 16, 1.4)
    (128, 176, 256, 352, 480)
    """
    sides: list[int] = []
    side = float(max(_SMALLEST_PX, 4 * align_px))
    while (size := round(side / align_px) * align_px) <= _LARGEST_SHARE * length_px:
        if not sides or size > sides[-1]:
            sides.append(size)
        side *= growth
    return (*sides, length_px)


def place_box(
    place: tuple[float, float, float, float],
    widths_px: Sequence[int],
    heights_px: Sequence[int],
    within: Box,
    align_px: int,
) -> Box:
    """Return the smallest box that holds a place.

    Parameters
    ----------
    place
        x0, y0, x1, y1 of what must be seen, px; what of it lies outside `within`
        need not be.
    widths_px, heights_px
        Sides that the box may have, rising, up to the picture's.
    within
        The picture.
    align_px
        Step of the corners, counted from the picture's own.
    """
    x0, y0, x1, y1 = place
    left, right = _span(x0, x1, widths_px, (within.x0, within.x1), align_px)
    top, bottom = _span(y0, y1, heights_px, (within.y0, within.y1), align_px)
    return Box(left, top, right, bottom)


def _span(
    low: float,
    high: float,
    sizes: Sequence[int],
    within: tuple[int, int],
    align_px: int,
) -> tuple[int, int]:
    """Return the shortest span that holds low to high."""
    first, end = within
    low = min(max(low, first), end)
    high = min(max(high, first), end)
    for size in sizes:
        last = end - size
        middle = min(max((low + high - size) / 2, first), last)
        on_grid = first + round((middle - first) / align_px) * align_px
        for start in (on_grid, on_grid - align_px, on_grid + align_px, last):
            if first <= start <= min(last, low) and start + size >= high:
                return start, start + size
    return within
