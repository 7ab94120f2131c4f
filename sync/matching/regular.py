"""Regular trains: only what pulses do beside their grid tells which is which.

Camera triggers and frame clocks fit one period later as well as now. Two logs of one
train share its dither, or its generator's jitter, and nothing else, so the residuals
about each log's own grid are correlated over every shift at once. A shift is taken
when it stands out (z > 10) and no other comes half as high.

Each other shift is then weighed against the best on the ticks present in both: the
products of the residuals, u·v at the best against u·v' at the other, by their mean and
its standard error. It is the difference of squared residuals without the terms that
are noise alone, and finds a common jitter of a tenth of the noise. Missing pulses say
nothing here, not even when the same ones miss in both logs: a buffer that overflows
can lose alike what was not the same.

One more trap: stamps counted in coarse ticks have a sawtooth of rounding, and two
sawteeth of logs that both drift look alike at a wrong shift. So what the logs have in
common must be larger than their rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sync.matching.attempt import LEAST_PAIRS, Attempt, drift_of
from sync.matching.curve import Pairing, refine, smooth
from sync.matching.grid import Grid, grid_of, period_of
from sync.matching.logs import Logs
from sync.matching.trains import resolution
from sync.matching.weigh import LEAST_Z, MOST_RATIO

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["attempt_regular", "grids_of"]

_PEAKS = 8
_WORTH_A_LOOK = 6.0
_LARGEST_MULTIPLE = 8
_ROUNDING = 2.0
"""What is common must exceed the variance of rounding so many times."""


def grids_of(
    source: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[Grid, Grid] | None:
    """Return both runs on grids of one period, None unless both are regular.

    One may hold only every second, third … pulse of the other.
    """
    ours, theirs = period_of(source), period_of(target)
    if ours is None or theirs is None:
        return None
    multiple = round(max(ours, theirs) / min(ours, theirs))
    if 1 < multiple <= _LARGEST_MULTIPLE:
        ours, theirs = (
            p / multiple if p > min(ours, theirs) else p for p in (ours, theirs)
        )
    left, right = grid_of(source, ours), grid_of(target, theirs)
    return None if left is None or right is None else (left, right)


def attempt_regular(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    grids: tuple[Grid, Grid],
    drift: float,
) -> Attempt | None:
    """Align two regular runs; None when their periods differ."""
    logs = Logs(*grids)
    if not logs.same_period(drift):
        return None
    lags, z, overlap = logs.correlation()
    if not lags.size:
        return _undecided(logs, 0, [], "the runs are too short to compare")
    at = int(np.argmax(z)) if z.max() > _WORTH_A_LOOK else int(np.argmax(overlap))
    best, best_z = int(lags[at]), float(z[at])
    peaks = [int(lags[k]) - best for k in _peaks(z, at) if z[k] > _WORTH_A_LOOK]
    if best_z <= LEAST_Z:
        why = f"no shift stands out among the regular pulses (z = {best_z:.1f})"
        return _undecided(logs, best, peaks, why)
    pairing = _refined(logs, best, source, target)
    if pairing is None or not _slow(pairing, source, target, drift):
        return _undecided(logs, best, peaks, "the best shift does not hold throughout")
    return _judged(logs, pairing, best_z, peaks, (source, target))


def _refined(
    logs: Logs, lag: int, source: NDArray[np.float64], target: NDArray[np.float64]
) -> Pairing | None:
    """Return the pairs in time of those on equal ticks, as far as they agree."""
    part = logs.confirmed(*logs.pairs(lag))
    if part is None or part[0].size < LEAST_PAIRS:
        return None
    i, j = part
    period = float(np.median(np.diff(source)))
    tick = max(resolution(source), resolution(target))
    floor = min(1.5 * tick, 0.2 * period)
    curve = smooth(source[i], target[j] - source[i])
    pairing = refine(source, target, curve, 0.4 * period, floor)
    if pairing is None:
        return None
    part = logs.confirmed(pairing.source, pairing.target)
    if part is None or part[0].size < LEAST_PAIRS:
        return None
    keep = (pairing.source >= part[0][0]) & (pairing.source <= part[0][-1])
    return Pairing(
        pairing.source[keep],
        pairing.target[keep],
        pairing.residual_ns[keep],
        pairing.curve,
        pairing.gate_ns,
    )


def _slow(
    pairing: Pairing,
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    drift: float,
) -> bool:
    slope, error = drift_of(pairing, source, target)
    return abs(slope) <= 1.01 * drift + 5.0 * error


def _peaks(z: NDArray[np.float64], best: int) -> list[int]:
    """Return where the highest of the other shifts are."""
    count = min(_PEAKS + 1, z.size)
    top = np.argpartition(z, -count)[-count:]
    return [int(k) for k in top if k != best]


def _undecided(logs: Logs, best: int, peaks: list[int], why: str) -> Attempt:
    candidates = logs.weigh(logs.pairs(best), peaks)
    empty = np.zeros(0, np.int64)
    others = [c for c in candidates if c.shift_ns]
    z = min((c.z for c in others), default=0.0)
    ratio = max((c.ratio for c in others), default=1.0)
    return Attempt(empty, empty, 0.0, False, why, candidates, z, ratio)


def _judged(
    logs: Logs,
    pairing: Pairing,
    best_z: float,
    peaks: list[int],
    runs: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> Attempt:
    candidates = logs.weigh((pairing.source, pairing.target), peaks)
    others = [c for c in candidates if c.shift_ns]
    z = min([best_z, *(c.z for c in others)])
    ratio = max((c.ratio for c in others), default=1.0)
    common = logs.common_variance((pairing.source, pairing.target))
    rounding = resolution(runs[0]) * resolution(runs[1]) / 12.0
    why = f"the pulses' own jitter marks the shift (z = {z:.0f})"
    unique = False
    if pairing.source.size < LEAST_PAIRS:
        why = f"only {pairing.source.size} pulses match, too few to decide"
    elif not others:
        why = "there was nothing to compare it with"
    elif common <= _ROUNDING * rounding:
        why = "what the logs have in common is no more than their stamps' rounding"
    elif ratio >= MOST_RATIO:
        rival = max(others, key=lambda c: c.ratio)
        why = (
            f"{rival.shift_pulses:+d} pulses further it fits nearly as well "
            f"(second to first {ratio:.2f}, z = {z:.1f})"
        )
    elif z <= LEAST_Z:
        why = f"the pulses' jitter is too little to be sure (z = {z:.1f}, not above 10)"
    else:
        unique = True
    return Attempt(
        pairing.source,
        pairing.target,
        pairing.sd_ns,
        unique,
        why,
        candidates,
        z,
        ratio,
    )
