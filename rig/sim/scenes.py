"""Random scenes with known truth: what a pose network learns from.

A scene is one mouse in one story, seen by one camera that stands about where the
story's cameras stand, under a lamp and with shades that no rig agrees on.
`rig.sim.labelled_recording` draws the same things at random for the cameras of a rig.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rig.geometry import rodrigues, rotation_vector
from rig.sim.cameras import camera_at, views_for
from rig.sim.picture_code import burn_code
from rig.sim.render import Lighting, Renderer
from rig.sim.world import BODY_PARTS, Story, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from rig.geometry import Camera

__all__ = [
    "FIRST_TRAINING_SEED",
    "Labelled",
    "random_lighting",
    "random_noise_sd",
    "random_scene",
    "random_tones",
    "scene_pictures",
    "shaken",
    "standard_pictures",
    "telling_weight",
]

FIRST_TRAINING_SEED = 1_000_000
"""Worlds that a model may learn from have seeds from here on; below are the tests'."""

_STORIES: tuple[tuple[Story, float], ...] = (
    ("jump", 0.38),
    ("reach", 0.20),
    ("walk", 0.42),
)
_VIEW_SHARES = (0.34, 0.28, 0.19, 0.19)
_TURN_DEG = 8.0


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and where the body parts are in it."""

    story: Story
    pixels: NDArray[np.uint8]
    """(height, width)."""
    keypoints_px: NDArray[np.float64]
    """(10, 2) at the middle of the exposure, as `BODY_PARTS`; NaN without a mouse."""


def random_scene(world: World, rng: np.random.Generator) -> Renderer:
    """Return a renderer of a world with random camera, lamp, shades and noise."""
    view = views_for(world.story, 4)[rng.choice(4, p=_VIEW_SHARES)]
    turn_deg = 180.0 if view.elevation_deg > 70.0 else _TURN_DEG
    camera = shaken(camera_at("any", view), view.target_mm, rng, turn_deg=turn_deg)
    lighting = random_lighting(rng)
    return Renderer(
        world,
        camera,
        seed=int(rng.integers(2**31)),
        noise_sd=random_noise_sd(rng),
        exposure_s=rng.uniform(0.0005, 0.004),
        lighting=lighting,
    )


def random_lighting(rng: np.random.Generator) -> Lighting:
    """Return a lamp and shades that some rig may have."""
    return Lighting(
        level=rng.uniform(0.72, 1.15),
        side=rng.uniform(-0.8, 0.8),
        height=rng.uniform(0.5, 1.0),
        room=rng.uniform(150.0, 225.0),
        table=rng.uniform(95.0, 190.0),
        platform=rng.uniform(140.0, 215.0),
        fur=rng.uniform(45.0, 90.0),
        skin=rng.uniform(130.0, 185.0),
        shadow=rng.uniform(0.15, 0.65),
    )


def random_noise_sd(rng: np.random.Generator) -> float:
    """Return the noise of some sensor, grey levels."""
    return rng.uniform(1.0, 5.0)


def random_tones(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return another contrast, brightness and gamma: (256,) new grey levels."""
    levels = np.arange(256) / 255.0
    gamma = np.exp(rng.uniform(-0.3, 0.3))
    curve = 255.0 * levels**gamma * rng.uniform(0.85, 1.12) + rng.uniform(-12.0, 12.0)
    return np.clip(curve, 0.0, 255.0).astype(np.uint8)


def shaken(
    camera: Camera,
    target_mm: ArrayLike,
    rng: np.random.Generator,
    *,
    share: float = 1.0,
    turn_deg: float = _TURN_DEG,
) -> Camera:
    """Return a camera that stands, looks and bends light a little differently.

    Parameters
    ----------
    camera
        Where it was meant to stand.
    target_mm
        (3,) what it looks at; it is turned about that.
    rng
        Decides how differently.
    share
        Of the largest difference.
    turn_deg
        Largest turn about the vertical.
    """
    shift = share * rng.uniform(-10.0, 10.0, 3)
    turn = share * np.deg2rad(rng.uniform(-turn_deg, turn_deg))
    tilt = share * np.deg2rad(rng.uniform(-5.0, 5.0))
    nearer = rng.uniform(0.86, 1.18) ** share
    k1, k2, p1, p2, k3 = camera.distortion
    distortion = (
        k1 + share * rng.uniform(-0.08, 0.08),
        k2 + share * rng.uniform(-0.04, 0.04),
        p1 + share * rng.normal(0.0, 6e-4),
        p2 + share * rng.normal(0.0, 6e-4),
        k3,
    )
    roll = rodrigues([0.0, 0.0, -share * rng.normal(0.0, 0.025)])
    turned = rodrigues([0.0, 0.0, turn]) @ rodrigues(-tilt * camera.rotation[0])
    target = np.asarray(target_mm, dtype=np.float64)
    position = target + shift + nearer * (turned @ (camera.position_mm - target))
    rotation = roll @ camera.rotation @ turned.T
    x, y, z = (-rotation @ position).tolist()
    return replace(
        camera,
        distortion=distortion,
        rotation_rad=rotation_vector(rotation),
        translation_mm=(x, y, z),
    )


def scene_pictures(
    rng: np.random.Generator, count: int, first_seed: int
) -> Iterator[Labelled]:
    """Give pictures of one random mouse, seen by two random cameras.

    The last one is of the empty room, so that a network learns to see nothing.

    Parameters
    ----------
    rng
        Decides everything.
    count
        Number of pictures.
    first_seed
        Worlds are made from seeds of at least this, so that others stay unseen.
    """
    drawn = rng.choice(len(_STORIES), p=[share for _, share in _STORIES])
    story = _STORIES[drawn][0]
    world = World(first_seed + int(rng.integers(2**30)), story)
    times = _telling_times(world, rng, count - 1)
    renderers = [random_scene(world, rng) for _ in range(2)]
    for number, time in enumerate(times.tolist()):
        yield _labelled(renderers[number % 2], time, number)
    nowhere = np.full((len(BODY_PARTS), 2), np.nan)
    yield Labelled(story, renderers[0].empty(count), nowhere)


def standard_pictures(
    story: Story, seed: int, camera: int, count: int, rng: np.random.Generator
) -> Iterator[Labelled]:
    """Give pictures as a simulated rig's camera sees them, at random times."""
    world = World(seed, story)
    view = views_for(story, camera + 1)[camera]
    renderer = Renderer(world, camera_at("any", view), seed=seed)
    for number, time in enumerate(_telling_times(world, rng, count).tolist()):
        yield _labelled(renderer, time, number)


def telling_weight(world: World, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much the times (n,) of a world tell: most when something moves."""
    weight = 0.15 + np.clip(world.limb_speed_mm_s(times_s) / 150.0, 0.0, 1.0)
    if world.take_off_s is not None and world.landing_s is not None:
        weight += (times_s > world.take_off_s - 0.4) & (times_s < world.landing_s + 0.2)
    return weight


def _telling_times(
    world: World, rng: np.random.Generator, count: int
) -> NDArray[np.float64]:
    """Return random times, mostly when something moves."""
    grid = np.arange(400) * (world.period_s / 400)
    weight = telling_weight(world, grid)
    chosen = rng.choice(grid, count, p=weight / weight.sum())
    return chosen + rng.uniform(0.0, world.period_s / 400, count)


def _labelled(renderer: Renderer, time_s: float, number: int) -> Labelled:
    pixels = renderer.render(time_s, number)
    burn_code(pixels, number)
    return Labelled(renderer.world.story, pixels, renderer.keypoints_px(time_s))
