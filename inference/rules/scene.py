"""What rules look at, and what a condition says of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "SPACE",
    "Condition",
    "Feature",
    "Points",
    "Reading",
    "Scene",
    "Seen",
    "Spec",
    "look_each",
]

Points = list[list[float]]
"""A pose as plain numbers, one row for each body part: [x px, y px, likelihood], in
space [x mm, y mm, z mm, likelihood]."""

SPACE = "space"
"""The form of points in space, beside raw, smoothed and predicted."""


class Seen(NamedTuple):
    """A pose in one form."""

    points: Points
    exposure_ns: int
    """Ages count from here."""
    ahead_ns: int = 0
    """By so much the time at which its points are there is later than the exposure:
    that of a prediction; in space, from the oldest view to the mean of them all."""


class Feature(NamedTuple):
    """A feature of a signal."""

    value: float
    """In the feature's unit; NaN while it cannot be told."""
    at_ns: int
    """Host time of the last sample in it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known when rules are asked."""

    source: str
    """What is new: a camera, or `IN_SPACE` or `OF_SIGNALS` of `rig.config.rules`."""
    at_ns: int
    """Host time of what is new: an exposure midpoint, or a sample."""
    seen: Mapping[str, Seen] = field(default_factory=dict[str, Seen])
    """By form; a form that is not there cannot be told."""
    features: Mapping[str, Feature] = field(default_factory=dict[str, Feature])
    pose_seq: int = -1
    """`seq` of what is new in its stream."""
    frame_id: int = -1
    latency_ns: int = 0
    """That the predictor was told to bridge."""


class Spec(NamedTuple):
    """What a condition compares with what, for records and causes."""

    words: str
    unit: str
    threshold: float
    plain: bool = False
    """Whether the words say all, and numbers would add nothing."""


class Reading(NamedTuple):
    """A condition at one scene."""

    over: bool
    """Whether it holds, however likely the keypoints are."""
    trusted: bool
    """Whether it can be told: likely enough, finite, and there is a value."""
    likelihood: float
    """The lowest one of what was used."""
    value: float | None
    """In the spec's unit; None while there is nothing to compare."""
    exposure_ns: int
    """Host time of the oldest thing that was used: ages count from here."""
    spec: Spec
    """Of the condition that speaks: of several, the one that changed or broke it."""

    @property
    def known(self) -> bool:
        """Whether `over` says anything, be it only of what cannot be trusted."""
        return self.trusted or (self.value is not None and math.isfinite(self.value))


class Condition(Protocol):
    """A `when` of a rule; what it remembers is given and given back."""

    def begin(self) -> Any:
        """Return what it remembers before the first scene."""
        ...

    def look(self, scene: Scene, memory: Any) -> tuple[Reading, Any]:
        """Return the reading of a scene, and what to remember."""
        ...


def look_each(
    conditions: Iterable[Condition], scene: Scene, memories: Iterable[Any]
) -> tuple[list[Reading], tuple[Any, ...]]:
    """Look with each of some conditions; return the readings, and what they remember.

    All of them look at every scene, so that each knows what was before.
    """
    readings: list[Reading] = []
    after: list[Any] = []
    for condition, memory in zip(conditions, memories, strict=True):
        reading, remembered = condition.look(scene, memory)
        readings.append(reading)
        after.append(remembered)
    return readings, tuple(after)
