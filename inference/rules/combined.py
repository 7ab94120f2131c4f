"""Conditions made of others: all, any, not, and held for some time. Pure.

What cannot be told is neither true nor false (Kleene's logic): `all` is false as soon
as one part is false, and true only when all can be told and hold; `any` the other way
round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from inference.rules.scene import Spec, look_each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.rules.scene import Condition, Reading, Scene

__all__ = ["CombinedCondition", "HeldCondition", "NotCondition"]


class _Parts(NamedTuple):
    """What a combination remembers."""

    memories: tuple[Any, ...]
    over: tuple[bool, ...]
    """Of the parts, at the last scene."""


@dataclass(frozen=True, slots=True)
class CombinedCondition:
    """All or any of some conditions."""

    parts: tuple[Condition, ...]
    every: bool
    """Whether all must hold; else one is enough."""

    def begin(self) -> _Parts:
        """Return what the parts remember before the first scene."""
        return _Parts(
            tuple(part.begin() for part in self.parts), (False,) * len(self.parts)
        )

    def look(self, scene: Scene, memory: _Parts) -> tuple[Reading, _Parts]:
        """Look with every part, and say what follows."""
        readings, memories = look_each(self.parts, scene, memory.memories)
        over = tuple(reading.over for reading in readings)
        after = _Parts(memories, over)
        return self._together(readings, memory.over), after

    def _together(self, readings: Sequence[Reading], before: Sequence[bool]) -> Reading:
        # one that can be told and is not as the others should be decides alone
        decided = [r for r in readings if r.trusted and r.over is not self.every]
        over = (all if self.every else any)(reading.over for reading in readings)
        trusted = bool(decided) or all(reading.trusted for reading in readings)
        if decided:
            over = not self.every
        speaking = self._speaker(readings, before, over)
        used = decided or readings
        return speaking._replace(
            over=over,
            trusted=trusted,
            likelihood=min(reading.likelihood for reading in used),
            exposure_ns=min(reading.exposure_ns for reading in used),
        )

    def _speaker(
        self, readings: Sequence[Reading], before: Sequence[bool], over: bool
    ) -> Reading:
        """Return the part that changed last, or is to blame, or comes first."""
        alike = [k for k, reading in enumerate(readings) if reading.over is over]
        changed = [k for k in alike if before[k] is not over]
        return readings[next(iter(changed or alike or [0]))]


@dataclass(frozen=True, slots=True)
class NotCondition:
    """A condition that can be told and does not hold."""

    part: Condition

    def begin(self) -> Any:
        """Return what the part remembers before the first scene."""
        return self.part.begin()

    def look(self, scene: Scene, memory: Any) -> tuple[Reading, Any]:
        """Return the opposite of what the part says."""
        reading, after = self.part.look(scene, memory)
        # what has no value holds neither as it is nor the other way round
        over = not reading.over and reading.value is not None
        return reading._replace(over=over), after


class _Since(NamedTuple):
    memory: Any
    since_ns: int | None
    """Time of the first scene in a row in which the part held."""


@dataclass(frozen=True, slots=True)
class HeldCondition:
    """A condition that has held without a break for some time."""

    part: Condition
    for_ns: int
    words: str

    def begin(self) -> _Since:
        """Return that it did not hold yet."""
        return _Since(self.part.begin(), None)

    def look(self, scene: Scene, memory: _Since) -> tuple[Reading, _Since]:
        """Return for how long it has held; what cannot be told breaks nothing."""
        reading, after = self.part.look(scene, memory.memory)
        since_ns = memory.since_ns
        if reading.trusted:
            first_ns = scene.at_ns if since_ns is None else since_ns
            since_ns = first_ns if reading.over else None
        elapsed_ns = 0 if since_ns is None else scene.at_ns - since_ns
        long = reading._replace(
            over=since_ns is not None and elapsed_ns >= self.for_ns,
            value=elapsed_ns / 1e6,
            spec=Spec(self.words, "ms", self.for_ns / 1e6),
        )
        return long, _Since(after, since_ns)
