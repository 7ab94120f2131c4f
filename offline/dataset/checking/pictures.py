"""What the pictures of a project show at the labels: read once, little is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path, PurePosixPath

    from numpy.typing import NDArray

    from offline.dataset.project import Project

__all__ = ["Seen", "look", "patches", "read_picture"]

_SAMPLES = 25
"""Pictures of a folder that are kept whole, to tell its background."""
_STEP = 8


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is known of the pictures."""

    radius_px: int
    """Of the patches."""
    digests: dict[PurePosixPath, str] = field(default_factory=dict)
    """Of all pixels of each picture that could be read."""
    sizes_px: dict[PurePosixPath, tuple[int, int]] = field(default_factory=dict)
    """Width, height."""
    small: dict[PurePosixPath, NDArray[np.uint8]] = field(default_factory=dict)
    """Every eighth pixel of each eighth line."""
    at_labels: dict[PurePosixPath, NDArray[np.uint8]] = field(default_factory=dict)
    """Of labelled pictures (bodyparts, side, side): grey levels around each label."""
    whole: dict[PurePosixPath, NDArray[np.uint8]] = field(default_factory=dict)
    """Some labelled pictures of each folder: (height, width) grey levels."""
    faults: dict[PurePosixPath, str] = field(default_factory=dict)
    """Of pictures that cannot be read: why."""


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture as (height, width, 3) RGB.

    Raises
    ------
    LabelError
        If it cannot be read.
    """
    from offline.dataset.opening import opened_picture

    with opened_picture(path) as picture:
        return np.asarray(picture.convert("RGB"))


def look(
    project: Project,
    radius_px: int,
    advance: Callable[[int, int], None] = lambda *_: None,
) -> Seen:
    """Look at all pictures of a project.

    Parameters
    ----------
    project
        The project.
    radius_px
        Of the patches around labels.
    advance
        Told of each picture: how many, of how many.
    """
    seen = Seen(radius_px)
    row = {image: k for k, image in enumerate(project.labels.images)}
    kept = _samples(project)
    for k, image in enumerate(project.pictures):
        advance(k + 1, len(project.pictures))
        try:
            rgb = read_picture(project.folder / image)
        except LabelError as error:
            seen.faults[image] = str(error)
            continue
        height, width = rgb.shape[:2]
        digest = hashlib.blake2b(rgb.tobytes(), digest_size=16).hexdigest()
        seen.digests[image] = f"{width}x{height}:{digest}"
        seen.sizes_px[image] = (width, height)
        grey = rgb.mean(axis=2).astype(np.uint8)
        if image in row:
            seen.small[image] = grey[::_STEP, ::_STEP].copy()
            xy_px = project.labels.xy_px[row[image]]
            seen.at_labels[image] = patches(grey, xy_px, radius_px)
        if image in kept:
            seen.whole[image] = grey
    return seen


def patches(
    grey: NDArray[np.uint8], xy_px: NDArray[np.float64], radius_px: int
) -> NDArray[np.uint8]:
    """Return what is around places; beyond the border its last pixels go on.

    Parameters
    ----------
    grey
        (height, width).
    xy_px
        (places, 2); where it is NaN the patch is that of the corner.
    radius_px
        Half of a patch's side.

    Returns
    -------
    ndarray of uint8
        (places, side, side).
    """
    height, width = grey.shape
    reach = np.arange(-radius_px, radius_px + 1)
    at = np.clip(np.nan_to_num(xy_px), -1e6, 1e6).round().astype(np.int64)
    columns = np.clip(at[:, :1] + reach, 0, width - 1)
    rows = np.clip(at[:, 1:] + reach, 0, height - 1)
    return grey[rows[:, :, None], columns[:, None, :]]


def _samples(project: Project) -> set[PurePosixPath]:
    """Return pictures spread evenly over each folder's labelled ones."""
    folders: dict[str, list[PurePosixPath]] = {}
    some = project.labels.is_labelled.any(axis=1)
    for image, there in zip(project.labels.images, some, strict=True):
        if there:
            folders.setdefault(image.parent.name, []).append(image)
    kept: set[PurePosixPath] = set()
    for images in folders.values():
        chosen = np.unique(np.linspace(0, len(images) - 1, _SAMPLES).astype(int))
        kept |= {sorted(images)[k] for k in chosen}
    return kept
