"""Heat maps to keypoints: where each body part is most likely, refined below a cell.

As DeepLabCut does it: the best cell of each map, its centre in pixels, and the
offset that the network predicts at that cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode_peaks"]


def decode_peaks(
    heatmap: NDArray[np.float32],
    locref: NDArray[np.float32],
    *,
    stride_px: float,
    locref_stdev_px: float,
) -> NDArray[np.float32]:
    """Return the keypoints of one picture.

    Parameters
    ----------
    heatmap
        (bodyparts, rows, columns), likelihood.
    locref
        (2 x bodyparts, rows, columns): x and y of the first body part, x and y of
        the second, …; in units of `locref_stdev_px`.
    stride_px
        Pixels of the network's input per cell.
    locref_stdev_px
        Pixels per unit of `locref`.

    Returns
    -------
    ndarray of float32
        (bodyparts, 3): x and y in pixels of the input, likelihood.

    Examples
    --------
    >>> heatmap = np.zeros((1, 2, 3), np.float32)
    >>> heatmap[0, 1, 2] = 0.5
    >>> locref = np.full((2, 2, 3), 0.25, np.float32)
    >>> decode_peaks(heatmap, locref, stride_px=8, locref_stdev_px=4)
    array([[21. , 13. ,  0.5]], dtype=float32)
    """
    bodyparts, _, columns = heatmap.shape
    part = np.arange(bodyparts)
    flat = heatmap.reshape(bodyparts, -1)
    cell = flat.argmax(axis=1)
    offsets = locref.reshape(bodyparts, 2, -1)[part, :, cell]
    keypoints = np.empty((bodyparts, 3), np.float32)
    keypoints[:, 0] = (cell % columns + 0.5) * stride_px
    keypoints[:, 1] = (cell // columns + 0.5) * stride_px
    keypoints[:, :2] += offsets * np.float32(locref_stdev_px)
    keypoints[:, 2] = flat[part, cell]
    return keypoints
