"""Draws one shaded limb: a tapered capsule, lit like a solid, with soft edges.

The mouse is a heap of such capsules; a depth buffer decides which one is in front,
so that overlapping ones melt into one body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Canvas", "Stroke", "add_fur", "draw", "draw_shadow"]

_F = np.float32
_SHORT_PX2 = 1e-4
_STILL_PX2 = 0.04
_MELT_MM = 2.5
"""Surfaces closer than this melt into one another."""
_AMBIENT = 0.38
"""Share of a surface's brightness that needs no lamp."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A capsule in the picture; each end has x px, y px, radius px and depth mm."""

    start: tuple[float, float, float, float]
    end: tuple[float, float, float, float]
    px_per_mm: float
    shade: float
    """Grey level where it faces the lamp."""
    flat: bool = False
    """Not lit: paint, or an eye."""
    motion: tuple[float, float] = (0.0, 0.0)
    """How far it moves while the shutter is open, px."""


@dataclass(slots=True)
class Canvas:
    """A window of the picture while the mouse is drawn into it."""

    left: int
    top: int
    pixels: NDArray[np.float32]
    depth: NDArray[np.float32]
    """mm from the camera; infinite where nothing is drawn yet."""
    lamp: NDArray[np.float32]
    """Direction to the lamp in the picture's frame: right, down, away (3,)."""
    coat: NDArray[np.float32]
    """Texture of the fur (128, 128), about -1 to 1."""

    @classmethod
    def over(
        cls,
        background: NDArray[np.float32],
        box: tuple[int, int, int, int],
        lamp: NDArray[np.float32],
        coat: NDArray[np.float32],
    ) -> Canvas:
        """Return a window (left, top, right, bottom) of a copy of a picture."""
        left, top, right, bottom = box
        pixels = background[top:bottom, left:right].copy()
        depth = np.full(pixels.shape, np.inf, dtype=np.float32)
        return cls(left, top, pixels, depth, lamp, coat)

    def window(
        self, x0: float, y0: float, x1: float, y1: float
    ) -> tuple[slice, slice] | None:
        """Return the rows and columns of a box in the picture; None if outside."""
        height, width = self.pixels.shape
        left = max(0, int(np.floor(x0)) - self.left)
        top = max(0, int(np.floor(y0)) - self.top)
        right = min(width, int(np.ceil(x1)) + 1 - self.left)
        bottom = min(height, int(np.ceil(y1)) + 1 - self.top)
        if left >= right or top >= bottom:
            return None
        return slice(top, bottom), slice(left, right)

    def depth_at(self, x_px: float, y_px: float) -> float:
        """Return how far away what is drawn there is, mm; infinite where nothing is."""
        if not (np.isfinite(x_px) and np.isfinite(y_px)):
            return np.inf
        row, column = round(y_px) - self.top, round(x_px) - self.left
        height, width = self.depth.shape
        if not (0 <= row < height and 0 <= column < width):
            return np.inf
        return float(self.depth[row, column])


def draw(canvas: Canvas, stroke: Stroke) -> None:
    """Draw a capsule where it is in front of what is there."""
    ax, ay, ar, az = stroke.start
    bx, by, br, bz = stroke.end
    mx, my = stroke.motion
    wide, high = 1.0 + 0.5 * abs(mx), 1.0 + 0.5 * abs(my)
    window = canvas.window(
        min(ax - ar, bx - br) - wide,
        min(ay - ar, by - br) - high,
        max(ax + ar, bx + br) + wide,
        max(ay + ar, by + br) + high,
    )
    if window is None:
        return
    rows, columns = window
    x = _axis(columns, canvas.left - ax)[None, :]
    y = _axis(rows, canvas.top - ay)[:, None]
    dx, dy = bx - ax, by - ay
    share = None
    if (long2 := dx * dx + dy * dy) > _SHORT_PX2:
        share = x * _F(dx / long2) + y * _F(dy / long2)
        np.maximum(share, _F(0.0), out=share)
        np.minimum(share, _F(1.0), out=share)
        nx, ny = x - share * _F(dx), y - share * _F(dy)
        radius = share * _F(br - ar)
        radius += _F(ar)
        inverse = _F(1.0) / radius
        nx *= inverse
        ny *= inverse
        bulge = nx * nx
        bulge += ny * ny
    else:
        radius = _F(ar)
        nx, ny = x * _F(1.0 / ar), y * _F(1.0 / ar)
        bulge = nx * nx + ny * ny
    np.subtract(_F(1.0), bulge, out=bulge)
    # Near its edge, r (1 - d^2 / r^2) / 2 is the distance inside the edge.
    cover = bulge * (radius * _F(0.5))
    if mx * mx + my * my > _STILL_PX2:
        # A moving edge is a ramp as wide as it moves across itself.
        cover /= _F(1.0) + np.abs(nx * _F(mx) + ny * _F(my))
    cover += _F(0.5)
    np.maximum(bulge, _F(0.0), out=bulge)
    np.sqrt(bulge, out=bulge)
    place = bulge * (radius * _F(-1.0 / stroke.px_per_mm))
    place += _F(az) if share is None else share * _F(bz - az) + _F(az)
    _lay_on(canvas, window, stroke, (nx, ny, bulge), cover, place)


