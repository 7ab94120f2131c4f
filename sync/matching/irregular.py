"""Trains of random intervals: their own gaps say where they belong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sync.matching.attempt import (
    Attempt,
    credible,
    drift_of,
    trimmed,
)
from sync.matching.curve import Curve, Pairing, refine
from sync.matching.trains import resolution
from sync.matching.votes import curves_by_votes
from sync.matching.weigh import weigh

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["attempt_irregular"]

_TOLERANCES_NS = (3e4, 3e5, 3e6)
"""By how much a gap may differ between the trains; the smallest that does is best."""
_CURVES = 6
_THIN = 0.5
"""Share of the pulses, on the side with fewer, that must be paired: when few are,"""
_THINNEST = 0.3
"""and when many are."""
_MANY_PAIRS = 100
_LEAST_SURE = 18
"""Pairs without which a piece of a repeated pattern may pass for another."""


def attempt_irregular(
    source: NDArray[np.float64], target: NDArray[np.float64], drift: float
) -> Attempt | None:
    """Align two irregular runs; None when nothing fits beyond chance."""
    if min(source.size, target.size) < 6:
        return None
    tick = max(resolution(source), resolution(target))
    tick = min(tick, 0.01 * float(np.median(np.diff(source))))
    for tolerance in _TOLERANCES_NS:
        curves = curves_by_votes(source, target, tolerance + 2 * tick, drift, _CURVES)
        fits = [_fit(source, target, curve, tolerance, tick, drift) for curve in curves]
        good = [fit for fit in fits if fit is not None]
        if good:
            best = max(good, key=lambda fit: fit.source.size)
            return _judged(source, target, best, curves, tick)
    return None


def _fit(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    curve: Curve,
    tolerance: float,
    tick: float,
    drift: float,
) -> Pairing | None:
    usual = float(np.median(np.diff(source)))
    gate = max(4.0 * tolerance, min(4e6, 0.3 * usual))
    pairing = refine(source, target, curve, gate, 1.5 * tick)
    if pairing is None:
        return None
    pairing = trimmed(pairing, source, target)
    if pairing is None or not credible(pairing, source, target):
        return None
    slope, error = drift_of(pairing, source, target)
    return pairing if abs(slope) <= drift * 1.01 + 5.0 * error else None


def _too_few(
    best: Pairing, source: NDArray[np.float64], target: NDArray[np.float64]
) -> bool:
    """Say whether the pairs decide nothing, since a search makes as many by chance.

    Where most pulses have no partner, the best of thousands of slides of a regular or
    repeated train pairs far more than the others do, though it is as wrong as they. Of
    few pairs it is asked that they be the rule wherever the trains overlap.
    """
    count = best.source.size
    if count >= _MANY_PAIRS:
        ours = int(best.source[-1] - best.source[0]) + 1
        theirs = int(best.target[-1] - best.target[0]) + 1
        return count < _THINNEST * min(ours, theirs)
    there = best.curve(source)
    ours = np.count_nonzero((there >= target[0]) & (there <= target[-1]))
    theirs = np.count_nonzero((target >= there[0]) & (target <= there[-1]))
    return count < _LEAST_SURE or count < _THIN * min(ours, theirs)


def _judged(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    best: Pairing,
    curves: list[Curve],
    tick: float,
) -> Attempt:
    candidates, rivals = weigh(source, target, best, curves, tick)
    others = [c for c in candidates if c.shift_ns]
    z = min((c.z for c in others), default=0.0)
    ratio = max((c.ratio for c in others), default=1.0)
    few = _too_few(best, source, target)
    if few:
        why = f"only {best.source.size} pulses match, too few or too thin to decide"
    elif rivals:
        rival = max(rivals, key=lambda c: c.ratio)
        why = (
            f"slid by {rival.shift_ns / 1e9:+.6f} s it fits as well "
            f"(residual {rival.residual_ns / 1e3:.1f} µs against "
            f"{best.sd_ns / 1e3:.1f} µs, z = {rival.z:.1f})"
        )
    elif not others:
        why = "there was nothing to compare it with"
    else:
        why = f"every other alignment is clearly worse (z ≥ {z:.0f})"
    return Attempt(
        source=best.source,
        target=best.target,
        residual_ns=best.sd_ns,
        unique=not few and not rivals and bool(others),
        why=why,
        candidates=candidates,
        z=z,
        ratio=ratio,
    )
