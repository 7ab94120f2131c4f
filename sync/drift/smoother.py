"""The filter and the smoother of a wandering clock: two states, plain floats.

The state is the offset (ns) and the skew (ns/s, that is ppb); the skew is a random
walk of density q (ppb²/s), so that the offset is an integrated one. A scalar loop is
what fits here: each step needs the one before, and 2 x 2 algebra written out costs
two microseconds, where array calls would cost fifty.

Method: Kalman (1960); Rauch, Tung & Striebel (1965); likelihood by the innovations
(Schweppe 1965). Determinants are carried along in closed form, because a difference of
large products would lose them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Filtered", "Knots", "run_filter", "smooth"]

_UNKNOWN = 100.0
"""Before the first pulse, offset and skew are known to so many times what is seen of
them: wide enough to say nothing, not so wide that what they lose of it in the first
steps drowns in rounding."""
_UNINFORMED = 2
"""Innovations that the prior decides: they tell nothing of the clock."""

_State = tuple[float, float, float, float, float, float]
"""Offset, skew, their variances a and c, covariance b, determinant a c - b²."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """A run of the filter."""

    predicted: list[_State]
    updated: list[_State]
    log_likelihood: float
    nis: float
    """Mean of the squared innovations over what was expected; 1 if all is well."""


@dataclass(frozen=True, slots=True, eq=False)
class Knots:
    """The smoothed state at each time, with all that lies between being determined."""

    time_s: NDArray[np.float64]
    offset_ns: NDArray[np.float64]
    skew_ppb: NDArray[np.float64]
    covariance: NDArray[np.float64]
    """(n, 3): variance of the offset, covariance, variance of the skew."""
    cross: NDArray[np.float64]
    """(n - 1, 2, 2): covariance of each state with the next one."""
    wander: float
    """q, in ppb²/s."""


def run_filter(
    time_s: Sequence[float],
    offset_ns: Sequence[float],
    variance: Sequence[float],
    wander: float,
) -> Filtered:
    """Filter offsets.

    Parameters
    ----------
    time_s
        (n,) rising.
    offset_ns
        (n,) observed offsets.
    variance
        (n,) of each observation, ns².
    wander
        q, in ppb²/s.
    """
    predicted: list[_State] = []
    updated: list[_State] = []
    x = v = b = 0.0
    a, c = _prior(time_s, offset_ns, variance, wander)
    det = a * c
    before = time_s[0]
    score = squares = 0.0
    for k, (now, y, r) in enumerate(zip(time_s, offset_ns, variance, strict=True)):
        dt = now - before
        before = now
        if dt > 0.0:
            x += dt * v
            a += dt * (2.0 * b + dt * c)
            b += dt * c
            q11 = wander * dt
            q01 = 0.5 * q11 * dt
            q00 = q01 * dt * (2.0 / 3.0)
            det += a * q11 + c * q00 - 2.0 * b * q01 + q11 * q00 - q01 * q01
            a += q00
            b += q01
            c += q11
        predicted.append((x, v, a, b, c, det))
        s = a + r
        innovation = y - x
        ka, kb = a / s, b / s
        x += ka * innovation
        v += kb * innovation
        c -= kb * b
        a *= r / s
        b *= r / s
        det *= r / s
        updated.append((x, v, a, b, c, det))
        if k >= _UNINFORMED:
            square = innovation * innovation / s
            squares += square
            score += log(s) + square
    n = len(updated) - _UNINFORMED
    nis = squares / n if n > 0 else 1.0
    return Filtered(predicted, updated, -0.5 * score, nis)


def _prior(
    time_s: Sequence[float],
    offset_ns: Sequence[float],
    variance: Sequence[float],
    wander: float,
) -> tuple[float, float]:
    """Return the variances of offset and skew before the first pulse."""
    seen = max(map(abs, offset_ns)) + max(variance) ** 0.5
    span = time_s[-1] - time_s[0] or 1.0
    offset = (_UNKNOWN * seen) ** 2
    least = min(b - a for a, b in pairwise(time_s)) if len(time_s) > 1 else span
    skew = (_UNKNOWN * seen / span) ** 2 + _UNKNOWN**2 * (
        wander * span + variance[0] / max(least, 1e-3 * span) ** 2
    )
    return offset, skew


def smooth(time_s: Sequence[float], filtered: Filtered, wander: float) -> Knots:
    """Smooth backwards what was filtered."""
    n = len(filtered.updated)
    x, v, a, b, c, _ = filtered.updated[-1]
    states = [(x, v, a, b, c)]
    crosses: list[tuple[float, float, float, float]] = []
    for k in range(n - 2, -1, -1):
        fx, fv, fa, fb, fc, _ = filtered.updated[k]
        px, pv, pa, pb, pc, det = filtered.predicted[k + 1]
        dt = time_s[k + 1] - time_s[k]
        # gain = P Fᵀ Pp⁻¹, written out
        h00, h01 = fa + dt * fb, fb
        h10, h11 = fb + dt * fc, fc
        g00, g01 = (h00 * pc - h01 * pb) / det, (h01 * pa - h00 * pb) / det
        g10, g11 = (h10 * pc - h11 * pb) / det, (h11 * pa - h10 * pb) / det
        c00, c01 = g00 * a + g01 * b, g00 * b + g01 * c
        c10, c11 = g10 * a + g11 * b, g10 * b + g11 * c
        crosses.append((c00, c01, c10, c11))
        dx, dv = x - px, v - pv
        x, v = fx + g00 * dx + g01 * dv, fv + g10 * dx + g11 * dv
        da, db, dc = a - pa, b - pb, c - pc
        m00, m01 = g00 * da + g01 * db, g00 * db + g01 * dc
        m10, m11 = g10 * da + g11 * db, g10 * db + g11 * dc
        a = fa + m00 * g00 + m01 * g01
        b = fb + m00 * g10 + m01 * g11
        c = fc + m10 * g10 + m11 * g11
        states.append((x, v, a, b, c))
    found = np.array(states[::-1], np.float64)
    return Knots(
        time_s=np.asarray(time_s, np.float64),
        offset_ns=found[:, 0],
        skew_ppb=found[:, 1],
        covariance=np.maximum(found[:, 2:], [0.0, -np.inf, 0.0]),
        cross=np.array(crosses[::-1], np.float64).reshape(-1, 2, 2),
        wander=wander,
    )
