"""The poses that a session's frames were given afterwards, and known to be theirs."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from offline.reanalysis.poses_file import read_info, read_poses, session_poses
from offline.reanalysis.sources import frames_digest
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.reanalysis.poses_file import Poses, PosesInfo
    from rig.recording.reader import Recording

__all__ = ["Paired", "analyse_command", "camera_poses", "paired", "require_poses"]

_LEAST_DIGITS = 6
"""Of a hash that stands for a model."""


class Paired(NamedTuple):
    """Poses of the same frames and body parts, by two who saw them."""

    frames: NDArray[np.int64]
    """(n,)"""
    first: NDArray[np.float32]
    """(n, bodyparts, 3)"""
    second: NDArray[np.float32]
    bodyparts: tuple[str, ...]
    """Those that both know, in the order of the first."""


def paired(
    frames: NDArray[np.int64],
    poses: NDArray[np.float32],
    bodyparts: Sequence[str],
    other: Poses,
) -> Paired:
    """Return poses beside those of a file, as far as both have them.

    Parameters
    ----------
    frames
        (n,) number of each pose's frame.
    poses
        (n, bodyparts, 3).
    bodyparts
        Of these poses.
    other
        The file's.
    """
    order = np.argsort(other.frames, kind="stable")
    there = np.isin(frames, other.frames)
    place = order[np.searchsorted(other.frames[order], frames[there])]
    common = tuple(part for part in bodyparts if part in other.bodyparts)
    mine = [bodyparts.index(part) for part in common]
    theirs = [other.bodyparts.index(part) for part in common]
    return Paired(
        frames[there], poses[there][:, mine], other.poses[place][:, theirs], common
    )


def camera_poses(
    recording: Recording, camera: str, model: str | None = None
) -> Poses | None:
    """Return a camera's poses that `springhare analyse` made: the last made ones.

    Parameters
    ----------
    recording
        The session.
    model
        Only those of this one: its own name, its file's name here, or the beginning of
        its SHA-256.

    Returns
    -------
    Poses
        None where there are none.

    Raises
    ------
    SessionError
        If there are some, but of other models, or of other frames.
    """
    files = session_poses(recording.folder, camera)
    known = [(path, info) for path in files if (info := read_info(path)) is not None]
    found = [each for each in known if model is None or _is_of(*each, model)]
    if not found:
        if known:
            names = ", ".join(sorted(info.model for _, info in known))
            msg = (
                f"Expected poses of {camera} by {model}, got those by {names}: name "
                f"one of these, or make them: {analyse_command(recording)}"
            )
            raise SessionError(msg)
        return None
    path, _ = max(found, key=lambda each: each[1].analysed_utc)
    return require_poses(recording, camera, path)


def require_poses(recording: Recording, camera: str, path: Path) -> Poses:
    """Return the poses of a file, of which it is known that they are of these frames.

    A file without a sidecar, as DeepLabCut makes them, is taken at its word.

    Raises
    ------
    SessionError
        If it is no file of poses, or they are of other frames.
    VersionError
        If its sidecar is of another version.
    """
    poses = read_poses(path)
    info = poses.info
    if info is not None and info.source_xxh3 != frames_digest(recording, camera):
        told = info.session_id or info.source
        told += f", {info.camera}" if info.camera else ""
        msg = (
            f"Expected poses of the frames of {camera} in {recording.folder}, got "
            f"those of others in {path} ({told}): {analyse_command(recording)} --force"
        )
        raise SessionError(msg)
    count = recording.count(f"cameras/{camera}")
    if len(poses.frames) and not 0 <= poses.frames.min() <= poses.frames.max() < count:
        msg = (
            f"Expected poses of frames 0 to {count - 1} of {camera}, got up to "
            f"{poses.frames.max()} in {path}: name the file of this camera's frames"
        )
        raise SessionError(msg)
    return poses


def analyse_command(recording: Recording, model: str | None = None) -> str:
    """Return what makes a session's poses, as it is typed.

    Parameters
    ----------
    recording
        The session.
    model
        None for the one that it was recorded with.
    """
    if model is None:
        inference = recording.info.configs.task.get("inference") or {}
        model = inference.get("model")
    words = f"springhare analyse {quote(str(recording.folder))} --model "
    return words + (quote(str(model)) if model else "MODEL")


def _is_of(path: Path, info: PosesInfo, model: str) -> bool:
    short = len(model) >= _LEAST_DIGITS and info.model_sha256.startswith(model)
    return short or model in {info.model, path.stem}
