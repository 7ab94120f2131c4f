"""Where the cameras stand around each story.

The paired body parts are those of the right side, so every camera of the jump and
the reach looks from the right (negative y) half of the room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rig.config.rig import VideoConfig
from rig.geometry import Camera, look_at

if TYPE_CHECKING:
    from rig.config.rig import BaslerConfig, RigConfig
    from rig.sim.world import Story

__all__ = [
    "View",
    "camera_at",
    "camera_of",
    "cameras_for",
    "exposure_us_of",
    "views_for",
]

LENS = (-0.12, 0.05, 0.0006, -0.0004, 0.0)
"""k1, k2, p1, p2, k3 of a mild wide-angle lens."""

_FOCAL_PER_WIDTH = 1.45
_EXPOSURE_US = 2000.0
"""Of a video's camera, which does not say."""
_NAMES = ("left", "right", "top", "rear")
"""Names of the demo's cameras; further ones are numbered."""


@dataclass(frozen=True, slots=True)
class View:
    """A camera's stand, as seen from its target."""

    azimuth_deg: float
    """0 is in front of the mouse, -90 on its right side."""
    elevation_deg: float
    distance_mm: float
    target_mm: tuple[float, float, float]


_VIEWS: dict[str, tuple[View, ...]] = {
    "jump": (
        View(-90.0, 6.0, 370.0, (0.0, 0.0, 36.0)),
        View(-42.0, 16.0, 380.0, (2.0, 0.0, 36.0)),
        View(-85.0, 52.0, 390.0, (0.0, 0.0, 36.0)),
        View(-134.0, 16.0, 380.0, (-2.0, 0.0, 36.0)),
    ),
    "reach": (
        View(-90.0, 8.0, 270.0, (4.0, 0.0, 28.0)),
        View(-48.0, 18.0, 270.0, (8.0, 0.0, 28.0)),
        View(-80.0, 50.0, 280.0, (6.0, 0.0, 28.0)),
        View(-125.0, 18.0, 280.0, (2.0, 0.0, 28.0)),
    ),
    "walk": (
        View(-90.0, 58.0, 430.0, (0.0, 0.0, 10.0)),
        View(0.0, 50.0, 430.0, (0.0, 0.0, 10.0)),
        View(-90.0, 82.0, 430.0, (0.0, 0.0, 10.0)),
        View(180.0, 50.0, 430.0, (0.0, 0.0, 10.0)),
    ),
}


def views_for(story: Story, count: int) -> tuple[View, ...]:
    """Return where `count` cameras stand; beyond four, between and above them."""
    views = _VIEWS[story]
    more = []
    for k in range(max(0, count - len(views))):
        one, other = views[k % 4], views[(k + 1) % 4]
        more.append(
            View(
                0.5 * (one.azimuth_deg + other.azimuth_deg),
                0.5 * (one.elevation_deg + other.elevation_deg) + 6.0 * (k // 4 + 1),
                one.distance_mm + 15.0 * (k // 4),
                one.target_mm,
            )
        )
    return (*views, *more)[:count]


def camera_at(
    name: str,
    view: View,
    width_px: int = 640,
    height_px: int = 480,
    *,
    distortion: tuple[float, float, float, float, float] = LENS,
    roll_rad: float = 0.0,
) -> Camera:
    """Return the camera that has a view; the field of view fits the story."""
    azimuth, elevation = np.deg2rad([view.azimuth_deg, view.elevation_deg])
    away = np.array(
        [
            np.cos(azimuth) * np.cos(elevation),
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
    )
    target = np.asarray(view.target_mm)
    return look_at(
        name,
        position_mm=target + view.distance_mm * away,
        target_mm=target,
        width_px=width_px,
        height_px=height_px,
        focal_px=_FOCAL_PER_WIDTH * min(width_px, height_px * 4 / 3),
        distortion=distortion,
        roll_rad=roll_rad,
    )


def cameras_for(
    story: Story, count: int, width_px: int = 640, height_px: int = 480
) -> tuple[Camera, ...]:
    """Return calibrated cameras for a story, the best views first.

    Parameters
    ----------
    story
        What the mouse does.
    count
        Number of cameras, at least 1.
    width_px, height_px
        Of their pictures.
    """
    return tuple(
        camera_at(
            _NAMES[k] if k < len(_NAMES) else f"camera_{k}", view, width_px, height_px
        )
        for k, view in enumerate(views_for(story, count))
    )


def camera_of(rig: RigConfig, name: str) -> Camera:
    """Return where a camera stands: as calibrated, or as the story is best seen."""
    config = rig.cameras[name]
    if config.calibration is not None:
        return Camera(
            name=name,
            width_px=config.width_px,
            height_px=config.height_px,
            **config.calibration.model_dump(),
        )
    k = list(rig.cameras).index(name)
    story = rig.simulation.story
    stands = cameras_for(story, k + 1, config.width_px, config.height_px)
    return replace(stands[k], name=name)


def exposure_us_of(config: BaslerConfig | VideoConfig) -> float:
    """Return how long a camera exposes."""
    if isinstance(config, VideoConfig):
        return min(_EXPOSURE_US, 0.5e6 / config.rate_hz)
    return config.exposure_us
