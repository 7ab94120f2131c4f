"""Simulated recordings become folders of labelled pictures in a DeepLabCut project."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.dataset.adding import add_picture, add_video, picture_path
from offline.dataset.labels import Labels
from offline.dataset.project import LABELED_DATA
from offline.dataset.tables import write_table
from rig.errors import LabelError
from rig.sim.world import BODY_PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from offline.dataset.simulated.plan import Planned
    from rig.sim.labelled_recording import LabelledRecording
    from rig.sim.scenes import Labelled

__all__ = ["SKELETON", "make", "require_new", "require_parts"]

SKELETON = (
    ("nose", "eye"),
    ("iliac_crest", "hip"),
    ("hip", "knee"),
    ("knee", "ankle"),
    ("ankle", "mtp"),
    ("mtp", "toe"),
)
"""Bones of a new project."""
_SHOWN = 3


def require_parts(bodyparts: Sequence[str]) -> None:
    """Refuse a project that asks for nothing that the simulated mouse has.

    Raises
    ------
    LabelError
        If it has none of its body parts.
    """
    if not set(bodyparts) & set(BODY_PARTS):
        msg = (
            f"Expected some of the simulated mouse's parts ({', '.join(BODY_PARTS)}) "
            f"in the project's, got {', '.join(bodyparts)}: make a project of its own"
        )
        raise LabelError(msg)


def require_new(project: Path, planned: Sequence[Planned]) -> None:
    """Refuse to touch what is there.

    Raises
    ------
    LabelError
        If a recording's folder is there already.
    """
    places = [project / LABELED_DATA / one.name for one in planned]
    if there := [place.name for place in places if place.exists()]:
        more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
        msg = (
            f"Expected none of these recordings in {project}, got "
            f"{', '.join(there[:_SHOWN])}{more}: they are kept; another --seed gives "
            "other animals"
        )
        raise LabelError(msg)


def make(
    project: Path,
    planned: Planned,
    *,
    bodyparts: Sequence[str],
    scorer: str,
    advance: Callable[[], None] = lambda: None,
) -> Labels:
    """Draw one recording's pictures and label them; the folder appears whole.

    Parameters
    ----------
    project
        Folder of the project.
    planned
        The recording.
    bodyparts
        Of the project; those that the simulated mouse has not stay unlabelled.
    scorer
        Of the project.
    advance
        Called after each picture.

    Returns
    -------
    Labels
        As they were written.

    Raises
    ------
    LabelError
        If something is there already, or cannot be written.
    """
    require_new(project, [planned])
    recording = planned.record()
    xy_px = np.full((len(planned.numbers), len(bodyparts), 2), np.nan)
    images: list[PurePosixPath] = []
    try:
        with tempfile.TemporaryDirectory(dir=project, prefix=".simulated-") as draft:
            numbers = planned.numbers.tolist()
            shots = recording.shots(numbers)
            for k, (number, shot) in enumerate(zip(numbers, shots, strict=True)):
                path = picture_path(Path(draft), planned.name, number)
                add_picture(path, shot.pixels, _source(planned, number, recording))
                xy_px[k] = _places(shot, bodyparts)
                images.append(PurePosixPath(LABELED_DATA, planned.name, path.name))
                advance()
            labels = Labels(tuple(images), tuple(bodyparts), xy_px)
            made = Path(draft, LABELED_DATA, planned.name)
            write_table(made, labels, scorer)
            (project / LABELED_DATA).mkdir(exist_ok=True)
            made.rename(project / LABELED_DATA / planned.name)
    except OSError as error:
        msg = f"Expected to write into {project}, got {error.strerror}"
        raise LabelError(msg) from error
    add_video(project, planned.name, recording.size_px)
    return labels


def _source(
    planned: Planned, number: int, recording: LabelledRecording
) -> dict[str, Any]:
    """Return what is noted beside a picture."""
    return {
        "session": f"{planned.animal}_{planned.story}",
        "subject": planned.animal,
        "camera": planned.camera,
        "frame": number,
        "time_s": round(float(recording.time_s(number)), 6),
        "criterion": "simulated",
    }


def _places(shot: Labelled, bodyparts: Sequence[str]) -> NDArray[np.float64]:
    """Return where a project's parts are in a picture, (bodyparts, 2) px."""
    xy_px = np.full((len(bodyparts), 2), np.nan)
    for k, part in enumerate(bodyparts):
        if part in BODY_PARTS:
            xy_px[k] = shot.keypoints_px[BODY_PARTS.index(part)]
    return xy_px
