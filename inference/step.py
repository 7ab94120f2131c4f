"""The pure heart: one pose and its stamps in, record and decisions out.

The live node calls `step`, and so does replay; it reads no clock and opens no
socket, so that the same inputs give the same decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.rules import Rule, RulesState, evaluate, initial_state
from rig.messages import Decision, Frame, Pose

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["StepConfig", "StepInputs", "StepResult", "StepState", "begin", "step"]


@dataclass(frozen=True, slots=True)
class StepConfig:
    """What does not change during a session."""

    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class StepState:
    """What is carried from one step to the next."""

    rules: RulesState


@dataclass(frozen=True, slots=True)
class StepInputs:
    """All that a step is given beside the keypoints; every time is a host time."""

    camera: str
    pose_seq: int
    """`seq` that the pose will have in its stream."""
    frame_seq: int
    frame_id: int
    exposure_ns: int
    """Exposure midpoint."""
    arrival_ns: int
    dequeued_ns: int
    inferred_ns: int
    now_ns: int
    """Time of publication and of the decisions."""
    armed: bool

    @staticmethod
    def of_frame(
        camera: str,
        frame: Frame,
        *,
        pose_seq: int,
        dequeued_ns: int,
        inferred_ns: int,
        now_ns: int,
        armed: bool,
    ) -> StepInputs:
        """Return the inputs of a live step, on a frame from a ring."""
        return StepInputs(
            camera=camera,
            pose_seq=pose_seq,
            frame_seq=frame.seq,
            frame_id=frame.frame_id,
            exposure_ns=frame.exposure_ns,
            arrival_ns=frame.host_ns,
            dequeued_ns=dequeued_ns,
            inferred_ns=inferred_ns,
            now_ns=now_ns,
            armed=armed,
        )

    @staticmethod
    def of_pose(camera: str, pose: Pose, *, armed: bool) -> StepInputs:
        """Return the inputs of a step as a recorded pose tells them: replay."""
        return StepInputs(
            camera=camera,
            pose_seq=pose.seq,
            frame_seq=pose.frame_seq,
            frame_id=pose.frame_id,
            exposure_ns=pose.exposure_ns,
            arrival_ns=pose.arrival_ns,
            dequeued_ns=pose.dequeued_ns,
            inferred_ns=pose.inferred_ns,
            now_ns=pose.host_ns,
            armed=armed,
        )


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step gives."""

    pose: Pose
    keypoints: NDArray[np.float32]
    """(bodyparts, 3): x px, y px, likelihood; the pose's payload."""
    decisions: tuple[Decision, ...]
    state: StepState
    """For the next step."""


def begin(config: StepConfig, first_decision_id: int = 0) -> StepState:
    """Return the state before the first step of a session."""
    return StepState(initial_state(config.rules, first_decision_id))


def step(
    keypoints: NDArray[np.float32],
    inputs: StepInputs,
    state: StepState,
    config: StepConfig,
) -> StepResult:
    """Make a pose's record and decide what follows from it.

    Parameters
    ----------
    keypoints
        (bodyparts, 3): x and y in px of the whole frame, likelihood.
    inputs
        Where the pose comes from, and all times.
    state
        What the step before gave.
    config
        The rules.

    Returns
    -------
    StepResult
        Pose, decisions, and the state for the next step; nothing that was given
        is changed.
    """
    pose = Pose(
        seq=inputs.pose_seq,
        host_ns=inputs.now_ns,
        frame_seq=inputs.frame_seq,
        frame_id=inputs.frame_id,
        exposure_ns=inputs.exposure_ns,
        arrival_ns=inputs.arrival_ns,
        dequeued_ns=inputs.dequeued_ns,
        inferred_ns=inputs.inferred_ns,
    )
    rules, decisions = evaluate(
        config.rules,
        state.rules,
        inputs.camera,
        pose,
        keypoints,
        now_ns=inputs.now_ns,
        armed=inputs.armed,
    )
    return StepResult(pose, keypoints, decisions, StepState(rules))
