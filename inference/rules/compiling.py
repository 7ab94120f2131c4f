"""From a task file's rules to conditions that can be asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from inference.rules.combined import CombinedCondition, HeldCondition, NotCondition
from inference.rules.custom import CustomCondition, find_own
from inference.rules.engine import Rule
from inference.rules.features import FeatureCondition
from inference.rules.keypoints import (
    KeypointCondition,
    Side,
    SpeedCondition,
    depth_in_box,
    depth_in_polygon,
)
from inference.rules.progress import (
    SequenceCondition,
    StatesCondition,
    Step,
    Way,
)
from inference.rules.scene import SPACE, Spec
from rig.config.base import dotted
from rig.config.nearest import nearest
from rig.config.rules import (
    All,
    Angle,
    Any_,
    Crosses,
    Custom,
    Distance,
    Enters,
    FeatureCrosses,
    Held,
    Not,
    Speed,
    States,
    is_in_space,
    keypoints_of,
    leaves,
)
from rig.config.rules import Sequence as SequenceConfig
from rig.errors import ConfigError
from rig.geometry.angles import joint_angle_deg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inference.rules.scene import Condition, Points
    from rig.config.rules import Leaf, RuleConfig, When

__all__ = ["compile_rules"]

_ABOVE, _BELOW = Side(1, inclusive=False), Side(-1, inclusive=False)


def compile_rules(
    configs: Sequence[RuleConfig], bodyparts: Sequence[str], seed: int
) -> tuple[Rule, ...]:
    """Make a task's rules ready for a model's body parts.

    Parameters
    ----------
    configs
        The rules of the task file.
    bodyparts
        Names of the model's keypoints, in the order of a pose's rows.
    seed
        Of the sham draws.

    Raises
    ------
    ConfigError
        If a rule uses a keypoint that the model does not have; lists all of them,
        each with the nearest name. If a class of somebody's own cannot be had.
    """
    faults = [
        f"rules.{config.name}.{dotted(path)}: expected a keypoint of the model "
        f"({', '.join(bodyparts)}), got {name!r}{_did_you_mean(name, bodyparts)}"
        for config in configs
        for path, leaf in leaves(config.when, ("when",))
        for name in keypoints_of(leaf)
        if name not in bodyparts
    ]
    if faults:
        raise ConfigError("\n".join(faults))
    return tuple(
        Rule(
            name=config.name,
            source=config.source,
            condition=_Compiler(config, tuple(bodyparts)).condition(config.when),
            min_likelihood=config.min_likelihood,
            debounce_frames=config.debounce_frames,
            refractory_ns=round(config.refractory_ms * 1e6),
            max_age_ns=round(config.max_pose_age_ms * 1e6),
            sham_probability=config.sham_probability,
            seed=seed,
            action=config.action,
        )
        for config in configs
    )


@dataclass(frozen=True, slots=True)
class _Compiler:
    """Makes the conditions of one rule."""

    rule: RuleConfig
    bodyparts: tuple[str, ...]

    def condition(self, when: When) -> Condition:
        """Return the condition of a `when`."""
        match when:
            case All() | Any_():
                parts = tuple(self.condition(part) for part in when.of)
                return CombinedCondition(parts, every=when.kind == "all")
            case Not():
                return NotCondition(self.condition(when.of))
            case Held():
                return self._held(when)
            case SequenceConfig():
                return self._sequence(when)
            case States():
                return self._states(when)
            case FeatureCrosses():
                return _feature(when)
            case Custom():
                return self._custom(when)
            case _:
                return self._keypoints(when)

    def _keypoints(
        self, when: Crosses | Enters | Speed | Distance | Angle
    ) -> Condition:
        match when:
            case Crosses():
                return self._crosses(when)
            case Enters():
                return self._enters(when)
            case Speed():
                return self._speed(when)
            case Distance():
                return self._distance(when)
            case Angle():
                return self._angle(when)

    def _crosses(self, when: Crosses) -> KeypointCondition:
        threshold, unit = _given(when, threshold_px="px", threshold_mm="mm")
        than = f" - {when.minus}" if when.minus else ""
        return self._of(
            when,
            [when.keypoint, *([when.minus] if when.minus else [])],
            partial(_coordinate, axis="xyz".index(when.axis)),
            Side(1 if when.direction == "rising" else -1, inclusive=True),
            Spec(f"{when.axis} of {when.keypoint}{than} {_verb(when.direction)}",
                 unit, threshold),
        )  # fmt: skip

    def _enters(self, when: Enters) -> KeypointCondition:
        if when.polygon_px is not None:
            measure = partial(depth_in_polygon, corners=when.polygon_px)
        else:
            measure = partial(depth_in_box, box=when.region_px or (0, 0, 0, 0))
        spec = Spec(f"depth of {when.keypoint} in the region went", "px", 0.0)
        side = Side(1, inclusive=True)
        return self._of(when, [when.keypoint], measure, side, spec)

    def _speed(self, when: Speed) -> SpeedCondition:
        limit, unit = _given(when, above_px_per_s="px/s", above_mm_per_s="mm/s")
        return SpeedCondition(
            form=self._form(when),
            row=self.bodyparts.index(when.keypoint),
            side=_ABOVE,
            spec=Spec(f"speed of {when.keypoint} went", unit, limit),
            min_likelihood=self.rule.min_likelihood,
        )

    def _distance(self, when: Distance) -> KeypointCondition:
        units = {"above_px": "px", "below_px": "px", "above_mm": "mm", "below_mm": "mm"}
        limit, unit = _given(when, **units)
        above = when.above_px is not None or when.above_mm is not None
        words = f"distance of {' and '.join(when.between)} went"
        side, spec = _ABOVE if above else _BELOW, Spec(words, unit, limit)
        return self._of(when, when.between, _distance, side, spec)

    def _angle(self, when: Angle) -> KeypointCondition:
        limit, unit = _given(when, above_deg="deg", below_deg="deg")
        side = _BELOW if when.above_deg is None else _ABOVE
        spec = Spec(f"angle at {when.joint[1]} went", unit, limit)
        return self._of(when, when.joint, _angle, side, spec)

    def _of(
        self,
        when: Crosses | Enters | Distance | Angle,
        names: Sequence[str],
        measure: Callable[[Points], float],
        side: Side,
        spec: Spec,
    ) -> KeypointCondition:
        return KeypointCondition(
            form=self._form(when),
            rows=tuple(map(self.bodyparts.index, names)),
            measure=measure,
            side=side,
            spec=spec,
            min_likelihood=self.rule.min_likelihood,
        )

    def _form(self, when: Crosses | Enters | Speed | Distance | Angle | Custom) -> str:
        """Return which of a scene's poses a condition looks at."""
        if is_in_space(when):
            return SPACE
        points = "raw" if isinstance(when, Custom) else when.points
        # where the scene is space itself, poses go by their camera's name
        mine = self.rule.source == self.rule.camera
        return points if mine else f"{self.rule.camera}/{points}"

    def _held(self, when: Held) -> HeldCondition:
        words = " and ".join(_spoken(leaf) for _, leaf in leaves(when.of))
        return HeldCondition(
            part=self.condition(when.of),
            for_ns=round(when.for_ms * 1e6),
            most_gap_ns=round(self.rule.max_pose_age_ms * 1e6),
            words=f"time of {words} went",
        )

    def _sequence(self, when: SequenceConfig) -> SequenceCondition:
        return SequenceCondition(
            tuple(
                Step(
                    self.condition(step.when),
                    None if step.within_ms is None else round(step.within_ms * 1e6),
                )
                for step in when.steps
            )
        )

    def _states(self, when: States) -> StatesCondition:
        conditions: list[Condition] = []
        ways: dict[str, tuple[Way, ...]] = {}
        for state, transitions in when.states.items():
            out: list[Way] = []
            for transition in transitions:
                number = None
                if transition.when is not None:
                    number = len(conditions)
                    conditions.append(self.condition(transition.when))
                after_ns = round((transition.after_ms or 0) * 1e6)
                out.append(Way(transition.to, number, after_ns))
            ways[state] = tuple(out)
        spec = Spec(f"state {when.holds_in} was reached", "", 1.0, plain=True)
        return StatesCondition(tuple(conditions), ways, when.start, spec, when.holds_in)

    def _custom(self, when: Custom) -> CustomCondition:
        return CustomCondition(
            make=find_own(when.use, f"rules.{self.rule.name}"),
            bodyparts=self.bodyparts,
            form=self._form(when),
            rows=tuple(map(self.bodyparts.index, when.keypoints)),
            spec=Spec(f"{when.use} holds", "", 1.0, plain=True),
            min_likelihood=self.rule.min_likelihood,
            arguments=when.arguments,
        )


