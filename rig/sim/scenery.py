"""What stands still in a picture: room, table, platform, lamp.

Each pixel's ray is followed to the first flat thing it meets. This is done once
per camera; only the mouse is drawn anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.geometry import Camera, undistort

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.sim.world import Story

__all__ = ["PLATFORM_MM", "Lighting", "background"]

PLATFORM_MM = (180.0, 110.0)
"""Length and width of the force platform; its top is at z = 0."""
ARENA_RADIUS_MM = 125.0
"""Inner radius of the open field."""
_WALL_HEIGHT_MM = 60.0
_TABLE_Z_MM = -45.0
_GRID_PX = 8


@dataclass(frozen=True, slots=True)
class Lighting:
    """The lamp and the colours of the room, as grey levels of the sensor."""

    level: float = 1.0
    """Brightness of everything."""
    side: float = 0.35
    """Lamp to the camera's left (-1) or right (+1)."""
    height: float = 0.85
    """Lamp above (towards 1) or beside (0) the mouse."""
    room: float = 205.0
    """Grey level of the wall behind."""
    table: float = 150.0
    platform: float = 190.0
    fur: float = 62.0
    """Grey level of fur that faces the lamp."""
    skin: float = 158.0
    shadow: float = 0.45
    """Depth of the mouse's shadow on the ground, 0 to 1."""


def background(
    camera: Camera, story: Story, lighting: Lighting, seed: int
) -> NDArray[np.float32]:
    """Return the empty room (height, width) as a camera sees it, grey levels."""
    rays = _rays(camera)
    grain = _grain(seed)
    picture = _room(rays, lighting)
    origin = camera.position_mm
    if story == "walk":
        _arena(picture, origin, rays, lighting, grain)
    else:
        _table(picture, origin, rays, lighting, grain)
        _platform(picture, origin, rays, lighting, grain)
    return np.clip(_softened(picture * lighting.level), 0.0, 250.0)


def _rays(camera: Camera) -> NDArray[np.float32]:
    """Return the direction (3, height, width) of each pixel in the world."""
    columns = np.arange(0, camera.width_px + _GRID_PX, _GRID_PX)
    rows = np.arange(0, camera.height_px + _GRID_PX, _GRID_PX)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).astype(np.float64)
    plane = undistort(camera, grid)
    fine = [
        _stretched(plane[..., k], camera.height_px, camera.width_px) for k in (0, 1)
    ]
    seen = np.stack([*fine, np.ones_like(fine[0])])
    return np.einsum("ij,ihw->jhw", camera.rotation, seen).astype(np.float32)


def _stretched(
    coarse: NDArray[np.float64], height: int, width: int
) -> NDArray[np.float64]:
    """Return a grid of `_GRID_PX` steps as pixels, linear between its points."""
    rows, columns = np.arange(height) / _GRID_PX, np.arange(width) / _GRID_PX
    top, left = rows.astype(int), columns.astype(int)
    down, across = (rows - top)[:, None], (columns - left)[None, :]
    wide = coarse[:, left] * (1.0 - across) + coarse[:, left + 1] * across
    return wide[top] * (1.0 - down) + wide[top + 1] * down


def _room(rays: NDArray[np.float32], lighting: Lighting) -> NDArray[np.float32]:
    """Return the wall behind: brighter towards the lamp, darker in the corners."""
    flat = np.hypot(rays[0], rays[1]) + 1e-6
    height = np.arctan2(rays[2], flat)
    _, h, w = rays.shape
    x = np.linspace(-1.0, 1.0, w, dtype=np.float32)[None, :]
    y = np.linspace(-1.0, 1.0, h, dtype=np.float32)[:, None]
    lamp = 1.0 + 0.10 * lighting.side * x + 0.12 * np.clip(height, -0.6, 0.6)
    return lighting.room * lamp * (1.0 - 0.06 * (x * x + y * y))


