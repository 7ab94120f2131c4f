"""What each condition of a rule says, written down while the rule is asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from inference.rules.combined import CombinedCondition, HeldCondition, NotCondition
from inference.rules.progress import SequenceCondition, StatesCondition

if TYPE_CHECKING:
    from inference.rules import Reading, Rule, Scene
    from inference.rules.scene import Condition, Spec

__all__ = ["RuleWatch", "Trace", "watched"]


@dataclass(slots=True)
class Trace:
    """What one condition said at each scene it was asked about."""

    spec: Spec | None = None
    """As it first said."""
    at_ns: list[int] = field(default_factory=list)
    """Host time of what was new: an exposure, or a sample."""
    value: list[float | None] = field(default_factory=list)
    over: list[bool] = field(default_factory=list)
    trusted: list[bool] = field(default_factory=list)

    def note(self, scene: Scene, reading: Reading) -> None:
        """Add a reading."""
        if self.spec is None:
            self.spec = reading.spec
        self.at_ns.append(scene.at_ns)
        self.value.append(reading.value)
        self.over.append(reading.over)
        self.trusted.append(reading.trusted)


@dataclass(slots=True)
class RuleWatch:
    """What a rule's conditions said."""

    whole: Trace = field(default_factory=Trace)
    parts: list[Trace] = field(default_factory=list)
    """Those that are not made of others, in the order of the task file."""


def watched(rule: Rule) -> tuple[Rule, RuleWatch]:
    """Return a rule that decides as it did, and what its conditions will say."""
    watch = RuleWatch()
    inner = _with_parts(rule.condition, watch)
    return replace(rule, condition=_Watched(inner, watch.whole)), watch


@dataclass(frozen=True, slots=True)
class _Watched:
    """A condition whose readings are noted."""

    inner: Condition
    trace: Trace

    def begin(self) -> Any:
        """Return what the condition remembers."""
        return self.inner.begin()

    def look(self, scene: Scene, memory: Any) -> tuple[Reading, Any]:
        """Return what the condition says."""
        reading, after = self.inner.look(scene, memory)
        self.trace.note(scene, reading)
        return reading, after


def _with_parts(condition: Condition, watch: RuleWatch) -> Condition:
    def into(part: Condition) -> Condition:
        return _with_parts(part, watch)

    match condition:
        case CombinedCondition():
            return replace(condition, parts=tuple(map(into, condition.parts)))
        case NotCondition() | HeldCondition():
            return replace(condition, part=into(condition.part))
        case SequenceCondition():
            steps = (
                step._replace(condition=into(step.condition))
                for step in condition.steps
            )
            return replace(condition, steps=tuple(steps))
        case StatesCondition():
            return replace(condition, conditions=tuple(map(into, condition.conditions)))
        case _:
            trace = Trace()
            watch.parts.append(trace)
            return _Watched(condition, trace)