def _feature(when: FeatureCrosses) -> FeatureCondition:
    sign = 1 if when.direction == "rising" else -1
    spec = Spec(f"{when.feature} {_verb(when.direction)}", "", when.threshold)
    return FeatureCondition(when.feature, Side(sign, inclusive=True), spec)


def _coordinate(points: Points, axis: int) -> float:
    value = points[0][axis]
    return value if len(points) == 1 else value - points[1][axis]


def _distance(points: Points) -> float:
    one, other = points
    return math.dist(one[:-1], other[:-1])


def _angle(points: Points) -> float:
    a, b, c = (point[:-1] for point in points)
    return joint_angle_deg(a, b, c)


def _verb(direction: str) -> str:
    return "rose" if direction == "rising" else "fell"


def _given(when: object, **units: str) -> tuple[float, str]:
    """Return the threshold that a condition has, and its unit."""
    for key, unit in units.items():
        value = getattr(when, key)
        if value is not None:
            return value, unit
    msg = f"Expected one of {', '.join(units)}"
    raise ConfigError(msg)


def _spoken(leaf: Leaf) -> str:
    """Return a condition in some words, for the cause of a decision."""
    names = keypoints_of(leaf)
    return " and ".join(names) if names else leaf.kind


def _did_you_mean(name: str, bodyparts: Sequence[str]) -> str:
    near = nearest(name, bodyparts)
    return f": did you mean {near!r}?" if near else ""
