"""A session's poses and signals through `inference.step`, under a task.

With the session's own task it must decide as was decided then. Under another one it
says what would have been decided, at the times at which poses were there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from inference.setup import setup_step
from offline.replay.arming import armed_always, armed_as_recorded
from offline.replay.given import asks_signals, hearing_of, landing_of, processed
from offline.replay.moments import moments
from offline.replay.player import Played, Player
from offline.replay.watching import RuleWatch, watched
from rig.errors import ConfigError, SessionError

if TYPE_CHECKING:
    from inference.rules import Rule
    from inference.step import StepConfig
    from offline.replay.pacing import Audience
    from offline.replay.player import Sight
    from offline.replay.recorded import RecordedSession
    from rig.config.task import InferenceConfig, TaskConfig
    from rig.recording.reader import Recording

__all__ = ["How", "Replay", "play", "step_config"]

How = Literal["recorded", "always"]


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
    sight: Sight | None = None,
    audience: Audience | None = None,
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
    sight
        The network that looks at the frames; None takes the recorded keypoints.
    audience
        Is shown each moment and what is decided at it, as it happens.

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
    config = step_config(session, task, inference)
    watches: dict[str, RuleWatch] = {}
    if watch:
        pairs = [watched(rule) for rule in config.rules]
        config = replace(config, rules=tuple(rule for rule, _ in pairs))
        watches = {rule.name: found for rule, found in pairs}
    landing_ns, remarks = landing_of(session, inference)
    how: How = armed or ("recorded" if own else "always")
    shown, more = processed(session, inference)
    player = Player(
        config,
        armed_always if how == "always" else armed_as_recorded(session, task),
        asks_signals=asks_signals(task),
        own=own and session.timed,
        sight=sight,
    )
    course = moments(
        {
            name: session.poses[name]
            for name in inference.cameras
            if name in session.poses
        },
        hearing_of(recording, session, task),
        session.points["host_ns"].tolist() if own and session.timed else (),
        session.decisions,
        landing_ns=landing_ns,
        processed=shown,
    )
    begins_ns = list(session.begins_ns[1:])
    for moment in course:
        while begins_ns and begins_ns[0] <= moment.now_ns:
            del begins_ns[0]
            player.begin()
        if audience is not None:
            audience.await_moment(moment.now_ns)
        told = len(player.played.decisions)
        player.take(moment)
        if audience is not None:
            audience.hear(player.played.decisions[told:])
    return Replay(
        rules=config.rules,
        played=player.played,
        own=own,
        armed=how,
        landing_ns=landing_ns,
        watches=watches,
        remarks=(*remarks, *more),
    )


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


def step_config(
    session: RecordedSession, task: TaskConfig, inference: InferenceConfig
) -> StepConfig:
    """Return how the steps of a session are taken under a task.

    Raises
    ------
    SessionError
        If points in space are asked for, and its rig is not understood.
    ConfigError
        If the task does not fit the body parts.
    """
    if inference.space is not None and session.rig is None:
        msg = (
            f"Expected the rig of {session.folder} for points in space, got one that "
            "this version does not understand"
        )
        raise SessionError(msg)
    try:
        return setup_step(task, inference, session.bodyparts, session.rig)
    except ConfigError as error:
        recorded = session.network == "recorded"
        whose = f"the poses of {session.folder}" if recorded else "the model"
        msg = f"the task does not fit {whose}:\n{error}"
        raise ConfigError(msg) from error
