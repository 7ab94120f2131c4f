"""One camera of a session, as frames to be chosen from: pictures, times, live poses."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.cameras import CAMERAS, cameras_of, rows_of_frames
from rig.errors import LabelError
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.recording.sidecar import SessionInfo

__all__ = ["View", "opened_views", "views_of"]

_POSES = "poses/"


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one camera recorded."""

    recording: Recording
    info: SessionInfo
    """Of the session, as it was when the view was made."""
    camera: str
    exposure_ns: NDArray[np.int64]
    """(frames,) host time of the exposure's middle, as it was mapped live."""
    bodyparts: tuple[str, ...]
    """Of the live model; empty where it did not look at this camera."""
    pose_frames: NDArray[np.int64]
    """(poses,) number of the frame that each live pose was seen in, rising."""
    poses: NDArray[np.float32]
    """(poses, bodyparts, 3): x px, y px, likelihood."""

    @property
    def name(self) -> str:
        """Of the folder for its pictures: no two sessions share it."""
        return f"{self.info.session_id}_{self.camera}"

    @property
    def folder(self) -> Path:
        """Of the session."""
        return self.recording.folder

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(self.exposure_ns)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width, height."""
        height, width = self.frame(0).shape[:2]
        return width, height

    def seconds(self, number: int) -> float:
        """Return the time of a frame in the session."""
        return float(self.exposure_ns[number] - self.info.started_host_ns) / 1e9

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Return one frame: (height, width) grey, or (height, width, 3) RGB."""
        stream = CAMERAS + self.camera
        return self.recording.payload(stream, number, number + 1)[0]


def views_of(recording: Recording, cameras: Sequence[str] = ()) -> list[View]:
    """Return the cameras of a session that have recorded anything.

    Parameters
    ----------
    recording
        The session; it stays open while its views are used.
    cameras
        Only these; empty for all.

    Raises
    ------
    LabelError
        If there is no such camera, or nothing that could be labelled.
    """
    names = cameras_of(recording, cameras, LabelError)
    info = recording.info
    views = [_view(recording, info, name) for name in names]
    if not (found := [view for view in views if view.count]):
        msg = f"Expected frames in {recording.folder}, got none"
        raise LabelError(msg)
    return found


@contextmanager
def opened_views(
    sessions: Iterable[Path], cameras: Sequence[str]
) -> Generator[list[View]]:
    """Open the cameras of sessions, all or those of some names.

    Raises
    ------
    LabelError
        If there is no such camera, or a session is there twice.
    SessionError
        If there is no such session.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(Recording.open(path)) for path in sessions]
        views = [view for recording in opened for view in views_of(recording, cameras)]
        _refuse_twins(views)
        yield views


def _refuse_twins(views: Sequence[View]) -> None:
    names = [view.name for view in views]
    if len(set(names)) < len(names):
        msg = "Expected each session once, got one of them twice"
        raise LabelError(msg)


def _view(recording: Recording, info: SessionInfo, camera: str) -> View:
    stream = CAMERAS + camera
    payload = recording.streams[stream].payload
    if payload is None or np.dtype(payload.dtype) != np.uint8:
        kind = "none" if payload is None else np.dtype(payload.dtype).name
        msg = f"Expected pictures of 8 bits from {camera}, got {kind}"
        raise LabelError(msg)
    rows = recording.rows(stream)
    bodyparts, pose_frames, poses = _live(recording, camera, rows)
    return View(
        recording=recording,
        info=info,
        camera=camera,
        exposure_ns=rows["exposure_ns"].astype(np.int64),
        bodyparts=bodyparts,
        pose_frames=pose_frames,
        poses=poses,
    )


def _live(
    recording: Recording, camera: str, frames: NDArray[np.void]
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.float32]]:
    """Return parts, frame numbers and poses of a camera's recorded live poses."""
    stream = _POSES + camera
    if stream not in recording.streams:
        return (), np.empty(0, np.int64), np.empty((0, 0, 3), np.float32)
    parts = tuple(str(part) for part in recording.attributes(stream)["bodyparts"])
    rows, poses = recording.rows(stream), recording.payload(stream)
    at = rows_of_frames(frames, rows["frame_seq"])
    kept = at >= 0  # without frames that were seen live, and not recorded
    return parts, at[kept], poses[: len(rows)][kept]
