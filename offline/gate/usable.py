"""How many points a rig could act upon, with one model and with another. Pure.

A median does not see a body part that is lost, nor every tenth point that leaps across
the picture, nor a network that is exact and never sure: any of them spoils a session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.evaluation.resampling import estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from offline.evaluation.errors import Seen
    from offline.evaluation.resampling import Estimate

__all__ = ["Gain", "Usable", "usable"]

_NEAR = 0.9
"""Of the current model's points are near, by definition."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Share of the points that can be used: a candidate's less the current one's."""

    frames: int
    """That have such points."""
    share: Estimate


@dataclass(frozen=True, slots=True)
class Usable:
    """Of all points together, and of each body part."""

    overall: Gain
    parts: Mapping[str, Gain]


def usable(
    current: Seen,
    candidate: Seen,
    *,
    parts: Sequence[str],
    is_labelled: NDArray[np.bool_],
    weights: NDArray[np.integer],
    room_px: float,
) -> Usable:
    """Return how many more points can be used.

    A point can be used that is likely enough, and no farther off than nine of ten of
    the current model's points of that part, and some room.

    Parameters
    ----------
    current, candidate
        What they made of the same frames.
    parts
        The labels'.
    is_labelled
        (frames, parts).
    weights
        (repeats, frames): how often each frame was drawn.
    room_px
        So much farther off is still near.
    """
    of = is_labelled & current.parts & candidate.parts
    far_px = _far_px(np.where(of, current.errors_px, np.nan)) + room_px
    mine, theirs = (
        one.is_kept & (one.errors_px <= far_px) & of for one in (candidate, current)
    )
    gained = mine.astype(np.int8) - theirs
    return Usable(
        _gain(gained, of, weights),
        {
            part: _gain(gained[:, k : k + 1], of[:, k : k + 1], weights)
            for k, part in enumerate(parts)
            if of[:, k].any()
        },
    )


def _far_px(errors_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (parts,): 0 where the current model gave nothing to tell it from."""
    far_px = np.zeros(errors_px.shape[1])
    told = np.isfinite(errors_px).any(axis=0)
    far_px[told] = np.nanquantile(errors_px[:, told], _NEAR, axis=0)
    return far_px


def _gain(
    gained: NDArray[np.int8], of: NDArray[np.bool_], weights: NDArray[np.integer]
) -> Gain:
    more, whole = (cells.sum(axis=1).astype(np.float64) for cells in (gained, of))
    with np.errstate(invalid="ignore"):
        drawn = (weights @ more) / (weights @ whole)
        value = float(np.divide(more.sum(), whole.sum()))
    return Gain(int((whole > 0).sum()), estimate(value, drawn))
