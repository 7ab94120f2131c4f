"""Two signals that should go together, held against each other window by window.

For cues that nobody made for the purpose, such as what an animal does before a camera
and on a force plate. A window says by how much the one is late; all of them must say
the same before anything is believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WindowShifts", "window_shifts"]

_CLEAR = 1.3
"""Of a window that tells: the best peak over the second."""
_MOST = 0.6
"""More than this share of the windows must be clear."""
_LEAST_LIKE = 0.4
"""A window whose best correlation is smaller tells nothing."""
_QUIET = 0.05
"""Windows in which so little happens, of the liveliest, are not asked."""
_AGREE = 1.0
"""In elements: so near the median are windows that agree with it."""
_LEAST = 3
_GAPS = 0.1
"""A window with more missing than this is not asked."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowShifts:
    """What the windows say."""

    first: NDArray[np.int64]
    """(w,) the first place of each window that was asked."""
    shift: NDArray[np.float64]
    """(w,) by how many elements the one is late in each; NaN where it does not tell."""
    ratio: NDArray[np.float64]
    """(w,) the best peak over the second; NaN where it does not tell."""
    accepted: bool
    """Whether enough windows are clear, and agree."""
    median: float
    """Shift of the clear windows, in elements; NaN of none."""
    sd: float
    """Robust standard deviation of it, from window to window."""
    clear: int
    """Windows that are clear."""


def window_shifts(
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    *,
    length: int,
    reach: int,
) -> WindowShifts:
    """Tell by how many elements one signal is late against another.

    Parameters
    ----------
    one, other
        (n,) both at the same moments; NaN where there is nothing.
    length
        Elements of a window.
    reach
        Shifts up to here are compared.
    """
    starts = np.arange(0, len(one) - length + 1, length, dtype=np.int64)
    pairs: list[tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]] = [
        (_filled(one[first : first + length]), _filled(other[first : first + length]))
        for first in starts.tolist()
    ]
    lively: NDArray[np.float64] = np.array([_liveliness(*pair) for pair in pairs])
    asked: NDArray[np.int64] = np.flatnonzero(
        lively > np.sqrt(_QUIET) * lively.max(initial=0.0)
    )
    shift = np.full(len(asked), np.nan)
    ratio = np.full(len(asked), np.nan)
    for k in range(len(asked)):
        shift[k], ratio[k] = _shift(pairs[int(asked[k])], reach)
    clear = np.isfinite(shift) & (ratio > _CLEAR)
    if not clear.any():
        nan = float("nan")
        return WindowShifts(starts[asked], shift, ratio, False, nan, nan, 0)
    median = float(np.median(shift[clear]))
    near = np.abs(shift[clear] - median)
    enough = clear.sum() >= _LEAST and clear.mean() > _MOST
    return WindowShifts(
        starts[asked],
        shift,
        ratio,
        bool(enough and np.mean(near <= _AGREE) > _MOST),
        median,
        1.4826 * float(np.median(near)),
        int(clear.sum()),
    )


def _liveliness(
    one: NDArray[np.float64] | None, other: NDArray[np.float64] | None
) -> float:
    return 0.0 if one is None or other is None else float(other.std())


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return a window without its mean, small gaps filled; None of large ones."""
    known = np.isfinite(values)
    if not known.any() or known.mean() < 1 - _GAPS:
        return None
    at = np.arange(len(values))
    whole = np.interp(at, at[known], values[known])
    return whole - whole.mean()


def _shift(
    pair: tuple[NDArray[np.float64] | None, NDArray[np.float64] | None], reach: int
) -> tuple[float, float]:
    """Return by how much the one is late, and how clearly; NaN if it does not tell."""
    nothing = float("nan"), float("nan")
    one, other = pair
    if one is None or other is None:
        return nothing
    size = float(np.sqrt((one @ one) * (other @ other)))
    if size <= 0:
        return nothing
    reach = min(reach, len(one) - 2)
    whole: NDArray[np.float64] = np.correlate(one, other, "full") / size
    middle = len(other) - 1
    found = whole[middle - reach : middle + reach + 1]
    peaks = 1 + np.flatnonzero((found[1:-1] > found[:-2]) & (found[1:-1] >= found[2:]))
    if not len(peaks) or found[peaks].max() < _LEAST_LIKE:
        return nothing
    peaks = peaks[np.argsort(-found[peaks])]
    best = int(peaks[0])
    second = max(float(found[peaks[1]]) if len(peaks) > 1 else 0.0, 0.0)
    before, top, after = (float(found[best + step]) for step in (-1, 0, 1))
    bend = before - 2 * top + after
    part = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return best - reach + part, top / second if second > 0 else float("inf")
