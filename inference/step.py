"""The pure heart: one pose and its stamps in, record and decisions out.

The live node calls `step`, and so does replay; it reads no clock and opens no
socket, so that the same inputs give the same decisions. The gates mark what cannot
be trusted, the predictor says where the rest will be, the rules decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from inference import gates
from inference.gates import Gates, GatesState
from inference.rules import Rule, RulesState, evaluate, initial_state
from rig.messages import Decision, Frame, Pose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from inference.prediction import Predictor, PredictorState

__all__ = [
    "MARKED",
    "CameraState",
    "Prediction",
    "StepConfig",
    "StepInputs",
    "StepResult",
    "StepState",
    "begin",
    "step",
]

MARKED = -1.0
"""Likelihood that the rules are shown of a marked keypoint: below every limit."""


@dataclass(frozen=True, slots=True)
class StepConfig:
    """What does not change during a session."""

    rules: tuple[Rule, ...] = ()
    gates: Gates | None = None
    """None marks nothing but keypoints that are not finite."""
    predictor: Predictor | None = None


@dataclass(frozen=True, slots=True)
class CameraState:
    """What is carried from one pose of a camera to the next."""

    gates: GatesState
    predictor: PredictorState | None


@dataclass(frozen=True, slots=True)
class StepState:
    """What is carried from one step to the next."""

    rules: RulesState
    cameras: Mapping[str, CameraState] = field(default_factory=dict[str, CameraState])
    """Of those that a pose came from."""


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
    latency_ns: int = 0
    """From `now_ns` until an action would land: what the predictor bridges."""

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
        latency_ns: int = 0,
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
            latency_ns=latency_ns,
        )

    @staticmethod
    def of_pose(
        camera: str, pose: Pose, *, armed: bool, latency_ns: int = 0
    ) -> StepInputs:
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
            latency_ns=latency_ns,
        )


@dataclass(frozen=True, slots=True)
class Prediction:
    """Where the keypoints of a pose will be."""

    at_ns: int
    """Host time for which it holds."""
    points_px: NDArray[np.float64]
    """(bodyparts, 2); NaN for one that is not there."""
    sd_px: NDArray[np.float64]
    """(bodyparts,) along each axis; infinite for one that is not there."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step gives."""

    pose: Pose
    keypoints: NDArray[np.float32]
    """(bodyparts, 3): x px, y px, likelihood; the pose's payload, marked or not."""
    marks: NDArray[np.uint8]
    """(bodyparts,): 0 for a keypoint that can be trusted, or why not: `gates`."""
    prediction: Prediction | None
    """None without a predictor."""
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
        Gates, predictor and rules.

    Returns
    -------
    StepResult
        Pose, marks, prediction, decisions, and the state for the next step; nothing
        that was given is changed.
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
    camera, marks, prediction = _looked_at(keypoints, inputs, state, config)
    rules, decisions = evaluate(
        config.rules,
        state.rules,
        inputs.camera,
        pose,
        _shown(keypoints, marks),
        now_ns=inputs.now_ns,
        armed=inputs.armed,
    )
    if prediction is not None:
        decisions = tuple(
            msgspec.structs.replace(decision, latency_ns=inputs.latency_ns)
            for decision in decisions
        )
    cameras = state.cameras
    if camera is not None:
        cameras = {**cameras, inputs.camera: camera}
    return StepResult(
        pose, keypoints, marks, prediction, decisions, StepState(rules, cameras)
    )


def _looked_at(
    keypoints: NDArray[np.float32],
    inputs: StepInputs,
    state: StepState,
    config: StepConfig,
) -> tuple[CameraState | None, NDArray[np.uint8], Prediction | None]:
    """Gate a pose and predict it; return the camera's state, if it needs one."""
    predictor = config.predictor
    if config.gates is None and predictor is None:
        return None, np.zeros(len(keypoints), np.uint8), None
    asked = config.gates or Gates((0.0,) * len(keypoints))
    before = state.cameras.get(inputs.camera)
    if before is None:
        fresh = None if predictor is None else predictor.begin(len(keypoints))
        before = CameraState(gates.begin(asked), fresh)
    gated, marks = gates.gate(asked, before.gates, keypoints, inputs.exposure_ns)
    if predictor is None or before.predictor is None:
        return CameraState(gated, None), marks, None
    at_ns = inputs.now_ns + inputs.latency_ns
    known, points_px, sd_px = predictor.predict(
        before.predictor, keypoints, marks, inputs.exposure_ns, at_ns
    )
    return CameraState(gated, known), marks, Prediction(at_ns, points_px, sd_px)


def _shown(
    keypoints: NDArray[np.float32], marks: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Return the keypoints as the rules are to see them."""
    if not marks.any():
        return keypoints
    shown = keypoints.copy()
    shown[marks != gates.GOOD, 2] = MARKED
    return shown