def _hit(
    origin: NDArray[np.float64], rays: NDArray[np.float32], axis: int, level: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return where rays meet a plane across an axis, on the other two axes."""
    run = rays[axis]
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(np.abs(run) > 1e-6, (level - origin[axis]) / run, -1.0)
    first, second = (k for k in range(3) if k != axis)
    return (
        (origin[first] + far * rays[first]).astype(np.float32),
        (origin[second] + far * rays[second]).astype(np.float32),
        far > 0.0,
    )


def _table(
    picture: NDArray[np.float32],
    origin: NDArray[np.float64],
    rays: NDArray[np.float32],
    lighting: Lighting,
    grain: NDArray[np.float32],
) -> None:
    x, y, met = _hit(origin, rays, 2, _TABLE_Z_MM)
    met &= (np.abs(x) < 420.0) & (np.abs(y) < 330.0)
    level = lighting.table * (1.0 + 0.05 * _sampled(grain, x, y, 0.6))
    under = np.maximum(np.abs(x) - 88.0, np.abs(y) - 52.0)
    level = level * (1.0 - 0.35 * np.exp(-np.clip(under, 0.0, None) / 22.0))
    np.copyto(picture, level, where=met)


def _platform(
    picture: NDArray[np.float32],
    origin: NDArray[np.float64],
    rays: NDArray[np.float32],
    lighting: Lighting,
    grain: NDArray[np.float32],
) -> None:
    """Draw the box on which the mouse stands, with a ruler along its edges."""
    half_x, half_y = 0.5 * PLATFORM_MM[0], 0.5 * PLATFORM_MM[1]
    for axis, half in ((0, half_x), (1, half_y)):
        sign = float(np.sign(origin[axis]))
        if abs(origin[axis]) <= half:
            continue
        across, z, met = _hit(origin, rays, axis, sign * half)
        other = half_y if axis == 0 else half_x
        met &= (np.abs(across) < other) & (z < 0.0) & (z > _TABLE_Z_MM + 8.0)
        shade = 0.62 if axis == 0 else 0.74
        level = lighting.platform * shade * (1.0 + 0.006 * z)
        tick = (np.mod(across + 1000.0, 10.0) < 0.7) & (z > -5.0)
        level = np.where(tick, 0.6 * level, level)
        np.copyto(picture, level.astype(np.float32), where=met)
    x, y, met = _hit(origin, rays, 2, 0.0)
    met &= (np.abs(x) < half_x) & (np.abs(y) < half_y)
    level = lighting.platform * (1.0 + 0.035 * _sampled(grain, x, y, 2.0))
    edge = np.minimum(half_x - np.abs(x), half_y - np.abs(y))
    level = np.where(edge < 1.0, 0.8 * level, level)
    np.copyto(picture, level.astype(np.float32), where=met)


def _arena(
    picture: NDArray[np.float32],
    origin: NDArray[np.float64],
    rays: NDArray[np.float32],
    lighting: Lighting,
    grain: NDArray[np.float32],
) -> None:
    """Draw the open field: a round floor with a low wall."""
    x, y, met = _hit(origin, rays, 2, _WALL_HEIGHT_MM)
    table = lighting.table * (0.9 + 0.05 * _sampled(grain, x, y, 0.5))
    np.copyto(picture, table.astype(np.float32), where=met)
    rim = np.hypot(x, y)
    inside = met & (rim < ARENA_RADIUS_MM)
    np.copyto(
        picture,
        np.float32(0.95 * lighting.room),
        where=met & (np.abs(rim - ARENA_RADIUS_MM - 2.0) < 2.0),
    )
    np.copyto(picture, np.float32(0.72 * lighting.room), where=inside)
    x, y, _ = _hit(origin, rays, 2, 0.0)
    rim = np.hypot(x, y)
    level = lighting.platform * (1.0 + 0.05 * _sampled(grain, x, y, 1.0))
    level = level * (1.0 - 0.25 * np.clip(rim / ARENA_RADIUS_MM, 0.0, 1.0) ** 4)
    np.copyto(picture, level.astype(np.float32), where=inside & (rim < ARENA_RADIUS_MM))


def _grain(seed: int) -> NDArray[np.float32]:
    """Return a smooth texture (128, 128) that repeats, about -1 to 1."""
    rng = np.random.default_rng([seed & 0xFFFFFFFF, 5])
    waves = np.fft.fftfreq(128)
    size = np.hypot(waves[:, None], waves[None, :])
    spectrum = np.fft.fft2(rng.normal(size=(128, 128))) / (size + 0.02)
    spectrum[0, 0] = 0.0
    texture = np.fft.ifft2(spectrum).real
    return np.clip(texture / texture.std() / 2.0, -1.5, 1.5).astype(np.float32)


def _sampled(
    grain: NDArray[np.float32],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    scale: float,
) -> NDArray[np.float32]:
    column = np.nan_to_num(np.clip(x * scale, -1e6, 1e6)).astype(np.int64) & 127
    row = np.nan_to_num(np.clip(y * scale, -1e6, 1e6)).astype(np.int64) & 127
    return grain[row, column]


def _softened(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the picture through a lens that is not perfectly sharp."""
    padded = np.pad(picture, 1, mode="edge")
    rows = 0.25 * (padded[:-2] + padded[2:]) + 0.5 * padded[1:-1]
    return 0.25 * (rows[:, :-2] + rows[:, 2:]) + 0.5 * rows[:, 1:-1]
