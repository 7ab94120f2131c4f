"""By how many whole frames what is seen is off from what is known: a test of its own.

Not the levels are compared but their steps, so that a pulse many frames long is as
clear as one of a single frame, and slow changes of the light do not count. What chance
and the line's own rhythm can do is taken from the same recording: from shifts by so
much that nothing can fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["ShiftTest", "correlations", "held_against", "shift_test"]

_CLEAR = 1.5
"""The best shift must go with what is seen so many times better than the second …"""
_WORSE = 2.5
"""… or the second must leave so many times as much unexplained as the best."""
_SHARE = 0.5
"""Shifts at which less than this of the line is within what was seen do not count."""
_SURE = 6.0
"""So many standard deviations of what chance does must it be worth."""
_TINY = 1e-9
_LEAST_STEPS = 4
"""Fewer steps of the line do not tell anything."""


@dataclass(frozen=True, slots=True, eq=False)
class ShiftTest:
    """How well each shift fits."""

    shifts: NDArray[np.int64]
    """(m,) in frames; positive where what is seen comes late."""
    correlation: NDArray[np.float64]
    """(m,) -1 to 1."""
    best: int
    """The shift that fits best, of those within reach."""
    rival: int
    """The one that fits second, of all."""
    ratio: float
    """How many times better the best goes with what is seen than the second does;
    infinite at most."""
    worse: float
    """How many times as much the second leaves unexplained as the best."""
    z: float
    """The best's correlation, in standard deviations of what chance does."""
    verdict: Literal["unique", "ambiguous", "absent"]
    """Absent: nothing that is seen follows the line, at no shift."""


