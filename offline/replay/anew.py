"""Poses that another network is to give: at the recorded times, or at times of its own.

Here are their rows; the keypoints come when `offline.replay.looking` looks.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from inference.eyes import Gathering
from inference.pace import measure
from inference.view.viewer import BatchModel, Glance, Viewer, look_together
from offline.replay.play import step_config
from offline.replay.recorded import RecordedPoses
from offline.replay.schedule import habits_of, schedule
from rig.messages import Pose, row_dtype, to_row
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from inference.model import PoseModel
    from offline.replay.frames import Frames
    from offline.replay.recorded import RecordedSession
    from offline.replay.schedule import Planned
    from rig.config.task import InferenceConfig, TaskConfig

__all__ = ["retimed", "seen_by", "time_looks"]

_LOOKS = 20


def seen_by(
    session: RecordedSession, model: PoseModel, frames: Frames
) -> RecordedSession:
    """Return a session whose poses another network is to see at the recorded times.

    Poses whose frame was not recorded are left out.
    """
    poses: dict[str, RecordedPoses] = {}
    for camera in frames.rows:
        each = session.poses[camera]
        there = frames.places(camera, each.rows["frame_seq"]) >= 0
        poses[camera] = RecordedPoses(
            rows=each.rows[there],
            keypoints=_nothing(int(there.sum()), model),
            estimates=None if each.estimates is None else each.estimates[there],
            at_ns=None if each.at_ns is None else each.at_ns[there],
        )
    return replace(
        session, poses=poses, bodyparts=tuple(model.bodyparts), network="other"
    )


def retimed(
    session: RecordedSession,
    task: TaskConfig,
    config: InferenceConfig,
    model: PoseModel,
    frames: Frames,
    network_ns: int,
) -> RecordedSession:
    """Return a session whose frames are chosen anew, for a network that takes so long.

    Raises
    ------
    ConfigError
        If the task does not fit the model.
    """
    parts = tuple(model.bodyparts)
    begun = replace(session, bodyparts=parts, network="retimed")
    step = step_config(begun, task, config)
    gathering = None
    if step.space is not None:
        views = step.space.views
        gathering = Gathering(frozenset(views.cameras), views.wait_ns)
    live = {name: each for name, each in session.poses.items() if name in frames.rows}
    planned = schedule(
        frames.rows,
        network_ns,
        habits_of(live, frames.rows, gathered=gathering is not None),
        gathering=gathering,
        together=config.batch and isinstance(model, BatchModel) and model.batches,
    )
    poses = {
        camera: _planned(camera, frames.rows[camera], planned, model)
        for camera in frames.rows
    }
    return replace(
        begun, poses={name: each for name, each in poses.items() if len(each.rows)}
    )


def time_looks(model: PoseModel, config: InferenceConfig, frames: Frames) -> float:
    """Return how long the network takes here for the session's frames: median ms.

    Cameras that go through the network together are timed together.
    """
    viewers = {name: Viewer(model, config, *frames.shape(name)) for name in frames.rows}
    for viewer in viewers.values():
        viewer.warm_up()
    together = config.batch and isinstance(model, BatchModel) and model.batches
    groups = [list(viewers)] if together else [[name] for name in viewers]
    return median(_usual_ms(list(_glances(each, viewers, frames))) for each in groups)


def _usual_ms(looks: list[list[Glance]]) -> float:
    left = iter(looks)
    pace = measure("", 0.0, lambda: look_together(next(left)), MonotonicClock())
    return pace.p50_ms


def _glances(
    names: Sequence[str], viewers: Mapping[str, Viewer], frames: Frames
) -> Iterator[list[Glance]]:
    """Yield looks at frames that follow one another, from the middle of the session.

    Where there are too few they are shown again.
    """
    least = min(len(frames.rows[name]) for name in names)
    first = max(0, least // 2 - _LOOKS // 2)
    for k in range(_LOOKS):
        place = first + k % (least - first)
        yield [
            Glance(
                viewers[name],
                frames.pixels(name, place),
                int(frames.rows[name]["exposure_ns"][place]),
            )
            for name in names
        ]


def _planned(
    camera: str, frames: NDArray[np.void], planned: list[Planned], model: PoseModel
) -> RecordedPoses:
    mine = [each for each in planned if each.camera == camera]
    poses = [
        Pose(
            seq=seq,
            host_ns=each.host_ns,
            frame_seq=int(frames["seq"][each.place]),
            frame_id=int(frames["frame_id"][each.place]),
            exposure_ns=int(frames["exposure_ns"][each.place]),
            arrival_ns=int(frames["host_ns"][each.place]),
            dequeued_ns=each.dequeued_ns,
            inferred_ns=each.inferred_ns,
        )
        for seq, each in enumerate(mine)
    ]
    rows = np.array([to_row(pose) for pose in poses], row_dtype(Pose))
    return RecordedPoses(rows, _nothing(len(rows), model), None, None)


def _nothing(count: int, model: PoseModel) -> NDArray[np.float32]:
    return np.full((count, len(model.bodyparts), 3), np.nan, np.float32)
