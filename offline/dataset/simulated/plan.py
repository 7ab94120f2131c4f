"""Which simulated animals stand before which cameras, and how many frames of each.

Everything follows from the seed: an animal is the same before every camera, and a
recording is the same whatever others are asked for beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from rig.errors import LabelError
from rig.sim.labelled_recording import LabelledRecording
from rig.sim.scenes import FIRST_TRAINING_SEED
from rig.sim.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rig.config.rig import RigConfig
    from rig.sim.world import Story

__all__ = ["Planned", "Terms", "plan"]

_SEEDS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is simulated."""

    animals: int
    count: int
    """Pictures in all."""
    cameras: tuple[str, ...]
    """Of the rig; empty for all."""
    stories: tuple[Story, ...]
    """What each animal does; empty for the rig's own story."""
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """One animal, in one story, before one camera."""

    rig: RigConfig
    animal: str
    seed: int
    """Of the animal's world: ``springhare demo --seed`` shows it."""
    story: Story
    camera: str
    draws: tuple[int, ...]
    """Seed of all that is random in the recording."""
    numbers: NDArray[np.int64]
    """Of the frames that become pictures, rising."""

    @property
    def name(self) -> str:
        """Of the folder for its pictures."""
        return f"{self.animal}_{self.story}_{self.camera}"

    def record(self) -> LabelledRecording:
        """Return the recording; none is kept, for there may be hundreds."""
        return _record(self.rig, self.seed, self.story, self.camera, self.draws)


def plan(
    rig: RigConfig, terms: Terms, advance: Callable[[int, int], None] = lambda *_: None
) -> list[Planned]:
    """Return the recordings that are to be simulated; none is drawn yet.

    Parameters
    ----------
    rig
        The rig file.
    terms
        What is wanted.
    advance
        Told of each recording that was looked at: how many, of how many.

    Raises
    ------
    LabelError
        If the rig has no such camera, one does not see the animal, or there are not
        so many frames.
    """
    cameras = _cameras(rig, terms.cameras)
    stories: list[Story] = list(dict.fromkeys(terms.stories or [rig.simulation.story]))
    chosen: list[tuple[int, Story, str]] = [
        (_animal_seed(terms.seed, animal), story, camera)
        for animal in range(terms.animals)
        for story in stories
        for camera in cameras
    ]
    if terms.count < len(chosen):
        msg = (
            f"Expected a picture of each recording, got {terms.count} for "
            f"{len(chosen)} (animals x stories x cameras): ask for more (--count)"
        )
        raise LabelError(msg)
    few, more = divmod(terms.count, len(chosen))
    found: list[Planned] = []
    for k, (animal, story, camera) in enumerate(chosen):
        place = list(rig.cameras).index(camera)
        # a story's number comes from its name: another story changes none
        draws = (terms.seed, animal, sum(story.encode()), place)
        recording = _record(rig, animal, story, camera, draws)
        count = few + (k < more)
        _require_frames(rig, camera, recording, count)
        name, numbers = f"sim{animal}", recording.choose(count)
        found.append(Planned(rig, name, animal, story, camera, draws, numbers))
        advance(k + 1, len(chosen))
    return found


@lru_cache(maxsize=2)
def _world(seed: int, story: Story, period_s: float) -> World:
    """Return a world; its cameras ask for it one after another."""
    return World(seed, story, period_s)


def _record(
    rig: RigConfig, seed: int, story: Story, camera: str, draws: tuple[int, ...]
) -> LabelledRecording:
    world = _world(seed, story, rig.simulation.period_s)
    return LabelledRecording(rig, camera, world, np.random.default_rng(draws))


def _cameras(rig: RigConfig, wanted: Sequence[str]) -> tuple[str, ...]:
    if lost := [name for name in wanted if name not in rig.cameras]:
        known = ", ".join(rig.cameras) or "none"
        msg = f"Expected cameras of the rig {rig.name}, got {', '.join(lost)}; "
        raise LabelError(msg + f"there are: {known}")
    if not rig.cameras:
        msg = f"Expected a rig with a camera, got none in {rig.name}"
        raise LabelError(msg)
    return tuple(name for name in rig.cameras if not wanted or name in wanted)


def _animal_seed(seed: int, animal: int) -> int:
    """Return the seed of an animal's world: none that a test or a demo has."""
    drawn = np.random.default_rng([seed, animal]).integers(_SEEDS)
    return FIRST_TRAINING_SEED + int(drawn)


def _require_frames(
    rig: RigConfig, camera: str, recording: LabelledRecording, count: int
) -> None:
    there = len(recording.shown)
    if not there:
        msg = (
            f"Expected camera {camera} of the rig {rig.name} to see the simulated "
            f"animal, got a view past it in the story {recording.story}: leave the "
            "camera out (--camera), choose another --story, or correct its calibration"
        )
        raise LabelError(msg)
    if count > there:
        msg = (
            f"Expected at most {there} pictures of an animal from camera {camera} "
            f"({rig.simulation.period_s:g} s of its story), got {count}: ask for more "
            "--animals"
        )
        raise LabelError(msg)
