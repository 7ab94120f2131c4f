"""Rules of a task file: conditions on poses, signals and time, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from rig.config.base import Closed, Fault, Faults, Fraction, Name, Positive
from rig.config.polygon import fault_of_polygon

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "IN_SPACE",
    "OF_SIGNALS",
    "Action",
    "All",
    "Angle",
    "Any_",
    "Crosses",
    "Custom",
    "Distance",
    "Enters",
    "FeatureCrosses",
    "Held",
    "Leaf",
    "Not",
    "PoseForm",
    "RuleConfig",
    "Sequence",
    "SequenceStep",
    "Speed",
    "States",
    "Transition",
    "When",
    "is_in_space",
    "keypoints_of",
    "leaves",
]

IN_SPACE = "3d"
"""Source of a rule about points in space; no camera can have that name."""
OF_SIGNALS = ""
"""Source of a rule about features alone."""

PoseForm = Literal["raw", "smoothed", "predicted"]
"""raw: as the network saw it; smoothed: filtered, at the exposure; predicted: where
it will be when the action lands. A marked keypoint is not trusted in any form."""


class _Keypoints(Closed):
    """A condition on keypoints: pixels of one picture, or millimetres in space."""

    points: PoseForm = "raw"
    """raw, smoothed or predicted; in millimetres only raw."""


class Crosses(_Keypoints):
    """A keypoint's coordinate, or its difference to another's, crosses a line."""

    kind: Literal["crosses"]
    keypoint: str
    minus: str | None = None
    """Keypoint that is subtracted."""
    axis: Literal["x", "y", "z"]
    direction: Literal["rising", "falling"]
    """In picture coordinates: y grows downwards, an animal that jumps is falling."""
    threshold_px: float | None = None
    threshold_mm: float | None = None
    """In space: along an axis of the calibration."""

    @model_validator(mode="after")
    def _sound(self) -> Crosses:
        _one_of(self, "threshold_px", "threshold_mm")
        if self.minus is not None:
            _different("minus", self.keypoint, self.minus)
        if self.axis == "z" and self.threshold_mm is None:
            text = "expected x or y for a line in the picture, got z: give threshold_mm"
            raise Faults([Fault(("axis",), text)])
        return self


class Enters(_Keypoints):
    """A keypoint enters a rectangle or a polygon of the picture."""

    kind: Literal["enters"]
    keypoint: str
    region_px: tuple[float, float, float, float] | None = None
    """x0, y0, x1, y1."""
    polygon_px: (
        Annotated[tuple[tuple[float, float], ...], Field(min_length=3)] | None
    ) = None
    """Corners in order, x and y of each."""

    @model_validator(mode="after")
    def _sound(self) -> Enters:
        _one_of(self, "region_px", "polygon_px")
        if self.region_px is not None:
            x0, y0, x1, y1 = self.region_px
            if x0 >= x1 or y0 >= y1:
                text = (
                    "expected x0, y0, x1, y1 with x0 < x1 and y0 < y1, got "
                    f"{list(self.region_px)}"
                )
                raise Faults([Fault(("region_px",), text)])
        if self.polygon_px is not None and (text := fault_of_polygon(self.polygon_px)):
            raise Faults([Fault(("polygon_px",), text)])
        return self

    @property
    def bounds_px(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of the smallest rectangle around it."""
        if self.polygon_px is None:
            return self.region_px or (0.0, 0.0, 0.0, 0.0)
        xs, ys = zip(*self.polygon_px, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


class Speed(_Keypoints):
    """A keypoint moves faster than a limit."""

    kind: Literal["speed"]
    keypoint: str
    above_px_per_s: Positive | None = None
    above_mm_per_s: Positive | None = None

    @model_validator(mode="after")
    def _sound(self) -> Speed:
        _one_of(self, "above_px_per_s", "above_mm_per_s")
        return self


class Distance(_Keypoints):
    """Two keypoints are farther apart, or nearer, than a limit."""

    kind: Literal["distance"]
    between: tuple[str, str]
    above_px: Positive | None = None
    below_px: Positive | None = None
    above_mm: Positive | None = None
    below_mm: Positive | None = None

    @model_validator(mode="after")
    def _sound(self) -> Distance:
        _one_of(self, "above_px", "below_px", "above_mm", "below_mm")
        _different("between", *self.between)
        return self


class Angle(_Keypoints):
    """A joint is bent less, or more, than a limit; 180 degrees is straight."""

    kind: Literal["angle"]
    joint: tuple[str, str, str]
    """Three keypoints; the joint is the middle one."""
    space: Literal["picture", "mm"] = "picture"
    """mm: in space. In a picture an angle depends on where the camera stands."""
    above_deg: Annotated[float, Field(ge=0, le=180)] | None = None
    below_deg: Annotated[float, Field(ge=0, le=180)] | None = None

    @model_validator(mode="after")
    def _sound(self) -> Angle:
        _one_of(self, "above_deg", "below_deg")
        _different("joint", *self.joint)
        return self


class FeatureCrosses(Closed):
    """A feature of a signal (an EMG's envelope, a force) crosses a threshold."""

    kind: Literal["feature"]
    feature: Name
    """One of the task's features."""
    direction: Literal["rising", "falling"]
    threshold: float
    """In the feature's unit."""


class All(Closed):
    """All conditions hold."""

    kind: Literal["all"]
    of: Annotated[tuple[When, ...], Field(min_length=1)]


class Any_(Closed):  # noqa: N801 - any is taken
    """At least one condition holds."""

    kind: Literal["any"]
    of: Annotated[tuple[When, ...], Field(min_length=1)]


class Not(Closed):
    """A condition can be told, and does not hold."""

    kind: Literal["not"]
    of: When


class Held(Closed):
    """A condition has held without a break for some time.

    It is a break, too, when nothing can be told for longer than `max_pose_age_ms`.
    """

    kind: Literal["held"]
    of: When
    for_ms: Positive


class SequenceStep(Closed):
    """One step of a sequence."""

    when: When
    within_ms: Positive | None = None
    """Longest time since the step before last held; null waits for ever."""


class Sequence(Closed):
    """Conditions hold one after the other, each on a later pose."""

    kind: Literal["sequence"]
    steps: Annotated[tuple[SequenceStep, ...], Field(min_length=2)]


class Transition(Closed):
    """From one state to another."""

    to: Name
    when: When | None = None
    after_ms: Positive | None = None
    """So long in the state; with `when` both are needed. Alone, its age counts from
    when any condition of the machine could last be told."""

    @model_validator(mode="after")
    def _sound(self) -> Transition:
        if self.when is None and self.after_ms is None:
            text = "expected when, after_ms or both, got neither"
            raise Faults([Fault((), text)])
        return self


class States(Closed):
    """A state machine; it holds while the machine is in one of its states."""

    kind: Literal["states"]
    start: Name
    holds_in: Name
    states: dict[Name, tuple[Transition, ...]]
    """Of each state the ways out, the first that is open is taken."""

    @model_validator(mode="after")
    def _sound(self) -> States:
        named = [
            (("start",), self.start),
            (("holds_in",), self.holds_in),
            *(
                (("states", state, k, "to"), way.to)
                for state, ways in self.states.items()
                for k, way in enumerate(ways)
            ),
        ]
        known = ", ".join(self.states)
        faults = [
            Fault(path, f"expected one of the states ({known}), got {name!r}")
            for path, name in named
            if name not in self.states
        ]
        if faults:
            raise Faults(faults)
        return self


class Custom(Closed):
    """A condition of your own, written in Python."""

    kind: Literal["custom"]
    use: str
    """A name in the entry-point group ``springhare.rules``, or ``package.module:Class``
    (see `inference.rules.custom`)."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    keypoints: tuple[str, ...] = ()
    """Those that must be trusted; empty leaves it to the class."""
    space: Literal["picture", "mm"] = "picture"
    """mm: in space, it is asked at each moment that was seen from several sides."""


When = Annotated[
    Crosses
    | Enters
    | Speed
    | Distance
    | Angle
    | FeatureCrosses
    | All
    | Any_
    | Not
    | Held
    | Sequence
    | States
    | Custom,
    Field(discriminator="kind"),
]

for _model in (All, Any_, Not, Held, SequenceStep, Sequence, Transition, States):
    _model.model_rebuild()

Leaf = Crosses | Enters | Speed | Distance | Angle | FeatureCrosses | Custom
"""A condition that is not made of others."""


def leaves(
    when: When, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Leaf]]:
    """Yield the conditions that a condition is made of, and where they stand."""
    for place, part in _parts(when):
        yield from leaves(part, (*path, *place))
    if isinstance(when, Leaf):
        yield path, when


def keypoints_of(leaf: Leaf) -> tuple[str, ...]:
    """Return the names of the keypoints that a condition uses."""
    match leaf:
        case Crosses():
            return (leaf.keypoint, *([leaf.minus] if leaf.minus else []))
        case Enters() | Speed():
            return (leaf.keypoint,)
        case Distance():
            return leaf.between
        case Angle():
            return leaf.joint
        case Custom():
            return leaf.keypoints
        case FeatureCrosses():
            return ()


def is_in_space(leaf: Leaf) -> bool:
    """Tell whether a condition is about points in space."""
    match leaf:
        case Crosses():
            return leaf.threshold_mm is not None
        case Speed():
            return leaf.above_mm_per_s is not None
        case Distance():
            return leaf.above_mm is not None or leaf.below_mm is not None
        case Angle() | Custom():
            return leaf.space == "mm"
        case _:
            return False


def _parts(when: When) -> Iterator[tuple[tuple[str | int, ...], When]]:
    match when:
        case All() | Any_():
            yield from ((("of", k), part) for k, part in enumerate(when.of))
        case Not() | Held():
            yield ("of",), when.of
        case Sequence():
            yield from (
                (("steps", k, "when"), step.when) for k, step in enumerate(when.steps)
            )
        case States():
            for state, ways in when.states.items():
                for k, way in enumerate(ways):
                    if way.when is not None:
                        yield ("states", state, k, "when"), way.when
        case _:
            pass


def _one_of(config: _Keypoints, *keys: str) -> None:
    """Refuse none or several of some keys, and forms that there are not in space."""
    given = [key for key in keys if getattr(config, key) is not None]
    if len(given) != 1:
        *most, last = keys
        text = (
            f"expected one of {', '.join(most)} and {last}, got "
            f"{' and '.join(given) or 'none'}"
        )
        raise Faults([Fault((), text)])
    in_space = "_mm" in given[0] or getattr(config, "space", "") == "mm"
    if in_space and config.points != "raw":
        text = f"expected raw for a condition in space, got {config.points}"
        raise Faults([Fault(("points",), text)])


def _different(key: str, *keypoints: str) -> None:
    """Refuse a keypoint that is held against itself: nothing ever changes there."""
    for name in keypoints:
        if keypoints.count(name) > 1:
            count = {2: "two", 3: "three"}[len(keypoints)]
            text = f"expected {count} different keypoints, got {name!r} twice"
            raise Faults([Fault((key,), f"{text}: name another")])


class Action(Closed):
    """What is sent to the actuator."""

    line: Name
    pulse_width_us: Annotated[int, Field(gt=0)]
    count: Annotated[int, Field(ge=1)] = 1
    period_us: Annotated[int, Field(ge=0)] = 0
    """Start to start of the pulses of a train; 0 for a single pulse."""

    @model_validator(mode="after")
    def _train(self) -> Action:
        if self.count > 1 and self.period_us <= self.pulse_width_us:
            text = (
                f"expected more than pulse_width_us ({self.pulse_width_us}) for a "
                f"train of {self.count}, got {self.period_us}"
            )
            raise Faults([Fault(("period_us",), text)])
        return self


class RuleConfig(Closed):
    """When to act, and on how good a pose."""

    name: Name
    camera: Name | None = None
    """Whose poses the rule looks at; null for a rule that is only about space or
    features. A rule with a condition in space is asked at each moment that was seen
    from several sides; else with one on a picture, at each pose of its camera; else
    whenever the signals have gone on."""
    when: When
    min_likelihood: Fraction = 0.6
    debounce_frames: Annotated[int, Field(ge=1)] = 1
    """The condition must hold on so many poses in a row."""
    refractory_ms: Annotated[float, Field(ge=0)] = 0
    """Least time between two fires, shams included."""
    max_pose_age_ms: Annotated[float, Field(gt=0, le=3_600_000)] = 50
    """Sending time minus exposure midpoint; an older pose never fires."""
    sham_probability: Fraction = 0
    """Fraction of fires that are decided and recorded but not carried out."""
    action: Action

    @property
    def source(self) -> str:
        """What makes the rule be asked: a camera, `IN_SPACE` or `OF_SIGNALS`."""
        if any(is_in_space(leaf) for _, leaf in leaves(self.when)):
            return IN_SPACE
        return OF_SIGNALS if self.camera is None else self.camera
