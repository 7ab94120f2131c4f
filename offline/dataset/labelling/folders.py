"""How far the folders of a project are labelled, and which one comes next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offline.dataset.project import Project

__all__ = ["Folder", "choose", "folders_of"]


@dataclass(frozen=True, slots=True)
class Folder:
    """Pictures of one recording."""

    name: str
    """Of the video."""
    pictures: int
    labelled: int
    """Pictures with at least one labelled part."""

    @property
    def is_done(self) -> bool:
        """Whether every picture has a label."""
        return self.labelled >= self.pictures


def folders_of(project: Project) -> list[Folder]:
    """Return the folders of pictures, by name."""
    is_labelled = project.labels.is_labelled.any(axis=1)
    labelled = {
        image
        for image, is_one in zip(project.labels.images, is_labelled, strict=True)
        if is_one
    }
    names = sorted({image.parent.name for image in project.pictures})
    return [
        Folder(
            name,
            sum(image.parent.name == name for image in project.pictures),
            sum(image.parent.name == name for image in labelled),
        )
        for name in names
    ]


def choose(folders: Sequence[Folder], name: str | None) -> Folder | None:
    """Return the folder of a name, or the first that has unlabelled pictures.

    Returns
    -------
    Folder, or None where every picture is labelled.

    Raises
    ------
    LabelError
        If there is no such folder, or none at all.
    """
    if not folders:
        msg = "Expected pictures to label, got none: choose some (springhare frames "
        raise LabelError(msg + "pick)")
    if name is None:
        return next((folder for folder in folders if not folder.is_done), None)
    found = next((folder for folder in folders if folder.name == name), None)
    if found is None:
        known = ", ".join(folder.name for folder in folders)
        msg = f"Expected a folder of pictures, got {name}; there are: {known}"
        raise LabelError(msg)
    return found
