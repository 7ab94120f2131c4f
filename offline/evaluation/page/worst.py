"""The worst frames as pictures: where a part is labelled, and where it was seen."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from offline.alignment.report.markup import Html, tag
from offline.evaluation.looking import read_picture
from offline.evaluation.words import px

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.evaluation.errors import Seen
    from offline.evaluation.judging import Judged
    from offline.evaluation.result import Evaluation

__all__ = ["worst_frames"]

_SHOWN, _NAMED = 4, 3
"""Frames of each model, and parts that are named in each."""
_RIGHT_SHARE = 0.8
_WIDTH_PX, _QUALITY = 560, 80


def worst_frames(judged: Judged, found: Evaluation, folder: Path) -> Html:
    """Return each model's worst frames.

    Parameters
    ----------
    judged
        The set that they are of.
    found
        The evaluation.
    folder
        Of the project.

    Raises
    ------
    LabelError
        If a picture cannot be read any more.
    """
    figures = [
        _frame(found, seen, row, mean_px, folder)
        for model, seen in zip(judged.models, found.seen, strict=True)
        for row, mean_px in model.worst[:_SHOWN]
    ]
    words = (
        "By their mean error. A ring is a label, a cross what the model gave, the line "
        "between them its error; a thin cross did not pass the gates."
    )
    return tag(
        "div",
        tag("h3", "The worst frames"),
        tag("p", words, class_="note"),
        tag("div", *figures, class_="plots worst"),
    )


def _frame(
    found: Evaluation, seen: Seen, row: int, mean_px: float, folder: Path
) -> Html:
    image = found.images[row]
    picture = read_picture(folder / image)
    height, width = picture.shape[:2]
    unit = width / 200
    marks = [
        mark
        for k, part in enumerate(found.parts)
        for mark in _part(found, seen, (row, k), part, unit)
    ]
    errors = seen.errors_px[row]
    furthest = int(np.nanargmax(errors))
    svg = tag(
        "svg",
        tag("title", f"{image.parent.name}/{image.name}"),
        tag("image", href=_embedded(picture), width=f"{width}", height=f"{height}"),
        *marks,
        viewBox=f"0 0 {width} {height}",
        class_="frame",
        role="img",
    )
    words = (
        f"{seen.name}: {image.parent.name}/{image.name}, mean {px(mean_px)} px; "
        f"worst is {found.parts[furthest]}, {px(float(errors[furthest]))} px"
    )
    return tag("figure", svg, tag("figcaption", words))


def _part(
    found: Evaluation, seen: Seen, at: tuple[int, int], part: str, unit: float
) -> list[Html]:
    """Return the ring, the cross and the line of one part."""
    row, k = at
    label, pose = found.labels_px[at], seen.poses[at]
    marks: list[Html] = []
    if np.isfinite(label).all():
        x, y = label
        ring = tag(
            "circle",
            tag("title", f"{part}: labelled"),
            cx=f"{x:.1f}",
            cy=f"{y:.1f}",
            r=f"{2.4 * unit:.1f}",
            class_="ring",
        )
        marks.append(ring)
    if not np.isfinite(pose).all():
        return marks
    x, y, likelihood = pose
    if len(marks):
        d = f"M{label[0]:.1f} {label[1]:.1f}L{x:.1f} {y:.1f}"
        marks.append(tag("path", d=d, class_="apart"))
    a = 1.8 * unit
    cross = f"M{x - a:.1f} {y - a:.1f}l{2 * a:.1f} {2 * a:.1f}m0 {-2 * a:.1f}"
    cross += f"l{-2 * a:.1f} {2 * a:.1f}"
    name = tag("title", f"{part}: seen, likelihood {likelihood:.2f}")
    class_ = "cross" if seen.is_kept[at] else "cross out"
    # on dark and on light ground: a dark line below the bright one
    marks += [
        tag("path", d=cross, class_="under"),
        tag("path", name, d=cross, class_=class_),
    ]
    if k in _worst_parts(seen.errors_px[row]):
        is_left = x > _RIGHT_SHARE * 200 * unit  # else its name would leave the picture
        words = tag(
            "text",
            part,
            x=f"{x + (-1.4 if is_left else 1.4) * a:.1f}",
            text_anchor="end" if is_left else None,
            y=f"{max(y - 1.2 * a, 5 * unit):.1f}",
            font_size=f"{4.2 * unit:.1f}",
        )
        marks.append(words)
    return marks


def _worst_parts(errors_px: NDArray[np.float64]) -> list[int]:
    """Return the parts that are named in the picture: all names would hide it."""
    order = np.argsort(-np.nan_to_num(errors_px, nan=-1), kind="stable")
    return [int(k) for k in order[:_NAMED]]


def _embedded(picture: NDArray[np.uint8]) -> str:
    small = Image.fromarray(picture)
    small.thumbnail((_WIDTH_PX, 4 * _WIDTH_PX))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
