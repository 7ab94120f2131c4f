"""One simulated animal before one of a rig's cameras: pictures whose truth is known.

The picture is what the camera's twin would give: its size, its exposure, the number in
the corner, the LED. The rest is drawn at random, since nobody knows it before the rig
stands: how exactly the camera stands, lamp and shades, contrast and noise.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rig.geometry import depth, project
from rig.sim.cameras import camera_of, exposure_us_of, views_for
from rig.sim.led import LedSpot
from rig.sim.picture_code import burn_code
from rig.sim.render import Renderer
from rig.sim.scenes import (
    Labelled,
    random_lighting,
    random_noise_sd,
    random_tones,
    shaken,
    telling_weight,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from rig.config.rig import RigConfig
    from rig.sim.world import Story, World

__all__ = ["LabelledRecording"]

_SHAKEN = 0.5
"""A rig's camera stands nearer to where its file says than any camera would."""
_UNLIT, _LIT = 0.5, 0.75
"""Share of the frames without the LED's light, and of those without half of it."""


class LabelledRecording:
    """What one camera sees of one animal in one period of its story.

    Parameters
    ----------
    rig
        The rig file.
    camera
        Which of its cameras.
    world
        The animal; its story need not be the rig's.
    rng
        Decides all that is random.
    """

    def __init__(
        self, rig: RigConfig, camera: str, world: World, rng: np.random.Generator
    ) -> None:
        self._config = rig.cameras[camera]
        self._world = world
        simulation = rig.simulation.model_copy(update={"story": world.story})
        stands = camera_of(rig.model_copy(update={"simulation": simulation}), camera)
        target_mm = views_for(world.story, 1)[0].target_mm
        self._camera = shaken(stands, target_mm, rng, share=_SHAKEN)
        self._rate_hz = rig.camera_rate_hz(camera)
        self._exposure_s = exposure_us_of(self._config) / 1e6
        self._seed = int(rng.integers(2**31))
        self._rng = rng

    @property
    def story(self) -> Story:
        """What the animal does."""
        return self._world.story

    @property
    def size_px(self) -> tuple[int, int]:
        """Width, height."""
        return self._camera.width_px, self._camera.height_px

    def time_s(self, number: int | NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the world time of the exposure's middle of frames, by number."""
        return np.asarray(number) / self._rate_hz + 0.5 * self._exposure_s

    @cached_property
    def shown(self) -> NDArray[np.int64]:
        """Numbers of the frames that have any part of the animal in the picture."""
        numbers = np.arange(int(self._world.period_s * self._rate_hz))
        points_mm = self._world.keypoints_mm(self.time_s(numbers))
        px = project(self._camera, points_mm)
        inside = (px > -0.5) & (px < np.array(self.size_px) - 0.5)
        ahead = depth(self._camera, points_mm) > 0
        return numbers[(inside.all(axis=2) & ahead).any(axis=1)]

    def choose(self, count: int) -> NDArray[np.int64]:
        """Return numbers of `shown` frames, most from when something moves, rising.

        At most as many as there are.
        """
        weight = telling_weight(self._world, self.time_s(self.shown))
        count = min(count, len(self.shown))
        if not count:
            return self.shown
        share = weight / weight.sum()
        return np.sort(self._rng.choice(self.shown, count, replace=False, p=share))

    def shots(self, numbers: Iterable[int]) -> Iterator[Labelled]:
        """Yield frames by number; parts that are not seen in one are NaN.

        What it takes to draw them is made when the first is asked for, and not kept.
        """
        renderer = self._renderer()
        tones = random_tones(np.random.default_rng([self._seed, 1]))
        led = self._config.led
        spot = None if led is None else LedSpot(led, *self.size_px, self._seed)
        for number in numbers:
            at_s = float(self.time_s(number))
            pixels = tones[renderer.render(at_s, number)]
            burn_code(pixels, number)
            if spot is not None:
                spot.draw(pixels, self._light(number), number)
            if self._config.pixel_format == "RGB8":
                pixels = np.repeat(pixels[:, :, None], 3, axis=2)
            px = renderer.keypoints_px(at_s)
            px[~renderer.seen_parts(at_s)] = np.nan
            yield Labelled(self.story, pixels, px)

    def _renderer(self) -> Renderer:
        rng = np.random.default_rng([self._seed, 0])
        return Renderer(
            self._world,
            self._camera,
            seed=self._seed,
            noise_sd=random_noise_sd(rng),
            exposure_s=self._exposure_s,
            lighting=random_lighting(rng),
        )

    def _light(self, number: int) -> float:
        """Return for which part of a frame's exposure the LED was lit."""
        rng = np.random.default_rng([self._seed, 2, number])
        drawn, part = rng.uniform(size=2).tolist()
        return 0.0 if drawn < _UNLIT else 1.0 if drawn < _LIT else part
