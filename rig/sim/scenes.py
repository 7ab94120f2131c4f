"""Random scenes with known truth: what a pose network learns from.

A scene is one mouse in one story, seen by one camera that stands about where the
story's cameras stand, under a lamp and with shades that no rig agrees on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.sim.cameras import LENS, View, camera_at, views_for
from rig.sim.picture_code import burn_code
from rig.sim.render import Lighting, Renderer
from rig.sim.world import BODY_PARTS, Story, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Labelled", "random_scene", "scene_pictures", "standard_pictures"]

_STORIES: tuple[tuple[Story, float], ...] = (
    ("jump", 0.38),
    ("reach", 0.20),
    ("walk", 0.42),
)
_VIEW_SHARES = (0.34, 0.28, 0.19, 0.19)


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
    camera = camera_at(
        "any",
        _shaken(view, rng),
        distortion=(
            LENS[0] + rng.uniform(-0.08, 0.08),
            LENS[1] + rng.uniform(-0.04, 0.04),
            rng.normal(0.0, 6e-4),
            rng.normal(0.0, 6e-4),
            0.0,
        ),
        roll_rad=rng.normal(0.0, 0.025),
    )
    lighting = Lighting(
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
    return Renderer(
        world,
        camera,
        seed=int(rng.integers(2**31)),
        noise_sd=rng.uniform(1.0, 5.0),
        exposure_s=rng.uniform(0.0005, 0.004),
        lighting=lighting,
    )


def _shaken(view: View, rng: np.random.Generator) -> View:
    turn = 180.0 if view.elevation_deg > 70.0 else 8.0
    x, y, z = np.asarray(view.target_mm) + rng.uniform(-10.0, 10.0, 3)
    return View(
        view.azimuth_deg + rng.uniform(-turn, turn),
        min(view.elevation_deg + rng.uniform(-5.0, 5.0), 86.0),
        view.distance_mm * rng.uniform(0.86, 1.18),
        (float(x), float(y), float(z)),
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


def _telling_times(
    world: World, rng: np.random.Generator, count: int
) -> NDArray[np.float64]:
    """Return random times, mostly when something moves."""
    grid = np.arange(400) * (world.period_s / 400)
    weight = 0.15 + np.clip(world.limb_speed_mm_s(grid) / 150.0, 0.0, 1.0)
    if world.take_off_s is not None and world.landing_s is not None:
        weight += (grid > world.take_off_s - 0.4) & (grid < world.landing_s + 0.2)
    chosen = rng.choice(grid, count, p=weight / weight.sum())
    return chosen + rng.uniform(0.0, world.period_s / 400, count)


def _labelled(renderer: Renderer, time_s: float, number: int) -> Labelled:
    pixels = renderer.render(time_s, number)
    burn_code(pixels, number)
    return Labelled(renderer.world.story, pixels, renderer.keypoints_px(time_s))
