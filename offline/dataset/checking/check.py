"""A project's labels, checked in every way that there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.dataset.checking.background import has_moved, off_animal, off_picture
from offline.dataset.checking.coverage import coverage
from offline.dataset.checking.doubles import copied, same_pictures, same_places
from offline.dataset.checking.finding import Finding, worst_first
from offline.dataset.checking.outliers import outliers
from offline.dataset.checking.pictures import look
from offline.dataset.checking.shape import fit_shape
from offline.dataset.checking.sides import left_right_pairs
from offline.dataset.checking.swaps import exchanged, swapped

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from offline.dataset.labels import Labels
    from offline.dataset.project import Project

__all__ = ["Report", "check", "check_labels"]

_PATCH, _REACH = 0.05, 0.6
"""Of the animal's size: half a patch's side, and how far its body goes from a label."""
_SURE = 1.5
_PICTURE_PX = 100.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found."""

    findings: tuple[Finding, ...]
    """The worst first."""
    remarks: tuple[str, ...]
    """What was not judged, in words."""
    counts: dict[str, int]
    """In how many pictures each part is labelled."""

    @property
    def suspects(self) -> tuple[Finding, ...]:
        """Findings that are more than a note."""
        return tuple(finding for finding in self.findings if finding.is_suspect)


def check(
    project: Project, advance: Callable[[int, int], None] = lambda *_: None
) -> Report:
    """Check a project's labels and pictures; nothing is written.

    Parameters
    ----------
    project
        The project.
    advance
        Told of each picture that was looked at: how many, of how many.
    """
    labels = project.labels
    size_px = _animal_px(labels)
    seen = look(project, max(3, round(_PATCH * size_px)), advance)
    found, remarks = check_labels(project)
    found += off_picture(labels, seen) + same_pictures(seen.digests, labels)
    found += coverage(project)
    found += [
        Finding("wrong", "unreadable", fault, (image,), score=5.0)
        for image, fault in seen.faults.items()
    ]
    found += copied(
        labels,
        lambda one, two: has_moved(
            seen, labels.images[one], labels.images[two], labels.is_labelled[two]
        ),
    )
    off, unjudged = off_animal(labels, seen, _REACH * size_px)
    known = {(f.images[0], f.parts) for f in found if f.kind == "off the picture"}
    found += [f for f in off if (f.images[0], f.parts) not in known]
    counts = labels.is_labelled.sum(axis=0).tolist()
    return Report(
        findings=worst_first(found),
        remarks=(*project.remarks, *remarks, *unjudged),
        counts=dict(zip(labels.bodyparts, counts, strict=True)),
    )


def check_labels(project: Project) -> tuple[list[Finding], list[str]]:
    """Return what labels alone tell, and in words what they do not."""
    labels = project.labels
    places = labels.xy_px[:, :, 0] + 1j * labels.xy_px[:, :, 1]
    _, folders = np.unique(np.array(labels.videos, dtype=str), return_inverse=True)
    found, remarks = same_places(labels), list[str]()
    pairs = left_right_pairs(labels.bodyparts)
    shape = fit_shape(places, folders.astype(np.int64)) if len(places) else None
    if shape is None:
        remarks.append(
            "the animal's shape was not judged: fewer than 10 pictures with 3 parts"
        )
    else:
        for frame, some, score in swapped(shape, places, pairs):
            found.append(_swap(labels, frame, some, score))
            places[frame] = exchanged(places[frame], some)
        shape = fit_shape(places, folders.astype(np.int64))
    number = {part: k for k, part in enumerate(labels.bodyparts)}
    bones = [(number[a], number[b]) for a, b in project.skeleton]
    for one in outliers(shape, places, labels.bodyparts, bones):
        found.append(
            Finding(
                "wrong" if one.score > _SURE else "doubtful",
                "outlier",
                "; ".join(one.texts),
                (labels.images[one.frame],),
                (labels.bodyparts[one.part],),
                one.score,
            )
        )
    return found, remarks


def _swap(
    labels: Labels, frame: int, pairs: tuple[tuple[int, int], ...], score: float
) -> Finding:
    names = [tuple(labels.bodyparts[k] for k in pair) for pair in pairs]
    words = ", ".join(f"{left} and {right}" for left, right in names)
    text = (
        f"{words} look exchanged: the other way round fits the animal's shape, "
        f"{score:.1f} times as clearly as is asked for"
    )
    parts = tuple(part for pair in names for part in pair)
    return Finding("wrong", "swapped", text, (labels.images[frame],), parts, 2 + score)


def _animal_px(labels: Labels) -> float:
    """Return the usual extent of an animal's labels in px."""
    several = labels.xy_px[labels.is_labelled.sum(axis=1) >= 2]
    if not len(several):
        return _PICTURE_PX
    extent: NDArray[np.float64] = np.nanmax(several, axis=1) - np.nanmin(
        several, axis=1
    )
    return float(np.median(np.linalg.norm(extent, axis=1)))
