"""Conditions with a course: sequences and small state machines. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from inference.rules.keypoints import unknown
from inference.rules.scene import Reading, Spec, look_each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference.rules.scene import Condition, Scene

__all__ = ["SequenceCondition", "StatesCondition", "Step", "Way"]


class Step(NamedTuple):
    """One step of a sequence."""

    condition: Condition
    within_ns: int | None
    """Longest time since the step before last held."""


class _Course(NamedTuple):
    memories: tuple[Any, ...]
    done: int
    """Steps that are done."""
    last_ns: int
    """When the last one of them held last."""


@dataclass(frozen=True, slots=True)
class SequenceCondition:
    """Conditions that hold one after the other, each on a later pose.

    It holds from the last step until that step's condition holds no more; then it
    begins anew.
    """

    steps: tuple[Step, ...]

    def begin(self) -> _Course:
        """Return that no step is done."""
        return _Course(tuple(step.condition.begin() for step in self.steps), 0, 0)

    def look(self, scene: Scene, memory: _Course) -> tuple[Reading, _Course]:
        """Look with every step; go on if the next one holds."""
        conditions = [step.condition for step in self.steps]
        readings, memories = look_each(conditions, scene, memory.memories)
        done, last_ns = self._advance(readings, memory, scene.at_ns)
        speaking = readings[max(0, min(memory.done, len(readings) - 1))]
        spec = _spec(len(self.steps))
        reading = speaking._replace(
            over=done == len(self.steps), value=float(done), spec=spec
        )
        return reading, _Course(memories, done, last_ns)

    def _advance(
        self, readings: list[Reading], before: _Course, at_ns: int
    ) -> tuple[int, int]:
        """Return how many steps are done now, and when the last of them held last."""
        done, last_ns = before.done, before.last_ns
        if done == len(self.steps):
            last = readings[-1]
            if last.over or not last.trusted:
                return done, last_ns
            done = 0
        elif done:
            within_ns = self.steps[done].within_ns
            if within_ns is not None and at_ns - last_ns > within_ns:
                done = 0
        upcoming = readings[done]
        if upcoming.trusted and upcoming.over:
            return done + 1, at_ns
        if done and readings[done - 1].trusted and readings[done - 1].over:
            last_ns = at_ns
        return done, last_ns


class Way(NamedTuple):
    """A way out of a state."""

    to: str
    condition: int | None
    """Number of its condition; None for one that only waits."""
    after_ns: int
    """So long in the state."""


class _Place(NamedTuple):
    memories: tuple[Any, ...]
    state: str
    since_ns: int | None
    """When it came into the state; None before the first scene."""
    told: Reading | None
    """The youngest that could be told, of any of the conditions."""


@dataclass(frozen=True, slots=True)
class StatesCondition:
    """A state machine; it holds while the machine is in one of its states.

    Time passes unseen too: a way that only waits is taken when it is time. But its age
    counts from when any of the conditions could last be told, so that nothing fires by
    the clock alone while nobody knows what the animal does.
    """

    conditions: tuple[Condition, ...]
    ways: Mapping[str, tuple[Way, ...]]
    """Out of each state; the first that is open is taken."""
    start: str
    spec: Spec
    holds_in: str

    def begin(self) -> _Place:
        """Return the first state."""
        memories = tuple(condition.begin() for condition in self.conditions)
        return _Place(memories, self.start, None, None)

    def look(self, scene: Scene, memory: _Place) -> tuple[Reading, _Place]:
        """Look with every condition; take the first way that is open."""
        readings, memories = look_each(self.conditions, scene, memory.memories)
        state, since_ns = memory.state, memory.since_ns
        since_ns = scene.at_ns if since_ns is None else since_ns
        asked = [
            readings[way.condition]
            for way in self.ways[state]
            if way.condition is not None
        ]
        way = self._open(state, scene.at_ns - since_ns, readings)
        if way is not None:
            state, since_ns = way.to, scene.at_ns
            asked = [] if way.condition is None else [readings[way.condition]]
        told = _youngest([*readings, *([memory.told] if memory.told else [])])
        reading = self._reading(state, asked or self._last(told, scene), scene)
        return reading, _Place(memories, state, since_ns, told)

    def _last(self, told: Reading | None, scene: Scene) -> list[Reading]:
        """Return what a way that only waits goes by; nothing if it is time alone."""
        if not self.conditions:
            return []
        return [unknown(self.spec, scene.at_ns) if told is None else told]

    def _reading(self, state: str, used: list[Reading], scene: Scene) -> Reading:
        over = state == self.holds_in
        return Reading(
            over=over,
            trusted=all(each.trusted for each in used),
            likelihood=min((each.likelihood for each in used), default=1.0),
            value=float(over),
            exposure_ns=min((each.exposure_ns for each in used), default=scene.at_ns),
            spec=self.spec,
        )

    def _open(self, state: str, elapsed_ns: int, readings: list[Reading]) -> Way | None:
        for way in self.ways[state]:
            if elapsed_ns < way.after_ns:
                continue
            if way.condition is None:
                return way
            reading = readings[way.condition]
            if reading.trusted and reading.over:
                return way
        return None


def _youngest(readings: list[Reading]) -> Reading | None:
    trusted = [reading for reading in readings if reading.trusted]
    return max(trusted, key=lambda reading: reading.exposure_ns, default=None)


def _spec(steps: int) -> Spec:
    words = f"all {steps} steps were done, one after the other"
    return Spec(words, "steps", float(steps), plain=True)
