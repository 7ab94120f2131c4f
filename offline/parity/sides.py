"""One camera's frames, as they were seen live and as they were seen afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.cameras import CAMERAS, rows_of_frames
from offline.dataset.scores import LIKELY
from offline.reanalysis.found import paired
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from offline.reanalysis.found import Paired
    from offline.reanalysis.poses_file import Poses
    from offline.replay import RecordedPoses, RecordedSession
    from rig.config.task import TaskConfig
    from rig.recording.reader import Recording

__all__ = ["Sides", "sides_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """A camera's frames and both sides' poses of them."""

    camera: str
    frames: NDArray[np.void]
    """(frames,) `Frame`, as recorded."""
    live: RecordedPoses
    live_frame: NDArray[np.int64]
    """(live poses,) row of each one's frame; -1 where the frame was not recorded."""
    offline: Poses
    offline_place: NDArray[np.int64]
    """(frames,) place of each one's pose in `offline`; -1 where there is none."""
    both: Paired
    """Live and offline poses of the frames and parts that both have."""
    least: NDArray[np.float64]
    """(bodyparts,) likelihood that both must have for a place to be compared."""

    @property
    def exposure_ns(self) -> NDArray[np.int64]:
        """(frames,) host time of the exposures' middles, as they were mapped live."""
        return self.frames["exposure_ns"]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(frames,) whether there is a live pose."""
        found = np.zeros(len(self.frames), bool)
        found[self.live_frame[self.live_frame >= 0]] = True
        return found


def sides_of(
    recording: Recording,
    session: RecordedSession,
    camera: str,
    live_parts: Sequence[str],
    offline: Poses,
) -> Sides:
    """Return both sides of a camera.

    Parameters
    ----------
    recording, session
        The session, and what was read of it; the camera has live poses.
    live_parts
        Body parts of the live poses.
    offline
        Poses of the camera's frames, made afterwards.

    Raises
    ------
    SessionError
        If the two know no body part in common.
    """
    frames, live = recording.rows(CAMERAS + camera), session.poses[camera]
    live_frame = rows_of_frames(frames, live.rows["frame_seq"])
    there = live_frame >= 0
    place = np.full(len(frames), -1, np.int64)
    place[offline.frames] = np.arange(len(offline.frames))
    both = paired(live_frame[there], live.keypoints[there], live_parts, offline)
    if not both.bodyparts:
        msg = (
            f"Expected a body part of the live model ({', '.join(live_parts)}) in "
            f"{offline.path}, got {', '.join(offline.bodyparts)}: the two cannot be "
            "compared"
        )
        raise SessionError(msg)
    return Sides(
        camera=camera,
        frames=frames,
        live=live,
        live_frame=live_frame,
        offline=offline,
        offline_place=place,
        both=both,
        least=np.array([_least(session.task, part) for part in both.bodyparts]),
    )


def _least(task: TaskConfig | None, part: str) -> float:
    """Return the task's gate of a body part; 0.5 where it has none."""
    inference = None if task is None else task.inference
    gates = None if inference is None else inference.gates
    return (gates and gates.likelihoods.get(part, gates.likelihood)) or LIKELY
