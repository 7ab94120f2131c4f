"""Does a dynamic crop lose the animal? Every frame of a film is also seen whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.view.tracking import near_most
from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from inference.model import PoseModel
    from inference.view.viewer import Viewer

__all__ = ["Following", "follow"]


@dataclass(frozen=True, slots=True)
class Following:
    """How a dynamic crop did in a film."""

    frames: int
    shown_frames: int
    """Those in which the whole picture shows the animal: half of its parts or more,
    together. In the others it cannot be judge: a single part in a corner of the arena
    is no animal."""
    lost_frames: int
    """Of those, the ones in which most of the parts that it shows were outside the
    box that was looked at last."""
    longest_lost: int
    """The most of them in a row."""
    median_px: float
    """Distance from what the whole picture shows there, of its trusted points."""
    in_boxes_median_px: float | None
    """The same, in frames where a box was looked at; None without such frames."""
    p99_px: float
    further_than_10_px: float
    """Share of the points."""
    median_pixels: float
    """Looked at, as a share of the whole picture."""


def follow(
    model: PoseModel,
    viewer: Viewer,
    frames: Iterable[tuple[NDArray[np.uint8], int]],
    body_px: float,
    min_likelihood: float,
) -> Following:
    """Look at every frame as a whole and through a dynamic crop.

    Points are trusted that are likely and near most others of them: a body part that
    the network sees in a corner of the arena is nothing to be near to.

    Raises
    ------
    ModelError
        If the whole picture never shows the animal.
    """
    off_px: list[NDArray[np.float64]] = []
    in_box: list[bool] = []
    shown: list[bool] = []
    lost: list[bool] = []
    pixels: list[float] = []
    for frame, exposure_ns in frames:
        whole = model.infer(frame)
        look = viewer.look(frame, exposure_ns)
        trusted = whole[:, 2] >= min_likelihood
        trusted &= near_most(whole, trusted, body_px)
        shown.append(2 * int(trusted.sum()) >= len(trusted))
        trusted &= shown[-1]
        away = look.keypoints[:, :2].astype(np.float64) - whole[:, :2]
        off_px.append(np.where(trusted, np.hypot(away[:, 0], away[:, 1]), np.nan))
        boxed = look.box != viewer.within
        in_box.append(boxed)
        x0, y0, x1, y1 = look.box
        x, y = whole[:, 0], whole[:, 1]
        outside = trusted & ((x < x0) | (x >= x1) | (y < y0) | (y >= y1))
        lost.append(2 * int(outside.sum()) > int(trusted.sum()))
        pixels.append(look.box.width * look.box.height / frame.size)
    if not any(shown):
        msg = (
            "Expected a film with the animal, got none that is seen with likelihood "
            f"{min_likelihood:g}: lower --likelihood, or take another film"
        )
        raise ModelError(msg)
    off = np.stack(off_px)
    in_boxes = off[np.array(in_box)]
    return Following(
        frames=len(off),
        shown_frames=sum(shown),
        lost_frames=sum(lost),
        longest_lost=_longest(lost),
        median_px=float(np.nanmedian(off)),
        in_boxes_median_px=(
            float(np.nanmedian(in_boxes)) if np.isfinite(in_boxes).any() else None
        ),
        p99_px=float(np.nanpercentile(off, 99)),
        further_than_10_px=float((off[np.isfinite(off)] > 10).mean()),
        median_pixels=float(np.median(pixels)),
    )


def _longest(flags: list[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest
