"""Whether a network sees in the recorded frames what it saw live, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from offline.replay.compare import Sameness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from offline.replay.recorded import RecordedPoses, RecordedSession

__all__ = ["keypoint_sameness"]


def keypoint_sameness(
    session: RecordedSession, seen: Mapping[str, Sequence[NDArray[np.float32]]]
) -> tuple[Sameness, ...]:
    """Compare keypoints with those that were recorded.

    Parameters
    ----------
    session
        As it was recorded.
    seen
        (bodyparts, 3) of each pose, by camera.
    """
    return tuple(
        _camera(camera, session, session.poses[camera], np.stack(found))
        for camera, found in sorted(seen.items())
    )


def _camera(
    camera: str,
    session: RecordedSession,
    recorded: RecordedPoses,
    again: NDArray[np.float32],
) -> Sameness:
    was = np.ascontiguousarray(recorded.keypoints, np.float32)
    other = (was.view(np.uint32) != again.view(np.uint32)).any(axis=(1, 2))
    first = None
    if other.any():
        k = int(np.argmax(other))
        away_px = np.hypot(*(was[k] - again[k])[:, :2].T)
        part = int(np.nanargmax(np.nan_to_num(away_px)))
        at_s = (int(recorded.rows["host_ns"][k]) - session.started_ns) / 1e9
        first = (
            f"pose {recorded.rows['seq'][k]} (frame {recorded.rows['frame_id'][k]}, at "
            f"{at_s:.3f} s): {session.bodyparts[part]} {away_px[part]:.3g} px away, "
            f"likelihood {was[k, part, 2]:.4g} recorded, {again[k, part, 2]:.4g} "
            "replayed"
        )
    return Sameness(
        stream=f"keypoints/{camera}",
        recorded=len(was),
        replayed=len(again),
        same=int((~other).sum()),
        first=first,
    )
