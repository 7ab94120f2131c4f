"""A view of a session with all that is known of its poses, for its frames' scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.parity.chosen import Asked
from offline.parity.compare import compare
from offline.reanalysis.found import camera_poses, paired, require_poses
from offline.refine.score import Scores, score

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.dataset.views import View
    from offline.parity.result import Difference
    from offline.reanalysis.poses_file import Poses

__all__ = ["Looked", "look_at"]

_OF_POSES = frozenset({"pose", "likelihood"})
"""Causes of wrong fires that better poses could mend; a skipped frame is none."""
_AROUND = 3
"""Frames before a wrong fire that count with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """A view, and what speaks for its frames."""

    view: View
    offline: Poses | None
    scores: Scores
    differences: Mapping[int, Difference]
    """Wrong fires, by the frames that they hung on."""
    same_model: bool
    """Whether the offline poses are by the live model: the two cannot disagree."""

    def points(self, frame: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return a frame's poses: live and offline, each (parts, 3) or empty."""
        empty = np.empty((0, 3), np.float32)
        live = self.view.poses[self.view.pose_frames == frame]
        offline = np.empty((0, 0, 3), np.float32)
        if self.offline is not None:
            offline = self.offline.poses[self.offline.frames == frame]
        return tuple(found[0] if len(found) else empty for found in (live, offline))  # pyright: ignore[reportReturnType]


def look_at(view: View, file: Path | None) -> Looked | None:
    """Return what is known of a view; None where no model ever saw it.

    Parameters
    ----------
    view
        One camera of a session.
    file
        Offline poses; None for those in the session that were made last, if any.

    Raises
    ------
    SessionError
        If the poses are of other frames, or of other parts than the live ones.
    """
    recording, camera = view.recording, view.camera
    offline = (
        camera_poses(recording, camera)
        if file is None
        else require_poses(recording, camera, file)
    )
    sides = [(view.pose_frames, view.poses)] if len(view.pose_frames) else []
    both, differences, same = None, dict[int, "Difference"](), False
    if offline is not None:
        if sides:
            pair = paired(view.pose_frames, view.poses, view.bodyparts, offline)
            both = pair.frames, pair.first, pair.second
            differences, same = _wrong_fires(view, offline)
        sides.append((offline.frames, offline.poses))
    if not sides:
        return None
    frames = np.array(sorted(differences), np.int64)
    return Looked(
        view=view,
        offline=offline,
        scores=score(view.count, sides, both, frames),
        differences=differences,
        same_model=same,
    )


def _wrong_fires(view: View, offline: Poses) -> tuple[dict[int, Difference], bool]:
    """Return wrong fires that the poses are to blame for, by the frames around them."""
    asked = Asked(cameras=(view.camera,), poses=offline.path)
    [camera] = compare(view.recording, asked).result.cameras
    found: dict[int, Difference] = {}
    for difference in camera.differences:
        if difference.cause in _OF_POSES and difference.frame >= 0:
            first = max(difference.frame - _AROUND, 0)
            found |= dict.fromkeys(range(first, difference.frame + 1), difference)
    return found, bool(camera.same_model)