def _lay_on(
    canvas: Canvas,
    window: tuple[slice, slice],
    stroke: Stroke,
    normal: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    cover: NDArray[np.float32],
    place: NDArray[np.float32],
) -> None:
    """Blend a surface into the picture where it covers and is in front.

    Two surfaces of about the same depth melt into one another: a body of many
    strokes has no seams.
    """
    old = canvas.depth[window]
    front = old - place
    front *= _F(1.0 / _MELT_MM)
    front += _F(0.5)
    np.minimum(front, cover, out=cover)
    np.maximum(cover, _F(0.0), out=cover)
    np.minimum(cover, _F(1.0), out=cover)
    pixels = canvas.pixels[window]
    if stroke.flat:
        change = _F(stroke.shade) - pixels
    else:
        change = _lit(canvas.lamp, normal)
        change *= _F(stroke.shade * (1.0 - _AMBIENT))
        change += _F(stroke.shade * _AMBIENT)
        change -= pixels
    change *= cover
    pixels += change
    np.copyto(old, place, where=(cover > _F(0.5)) & (place < old))


def _lit(
    lamp: NDArray[np.float32],
    normal: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Return how much light a surface takes, half of it from around the corner."""
    nx, ny, nz = normal
    light = nz * _F(-lamp[2])
    light += nx * lamp[0]
    light += ny * lamp[1]
    light += _F(0.35)
    light *= _F(1.0 / 1.35)
    return np.maximum(light, _F(0.0), out=light)


def add_fur(canvas: Canvas, anchor: tuple[float, float], strength: float) -> None:
    """Roughen all that was drawn with the coat's texture.

    Parameters
    ----------
    canvas
        After all strokes.
    anchor
        Point of the body in the picture that the texture goes with, px.
    strength
        0 to 1.
    """
    height, width = canvas.pixels.shape
    shift_y, shift_x = round(anchor[1]) - canvas.top, round(anchor[0]) - canvas.left
    rows = (np.arange(height) - shift_y) % canvas.coat.shape[0]
    columns = (np.arange(width) - shift_x) % canvas.coat.shape[1]
    coat = canvas.coat[rows[:, None], columns[None, :]]
    coat *= _F(strength)
    coat *= np.isfinite(canvas.depth)
    coat += _F(1.0)
    canvas.pixels *= coat


def draw_shadow(
    canvas: Canvas,
    start: tuple[float, float],
    end: tuple[float, float],
    radius_px: float,
    flatness: float,
    strength: float,
) -> None:
    """Darken the ground under a body.

    Parameters
    ----------
    canvas
        Where to; before anything else is drawn.
    start, end
        The body's ends seen on the ground, px.
    radius_px
        Half width of the shadow.
    flatness
        Height against width of a circle on the ground, as the camera sees it.
    strength
        0 to 1.
    """
    flat = max(flatness, 0.05)
    tall = radius_px * flat
    window = canvas.window(
        min(start[0], end[0]) - radius_px,
        min(start[1], end[1]) - tall,
        max(start[0], end[0]) + radius_px,
        max(start[1], end[1]) + tall,
    )
    if window is None or strength <= 0.0:
        return
    rows, columns = window
    x = _axis(columns, canvas.left - start[0])[None, :]
    y = _axis(rows, canvas.top - start[1])[:, None] * np.float32(1.0 / flat)
    dx, dy = end[0] - start[0], (end[1] - start[1]) / flat
    share = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-6), 0.0, 1.0)
    away2 = (x - share * dx) ** 2 + (y - share * dy) ** 2
    dark = np.clip(1.0 - away2 / radius_px**2, 0.0, 1.0) * strength
    canvas.pixels[rows, columns] *= (1.0 - dark).astype(np.float32)


def _axis(span: slice, offset: float) -> NDArray[np.float32]:
    return (np.arange(span.start, span.stop) + offset).astype(np.float32)
