"""What is there twice: parts at one place, pictures, copied labels. Pure."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np

from offline.dataset.checking.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import PurePosixPath

    from offline.dataset.labels import Labels

__all__ = ["copied", "same_pictures", "same_places"]

_SAME_PX, _COPY_PX = 0.5, 0.5
_OFTEN = 0.2
_APART_PX = 3.0
"""Labels of the same picture that differ by more do not agree."""


def same_places(labels: Labels) -> list[Finding]:
    """Return frames with two parts at the same place.

    Parts that are often at one place are meant so, and no finding.
    """
    found: list[Finding] = []
    for a, b in combinations(range(len(labels.bodyparts)), 2):
        apart_px = np.linalg.norm(labels.xy_px[:, a] - labels.xy_px[:, b], axis=1)
        there = np.isfinite(apart_px)
        same = there & (apart_px < _SAME_PX)
        if not same.any() or (same.sum() > 1 and same.sum() > _OFTEN * there.sum()):
            continue
        parts = (labels.bodyparts[a], labels.bodyparts[b])
        usual = float(np.median(apart_px[there]))
        found += [
            Finding(
                "wrong",
                "same place",
                f"{parts[0]} and {parts[1]} are at the same place, usually "
                f"{usual:.0f} px apart",
                (labels.images[k],),
                parts,
                3.0,
            )
            for k in np.flatnonzero(same)
        ]
    return found


def same_pictures(
    digests: Mapping[PurePosixPath, str], labels: Labels
) -> list[Finding]:
    """Return pictures of the same pixels, and whether their labels agree.

    Parameters
    ----------
    digests
        By picture: the same where all pixels are the same.
    labels
        Of the project; a picture may have none.
    """
    groups: dict[str, list[PurePosixPath]] = defaultdict(list)
    for image, digest in digests.items():
        groups[digest].append(image)
    row = {image: k for k, image in enumerate(labels.images)}
    found: list[Finding] = []
    for images in groups.values():
        for first, other in pairwise(images):
            pair = tuple(
                labels.xy_px[row[i]] if i in row else None for i in (first, other)
            )
            found.append(_twice(first, other, pair, labels.bodyparts))
    return found


def _twice(
    first: PurePosixPath, other: PurePosixPath, pair: tuple, bodyparts: Sequence[str]
) -> Finding:
    """Return what is wrong with a picture that is there twice."""
    words = f"the same picture as {other.parent.name}/{other.name}"
    a, b = (None if xy is None or np.isnan(xy).all() else xy for xy in pair)
    if a is None or b is None:
        few = "none of both is" if a is None and b is None else "only one is"
        text = f"{words}; {few} labelled"
        return Finding("doubtful", "same picture", text, (first, other))
    apart_px = np.linalg.norm(a - b, axis=1)
    only_one = np.isfinite(a).all(axis=1) != np.isfinite(b).all(axis=1)
    differ = only_one | (np.nan_to_num(apart_px) > _APART_PX)
    parts = tuple(
        part for part, other_ in zip(bodyparts, differ, strict=True) if other_
    )
    if not parts:
        text = f"{words}, with the same labels: it counts twice"
        return Finding("doubtful", "same picture", text, (first, other))
    far = float(np.nanmax(np.nan_to_num(apart_px)))
    text = f"{words}, labelled differently: {', '.join(parts)}, up to {far:.0f} px"
    return Finding("wrong", "same picture", text, (first, other), parts, 2 + far / 10)


def copied(
    labels: Labels, has_moved: Callable[[int, int], bool | None]
) -> list[Finding]:
    """Return frames with the labels of the one before, where the animal has moved.

    Parameters
    ----------
    labels
        Of the project.
    has_moved
        Told of two frames by number: whether their pictures differ at the labels; None
        where that cannot be told.
    """
    order = sorted(range(len(labels.images)), key=lambda k: labels.images[k])
    found: list[Finding] = []
    for before, after in pairwise(order):
        one, two = labels.images[before], labels.images[after]
        if one.parent != two.parent or not _agree(labels, before, after):
            continue
        if not (moved := has_moved(before, after)):
            continue
        count = int(labels.is_labelled[after].sum())
        text = (
            f"all {count} labels are those of {one.name}, but the picture has changed "
            "there"
        )
        found.append(
            Finding("wrong", "copied", text, (two, one), score=2.0 * bool(moved))
        )
    return found


def _agree(labels: Labels, before: int, after: int) -> bool:
    there = labels.is_labelled[[before, after]]
    if not np.array_equal(*there) or there[0].sum() < 2:
        return False
    off_px = np.abs(labels.xy_px[before] - labels.xy_px[after])
    return bool(np.nanmax(off_px) <= _COPY_PX)
