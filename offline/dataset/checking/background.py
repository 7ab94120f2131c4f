"""Labels where a picture shows only what is there without the animal. Pure.

The background at a label is the median of the same spot in pictures of the folder
whose animal is elsewhere. How far those are from their own median says what background
looks like there; a label is off the animal if its patch is no farther, while that part
usually stands out clearly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.dataset.checking.finding import Finding
from offline.dataset.checking.pictures import patches

if TYPE_CHECKING:
    from pathlib import PurePosixPath

    from numpy.typing import NDArray

    from offline.dataset.checking.pictures import Seen
    from offline.dataset.labels import Labels

    Floats = NDArray[np.float64]

__all__ = ["has_moved", "off_animal", "off_picture"]

_PICTURES, _CLEAR_OF_IT = 8, 5
_STANDS_OUT, _LIKE_BACKGROUND = 4.0, 0.25
_NOISE = 2.0
"""Grey levels: no background is steadier."""


def off_picture(labels: Labels, seen: Seen) -> list[Finding]:
    """Return labels that lie outside of their picture."""
    found: list[Finding] = []
    for image, xy_px in zip(labels.images, labels.xy_px, strict=True):
        if image not in seen.sizes_px:
            continue
        size = np.array(seen.sizes_px[image])
        # a pixel's place is that of its middle, for some its corner
        out = np.nan_to_num(np.maximum(-0.5 - xy_px, xy_px - size)).max(axis=1)
        for part in np.flatnonzero(out > 0):
            name = labels.bodyparts[part]
            x, y = xy_px[part]
            text = (
                f"{name} is off the picture at ({x:.0f}, {y:.0f}), which is "
                f"{size[0]} x {size[1]} px"
            )
            found.append(
                Finding("wrong", "off the picture", text, (image,), (name,), 4.0)
            )
    return found


def has_moved(
    seen: Seen, one: PurePosixPath, two: PurePosixPath, is_labelled: NDArray[np.bool_]
) -> bool | None:
    """Return whether two pictures differ at their labels; None if not to be told."""
    if one not in seen.small or two not in seen.small:
        return None
    small = seen.small[one], seen.small[two]
    if small[0].shape != small[1].shape:
        return None
    noise = float(np.median(_apart(*small)))
    local = _apart(seen.at_labels[one], seen.at_labels[two])[is_labelled]
    return bool(local.mean() > 3 * (noise + 1))


def off_animal(
    labels: Labels, seen: Seen, reach_px: float
) -> tuple[list[Finding], list[str]]:
    """Return labels that lie on the background, and where that was not judged.

    Parameters
    ----------
    labels
        Of the project.
    seen
        Its pictures.
    reach_px
        Of a label this near to any label of another picture, that picture does not show
        the background.

    Returns
    -------
    findings, remarks
        What was found; in words, what was not judged.
    """
    found: list[Finding] = []
    remarks: list[str] = []
    videos = np.array(labels.videos)
    for video in dict.fromkeys(labels.videos):
        rows = [
            k for k in np.flatnonzero(videos == video) if _is_known(labels, seen, k)
        ]
        whole = [k for k in rows if labels.images[k] in seen.whole]
        sizes = {seen.sizes_px[labels.images[k]] for k in whole}
        if len(whole) < _PICTURES or len(sizes) != 1:
            why = "too few pictures" if len(sizes) < 2 else "pictures of several sizes"
            remarks.append(f"{video}: {why} to tell the animal from the background")
            continue
        off, noise = _against_background(labels, seen, rows, whole, reach_px)
        found_here, unjudged = _judge(labels, rows, off, noise)
        found += found_here
        if unjudged:
            remarks.append(
                f"{video}: {', '.join(unjudged)} not told from the background: too "
                "alike, or the animal is always there"
            )
    return found, remarks


def _is_known(labels: Labels, seen: Seen, row: int) -> bool:
    image = labels.images[row]
    return image in seen.at_labels and bool(labels.is_labelled[row].any())


def _against_background(
    labels: Labels, seen: Seen, rows: list[int], whole: list[int], reach_px: float
) -> tuple[Floats, Floats]:
    """Return (rows, parts): how far a patch is from its background, and that varies."""
    shape = (len(rows), len(labels.bodyparts))
    off, noise = np.full(shape, np.nan), np.full(shape, np.nan)
    for k, row in enumerate(rows):
        xy_px, image = labels.xy_px[row], labels.images[row]
        others = np.stack(
            [
                patches(seen.whole[labels.images[o]], xy_px, seen.radius_px)
                for o in whole
            ]
        )
        away = (
            np.stack([_is_away(labels.xy_px[o], xy_px, reach_px) for o in whole])
            & (np.array(whole) != row)[:, None]
        )
        for part in np.flatnonzero(labels.is_labelled[row]):
            clear = others[away[:, part], part].astype(np.float64)
            if len(clear) < _CLEAR_OF_IT:
                continue
            middle = np.median(clear, axis=0)
            off[k, part] = _far(seen.at_labels[image][part][None], middle)[0]
            noise[k, part] = _far(clear, middle).max()
    return off, np.maximum(noise, _NOISE)


def _judge(
    labels: Labels, rows: list[int], off: Floats, noise: Floats
) -> tuple[list[Finding], list[str]]:
    found: list[Finding] = []
    unjudged: list[str] = []
    for part, name in enumerate(labels.bodyparts):
        there = np.isfinite(off[:, part])
        if there.sum() < _PICTURES:
            unjudged.append(name)
            continue
        usual = float(np.median(off[there, part]))
        if usual < _STANDS_OUT * float(np.median(noise[there, part])):
            unjudged.append(name)
            continue
        like = (off[:, part] <= noise[:, part]) & (
            off[:, part] < _LIKE_BACKGROUND * usual
        )
        for k in np.flatnonzero(there & like):
            text = (
                f"{name} is where the background is: {off[k, part]:.0f} grey levels "
                f"from it, usually {usual:.0f}"
            )
            image = labels.images[rows[k]]
            score = usual / max(float(off[k, part]), 1.0)
            found.append(
                Finding("doubtful", "off the animal", text, (image,), (name,), score)
            )
    return found, unjudged


def _is_away(animal_px: Floats, xy_px: Floats, reach_px: float) -> NDArray[np.bool_]:
    """Return (places,): whether no part of an animal is near."""
    there = animal_px[np.isfinite(animal_px).all(axis=1)]
    apart = np.linalg.norm(there[:, None] - xy_px[None], axis=2)
    return ~(apart < reach_px).any(axis=0)


def _far(spots: NDArray[Any], middle: Floats) -> Floats:
    """Return how far nearly all of each patch is: an edge of the animal counts."""
    off = np.abs(spots - middle).reshape(len(spots), -1)
    rank = int(0.9 * (off.shape[1] - 1))
    return np.partition(off, rank, axis=1)[:, rank]


def _apart(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> Floats:
    return np.abs(one.astype(np.float64) - two)
