"""The pure heart: one pose and its stamps in, record and decisions out.

The live node calls `step`, and so does replay; it reads no clock and opens no
socket, so that the same inputs give the same decisions. The gates mark what cannot
be trusted, the predictor says where the rest will be, views of one moment become
points in space, the rules decide. What no rule has asked for is left for `foresee`:
it is called when the decisions are on their way. `overdue` lets moments go that
waited in vain, and `heard` asks the rules that are about signals alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from inference.follow import CameraState, Follower
from inference.rules import Rule, RulesState, Scene, Seen, evaluate, initial_state
from inference.rules.scene import SPACE
from rig.config.rules import IN_SPACE, OF_SIGNALS
from rig.geometry import views
from rig.messages import Decision, Estimate, Frame, Pose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from inference.follow import Followed
    from inference.rules import Feature
    from inference.space import InSpace, Space
    from rig.geometry.views import Moment, ViewsState

__all__ = [
    "SignalInputs",
    "StepConfig",
    "StepInputs",
    "StepResult",
    "StepState",
    "begin",
    "foresee",
    "heard",
    "overdue",
    "step",
]


@dataclass(frozen=True, slots=True)
class StepConfig:
    """What does not change during a session."""

    rules: tuple[Rule, ...] = ()
    follower: Follower = field(default_factory=Follower)
    space: Space | None = None


@dataclass(frozen=True, slots=True)
class StepState:
    """What is carried from one step to the next."""

    rules: RulesState
    cameras: Mapping[str, CameraState] = field(default_factory=dict[str, CameraState])
    """Of those that a pose came from."""
    views: ViewsState | None = None
    """None where nothing is seen in space."""
    seen: Mapping[str, Seen] = field(default_factory=dict[str, Seen])
    """Last pose of each camera in each form, ``left/raw``: for rules in space."""
    points_seq: int = 0
    """`seq` that the next points in space will have."""


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
    features: Mapping[str, Feature] = field(default_factory=dict[str, "Feature"])
    """Of signals, as they are at `now_ns`."""
    shown: NDArray[np.float32] | None = None
    """(bodyparts, 3): what a processor made of the keypoints; None without one."""
    box_px: tuple[int, int, int, int] = (-1, -1, -1, -1)
    """x0, y0, x1, y1 of what the network looked at; all -1 where nobody has said."""

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
        features: Mapping[str, Feature] | None = None,
        shown: NDArray[np.float32] | None = None,
        box_px: tuple[int, int, int, int] = (-1, -1, -1, -1),
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
            features=features or {},
            shown=shown,
            box_px=box_px,
        )

    @staticmethod
    def of_pose(
        camera: str,
        pose: Pose,
        *,
        armed: bool,
        latency_ns: int = 0,
        features: Mapping[str, Feature] | None = None,
        shown: NDArray[np.float32] | None = None,
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
            features=features or {},
            shown=shown,
            box_px=(pose.box_x0_px, pose.box_y0_px, pose.box_x1_px, pose.box_y1_px),
        )


@dataclass(frozen=True, slots=True)
class SignalInputs:
    """All that is given where no pose is."""

    now_ns: int
    """Time of the decisions."""
    armed: bool
    features: Mapping[str, Feature] = field(default_factory=dict[str, "Feature"])


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step gives."""

    pose: Pose
    keypoints: NDArray[np.float32]
    """(bodyparts, 3): x px, y px, likelihood; the pose's payload, marked or not."""
    followed: Followed
    """What gates and predictor say of it."""
    points: tuple[InSpace, ...]
    """Of the moments that this pose made whole."""
    decisions: tuple[Decision, ...]
    state: StepState
    """For `foresee`, and then for the next step."""

    @property
    def estimate(self) -> Estimate:
        """The row of what became of the pose; its payload is `followed.estimate`."""
        prediction = self.followed.prediction
        return Estimate(
            host_ns=self.pose.host_ns,
            pose_seq=self.pose.seq,
            exposure_ns=self.pose.exposure_ns,
            at_ns=self.pose.host_ns if prediction is None else prediction.at_ns,
        )


