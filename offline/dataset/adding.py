"""Pictures go into a DeepLabCut project: a new one, or one that is there.

What is there is kept: pictures are only added, each as the camera gave it (PNG), and
of ``config.yaml`` only the list of videos grows.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from offline.dataset.project import CONFIG_FILE, LABELED_DATA
from offline.dataset.sources import note_source
from rig.errors import LabelError
from sync.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "add_picture",
    "add_video",
    "new_project",
    "picture_path",
    "require_empty",
]

_DIGITS = 6


def new_project(
    folder: Path,
    *,
    task: str,
    scorer: str,
    bodyparts: Sequence[str],
    skeleton: Sequence[tuple[str, str]] = (),
    train_share: float = 0.95,
) -> None:
    """Make an empty project of one animal, as DeepLabCut 3 makes it.

    Parameters
    ----------
    folder
        Its own; made, or empty.
    task, scorer, bodyparts, skeleton
        As in ``config.yaml``.
    train_share
        Of the labelled frames that DeepLabCut learns from.

    Raises
    ------
    LabelError
        If something else is there, or cannot be written.
    """
    if not bodyparts:
        msg = "Expected body parts for a new project, got none: name them (--bodyparts)"
        raise LabelError(msg)
    require_empty(folder)
    settings: dict[str, Any] = {
        "Task": task,
        "scorer": scorer,
        "date": f"{utc_now():%b%d}",
        "multianimalproject": False,
        "identity": None,
        "project_path": str(folder.resolve()),
        "engine": "pytorch",
        "video_sets": {},
        "bodyparts": list(bodyparts),
        "start": 0,
        "stop": 1,
        "numframes2pick": 20,
        "skeleton": [list(bone) for bone in skeleton],
        "skeleton_color": "black",
        "pcutoff": 0.6,
        "dotsize": 8,
        "alphavalue": 0.7,
        "colormap": "rainbow",
        "TrainingFraction": [train_share],
        "iteration": 0,
        "default_net_type": "resnet_50",
        "default_augmenter": "albumentations",
        "snapshotindex": -1,
        "detector_snapshotindex": -1,
        "batch_size": 8,
        "detector_batch_size": 1,
        "cropping": False,
        "x1": 0,
        "x2": 640,
        "y1": 0,
        "y2": 480,
        "corner2move2": [50, 50],
        "move2corner": True,
    }
    try:
        (folder / LABELED_DATA).mkdir(parents=True, exist_ok=True)
        (folder / "videos").mkdir(exist_ok=True)
        _write(folder / CONFIG_FILE, settings)
    except OSError as error:
        msg = f"Expected to make a project in {folder}, got {error.strerror}"
        raise LabelError(msg) from error


def require_empty(folder: Path) -> None:
    """Refuse a place for a new project, if something else is there.

    Raises
    ------
    LabelError
        If it is.
    """
    if folder.exists() and any(folder.iterdir()):
        msg = f"Expected an empty folder or a DeepLabCut project, got {folder}"
        raise LabelError(msg)


def add_video(folder: Path, name: str, size_px: tuple[int, int]) -> None:
    """Name a video in the project's settings: DeepLabCut takes only labels of those.

    Nothing changes where it is named already, by whatever path.
    """
    path = folder / CONFIG_FILE
    settings = YAML().load(path)
    videos = settings.get("video_sets") or {}
    if name in {PurePosixPath(str(v).replace("\\", "/")).stem for v in videos}:
        return
    width, height = size_px
    video = (folder / "videos" / f"{name}.mp4").resolve()
    videos[str(video)] = {"crop": f"0, {width}, 0, {height}"}
    settings["video_sets"] = videos
    _write(path, settings)


def picture_path(folder: Path, name: str, number: int) -> Path:
    """Return where the frame of a number has its picture."""
    return folder / LABELED_DATA / name / f"img{number:0{_DIGITS}d}.png"


def add_picture(
    path: Path, picture: NDArray[np.uint8], source: Mapping[str, Any]
) -> None:
    """Write a frame as it is, and note where it came from.

    Raises
    ------
    LabelError
        If there is such a picture, or it cannot be written.
    """
    from PIL import Image

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            msg = f"Expected no picture yet at {path}, got one: it is kept"
            raise LabelError(msg)
        draft = path.with_suffix(".new")
        Image.fromarray(picture).save(draft, "PNG")
        note_source(path, source)
        draft.rename(path)
    except OSError as error:
        msg = f"Expected to write {path}, got {error}"
        raise LabelError(msg) from error


def _write(path: Path, settings: Any) -> None:
    draft = path.with_suffix(".new")
    yaml = YAML()
    yaml.width = 4096  # Windows paths with spaces stay in one line
    yaml.dump(settings, draft)
    draft.replace(path)
