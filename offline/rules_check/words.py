"""A rule of a task file, told so that a student understands it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.rules_check.walk import every
from rig.config.rules import (
    IN_SPACE,
    OF_SIGNALS,
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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rig.config.rules import Action, Leaf, RuleConfig, When
    from rig.config.task import FeatureConfig, TaskConfig

__all__ = ["condition_in_words", "number", "rule_in_words"]

_FORMS = {
    "raw": "as the network sees them",
    "smoothed": "smoothed, at the exposure",
    "predicted": "predicted for the moment at which the action lands",
}


def rule_in_words(rule: RuleConfig, task: TaskConfig) -> str:
    """Return a paragraph about a rule: when it fires, what holds it back, what is sent.

    Parameters
    ----------
    rule
        Of the task.
    task
        The task, whose features and gates are told where the rule uses them.
    """
    return " ".join(
        [
            _asked(rule),
            f"It fires when this begins to hold: {condition_in_words(rule.when)}.",
            *_features(rule, task.features),
            *_positions(rule, task),
            *_held_back(rule),
            *_unseen(rule),
            _sent(rule.action),
            *_share(rule),
        ]
    )


def condition_in_words(when: When) -> str:
    """Return a condition as a clause."""
    match when:
        case All():
            return _joined([_part(part) for part in when.of], "and")
        case Any_():
            return _joined([_part(part) for part in when.of], "or")
        case Not():
            return f"it is not so that {_part(when.of)}"
        case Held():
            return f"{_part(when.of)}, for {number(when.for_ms)} ms without a break"
        case SequenceConfig():
            return _sequence(when)
        case States():
            return _states(when)
        case _:
            return _leaf(when)


def number(value: float) -> str:
    """Return a number without needless digits: ``240``, ``0.25``."""
    return f"{value:.6g}"


def _leaf(leaf: Leaf) -> str:
    match leaf:
        case Crosses():
            return _crosses(leaf)
        case Enters():
            return _enters(leaf)
        case Speed():
            limit = _limit(leaf, above_px_per_s="px/s", above_mm_per_s="mm/s")
            return f"{leaf.keypoint} moves faster than {limit}"
        case Distance():
            return _distance(leaf)
        case Angle():
            return _angle(leaf)
        case FeatureCrosses():
            side = "or more" if leaf.direction == "rising" else "or less"
            return f"{leaf.feature} is {number(leaf.threshold)} {side}"
        case Custom():
            return f"{leaf.use} says so{_arguments(leaf)}"


def _crosses(leaf: Crosses) -> str:
    limit = _limit(leaf, threshold_px="px", threshold_mm="mm")
    rising = leaf.direction == "rising"
    what = f"the {leaf.axis} of {leaf.keypoint}"
    if leaf.minus:
        what += f" minus that of {leaf.minus}"
    told = f"{what} is {limit} or {'more' if rising else 'less'}"
    if leaf.axis == "y" and leaf.threshold_px is not None and not leaf.minus:
        place = "lower" if rising else "higher"
        told += f" (at that line of the picture or {place}: y grows downwards)"
    return told


def _enters(leaf: Enters) -> str:
    x0, y0, x1, y1 = map(number, leaf.bounds_px)
    place = f"x {x0} to {x1}, y {y0} to {y1} px"
    if leaf.polygon_px is None:
        return f"{leaf.keypoint} is in the rectangle {place}"
    corners = len(leaf.polygon_px)
    return f"{leaf.keypoint} is in a polygon of {corners} corners within {place}"


def _distance(leaf: Distance) -> str:
    units = {"above_px": "px", "below_px": "px", "above_mm": "mm", "below_mm": "mm"}
    above = leaf.above_px is not None or leaf.above_mm is not None
    one, other = leaf.between
    than = "farther apart than" if above else "nearer to each other than"
    return f"{one} and {other} are {than} {_limit(leaf, **units)}"


def _angle(leaf: Angle) -> str:
    above = leaf.above_deg is not None
    limit = _limit(leaf, above_deg="°", below_deg="°")
    a, joint, b = leaf.joint
    where = "" if leaf.space == "picture" else ", in space"
    side = "straighter" if above else "more bent"
    return f"{joint}, between {a} and {b}{where}, is {side} than {limit}"


def _arguments(leaf: Custom) -> str:
    told = ", ".join(f"{name} {value}" for name, value in leaf.arguments.items())
    return f" (with {told})" if told else ""


def _part(when: When) -> str:
    """Return a condition within another, in brackets where it is made of several."""
    words = condition_in_words(when)
    made = isinstance(when, All | Any_ | SequenceConfig | States | Held)
    return f"({words})" if made else words


def _joined(parts: Sequence[str], word: str) -> str:
    *most, last = parts
    if not most:
        return last
    if len(most) == 1:
        return f"{'both ' * (word == 'and')}{most[0]} {word} {last}"
    return f"{'all of it: ' * (word == 'and')}{', '.join(most)}, {word} {last}"


def _sequence(when: SequenceConfig) -> str:
    first, *others = when.steps
    told = [f"first {_part(first.when)}"]
    for step in others:
        within = (
            "" if step.within_ms is None else f" within {number(step.within_ms)} ms"
        )
        told.append(f"then,{within or ' some time'} after that last held, "
                    f"{_part(step.when)}")  # fmt: skip
    return f"one after the other, each on a later pose: {'; '.join(told)}"


def _states(when: States) -> str:
    ways = [
        f"from {state} to {way.to} {_way(way.when, way.after_ms)}"
        for state, out in when.states.items()
        for way in out
    ]
    told = "; ".join(ways) or "there is no way from one to another"
    return f"the state is {when.holds_in} (it begins in {when.start}; {told})"


def _way(when: When | None, after_ms: float | None) -> str:
    told = [] if after_ms is None else [f"after {number(after_ms)} ms in it"]
    if when is not None:
        told.append(f"when {_part(when)}")
    return ", ".join(told)


def _asked(rule: RuleConfig) -> str:
    match rule.source:
        case source if source == IN_SPACE:
            when = "each moment that several cameras have seen"
        case source if source == OF_SIGNALS:
            when = "each time that the signals have gone on"
        case camera:
            when = f"each pose of camera {camera}"
    return f"{rule.name} is asked at {when}."


def _features(rule: RuleConfig, features: Mapping[str, FeatureConfig]) -> list[str]:
    used = {leaf.feature for _, leaf in leaves(rule.when)
            if isinstance(leaf, FeatureCrosses)}  # fmt: skip
    return [_feature(name, config) for name, config in features.items() if name in used]


def _feature(name: str, config: FeatureConfig) -> str:
    channels = " + ".join(config.channels)
    window = f"the last {number(config.window_ms)} ms of {channels} of {config.stream}"
    if config.kind == "level":
        return f"{name} is the mean of {window}."
    baseline = f"the mean of the last {number(config.baseline_ms)} ms"
    return f"{name} is the root mean square of {window} about {baseline}."


def _positions(rule: RuleConfig, task: TaskConfig) -> list[str]:
    """Say in which form body parts are looked at, and which are not believed."""
    mine = [leaf for _, leaf in leaves(rule.when) if keypoints_of(leaf)]
    if not mine:
        return []
    flat = [
        leaf
        for leaf in mine
        if not isinstance(leaf, Custom | FeatureCrosses) and not is_in_space(leaf)
    ]
    forms = {leaf.points: leaf for leaf in flat}
    told: list[str] = []
    if len(forms) == 1 and "raw" not in forms:
        told.append(f"Positions are {_FORMS[next(iter(forms))]}.")
    elif len(forms) > 1:
        each = [
            f"that of {' and '.join(keypoints_of(leaf))} is {_FORMS[form]}"
            for form, leaf in forms.items()
        ]
        told.append(f"Of the positions, {', '.join(each)}.")
    gated = task.inference is not None and task.inference.gates is not None
    more = " or that the gates have marked" if gated else ""
    told.append(
        f"A body part that is less likely than {number(rule.min_likelihood)}{more} "
        "says nothing."
    )
    return told


def _held_back(rule: RuleConfig) -> list[str]:
    poses = {IN_SPACE: "moments", OF_SIGNALS: "times"}.get(rule.source, "poses")
    told = []
    if rule.debounce_frames > 1:
        told.append(f"It must hold on {rule.debounce_frames} {poses} in a row.")
    if rule.refractory_ms:
        told.append(f"After a fire it waits for {number(rule.refractory_ms)} ms.")
    told.append(
        f"What is older than {number(rule.max_pose_age_ms)} ms when it is decided "
        "never fires."
    )
    return told


def _unseen(rule: RuleConfig) -> list[str]:
    """Say what becomes of times in which nothing can be told."""
    longest = f"{number(rule.max_pose_age_ms)} ms"
    made_of = [when for _, when in every(rule.when)]
    told: list[str] = []
    if any(isinstance(when, Held) for when in made_of):
        told.append(
            "What must hold for some time begins anew when it cannot be told for "
            f"longer than {longest}."
        )
    if any(_waits_only(when) for when in made_of if isinstance(when, States)):
        told.append(
            "What is reached by time alone does not fire when none of the machine's "
            f"conditions could be told for longer than {longest}."
        )
    return told


def _waits_only(when: States) -> bool:
    """Return whether a way is open by time alone, beside some that are not."""
    ways = [way for out in when.states.values() for way in out]
    return {True, False} <= {way.when is None for way in ways}


def _sent(action: Action) -> str:
    width = _duration(action.pulse_width_us)
    if action.count == 1:
        return f"Then one pulse of {width} goes to {action.line}."
    rate_hz = 1e6 / action.period_us
    whole = _duration((action.count - 1) * action.period_us + action.pulse_width_us)
    return (
        f"Then {action.count} pulses of {width} at {number(rate_hz)} Hz, {whole} in "
        f"all, go to {action.line}."
    )


def _share(rule: RuleConfig) -> list[str]:
    if not rule.sham_probability:
        return []
    return [
        f"{number(100 * rule.sham_probability)} % of the fires, drawn at random, are "
        "shams: recorded, not carried out."
    ]


def _duration(us: float) -> str:
    if us < 1e3:
        return f"{number(us)} µs"
    return f"{number(us / 1e3)} ms" if us < 1e6 else f"{number(us / 1e6)} s"


def _limit(leaf: Leaf, **units: str) -> str:
    """Return the threshold that a condition has, with its unit."""
    for key, unit in units.items():
        value = getattr(leaf, key)
        if value is not None:
            return f"{number(value)}{'' if unit == '°' else ' '}{unit}"
    return ""
