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
    joints = world.joints_mm(0.0)[0]
    paws = 0.5 * (
        joints[world.joint("forepaw")] + joints[world.joint("forepaw_left")]
    ) - np.array([0.0, 0.0, 2.0])
    skull = joints[world.joint("skull")]
    pellet = np.array(world.reach_target_mm)
    side = np.array([0.0, 17.0, 0.0])
    foot = np.array([1.0, 1.0, 0.0])
    far = paws + side
    return [
        _Rod(far, far * foot, 1.6, 110.0),
        _Rod(paws + side, paws - side, 1.5, 120.0),
        _Rod(skull, skull + np.array([-14.0, 6.0, 90.0]), 1.7, 130.0),
        _Rod(
            pellet + np.array([3.0, 0.0, -2.5]), pellet + [80.0, 8.0, -10.0], 1.2, 120
        ),
        _Rod(
            pellet + np.array([1.5, 0.0, -1.0]), pellet + [2.5, 0.0, -1.0], 1.6, 235.0
        ),
    ]
