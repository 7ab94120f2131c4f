"""Which cameras are compared, and with which offline poses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offline.reanalysis.found import analyse_command, camera_poses, require_poses
from rig.errors import SessionError

if TYPE_CHECKING:
    from pathlib import Path

    from offline.reanalysis.poses_file import Poses
    from offline.replay import RecordedSession
    from rig.recording.reader import Recording

__all__ = ["Asked", "cameras_seen", "offline_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be compared."""

    cameras: tuple[str, ...] = ()
    """Only these; empty for all that have live poses."""
    poses: Path | None = None
    """The offline poses, of one camera; None for those that were made last."""
    model: str | None = None
    """Only offline poses of this model."""
    within_ns: int | None = None
    """None is 100 ms of the animal's time."""
    shift_ns: int | None = None
    """None is 20 ms of the animal's time."""


def offline_of(
    recording: Recording, session: RecordedSession, asked: Asked
) -> dict[str, Poses]:
    """Return the offline poses of each camera that is compared.

    Raises
    ------
    SessionError
        If there are no live poses, no offline ones, or they are of other frames.
    """
    wanted = cameras_seen(session, asked)
    if asked.poses is not None:
        if len(wanted) > 1:
            msg = (
                f"Expected one camera for {asked.poses}, got {', '.join(wanted)}: name "
                "it with --camera"
            )
            raise SessionError(msg)
        return {wanted[0]: require_poses(recording, wanted[0], asked.poses)}
    found = {
        camera: poses
        for camera in wanted
        if (poses := camera_poses(recording, camera, asked.model)) is not None
    }
    lacking = [camera for camera in wanted if camera not in found]
    if lacking and (asked.cameras or not found):
        msg = (
            f"Expected poses of {' and '.join(lacking)} that were made after the "
            f"session in {session.folder}, got none: {analyse_command(recording)}"
        )
        raise SessionError(msg)
    return found


def cameras_seen(session: RecordedSession, asked: Asked) -> list[str]:
    """Return the cameras that were looked at live, all or those that are asked for.

    Raises
    ------
    SessionError
        If there is none.
    """
    wanted = [name for name in session.poses if name in (asked.cameras or [name])]
    unknown = [name for name in asked.cameras if name not in session.poses]
    if unknown or not wanted:
        there = ", ".join(session.poses) or "none: no model looked at it"
        told = f" of {', '.join(unknown)}" if unknown else ""
        msg = (
            f"Expected live poses{told} in {session.folder}, got those of {there}: "
            "name one of these with --camera, or another session"
        )
        raise SessionError(msg)
    return wanted
