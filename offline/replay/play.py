"""A session's poses and signals through `inference.step`, under a task.

With the session's own task it must decide as was decided then. Under another one it
says what would have been decided, at the times at which poses were there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from inference.landing import Landing
from inference.rules import Rule
from inference.setup import setup_step
from inference.step import (
    SignalInputs,
    StepConfig,
    StepInputs,
    StepState,
    begin,
    heard,
    overdue,
    step,
)
from offline.replay.arming import Armed, armed_always, armed_as_recorded
from offline.replay.hearing import MadeHearing, RecordedHearing, Silence
from offline.replay.moments import PoseMoment, SignalMoment, moments
from offline.replay.watching import RuleWatch, watched
from rig.config.rules import OF_SIGNALS
from rig.errors import ConfigError, SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from inference.space import InSpace
    from offline.replay.hearing import Hearing
    from offline.replay.moments import Moment
    from offline.replay.recorded import RecordedSession
    from rig.config.task import InferenceConfig, TaskConfig
    from rig.messages import Decision
    from rig.recording.reader import Recording

__all__ = ["Played", "Replay", "play"]

How = Literal["recorded", "always"]


@dataclass(slots=True)
class Played:
    """What came of the steps."""

    decisions: list[Decision] = field(default_factory=list)
    points: list[InSpace] = field(default_factory=list)
    estimates: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)
    """By camera, one for each pose; kept only for the session's own task."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A session, played again."""

    rules: tuple[Rule, ...]
    played: Played
    own: bool
    """Whether the task asks as the session's own did."""
    armed: How
    landing_ns: int | None
    """From decision to action, where poses are predicted over another time than was
    recorded; None else."""
    watches: dict[str, RuleWatch]
    """By rule; empty if nobody asked for them."""
    remarks: tuple[str, ...]


def play(
    recording: Recording,
    session: RecordedSession,
    task: TaskConfig,
    *,
    armed: How | None = None,
    watch: bool = False,
) -> Replay:
    """Play a session again.

    Parameters
    ----------
    recording, session
        The session, and what was read of it.
    task
        Whose rules are asked.
    armed
        As it was recorded, or always; None is as recorded for the session's own task,
        and always for another.
    watch
        Whether what each condition says is kept.

    Raises
    ------
    SessionError
        If the session lacks poses or signals that the task needs.
    ConfigError
        If the task does not fit the body parts of the session's model.
    """
    inference = _inference(task)
    _require_poses(session, task, inference)
    own = session.task is not None and _asks(session.task) == _asks(task)
    config = _config(session, task, inference)
    watches: dict[str, RuleWatch] = {}
    if watch:
        pairs = [watched(rule) for rule in config.rules]
        config = replace(config, rules=tuple(rule for rule, _ in pairs))
        watches = {rule.name: found for rule, found in pairs}
    landing_ns, remarks = _landing(session, inference)
    how: How = armed or ("recorded" if own else "always")
    processed, more = _processed(session, inference)
    poses = {
        camera: session.poses[camera]
        for camera in inference.cameras
        if camera in session.poses
    }
    hearing = _hearing(recording, session, task)
    points_ns = session.points["host_ns"].tolist() if own else ()
    player = _Player(
        config,
        armed_always if how == "always" else armed_as_recorded(session, task),
        asks_signals=any(rule.source == OF_SIGNALS for rule in task.rules),
        own=own,
    )
    begins_ns = list(session.begins_ns[1:])
    for moment in moments(
        poses, hearing, points_ns, landing_ns=landing_ns, processed=processed
    ):
        while begins_ns and begins_ns[0] <= moment.now_ns:
            del begins_ns[0]
            player.begin()
        player.take(moment)
    return Replay(
        rules=config.rules,
        played=player.played,
        own=own,
        armed=how,
        landing_ns=landing_ns,
        watches=watches,
        remarks=(*remarks, *more),
    )


class _Player:
    """Takes steps."""

    def __init__(
        self, config: StepConfig, armed: Armed, *, asks_signals: bool, own: bool
    ) -> None:
        self.played = Played()
        self._config = config
        self._armed = armed
        self._asks_signals = asks_signals
        self._own = own
        self._heard: tuple[int, ...] = ()
        self._features: Any = {}
        self._state: StepState = begin(config)

    def begin(self) -> None:
        """Begin anew, as a node does that had died."""
        done = self.played
        self._state = begin(self._config, len(done.decisions), len(done.points))
        self._heard = ()

    def take(self, moment: Moment) -> None:
        """Take the step of a moment."""
        if isinstance(moment, PoseMoment):
            self._let_go(moment.pose.dequeued_ns)
            self._features = moment.features
            self._pose(moment)
        else:
            self._features = moment.features
            self._signals(moment)

    def _pose(self, moment: PoseMoment) -> None:
        inputs = StepInputs.of_pose(
            moment.camera,
            moment.pose,
            armed=self._armed(moment.now_ns),
            latency_ns=moment.latency_ns,
            features=moment.features,
            shown=moment.shown,
        )
        result = step(moment.keypoints, inputs, self._state, self._config)
        self._state = result.state
        self._keep(result.decisions, result.points)
        if self._own:
            estimates = self.played.estimates.setdefault(moment.camera, [])
            estimates.append(result.followed.estimate())

    def _signals(self, moment: SignalMoment) -> None:
        """Ask the rules about signals, once for each news; else views were late."""
        inputs = self._inputs(moment.now_ns)
        news = moment.numbers != self._heard
        if self._asks_signals and news and not moment.points:
            self._heard = moment.numbers
            self._state, decisions = heard(inputs, self._state, self._config)
            self._keep(decisions, ())
            return
        self._state, points, decisions = overdue(inputs, self._state, self._config)
        self._keep(decisions, points)

    def _let_go(self, until_ns: int) -> None:
        """Let moments go of which no record tells when they went.

        Live that is looked after between two poses. Where it gave points their time is
        recorded, so under the session's own task none may come of it here.
        """
        views = self._state.views
        deadline_ns = None if views is None else views.deadline_ns
        if deadline_ns is None or deadline_ns > until_ns:
            return
        inputs = self._inputs(deadline_ns)
        state, points, decisions = overdue(inputs, self._state, self._config)
        if not (self._own and points):
            self._state = state
            self._keep(decisions, points)

    def _inputs(self, now_ns: int) -> SignalInputs:
        return SignalInputs(now_ns, self._armed(now_ns), self._features)

    def _keep(self, decisions: Sequence[Decision], points: Sequence[InSpace]) -> None:
        self.played.decisions.extend(decisions)
        self.played.points.extend(points)


