"""What a session holds for replay: poses, what was made of them, what was decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from rig.config.rig import RigConfig
from rig.config.task import TaskConfig
from rig.errors import SessionError
from rig.messages import Acknowledgement, Decision, FeatureValue, PointsInSpace
from rig.messages.records import row_dtype

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.messages import Record
    from rig.recording.reader import Recording

__all__ = ["RecordedPoses", "RecordedSession", "recorded_session"]

_M = TypeVar("_M", bound=BaseModel)


@dataclass(frozen=True, slots=True, eq=False)
class RecordedPoses:
    """The poses of one camera, and what became of them live."""

    rows: NDArray[np.void]
    """(n,) `Pose`."""
    keypoints: NDArray[np.float32]
    """(n, bodyparts, 3): as the network saw them."""
    estimates: NDArray[np.float32] | None
    """(n, bodyparts, 7): as recorded, NaN where there is no row; None without."""
    at_ns: NDArray[np.int64] | None
    """(n,) host time for which each was predicted; -1 where there is no row."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordedSession:
    """A session, as far as replay needs it."""

    session_id: str
    folder: Path
    started_ns: int
    """Host time of the session's start."""
    bodyparts: tuple[str, ...]
    """Of the model; empty where no pose was recorded."""
    poses: Mapping[str, RecordedPoses]
    """By camera, those that have any."""
    features: NDArray[np.void]
    """(m,) `FeatureValue`."""
    points: NDArray[np.void]
    """(p,) `PointsInSpace`."""
    decisions: NDArray[np.void]
    """(k,) `Decision`."""
    answers: NDArray[np.void]
    """(a,) `Acknowledgement`."""
    begins_ns: tuple[int, ...]
    """When the node that decides began, again after a death."""
    task: TaskConfig | None
    """None where this version does not understand it."""
    rig: RigConfig | None
    """The same."""
    plan: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Its session file, as plain data."""
    network: Literal["recorded", "other", "retimed"] = "recorded"
    """Whose keypoints the poses are. With another network they come at the recorded
    times; retimed, other frames were taken, at times of their own."""

    @property
    def timed(self) -> bool:
        """Whether the times of the poses are the recorded ones."""
        return self.network != "retimed"

    @property
    def slow(self) -> float:
        """How many times slower than the host's time a simulated world ran."""
        return float(self.plan.get("slow", 1.0))

    def span_ns(self, camera: str | None = None) -> tuple[int, int] | None:
        """Return from when to when a camera's poses tell of the animal, or all do.

        None of a session in which nothing does.
        """
        mine = [each for name, each in self.poses.items() if name == camera]
        mine = mine or list(self.poses.values())
        times = [each.rows["exposure_ns"] for each in mine]
        found = np.concatenate(times or [self.features["host_ns"]])
        return (int(found.min()), int(found.max())) if len(found) else None


def recorded_session(recording: Recording) -> RecordedSession:
    """Read what a session holds for replay.

    Raises
    ------
    SessionError
        If its cameras' poses are not of the same body parts.
    """
    info = recording.info
    cameras = sorted(
        name.removeprefix("poses/")
        for name, spec in recording.streams.items()
        if spec.kind == "poses" and recording.count(name)
    )
    return RecordedSession(
        session_id=info.session_id,
        folder=recording.folder,
        started_ns=info.started_host_ns,
        bodyparts=_bodyparts(recording, cameras),
        poses={camera: _poses(recording, camera) for camera in cameras},
        features=_rows(recording, "features", FeatureValue),
        points=_rows(recording, "points/space", PointsInSpace),
        decisions=_rows(recording, "decisions", Decision),
        answers=_rows(recording, "acknowledgements", Acknowledgement),
        begins_ns=_begins(recording, cameras),
        task=_config(TaskConfig, info.configs.task),
        rig=_config(RigConfig, info.configs.rig),
        plan=info.configs.session,
    )


def _bodyparts(recording: Recording, cameras: list[str]) -> tuple[str, ...]:
    found = {
        tuple(map(str, recording.attributes(f"poses/{camera}")["bodyparts"]))
        for camera in cameras
    }
    if len(found) > 1:
        told = " and ".join(", ".join(names) for names in sorted(found))
        msg = (
            f"Expected the same body parts of all cameras in {recording.folder}, got "
            f"{told}"
        )
        raise SessionError(msg)
    return next(iter(found), ())


def _poses(recording: Recording, camera: str) -> RecordedPoses:
    name, beside = f"poses/{camera}", f"estimates/{camera}"
    rows = recording.rows(name)
    keypoints = recording.payload(name, 0, len(rows))
    if beside not in recording.streams:
        return RecordedPoses(rows, keypoints, None, None)
    known = recording.rows(beside)
    payload = recording.payload(beside, 0, len(known))
    estimates = np.full((len(rows), *payload.shape[1:]), np.nan, np.float32)
    at_ns = np.full(len(rows), -1, np.int64)
    # rows of the two streams may have been lost apart from one another
    _, mine, theirs = np.intersect1d(
        rows["seq"], known["pose_seq"], assume_unique=True, return_indices=True
    )
    estimates[mine], at_ns[mine] = payload[theirs], known["at_ns"][theirs]
    return RecordedPoses(rows, keypoints, estimates, at_ns)


def _begins(recording: Recording, cameras: list[str]) -> tuple[int, ...]:
    """Return when the node of the poses began to run, in order."""
    streams = recording.streams
    nodes = {streams[f"poses/{camera}"].node.encode() for camera in cameras}
    if "node_events" not in streams:
        return ()
    events = recording.rows("node_events")
    begun = np.isin(events["node"], list(nodes)) & (events["state"] == b"running")
    return tuple(events["host_ns"][begun].tolist())


def _rows(recording: Recording, name: str, record: type[Record]) -> NDArray[np.void]:
    if name in recording.streams:
        return recording.rows(name)
    return np.empty(0, row_dtype(record))


def _config(model: type[_M], plain: Mapping[str, Any]) -> _M | None:
    try:
        return model.model_validate(plain)
    except ValidationError:
        return None
