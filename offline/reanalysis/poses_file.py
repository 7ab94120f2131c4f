"""Poses on the disk, as DeepLabCut keeps them, and beside them who saw them.

The table (``.h5``, pandas, key ``df_with_missing``) is what DeepLabCut, movement and
napari-deeplabcut read; what has no place in it stands in a JSON file of the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import xxhash

from rig.errors import SessionError, VersionError
from rig.recording.disk import publish, replace_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "POSES_FORMAT",
    "Poses",
    "PosesInfo",
    "poses_folder",
    "read_info",
    "read_poses",
    "require_pandas",
    "session_poses",
    "sidecar_path",
    "write_poses",
]

POSES_FORMAT = "springhare-poses/1"
_KEY = "df_with_missing"
_LEVELS = ["scorer", "bodyparts", "coords"]
_COORDS = ("x", "y", "likelihood")
_HDF5, _NO_HDF5 = b"\x89HDF\r\n\x1a\n", "no HDF5 file"
_READ_BYTES = 1 << 24
_NEEDED = 'Expected pandas and PyTables for files of poses, got none: pip install "'
_NEEDED += 'springhare[offline]"'


class PosesInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Who saw the poses of a file, and in what."""

    format: str = POSES_FORMAT
    model: str
    """The model's own name."""
    model_sha256: str
    engine: str
    """onnx, torch or dlclive."""
    provider: str
    """What computed."""
    resize: float
    """Factor by which pictures were shrunk first; poses are of the whole picture."""
    batch: int
    """Frames that went through the network at once."""
    springhare: str
    """Version."""
    versions: dict[str, str] = {}
    """Of the packages that the poses hang on."""
    session_id: str | None = None
    """None for a video file."""
    camera: str | None = None
    source: str
    """Name of the session's folder or of the video file."""
    source_xxh3: str
    """Of the frames' checksums, or of the video file: tells them from all others."""
    width_px: int
    height_px: int
    colour: bool
    """Whether the network was shown colours."""
    rate_hz: float | None = None
    """The camera's nominal rate."""
    frames: int
    """How many poses there are: one for each frame that could be read."""
    complete: bool
    """Whether these are all frames, and whole; False for a damaged video only."""
    fault: str = ""
    """What is wrong with the frames, in words."""
    analysed_utc: str = ""
    """Wall time of the end, ISO 8601."""
    poses_xxh3: str = ""
    """XXH3 (128 bits) of the file with the poses: another one is not described here."""


@dataclass(frozen=True, slots=True, eq=False)
class Poses:
    """What a file of poses holds."""

    path: Path
    scorer: str
    bodyparts: tuple[str, ...]
    frames: NDArray[np.int64]
    """(n,) number of each pose's frame; of a session, its row in the recording."""
    poses: NDArray[np.float32]
    """(n, bodyparts, 3): x px, y px, likelihood."""
    info: PosesInfo | None
    """None where the file is DeepLabCut's own, without a sidecar."""


def sidecar_path(path: Path) -> Path:
    """Return where a file's sidecar lies."""
    return path.with_suffix(".json")


def poses_folder(session: Path, camera: str) -> Path:
    """Return where the files of a camera's poses lie."""
    return session / "derived" / "poses" / camera.replace("/", "+")


def session_poses(session: Path, camera: str | None = None) -> list[Path]:
    """Return the files of poses that `springhare analyse` made of a session, sorted.

    Parameters
    ----------
    camera
        Only of this one.
    """
    if camera is None:
        found = (session / "derived" / "poses").glob("*/*.h5")
    else:
        found = poses_folder(session, camera).glob("*.h5")
    return sorted(path for path in found if not path.name.startswith("."))


def write_poses(
    path: Path,
    bodyparts: Sequence[str],
    poses: NDArray[np.float32],
    *,
    scorer: str,
    info: PosesInfo,
) -> None:
    """Write poses and their sidecar; what was there is replaced.

    The table gets its name last: with a sidecar that fits it, all is there.

    Parameters
    ----------
    path
        The ``.h5`` file.
    poses
        (n, bodyparts, 3): x px, y px, likelihood, of the frames 0 to n - 1.
    scorer
        Whom the table names as the one who saw them.
    info
        What the sidecar says; the digest is filled in.

    Raises
    ------
    SessionError
        If the disk refuses, or pandas or PyTables are missing.
    """
    hidden = path.with_name(f".{path.name}")
    table = _table(bodyparts, poses, scorer)
    try:
        table.to_hdf(hidden, key=_KEY, format="table", mode="w")
        described = msgspec.structs.replace(info, poses_xxh3=_digest(hidden))
        text = msgspec.json.format(msgspec.json.encode(described), indent=2)
        path.unlink(missing_ok=True)  # never beside the sidecar of another
        replace_file(sidecar_path(path), text + b"\n")
        publish(hidden, path)
    except OSError as error:
        msg = f"Expected to write {path}, got {error}: make room, and run it again"
        raise SessionError(msg) from error
    finally:
        hidden.unlink(missing_ok=True)