def _asks(task: TaskConfig) -> dict[str, Any]:
    """Return the parts of a task that decide what is decided."""
    parts = task.model_dump(include={"rules", "features", "seed"})
    if task.inference is not None:
        names = {"cameras", "gates", "prediction", "space", "processor"}
        parts |= task.inference.model_dump(include=names)
    return parts


def _inference(task: TaskConfig) -> InferenceConfig:
    if task.inference is None:
        msg = f"Expected a task with an inference section, got {task.name} without one"
        raise ConfigError(msg)
    return task.inference


def _require_poses(
    session: RecordedSession, task: TaskConfig, inference: InferenceConfig
) -> None:
    """Refuse a session that was not seen by the cameras of the rules."""
    needed = {rule.camera: rule.name for rule in task.rules if rule.camera is not None}
    if inference.space is not None:
        names = inference.space.cameras or inference.cameras
        needed |= dict.fromkeys(names, "inference.space")
    missing = [camera for camera in needed if camera not in session.poses]
    if not missing:
        return
    known = ", ".join(session.poses) or "none: no model looked at it"
    told = ", ".join(f"{camera} (for {needed[camera]})" for camera in missing)
    msg = (
        f"Expected poses of {told} in {session.folder}, got poses of {known}: give a "
        "session with them, or name its cameras in the task"
    )
    raise SessionError(msg)


def _config(
    session: RecordedSession, task: TaskConfig, inference: InferenceConfig
) -> StepConfig:
    if inference.space is not None and session.rig is None:
        msg = (
            f"Expected the rig of {session.folder} for points in space, got one that "
            "this version does not understand"
        )
        raise SessionError(msg)
    try:
        return setup_step(task, inference, session.bodyparts, session.rig)
    except ConfigError as error:
        msg = f"the task does not fit the poses of {session.folder}:\n{error}"
        raise ConfigError(msg) from error


def _hearing(
    recording: Recording, session: RecordedSession, task: TaskConfig
) -> Hearing:
    if not task.features:
        return Silence()
    before = session.task
    if before is not None and before.features == task.features:
        alone = [any(rule.source == OF_SIGNALS for rule in each.rules)
                 for each in (before, task)]  # fmt: skip
        if len(session.features) and (alone[0] or not alone[1]):
            return RecordedHearing(session.features)
    return MadeHearing(task.features, recording)


def _landing(
    session: RecordedSession, inference: InferenceConfig
) -> tuple[int | None, list[str]]:
    """Return over what time poses are predicted; None as it was recorded."""
    asked, before = inference.prediction, session.task
    if asked is None:
        return None, []
    known = None if before is None or before.inference is None else before.inference
    recorded = known is not None and known.prediction is not None
    if recorded and known.prediction.landing_ms == asked.landing_ms:
        return None, []
    if asked.landing_ms != "measured":
        return round(asked.landing_ms * 1e6), []
    if recorded and known.prediction.landing_ms == "measured":
        return None, []
    took_ns = landings_ns(session)
    if took_ns:
        return round(median(took_ns)), []
    usual_ns = Landing().latency_ns
    told = f"{usual_ns / 1e6:g} ms from decision to action: nothing was acknowledged"
    return usual_ns, [f"poses are predicted over {told}"]


def landings_ns(session: RecordedSession) -> list[int]:
    """Return the times from decision to edge that a session has shown."""
    columns = (session.decisions[name].tolist() for name in ("decision_id", "host_ns"))
    decided = dict(zip(*columns, strict=True))
    names = ("decision_id", "edge_host_ns")
    answers = zip(*(session.answers[name].tolist() for name in names), strict=True)
    return [
        edge_ns - decided[number]
        for number, edge_ns in answers
        if number in decided and edge_ns >= decided[number]
    ]


def _processed(
    session: RecordedSession, inference: InferenceConfig
) -> tuple[bool, list[str]]:
    """Return whether a processor's output is there, and what to say of it."""
    asked, before = inference.processor, session.task
    known = None if before is None or before.inference is None else before.inference
    recorded = None if known is None else known.processor
    if asked is None or asked == recorded:
        return asked is not None, []
    return False, [
        f"the Processor {asked.use} is not run: the rules see poses as the network "
        "gave them"
    ]
