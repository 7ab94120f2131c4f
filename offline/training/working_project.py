"""The project that DeepLabCut trains in: made of another one, which stays as it is.

DeepLabCut rewrites a project's settings and adds folders to it; and it takes labels
only of videos that are listed. So each training has its own, of links to the pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from offline.dataset.adding import add_video, new_project
from offline.dataset.project import CONFIG_FILE, LABELED_DATA
from offline.dataset.tables import write_table

if TYPE_CHECKING:
    from pathlib import Path

    from offline.dataset.labels import Labels
    from offline.dataset.project import Project

__all__ = ["in_order", "make_working_project"]


def in_order(labels: Labels) -> Labels:
    """Return labels as DeepLabCut will number them: by folder and name."""
    order = sorted(range(len(labels.images)), key=lambda k: labels.images[k].parts)
    return labels.of(np.array(order, np.int64))


def make_working_project(
    folder: Path, project: Project, labels: Labels, train_share: float
) -> Path:
    """Make a project of labelled pictures alone; return its ``config.yaml``.

    Parameters
    ----------
    folder
        Of the new project; must not be there.
    project
        That the pictures lie in.
    labels
        Of it, in the order of `in_order`.
    train_share
        Of them that are learnt from: DeepLabCut finds its files by it.
    """
    new_project(
        folder,
        task=project.task,
        scorer=project.scorer or "springhare",
        bodyparts=labels.bodyparts,
        skeleton=project.skeleton,
        train_share=round(train_share, 2),  # as DeepLabCut rounds it
    )
    videos = np.array(labels.videos)
    for video in dict.fromkeys(labels.videos):
        mine = labels.of(videos == video)
        (folder / LABELED_DATA / video).mkdir(parents=True)
        for image in mine.images:
            (folder / image).symlink_to((project.folder / image).resolve())
        write_table(folder / LABELED_DATA / video, mine, project.scorer or "springhare")
        with Image.open(folder / mine.images[0]) as picture:
            add_video(folder, video, picture.size)
    return folder / CONFIG_FILE
