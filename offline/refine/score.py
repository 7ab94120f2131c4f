"""How much each frame of a view is worth a label, and why. Pure.

Four reasons, each as a number from 0 to 1, are added up. Pixels are told in the
animal's own size, and no reason counts for more than 1: one part that is wildly wrong
does not outweigh a frame in which everything is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.dataset.scores import LIKELY, disagreement_px, jumps_px, uncertainty

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.dataset.choosing import Criterion

    Floats = NDArray[np.float64]

__all__ = ["REASONS", "Scores", "animal_px", "score"]

REASONS: tuple[Criterion, ...] = ("disagreement", "fires", "jumps", "likelihood")
_IN_PX: tuple[Criterion, ...] = ("disagreement", "jumps")
_FAR = 0.25
"""Of the animal's size: so far off is as wrong as can be."""
_LEAST_PX = 20.0
"""No animal is smaller, when nothing likely tells its size."""
_SPOKEN = 0.1
"""A reason that counts for less is not told."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What speaks for each frame of a view."""

    value: dict[Criterion, Floats]
    """By reason (frames,), in its own unit: px, or 0 to 1."""
    share: dict[Criterion, Floats]
    """By reason (frames,), 0 to 1."""

    @property
    def total(self) -> Floats:
        """(frames,), 0 to 4."""
        return np.sum([self.share[name] for name in REASONS], axis=0)

    def reasons(self, frame: int) -> list[tuple[Criterion, float]]:
        """Return what speaks for a frame, the strongest first, each in its own unit."""
        shares = {name: float(self.share[name][frame]) for name in REASONS}
        order: list[Criterion] = sorted(REASONS, key=lambda name: -shares[name])
        told: list[Criterion] = [name for name in order if shares[name] >= _SPOKEN]
        if not told:
            told = order[:1]
        return [(name, float(self.value[name][frame])) for name in told]


def score(
    count: int,
    sides: list[tuple[NDArray[np.int64], NDArray[np.float32]]],
    both: tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]] | None,
    wrong_fires: NDArray[np.int64],
) -> Scores:
    """Return what speaks for each frame.

    Parameters
    ----------
    count
        Of the frames.
    sides
        Live and offline poses, as far as there are any: frames (n,), poses (n,
        bodyparts, 3).
    both
        Frames (n,) that both have, and the two sides' poses of the same parts.
    wrong_fires
        Frames on which a wrong fire hung.
    """
    value: dict[Criterion, Floats] = {name: np.zeros(count) for name in REASONS}
    for frames, poses in sides:
        _raise_to(value["likelihood"], frames, uncertainty(poses))
        _raise_to(value["jumps"], frames, jumps_px(frames, poses))
    if both is not None:
        frames, live, offline = both
        _raise_to(value["disagreement"], frames, disagreement_px(live, offline))
    value["fires"][wrong_fires[(wrong_fires >= 0) & (wrong_fires < count)]] = 1
    far_px = _FAR * animal_px([poses for _, poses in sides])
    share: dict[Criterion, Floats] = dict(value)
    for name in _IN_PX:
        share[name] = np.minimum(value[name] / far_px, 1)
    return Scores(value, share)


def animal_px(poses: list[NDArray[np.float32]]) -> float:
    """Return the usual extent of an animal: the diagonal around its likely parts.

    Parameters
    ----------
    poses
        Each (n, bodyparts, 3), of one animal in one view.
    """
    extents: list[Floats] = []
    for each in poses:
        xy = np.where(each[:, :, 2:] >= LIKELY, each[:, :, :2], np.nan)
        several = xy[np.isfinite(xy[:, :, 0]).sum(axis=1) >= 2]
        if len(several):
            extent = np.nanmax(several, axis=1) - np.nanmin(several, axis=1)
            extents.append(np.hypot(extent[:, 0], extent[:, 1]))
    if not extents:
        return _LEAST_PX
    return max(float(np.median(np.concatenate(extents))), _LEAST_PX)


def _raise_to(values: Floats, frames: NDArray[np.int64], found: Floats) -> None:
    """Put values in where they are higher than what is there."""
    np.maximum.at(values, frames, np.nan_to_num(found))
