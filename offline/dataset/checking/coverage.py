"""What is not labelled, or too seldom. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from offline.dataset.checking.finding import Finding

if TYPE_CHECKING:
    from offline.dataset.project import Project

__all__ = ["coverage"]

_FEW = 0.25
"""Of the labelled pictures: a part in fewer is learnt badly."""


def coverage(project: Project) -> list[Finding]:
    """Return pictures without a label, and parts that have few or none."""
    labels = project.labels
    some = labels.is_labelled.any(axis=1)
    labelled = {
        image for image, there in zip(labels.images, some, strict=True) if there
    }
    found: list[Finding] = []
    total = Counter(image.parent.name for image in project.pictures)
    bare = [image for image in project.pictures if image not in labelled]
    for folder, count in Counter(image.parent.name for image in bare).items():
        text = f"{count} of {total[folder]} pictures in {folder} have no label"
        images = tuple(image for image in bare if image.parent.name == folder)
        found.append(Finding("note", "unlabelled", text, images, score=float(count)))
    counts = labels.is_labelled.sum(axis=0)
    for part, count in zip(labels.bodyparts, counts.tolist(), strict=True):
        of = f"of {len(labelled)} labelled pictures"
        if labelled and not count:
            text = f"{part} is labelled in none {of}: a model cannot learn it"
            found.append(Finding("doubtful", "never", text, (), (part,)))
        elif count < _FEW * len(labelled):
            text = f"{part} is labelled in {count} {of}"
            found.append(Finding("note", "seldom", text, (), (part,)))
    return found
