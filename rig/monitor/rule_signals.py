"""What rules hold against their thresholds, as traces: from poses, pure.

These are for looking at: computed from the poses as the network saw them. What was
decided, and on which value, stands in the decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.config.rules import (
    Angle,
    Crosses,
    Distance,
    FeatureCrosses,
    Speed,
    is_in_space,
    keypoints_of,
    leaves,
)
from rig.geometry.angles import joint_angles_deg, segment_lengths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from rig.config.rules import Leaf, RuleConfig
    from rig.config.task import TaskConfig

__all__ = ["RuleSignal", "rule_signals", "signal_values"]


@dataclass(frozen=True, slots=True)
class RuleSignal:
    """One condition of a rule that has a value and a threshold."""

    rule: str
    camera: str
    """Whose poses it is made of; empty for a feature."""
    text: str
    """The condition in a few words: ``hip y < 240 px``."""
    unit: str
    threshold: float
    leaf: Crosses | Speed | Distance | Angle | FeatureCrosses

    @property
    def feature(self) -> str:
        """Name of the feature; empty for a condition on poses."""
        return self.leaf.feature if isinstance(self.leaf, FeatureCrosses) else ""

    @property
    def line_axis(self) -> str:
        """Axis along which the threshold is a line in the picture; empty if none."""
        leaf = self.leaf
        return leaf.axis if isinstance(leaf, Crosses) and leaf.minus is None else ""


def rule_signals(task: TaskConfig) -> Iterator[RuleSignal]:
    """Yield what a task's rules hold against thresholds, in pictures and signals.

    Conditions in space have no trace in a picture and are left out.
    """
    for rule in task.rules:
        for _, leaf in leaves(rule.when):
            if not is_in_space(leaf) and (found := _signal(rule, leaf)) is not None:
                yield found


def signal_values(
    signal: RuleSignal,
    times_s: NDArray[np.float64],
    poses: NDArray[np.float32],
    bodyparts: Sequence[str],
) -> NDArray[np.float64]:
    """Return what a condition's value was at each pose.

    Parameters
    ----------
    signal
        The condition, on poses.
    times_s
        (n,) middle of each exposure.
    poses
        (n, bodyparts, 3) x px, y px, likelihood.
    bodyparts
        Their names.

    Returns
    -------
    ndarray
        (n,) in the signal's unit; NaN where a body part is not known.
    """
    leaf = signal.leaf
    if isinstance(leaf, FeatureCrosses) or not set(keypoints_of(leaf)) <= set(
        bodyparts
    ):
        return np.full(len(poses), np.nan)
    places = [bodyparts.index(name) for name in keypoints_of(leaf)]
    at = [poses[:, place, :2].astype(np.float64) for place in places]
    match leaf:
        case Crosses():
            axis = "xy".index(leaf.axis)
            return at[0][:, axis] - (at[1][:, axis] if leaf.minus else 0.0)
        case Speed():
            return _speed(times_s, at[0])
        case Distance():
            return segment_lengths(*at)
        case Angle():
            return joint_angles_deg(*at)


def _signal(rule: RuleConfig, leaf: Leaf) -> RuleSignal | None:
    camera = rule.camera or ""
    match leaf:
        case Crosses():
            sign = ">" if leaf.direction == "rising" else "<"
            name = f"{leaf.keypoint}{f' - {leaf.minus}' if leaf.minus else ''}"
            limit, unit, what = leaf.threshold_px, "px", f"{name} {leaf.axis} {sign}"
        case Speed():
            limit, unit, what = leaf.above_px_per_s, "px/s", f"{leaf.keypoint} speed >"
        case Distance():
            sign = "<" if leaf.above_px is None else ">"
            limit = leaf.below_px if leaf.above_px is None else leaf.above_px
            unit, what = "px", f"{' - '.join(leaf.between)} {sign}"
        case Angle():
            sign = "<" if leaf.above_deg is None else ">"
            limit = leaf.below_deg if leaf.above_deg is None else leaf.above_deg
            unit, what = "deg", f"{leaf.joint[1]} angle {sign}"
        case FeatureCrosses():
            sign = ">" if leaf.direction == "rising" else "<"
            limit, unit, what = leaf.threshold, "", f"{leaf.feature} {sign}"
            camera = ""
        case _:
            return None
    if limit is None:
        return None
    text = f"{rule.name}: {what} {limit:g} {unit}".rstrip()
    return RuleSignal(rule.name, camera, text, unit, float(limit), leaf)


def _speed(
    times_s: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return px/s from each point to the one before it; NaN for the first."""
    found = np.full(len(at), np.nan)
    seconds = np.diff(times_s)
    moved = np.linalg.norm(np.diff(at, axis=0), axis=1)
    np.divide(moved, seconds, out=found[1:], where=seconds > 0)
    return found
