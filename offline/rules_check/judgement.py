"""What looks wrong in a rule, before an animal is on the rig."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.rules_check.bounds import Bound, bounds, natural, opposite, unmet
from offline.rules_check.courses import course_doubts
from offline.rules_check.lines import line_doubts
from offline.rules_check.result import Doubt
from offline.rules_check.walk import Path, every
from offline.rules_check.words import number
from rig.config.base import dotted
from rig.config.rules import (
    All,
    Any_,
    Crosses,
    Custom,
    Enters,
    keypoints_of,
    leaves,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offline.rules_check.bounds import Picture
    from rig.config.rig import RigConfig
    from rig.config.rules import Leaf, RuleConfig, When
    from rig.config.task import TaskConfig

__all__ = ["doubts"]

_Found = tuple[Path, str]

_UP = {"jump", "hop", "leap", "take", "off", "lift", "rear", "rearing", "rise", "up"}
_DOWN = {"land", "landing", "crouch", "down", "fall", "drop"}


def doubts(task: TaskConfig, rig: RigConfig | None = None) -> list[Doubt]:
    """Return what looks wrong in a task's rules.

    Parameters
    ----------
    task
        Without faults, as it was loaded.
    rig
        Gives sizes and rates of pictures; None where it is not known.
    """
    found: list[Doubt] = []
    for k, rule in enumerate(task.rules):
        device = None if rig is None else rig.cameras.get(rule.camera or "")
        picture = None if device is None else (device.width_px, device.height_px)
        rate_hz = None
        if rig is not None and rule.camera in rig.cameras:
            rate_hz = rig.camera_rate_hz(rule.camera)
        for path, text in (
            *_conditions(rule, picture),
            *course_doubts(rule, rate_hz),
            *_rest(rule, task),
        ):
            where = dotted(("rules", k, *path))
            found.append(Doubt(rule=rule.name, where=where, text=text))
    for k, path, text in line_doubts(task.rules, rig):
        where = dotted(("rules", k, *path))
        found.append(Doubt(rule=task.rules[k].name, where=where, text=text))
    return found


def _conditions(rule: RuleConfig, picture: Picture | None) -> Iterator[_Found]:
    for path, leaf in leaves(rule.when, ("when",)):
        for text in _alone(leaf, picture):
            yield path, text
        if isinstance(leaf, Crosses):
            yield from _upside_down(rule, leaf, path)
    for path, when in every(rule.when, ("when",)):
        text = _together(when)
        if text:
            yield path, text


def _alone(leaf: Leaf, picture: Picture | None) -> Iterator[str]:
    """Say of a condition that it can never hold, or always does."""
    limits, mine = natural(leaf, picture), bounds(leaf)
    size = (
        "" if picture is None else f" (the picture is {picture[0]} x {picture[1]} px)"
    )
    for bound, limit in zip(mine, limits, strict=False):
        if not bound.meets(limit):
            yield f"it can never hold: {_shown(limit)}{size}, and {_asks(bound)}"
            return
    if mine and limits and all(map(Bound.within, limits, mine)):
        yield f"it always holds, so it never begins to: {_shown(limits[0])}{size}"
    elif isinstance(leaf, Enters) and limits:
        out = [b for b, limit in zip(mine, limits, strict=True) if not b.within(limit)]
        if out:
            yield f"a part of the region lies outside the picture{size}"


def _together(when: When) -> str:
    """Say of a combination that it can never hold, or always does."""
    if isinstance(when, All):
        pair = unmet(bounds(when))
        if pair is not None:
            one, other = pair
            return f"it can never hold: {_asks(one)}, and {_asks(other)}"
    if isinstance(when, Any_):
        each = [bounds(part) for part in when.of]
        others = [opposite(mine[0]) for mine in each if len(mine) == 1]
        pair = unmet(bound for other in others for bound in other)
        if pair is not None:
            return (
                "it always holds, so it never begins to: one or the other is true "
                f"of each value of {pair[0].quantity}"
            )
    return ""


def _upside_down(rule: RuleConfig, leaf: Crosses, path: Path) -> Iterator[_Found]:
    """Ask whether y is meant to grow upwards, by the rule's name."""
    if leaf.axis != "y" or leaf.minus or leaf.threshold_px is None:
        return
    words = set(rule.name.split("_"))
    meant = "up" * bool(words & _UP) or "down" * bool(words & _DOWN)
    does = "down" if leaf.direction == "rising" else "up"
    if meant and meant != does:
        yield (
            (*path, "direction"),
            f"is it upside down? y grows downwards, so {leaf.direction} waits for "
            f"{leaf.keypoint} to go {does}, and the rule is called {rule.name}",
        )


def _rest(rule: RuleConfig, task: TaskConfig) -> Iterator[_Found]:
    action = rule.action
    train_ms = ((action.count - 1) * action.period_us + action.pulse_width_us) / 1e3
    if rule.refractory_ms < train_ms:
        yield (
            ("refractory_ms",),
            f"it may fire again {number(rule.refractory_ms)} ms after a fire, while "
            f"what was sent still lasts ({number(train_ms)} ms)",
        )
    if rule.sham_probability == 1:
        yield ("sham_probability",), "every fire is a sham: nothing is ever carried out"
    gated = task.inference is not None and task.inference.gates is not None
    looks = any(keypoints_of(leaf) for _, leaf in leaves(rule.when))
    if looks and rule.min_likelihood == 0 and not gated:
        yield (
            ("min_likelihood",),
            "a body part counts however unlikely it is, also where the network has "
            "seen none: give a limit, or inference.gates",
        )
    for path, leaf in leaves(rule.when, ("when",)):
        if isinstance(leaf, Custom) and not leaf.keypoints:
            yield (
                (*path, "keypoints"),
                f"{leaf.use} is asked however unlikely the body parts are: name those "
                "that it needs, or let it look at their likelihoods",
            )


def _asks(bound: Bound) -> str:
    ends = []
    than = "" if bound.closed else "more than "
    if bound.low > float("-inf"):
        ends.append(f"{than or 'at least '}{number(bound.low)}")
    if bound.high < float("inf"):
        than = "at most " if bound.closed else "less than "
        ends.append(f"{than}{number(bound.high)}")
    return f"{bound.quantity} must be {' and '.join(ends)}"


def _shown(limit: Bound) -> str:
    if limit.high == float("inf"):
        return f"{limit.quantity} is at least {number(limit.low)}"
    return f"{limit.quantity} is from {number(limit.low)} to {number(limit.high)}"
