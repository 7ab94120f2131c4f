"""Frames that look different from one another: k-means on small pictures.

As DeepLabCut extracts frames (Nath et al. 2019, Nature Protocols,
doi:10.1038/s41596-019-0176-0), but of each cluster the frame nearest to its centre.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.vq import kmeans2  # pyright: ignore[reportMissingTypeStubs]

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["by_appearance", "clusters_of", "thumbnail"]

_SIDE_PX = 32
_ROUNDS = 20


def thumbnail(frame: NDArray[np.uint8], side_px: int = _SIDE_PX) -> NDArray[np.float32]:
    """Return a frame as a small grey picture: means of its blocks.

    Parameters
    ----------
    frame
        (height, width) or (height, width, 3).
    side_px
        Of the longer side, about.

    Returns
    -------
    ndarray of float32
        (rows, columns).
    """
    grey = frame.mean(axis=2) if frame.ndim > 2 else frame
    step = max(1, max(grey.shape) // side_px)
    rows, columns = (max(1, n // step) for n in grey.shape)
    cut = grey[: rows * step, : columns * step].astype(np.float32)
    blocks = cut.reshape(rows, min(step, len(cut)), columns, -1)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def clusters_of(
    thumbnails: NDArray[np.float32], clusters: int, seed: int
) -> NDArray[np.int64]:
    """Return which pictures look alike.

    Parameters
    ----------
    thumbnails
        (pictures, rows, columns).
    clusters
        How many, at most.
    seed
        The same seed gives the same clusters.

    Returns
    -------
    ndarray of int64
        (pictures,): number of each one's cluster.
    """
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float64)
    different = len(np.unique(flat, axis=0))
    _, cluster = kmeans2(
        flat - flat.mean(axis=0),
        min(clusters, different),  # more cannot be begun with
        iter=_ROUNDS,
        minit="++",
        rng=np.random.default_rng(seed),
        missing="warn",
    )
    return cluster.astype(np.int64)


def by_appearance(
    thumbnails: NDArray[np.float32], clusters: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return pictures by what they show: one of each cluster first, then the next.

    Parameters
    ----------
    thumbnails
        (pictures, rows, columns).
    clusters
        How many; no more than there are pictures.
    seed
        The same seed gives the same order.

    Returns
    -------
    order
        (pictures,): numbers, the first of each cluster before the second of any.
    share
        (pictures,), in that order: of all pictures, those in its cluster.
    """
    count = len(thumbnails)
    flat = thumbnails.reshape(count, -1).astype(np.float64)
    cluster = clusters_of(thumbnails, clusters, seed)
    rank = np.empty(count, np.int64)
    size = np.bincount(cluster)[cluster]
    for k in np.unique(cluster):
        members = np.flatnonzero(cluster == k)
        middle = flat[members].mean(axis=0)
        far = np.linalg.norm(flat[members] - middle, axis=1)
        rank[members[np.argsort(far, kind="stable")]] = np.arange(len(members))
    order = np.lexsort((np.arange(count), cluster, -size, rank))
    return order, size[order] / count
