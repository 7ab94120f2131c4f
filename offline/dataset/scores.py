"""How much a frame is worth labelling, by what a model made of it. Pure.

After the outlier criteria of DeepLabCut (Nath et al. 2019, Nature Protocols,
doi:10.1038/s41596-019-0176-0): uncertain, jump; and where two models disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["LIKELY", "apart_px", "disagreement_px", "jumps_px", "uncertainty"]

_LEAST_LIKELIHOOD = 0.1
"""Below it a place means nothing: it cannot leap."""
LIKELY = 0.5
"""Two models that are less sure of a place are not held against one another in it."""


def uncertainty(poses: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how unsure the model was of its parts together.

    Parameters
    ----------
    poses
        (frames, bodyparts, 3): x px, y px, likelihood.

    Returns
    -------
    ndarray of float64
        (frames,): 0, sure of all, to 1, sure of none.
    """
    return 1 - np.clip(poses[:, :, 2], 0, 1).mean(axis=1, dtype=np.float64)


def jumps_px(
    frames: NDArray[np.integer], poses: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return how far the part that leapt most came out of its own course.

    The course is the straight line between the poses before and after; a model that
    loses a part for one frame leaves it by far, an animal that runs hardly does. Parts
    of which it is not sure at all are `uncertainty`'s.

    Parameters
    ----------
    frames
        (poses,) numbers of the frames, rising.
    poses
        (poses, bodyparts, 3).

    Returns
    -------
    ndarray of float64
        (poses,): px; 0 for the first and the last.
    """
    found = np.zeros(len(poses))
    if len(poses) < 3 or poses.shape[1] == 0:
        return found
    xy = poses[:, :, :2].astype(np.float64)
    before, at, after = frames[:-2], frames[1:-1], frames[2:]
    share = ((at - before) / (after - before))[:, None, None]
    course = xy[:-2] + share * (xy[2:] - xy[:-2])
    apart = np.hypot(*np.moveaxis(xy[1:-1] - course, 2, 0))
    sure = poses[1:-1, :, 2] >= _LEAST_LIKELIHOOD
    found[1:-1] = np.where(sure, apart, 0.0).max(axis=1)
    return found


def apart_px(
    first: NDArray[np.floating], second: NDArray[np.floating], least: ArrayLike
) -> NDArray[np.float64]:
    """Return how far two models are apart in each part.

    Parameters
    ----------
    first, second
        (frames, bodyparts, 3), of the same frames and parts.
    least
        Likelihood that both must have; one, or one for each body part.

    Returns
    -------
    ndarray of float64
        (frames, bodyparts): px; NaN where one of them is less sure, or says nothing.
    """
    away = first[:, :, :2].astype(np.float64) - second[:, :, :2]
    apart = np.hypot(*np.moveaxis(away, 2, 0))
    sure = np.minimum(first[:, :, 2], second[:, :, 2]) >= np.asarray(least)
    return np.where(sure & np.isfinite(apart), apart, np.nan)


def disagreement_px(
    first: NDArray[np.floating], second: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return how far two models are apart in the part on which they agree least.

    Parameters
    ----------
    first, second
        (frames, bodyparts, 3), of the same frames and parts.

    Returns
    -------
    ndarray of float64
        (frames,): px; 0 where there is no part that both find likely.
    """
    apart = np.nan_to_num(apart_px(first, second, LIKELY))
    return apart.max(axis=1, initial=0.0)
