"""Conditions made of others: all, any, not, and held for some time. Pure.

What cannot be told is neither true nor false (Kleene's logic): `all` is false as soon
as one part is false, and true only when all can be told and hold; `any` the other way
round. The same holds one step lower, for parts that have a value but cannot be trusted:
what is said of them is only that, and never that of a part without any value.
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
        # one that can be told and is not as the others should be decides alone; then
        # one that seems to be so, then one of which nothing is known
        parts = list(zip(readings, before, strict=True))
        against = [
            part for part in parts if part[0].over is not self.every and part[0].known
        ]
        decided = [part for part in against if part[0].trusted]
        blank = [part for part in parts if not part[0].known]
        over = not self.every if against else self.every and not blank
        used = [reading for reading, _ in decided] or readings
        return _speaker(decided or against or blank or parts)._replace(
            over=over,
            trusted=bool(decided) or all(reading.trusted for reading in readings),
            likelihood=min(reading.likelihood for reading in used),
            exposure_ns=min(reading.exposure_ns for reading in used),
        )


def _speaker(parts: Sequence[tuple[Reading, bool]]) -> Reading:
    """Return the part that changed, of those that decide; else the first of them."""
    changed = (reading for reading, before in parts if reading.over is not before)
    return next(changed, parts[0][0])


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
        # what is not known holds neither as it is nor the other way round
        return reading._replace(over=not reading.over and reading.known), after


class _Since(NamedTuple):
    memory: Any
    since_ns: int | None = None
    """Time of the first scene in a row in which the part held."""
    at_ns: int | None = None
    """Of the last scene."""
    due_ns: int | None = None
    """When the scene was due that followed the last one in which the part could be
    told, by the pace of scenes there."""


@dataclass(frozen=True, slots=True)
class HeldCondition:
    """A condition that has held without a break for some time.

    A short while in which it cannot be told breaks nothing. A longer one does, whether
    poses were bad or there was none: who knows what has been in between?
    """

    part: Condition
    for_ns: int
    most_gap_ns: int
    """So long it may not be possible to tell."""
    words: str

    def begin(self) -> _Since:
        """Return that it did not hold yet."""
        return _Since(self.part.begin())

    def look(self, scene: Scene, memory: _Since) -> tuple[Reading, _Since]:
        """Return for how long it has held."""
        reading, after = self.part.look(scene, memory.memory)
        at_ns, since_ns, due_ns = scene.at_ns, memory.since_ns, memory.due_ns
        if due_ns is not None and at_ns - due_ns > self.most_gap_ns:
            since_ns = None
        if reading.trusted:
            first_ns = at_ns if since_ns is None else since_ns
            since_ns = first_ns if reading.over else None
            # slow cameras are no gaps: one pose later than this one came
            due_ns = at_ns + (0 if memory.at_ns is None else at_ns - memory.at_ns)
        elapsed_ns = 0 if since_ns is None else at_ns - since_ns
        long = reading._replace(
            over=since_ns is not None and elapsed_ns >= self.for_ns,
            value=elapsed_ns / 1e6,
            spec=Spec(self.words, "ms", self.for_ns / 1e6),
        )
        return long, _Since(after, since_ns, at_ns, due_ns)
