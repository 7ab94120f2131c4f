"""Rods and bars that stand around the mouse: what a reach needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.geometry import depth, project
from rig.sim.brush import Canvas, Stroke, draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.geometry import Camera
    from rig.sim.world import World

__all__ = ["furnish"]


@dataclass(frozen=True, slots=True)
class _Rod:
    start_mm: NDArray[np.float64]
    end_mm: NDArray[np.float64]
    radius_mm: float
    shade: float


def furnish(
    picture: NDArray[np.float32],
    camera: Camera,
    world: World,
    lamp: NDArray[np.float32],
    level: float,
) -> None:
    """Draw a world's furniture into an empty room.

    Parameters
    ----------
    picture
        (height, width) grey levels, changed in place.
    camera
        Who looks.
    world
        Its story decides what stands there.
    lamp
        Direction to the lamp in the picture's frame (3,).
    level
        Brightness.
    """
    height, width = picture.shape
    box = (0, 0, width, height)
    canvas = Canvas.over(picture, box, lamp, np.zeros((1, 1), np.float32))
    focal = 0.5 * (camera.focal_px[0] + camera.focal_px[1])
    for rod in _rods(world):
        ends = np.stack([rod.start_mm, rod.end_mm])
        (ax, ay), (bx, by) = project(camera, ends).tolist()
        az, bz = depth(camera, ends).tolist()
        stroke = Stroke(
            (ax, ay, rod.radius_mm * focal / az, az),
            (bx, by, rod.radius_mm * focal / bz, bz),
            2.0 * focal / (az + bz),
            rod.shade * level,
        )
        draw(canvas, stroke)
    picture[:] = canvas.pixels


def _rods(world: World) -> list[_Rod]:
    if world.reach_target_mm is None:
        return []
    pellet = np.array(world.reach_target_mm)
    joints = world.joints_mm(0.0)[0]
    paws = joints[[world.joint("forepaw"), world.joint("forepaw_left")]].mean(axis=0)
    skull = joints[world.joint("skull")]
    bar = _beside(paws, 0.0, 17.0, -2.0)
    return [
        _Rod(bar, bar * [1.0, 1.0, 0.0], 1.6, 110.0),
        _Rod(bar, _beside(paws, 0.0, -17.0, -2.0), 1.5, 120.0),
        _Rod(skull, _beside(skull, -14.0, 6.0, 90.0), 1.7, 130.0),
        _Rod(
            _beside(pellet, 3.0, 0.0, -2.5),
            _beside(pellet, 80.0, 8.0, -10.0),
            1.2,
            120.0,
        ),
        _Rod(
            _beside(pellet, 1.5, 0.0, -1.0),
            _beside(pellet, 2.5, 0.0, -1.0),
            1.6,
            235.0,
        ),
    ]


def _beside(
    place: NDArray[np.float64], x: float, y: float, z: float
) -> NDArray[np.float64]:
    return place + np.array([x, y, z])