def begin(
    config: StepConfig, first_decision_id: int = 0, points_seq: int = 0
) -> StepState:
    """Return the state before the first step of a session."""
    space = config.space
    return StepState(
        initial_state(config.rules, first_decision_id),
        views=None if space is None else views.begin(space.views),
        points_seq=points_seq,
    )


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
        Gates, predictor, space and rules.

    Returns
    -------
    StepResult
        Pose, what is known of it, decisions, and the state; nothing that was given is
        changed. `foresee` finishes it.
    """
    pose = _pose(inputs)
    shown = keypoints if inputs.shown is None else inputs.shown
    carried, followed = config.follower.follow(
        state.cameras.get(inputs.camera),
        shown,
        inputs.exposure_ns,
        inputs.now_ns + inputs.latency_ns,
    )
    if carried is not None:
        state = replace(state, cameras={**state.cameras, inputs.camera: carried})
    forms = followed.seen(inputs.exposure_ns)
    scene = Scene(
        inputs.camera,
        inputs.exposure_ns,
        forms,
        inputs.features,
        pose_seq=inputs.pose_seq,
        frame_id=inputs.frame_id,
        latency_ns=0 if config.follower.predictor is None else inputs.latency_ns,
    )
    state, decisions = _asked(scene, state, config, inputs.now_ns, armed=inputs.armed)
    points: list[InSpace] = []
    if config.space is not None and inputs.camera in config.space.views.cameras:
        named = {f"{inputs.camera}/{form}": seen for form, seen in forms.items()}
        state = replace(state, seen={**state.seen, **named})
        view = views.View(
            inputs.camera, inputs.exposure_ns, shown, followed.marks, inputs.pose_seq
        )
        state, moments = _collected(view, state, config.space, inputs.now_ns)
        state, points, more = _in_space(moments, inputs, state, config)
        decisions += more
    return StepResult(pose, keypoints, followed, tuple(points), decisions, state)


def foresee(result: StepResult, inputs: StepInputs, config: StepConfig) -> StepResult:
    """Finish a step: predict what no rule has asked for; its state is the next one's.

    Parameters
    ----------
    result
        What `step` gave.
    inputs, config
        As there.
    """
    state = result.state.cameras.get(inputs.camera)
    if state is None:
        return result
    at_ns = inputs.now_ns + inputs.latency_ns
    after, followed = config.follower.foresee(
        state, result.followed, inputs.exposure_ns, at_ns
    )
    if after is state:
        return result
    cameras = {**result.state.cameras, inputs.camera: after}
    return replace(
        result, followed=followed, state=replace(result.state, cameras=cameras)
    )


def overdue(
    inputs: SignalInputs, state: StepState, config: StepConfig
) -> tuple[StepState, tuple[InSpace, ...], tuple[Decision, ...]]:
    """Let moments go that have waited long enough for further views.

    Returns
    -------
    The new state, the points of the moments, and what the rules make of them.
    """
    space = config.space
    if space is None or state.views is None:
        return state, (), ()
    known, moments = views.overdue(space.views, state.views, inputs.now_ns)
    state = replace(state, views=known)
    state, points, decisions = _in_space(moments, inputs, state, config)
    return state, tuple(points), decisions


def heard(
    inputs: SignalInputs, state: StepState, config: StepConfig
) -> tuple[StepState, tuple[Decision, ...]]:
    """Ask the rules that are about signals alone.

    Returns
    -------
    The new state, and what the rules decided.
    """
    if not inputs.features:
        return state, ()
    at_ns = max(feature.at_ns for feature in inputs.features.values())
    scene = Scene(OF_SIGNALS, at_ns, features=inputs.features)
    return _asked(scene, state, config, inputs.now_ns, armed=inputs.armed)


def _pose(inputs: StepInputs) -> Pose:
    x0, y0, x1, y1 = inputs.box_px
    return Pose(
        seq=inputs.pose_seq,
        host_ns=inputs.now_ns,
        frame_seq=inputs.frame_seq,
        frame_id=inputs.frame_id,
        exposure_ns=inputs.exposure_ns,
        arrival_ns=inputs.arrival_ns,
        dequeued_ns=inputs.dequeued_ns,
        inferred_ns=inputs.inferred_ns,
        box_x0_px=x0,
        box_y0_px=y0,
        box_x1_px=x1,
        box_y1_px=y1,
    )


def _collected(
    view: views.View, state: StepState, space: Space, now_ns: int
) -> tuple[StepState, Sequence[Moment]]:
    known = state.views or views.begin(space.views)
    known, moments = views.collect(space.views, known, view, now_ns)
    return replace(state, views=known), moments


def _in_space(
    moments: Sequence[Moment],
    inputs: StepInputs | SignalInputs,
    state: StepState,
    config: StepConfig,
) -> tuple[StepState, list[InSpace], tuple[Decision, ...]]:
    """Make points of moments and ask the rules about each."""
    if config.space is None or not moments:
        return state, [], ()
    points = config.space.points(moments, state.points_seq, inputs.now_ns)
    state = replace(state, points_seq=state.points_seq + len(points))
    decisions: tuple[Decision, ...] = ()
    for moment in points:
        scene = Scene(
            IN_SPACE,
            moment.record.exposure_ns,
            {**state.seen, SPACE: moment.seen()},
            inputs.features,
            pose_seq=moment.record.seq,
        )
        state, more = _asked(scene, state, config, inputs.now_ns, armed=inputs.armed)
        decisions += more
    return state, points, decisions


def _asked(
    scene: Scene, state: StepState, config: StepConfig, now_ns: int, *, armed: bool
) -> tuple[StepState, tuple[Decision, ...]]:
    rules, decisions = evaluate(
        config.rules, state.rules, scene, now_ns=now_ns, armed=armed
    )
    return replace(state, rules=rules), decisions
