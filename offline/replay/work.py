"""One session, replayed: with the recorded poses, or with those of a network."""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from inference.model import load_engine
from offline.replay.anew import retimed, seen_by, time_looks
from offline.replay.frames import Frames
from offline.replay.looking import NetworkSight
from offline.replay.network import network_of, origin_of
from offline.replay.play import play
from offline.replay.recorded import recorded_session
from offline.replay.result import Looked
from offline.replay.summary import Seen, summary

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from inference.model import PoseModel
    from offline.models import Engine
    from offline.replay.pacing import Audience
    from offline.replay.recorded import RecordedSession
    from offline.replay.result import ReplayResult
    from rig.config.task import InferenceConfig, TaskConfig
    from rig.recording.reader import Recording

    Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
    """Begins to show so many looks of a name; is told how many more are done."""

__all__ = ["Asked", "replay_session"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a session is to be asked."""

    model: str | None = None
    """None takes the recorded poses."""
    engine: Engine | None = None
    network_ms: float | Literal["measured"] | None = None
    """How long a look takes; None takes frames and times as they were recorded."""
    within_ms: float | None = None
    """None is 100 ms of the animal's time."""


def replay_session(
    recording: Recording,
    task: TaskConfig,
    asked: Asked,
    audience: Audience | None = None,
    bar: Bar = lambda _name, _count: nullcontext(lambda _more: None),
) -> ReplayResult:
    """Replay a session under a task.

    Parameters
    ----------
    recording
        The session.
    task
        Its own, or another one.
    asked
        What is to be another one besides.
    audience
        Is shown each moment as it happens.
    bar
        Shows how far a network is.

    Raises
    ------
    SessionError
        If the session does not have what task or network need.
    ConfigError
        If the task does not fit the body parts.
    ModelError
        If there is no such model, or it cannot see these frames.
    """
    session = recorded_session(recording)
    if asked.model is None:
        replay = play(recording, session, task, audience=audience)
        seen = Seen(session, replay)
    else:
        config = network_of(recording, task, asked.model, asked.engine)
        with closing(load_engine(config)) as model:
            seen = _look(
                recording, session, task, (config, model, asked), audience, bar
            )
    return summary(recording, session, task, seen, within_ms=asked.within_ms)


def _look(
    recording: Recording,
    session: RecordedSession,
    task: TaskConfig,
    how: tuple[InferenceConfig, PoseModel, Asked],
    audience: Audience | None,
    bar: Bar,
) -> Seen:
    """Let a network look at the session's frames, and play what it sees."""
    config, model, asked = how
    anew = asked.network_ms is not None
    names = [name for name in config.cameras if anew or name in session.poses]
    frames = Frames(recording, names)
    origin = origin_of(recording, session, config, model)
    network_ms = asked.network_ms
    if network_ms == "measured":
        network_ms = time_looks(model, config, frames)
    if network_ms is not None:
        took_ns = round(network_ms * 1e6)
        shown = retimed(session, task, config, model, frames, took_ns)
    else:
        shown = session if origin.recorded else seen_by(session, model, frames)
    poses = {name: each for name, each in shown.poses.items() if name in frames.rows}
    with bar(model.name, sum(len(each.rows) for each in poses.values())) as looked:
        sight = NetworkSight(model, config, frames, poses, looked)
        replay = play(recording, shown, task, sight=sight, audience=audience)
    told = Looked(
        model=model.name,
        sha256=model.sha256,
        engine=config.engine,
        provider=model.provider,
        recorded=origin.recorded,
        differs=origin.differs,
        poses={name: len(sight.keypoints.get(name, ())) for name in poses},
        live={name: len(each.rows) for name, each in session.poses.items()},
        both={name: _common(name, session, shown) for name in poses},
        network_ms=network_ms,
    )
    return Seen(shown, replay, origin, sight, told)


def _common(camera: str, session: RecordedSession, shown: RecordedSession) -> int:
    if camera not in session.poses:
        return 0
    one, other = (each.poses[camera].rows["frame_seq"] for each in (session, shown))
    return len(np.intersect1d(one, other))
