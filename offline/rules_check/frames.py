"""Single labelled frames: whether a rule's condition holds there, and was seen to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.rules import Scene, Seen, compile_rules
from offline.rules_check.result import FrameAgreement
from offline.rules_check.walk import every
from rig.config.rules import (
    Custom,
    FeatureCrosses,
    Held,
    Speed,
    States,
    is_in_space,
    keypoints_of,
    leaves,
)
from rig.config.rules import Sequence as SequenceConfig

if TYPE_CHECKING:
    from offline.replay import Replay
    from offline.rules_check.labels import Labels
    from rig.config.rules import RuleConfig
    from rig.config.task import TaskConfig

__all__ = ["frame_agreement"]

_FORMS = ("raw", "smoothed", "predicted")
_COURSES = (Held, SequenceConfig, States, Speed, Custom, FeatureCrosses)
"""What one frame cannot tell."""


def frame_agreement(
    rule: RuleConfig, task: TaskConfig, labels: Labels, replay: Replay
) -> tuple[FrameAgreement | None, str]:
    """Compare what labels and poses say of a rule's condition, frame by frame.

    Parameters
    ----------
    rule, task
        The rule, and its task.
    labels
        With body parts.
    replay
        With what the conditions said.

    Returns
    -------
    The agreement, or why there is none.
    """
    why = _unfit(rule, labels)
    if why or labels.frames_ns is None or labels.keypoints is None:
        return None, f"{rule.name} is not held against the labelled frames: {why}"
    compiled = compile_rules([rule], labels.bodyparts, task.seed)[0]
    trace = replay.watches[rule.name].whole
    told = dict(
        zip(trace.at_ns, zip(trace.over, trace.trusted, strict=True), strict=True)
    )
    both = neither = missed = false = untold = 0
    for at_ns, points in zip(labels.frames_ns.tolist(), labels.keypoints, strict=True):
        if at_ns not in told:
            continue
        sure = np.concatenate([points, np.ones((len(points), 1))], axis=1).tolist()
        scene = Scene(rule.source, at_ns, dict.fromkeys(_FORMS, Seen(sure, at_ns)))
        reading, _ = compiled.condition.look(scene, compiled.condition.begin())
        over, trusted = told[at_ns]
        if not (trusted and reading.trusted):
            untold += 1
        elif over == reading.over:
            both, neither = both + over, neither + (not over)
        else:
            missed, false = missed + (not over), false + over
    agreement = FrameAgreement(
        frames=both + neither + missed + false + untold,
        both=both,
        neither=neither,
        missed=missed,
        false=false,
        untold=untold,
    )
    return agreement, ""


def _unfit(rule: RuleConfig, labels: Labels) -> str:
    """Return why single labelled frames do not tell of a rule; empty if they do."""
    if rule.source != labels.camera:
        return f"they are of camera {labels.camera}"
    for _, when in every(rule.when):
        if isinstance(when, _COURSES):
            return f"one frame does not tell of {when.kind}"
    for _, leaf in leaves(rule.when):
        if is_in_space(leaf):
            return "one frame does not tell of space"
        lacking = [name for name in keypoints_of(leaf) if name not in labels.bodyparts]
        if lacking:
            return f"they have no {' and no '.join(lacking)}"
    return ""