def correlations(
    predicted: NDArray[np.float64],
    places: NDArray[np.int64],
    levels: NDArray[np.float64],
    shifts: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return how the steps of what is seen go with those of what is predicted.

    Parameters
    ----------
    predicted
        (n,) levels for all places.
    places
        (k,) places at which something was seen, in order.
    levels
        (k,) or (k, spots) what was seen there.
    shifts
        (m,) in places; positive where what is seen comes late.

    Returns
    -------
    (m,) or (m, spots), -1 to 1.
    """
    steps: NDArray[np.float64] = np.diff(predicted)
    follows = np.flatnonzero((np.diff(places) == 1) & (_known(steps)[places[:-1]] > 0))
    seen = levels[follows + 1] - levels[follows]
    at = places[follows][:, None] - shifts
    inside = (at >= 0) & (at < len(steps))
    at = np.clip(at, 0, max(len(steps) - 1, 0))
    expected = np.where(inside, steps[at], 0.0)
    counted = np.where(inside, _known(steps)[at], 0.0)
    size = (expected**2).sum(axis=0).reshape(-1, *[1] * (levels.ndim - 1))
    return _normalised(expected.T @ seen, size, counted.T @ seen**2)


def shift_test(
    predicted: NDArray[np.float64],
    levels: NDArray[np.float64],
    *,
    reach: int = 5,
    far: int = 250,
) -> ShiftTest:
    """Tell by how many places what is seen is off.

    Parameters
    ----------
    predicted
        (n,) what should be seen at each place.
    levels
        (n,) what is seen; NaN where nothing was.
    reach
        The answer is within so many places to either side.
    far
        Shifts up to here must fit worse: a regular line fits again a period later.
    """
    places = np.flatnonzero(np.isfinite(levels))
    shifts = np.arange(-far, far + 1)
    found = _all_correlations(predicted, levels, far)
    near = np.abs(shifts) <= reach
    best = int(np.argmax(np.where(near, np.abs(found), -1.0)))
    fit = found * np.sign(found[best])
    others = fit.copy()
    others[best] = -np.inf
    rival = int(np.argmax(others))
    # what the line's own rhythm makes of the best fit is no chance
    own = np.where(np.isfinite(levels), _moved(predicted, int(shifts[best])), np.nan)
    rest = found - found[best] * _all_correlations(predicted, own, far)
    afar: NDArray[np.float64] = np.abs(rest[~near])
    chance = 1.4826 * float(np.median(afar)) if len(afar) else 0.0
    z = float(fit[best]) / max(chance, _TINY)
    ratio, worse = _apart(float(fit[best]), float(fit[rival]))
    steps = np.abs(np.diff(predicted[places]))
    told = (steps > 0.5 * steps.max(initial=0.0)).sum() >= _LEAST_STEPS and z > _SURE
    verdict = "unique" if _is_clear(ratio, worse) else "ambiguous"
    return ShiftTest(
        shifts,
        found,
        int(shifts[best]),
        int(shifts[rival]),
        ratio,
        worse,
        z,
        verdict if told else "absent",
    )


def held_against(
    test: ShiftTest, rivals: Mapping[int, float], correlation: float
) -> ShiftTest:
    """Return a test that has seen more rivals.

    Parameters
    ----------
    test
        What was found.
    rivals
        How well others go with what is seen, -1 to 1, by their shift.
    correlation
        How well the best does, measured in the same way.
    """
    found = test
    for shift, other in rivals.items():
        ratio, worse = _apart(abs(correlation), other * np.sign(correlation))
        if worse < found.worse:
            found = replace(found, rival=shift, ratio=ratio, worse=worse)
    if found.verdict == "unique" and not _is_clear(found.ratio, found.worse):
        return replace(found, verdict="ambiguous")
    return found


def _apart(best: float, rival: float) -> tuple[float, float]:
    """Return how much better the best goes, and how much worse the rival leaves it."""
    ratio = best / rival if rival > 0 else float("inf")
    left = [1 - min(max(fit, 0.0), 1 - _TINY) ** 2 for fit in (best, rival)]
    return ratio, float(np.sqrt(left[1] / left[0]))


def _is_clear(ratio: float, worse: float) -> bool:
    return ratio > _CLEAR or worse > _WORSE


def _moved(predicted: NDArray[np.float64], shift: int) -> NDArray[np.float64]:
    """Return what is predicted at each place when what is seen comes so much late."""
    at = np.clip(np.arange(len(predicted)) - shift, 0, max(len(predicted) - 1, 0))
    return predicted[at]


def _all_correlations(
    predicted: NDArray[np.float64], levels: NDArray[np.float64], far: int
) -> NDArray[np.float64]:
    """Return `correlations` of all shifts up to `far`, by one transform."""
    steps: NDArray[np.float64] = np.diff(predicted)
    # at the line's ends, a shift must not be told by what is missing there
    known = np.isfinite(np.diff(levels)) & (_known(steps) > 0)
    seen: NDArray[np.float64] = np.where(known, np.diff(levels), 0.0)
    length = 1 << int(len(steps) + far).bit_length()

    def along(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[Any]:
        spectrum = np.fft.rfft(one, length) * np.fft.rfft(other, length).conj()
        found = np.fft.irfft(spectrum, length)
        return np.concatenate([found[length - far :], found[: far + 1]])

    size = along(known.astype(np.float64), steps * steps)
    return _normalised(along(seen, steps), size, along(seen * seen, _known(steps)))


def _known(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 from the line's first step to its last (n,), 0 beyond: as it may be."""
    found = np.zeros(len(steps))
    at = np.flatnonzero(steps)
    if len(at):
        found[at[0] : at[-1] + 1] = 1.0
    return found


def _normalised(
    along: NDArray[np.float64], expected: NDArray[np.float64], seen: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return correlations, by the squares of what is expected and of what is seen."""
    enough = (expected > _SHARE * expected.max(initial=_TINY)) & (seen > _TINY)
    scale = np.sqrt(np.where(enough, expected * seen, 1.0))
    return np.where(enough, np.clip(along / scale, -1.0, 1.0), 0.0)