def read_poses(path: Path) -> Poses:
    """Read a file of poses of one animal, ours or DeepLabCut's.

    Raises
    ------
    SessionError
        If it is none, tells of several animals, or its sidecar is of another file.
    VersionError
        If its sidecar is of another version.
    """
    table = _load(path)
    bodyparts = _bodyparts(table, path)
    info = read_info(path)
    try:
        frames = np.asarray(table.index, np.int64)
        values = table.to_numpy(np.float32)
    except (TypeError, ValueError) as error:
        msg = f"Expected numbers in {path}, got {error}"
        raise SessionError(msg) from error
    if info is not None and info.frames != len(frames):
        msg = f"Expected {info.frames} poses in {path}, got {len(frames)}"
        raise SessionError(msg)
    scorer = str(table.columns.get_level_values("scorer")[0])
    poses = values.reshape(len(frames), len(bodyparts), len(_COORDS))
    return Poses(path, scorer, bodyparts, frames, poses, info)


def read_info(path: Path) -> PosesInfo | None:
    """Return what the sidecar of a file of poses says; None where there is none.

    Raises
    ------
    SessionError
        If it is not one, or describes another file than the one that is there.
    VersionError
        If it is of another version.
    """
    sidecar = sidecar_path(path)
    try:
        info = msgspec.json.decode(sidecar.read_bytes(), type=PosesInfo)
        digest = _digest(path)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        msg = f"Expected who saw the poses of {path.name} in {sidecar}, got: {error}"
        raise SessionError(msg) from error
    if info.format != POSES_FORMAT:
        msg = (
            f"Expected {POSES_FORMAT} in {sidecar}, got {info.format}: use that "
            "version of springhare"
        )
        raise VersionError(msg)
    if info.poses_xxh3 != digest:
        msg = (
            f"Expected the poses that {sidecar} describes in {path}, got others: was "
            "one of them replaced? Analyse again, or move the sidecar away"
        )
        raise SessionError(msg)
    return info


def require_pandas() -> Any:
    """Return pandas.

    Raises
    ------
    SessionError
        If it or PyTables is not installed.
    """
    try:
        import pandas as pd
        import tables  # noqa: F401 - pandas asks for it only when it is needed
    except ImportError as error:
        raise SessionError(_NEEDED) from error
    return pd


def _table(bodyparts: Sequence[str], poses: NDArray[np.float32], scorer: str) -> Any:
    pandas = require_pandas()
    columns = pandas.MultiIndex.from_product(
        [[scorer], list(bodyparts), list(_COORDS)], names=_LEVELS
    )
    return pandas.DataFrame(
        poses.reshape(len(poses), -1), columns=columns, index=range(len(poses))
    )


def _load(path: Path) -> Any:
    pandas = require_pandas()
    try:
        _require_hdf5(path)
        return pandas.read_hdf(path, key=_KEY)
    except (
        OSError,
        RuntimeError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
    ) as error:
        told = str(error).strip().splitlines() or [type(error).__name__]
        msg = (
            f"Expected poses as DeepLabCut keeps them in {path}, got {told[-1]}: name "
            "a file that springhare analyse or DeepLabCut made"
        )
        raise SessionError(msg) from error


def _require_hdf5(path: Path) -> None:
    """Raise an OSError where PyTables would raise an error of its own."""
    with path.open("rb") as file:
        if file.read(len(_HDF5)) != _HDF5:
            raise OSError(_NO_HDF5)


def _bodyparts(table: Any, path: Path) -> tuple[str, ...]:
    """Return the body parts, each with its three columns side by side."""
    names = list(getattr(table.columns, "names", ()))
    if names != _LEVELS:
        what = ", ".join(map(str, names)) or "none"
        if "individuals" in names:
            what += ": poses of several animals cannot be used"
        msg = f"Expected columns by {', '.join(_LEVELS)} in {path}, got {what}"
        raise SessionError(msg)
    found = [(str(part), str(coord)) for _, part, coord in table.columns]
    parts = tuple(dict.fromkeys(part for part, _ in found))
    if not parts or found != [(part, coord) for part in parts for coord in _COORDS]:
        msg = f"Expected x, y and likelihood of each body part in {path}, got others"
        raise SessionError(msg)
    return parts


def _digest(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while data := file.read(_READ_BYTES):
            digest.update(data)
    return digest.hexdigest()
