"""How late a line is seen: by the light of exposures in which it changed.

::

    line        ┌────────────────┐
                │                │
    exposures ▐███▌  ▐███▌  ▐███▌│ ▐███▌     seen: 0.6  1  1  0

An exposure in which the line changes tells when it did, to a small part of its length;
one that is bright or dark throughout bounds it. Each edge gives a likelihood of the
delay, by all looks about it; those of all edges together give the delay, by how much
single ones scatter, and which of them were hidden or spoilt: these do not count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sync.cues.near import Near, looks_near
from sync.cues.shifts import ShiftTest, correlations, held_against, shift_test

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sync.cues.line import Line, Looks
    from sync.cues.near import Light

__all__ = ["Delay", "find_delay"]

_SPAN = 1.5
"""In periods: the delay is looked for so far to either side of the whole frame's."""
_STEPS = 320
_SPOILT = 0.05
"""Share of the edges that are thought to be hidden or spoilt, before looking."""
_LEFT = 0.01
"""The same, of those that were found to be good."""
_WARY = 4.0
"""By this times the share of spoilt edges, the variance of the answer grows."""
_TRIES = 3
_RIVALS = 12
_LIKELY = 0.5
"""Shifts that go half as well as the best are looked at again."""
_JITTERS = 12
_LEAST = 5
"""Fewer edges say nothing of a delay, nor of how they scatter."""


@dataclass(frozen=True, slots=True, eq=False)
class Delay:
    """How late a line is seen."""

    delay_ns: float
    """Seen minus line: what is seen at `t` was at `t - delay_ns`. NaN if not told."""
    sd_ns: float
    """Standard deviation of it."""
    spread_ns: float
    """Standard deviation of what a single edge says."""
    shift: ShiftTest
    """Whether it could be another whole frame, the delay taken off."""
    edges: int
    """Edges that the delay was made from."""
    spoilt: int
    """Edges that were hidden, or say something else than the others."""
    light: Light | None
    """How what is seen follows the line; None if it does not."""
    told: NDArray[np.int64]
    """(e,) which of the line's edges say a delay of their own."""
    told_ns: NDArray[np.float64]
    """(e,) what they say."""


def find_delay(line: Line, looks: Looks, *, reach: int = 5, far: int = 250) -> Delay:
    """Find how late a line is seen.

    Parameters
    ----------
    line
        The line, on the clock that the looks are thought to be on.
    looks
        What was seen.
    reach
        In looks: the delay is looked for so far to either side.
    far
        In looks: shifts up to here must fit worse, or the answer is ambiguous.

    Returns
    -------
    Delay
        Of NaN where nothing that was seen follows the line.
    """
    predicted = line.share(looks.begin_ns, looks.end_ns)
    shift = shift_test(predicted, looks.level, reach=reach, far=far)
    told, at_ns = _nothing(shift), 0.0
    for _ in range(_TRIES):
        told = _about(line, looks, at_ns + shift.best * looks.period_ns, shift)
        if told.shift.verdict == "absent":
            return told
        at_ns = told.delay_ns
        moved = line.share(looks.begin_ns - at_ns, looks.end_ns - at_ns)
        shift = shift_test(moved, looks.level, reach=reach, far=far)
        if not shift.best:
            return replace(told, shift=_rivalled(shift, line, looks, at_ns))
        # parts of frames have told what whole ones did not: once more from there
    return replace(told, shift=replace(shift, verdict="ambiguous"))


def _rivalled(shift: ShiftTest, line: Line, looks: Looks, delay_ns: float) -> ShiftTest:
    """Hold the best shift against the others once more, by time and not by places.

    Frames whose triggers are dithered are not the same at another place; of a camera
    that is late by some periods of a regular line, they are.
    """
    ends_ns = delay_ns + np.array([line.rise_ns[0], line.fall_ns[-1]])
    first, end = np.searchsorted(looks.begin_ns, ends_ns)
    seen = looks.seen[(looks.seen >= first) & (looks.seen < end)]

    def goes(late: int) -> float:
        at_ns = delay_ns + late * looks.period_ns
        moved = line.share(looks.begin_ns - at_ns, looks.end_ns - at_ns)
        at = np.zeros(1, np.int64)
        return float(correlations(moved, seen, looks.level[seen], at)[0])

    fit = shift.correlation * np.sign(shift.correlation[shift.shifts == 0])
    order = np.argsort(-fit)[: _RIVALS + 1]
    likely = order[fit[order] > _LIKELY * fit.max()]
    rivals = {late: goes(late) for late in shift.shifts[likely].tolist() if late}
    return held_against(shift, rivals, goes(0))


def _about(line: Line, looks: Looks, middle_ns: float, shift: ShiftTest) -> Delay:
    """Find how late a line is seen, about a delay that a shift was found for."""
    if shift.verdict == "absent":
        return _nothing(shift)
    span_ns = _SPAN * looks.period_ns
    grid_ns = middle_ns + np.linspace(-span_ns, span_ns, _STEPS)
    near = looks_near(line, looks, grid_ns)
    if len(near.edge) < _LEAST:
        return _nothing(shift)
    light = near.light(grid_ns)
    likely = near.likelihoods(grid_ns, light)
    found = _agreed(likely, grid_ns, _SPOILT)
    good = _trusted(likely, grid_ns, found) & ~near.hidden(found.delay_ns, light)
    if good.sum() < _LEAST:
        return _nothing(shift)
    found = _refined(near, light, good, found)
    said = near.told(found.delay_ns, light)
    own = good & np.isfinite(said)
    spread_ns, sd_ns = found.jitter_ns, found.sd_ns
    if own.sum() >= _LEAST:
        spread_ns = max(_robust_sd(said[own]), spread_ns)
        sd_ns = max(sd_ns, spread_ns / np.sqrt(own.sum()))
    # the more of them were spoilt, the less is known of the others
    sd_ns *= np.sqrt(1 + _WARY * (~good).mean())
    return Delay(
        found.delay_ns,
        float(sd_ns),
        float(spread_ns),
        shift,
        int(good.sum()),
        int((~good).sum()),
        light,
        near.edge[own],
        said[own],
    )


def _nothing(shift: ShiftTest) -> Delay:
    """Return that nothing follows the line, or too little to say how late."""
    nan, none = float("nan"), np.empty(0)
    absent = replace(shift, verdict="absent")
    return Delay(nan, nan, nan, absent, 0, 0, None, none.astype(np.int64), none)


@dataclass(frozen=True, slots=True)
class _Found:
    delay_ns: float
    sd_ns: float
    jitter_ns: float
    """By how much single edges differ, beside what their looks leave open."""


def _agreed(
    likely: NDArray[np.float64], grid_ns: NDArray[np.float64], spoilt: float
) -> _Found:
    """Return what edges agree on, each by its likelihoods of the grid's delays."""
    step_ns = float(grid_ns[1] - grid_ns[0])
    widest_ns = float(grid_ns[-1] - grid_ns[0]) / 6
    jitters = np.geomspace(step_ns, widest_ns, _JITTERS)
    jitters[0] = 0.0
    chance = spoilt / len(grid_ns)
    spectrum = np.fft.rfft(likely, 2 * likely.shape[1])
    logs = np.stack(
        [
            np.log((1 - spoilt) * _smoothed(spectrum, jitter / step_ns) + chance).sum(0)
            for jitter in jitters.tolist()
        ]
    )
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    of_delay = weights.sum(axis=0)
    delay_ns = float(of_delay @ grid_ns)
    sd_ns = float(np.sqrt(of_delay @ (grid_ns - delay_ns) ** 2 + step_ns**2 / 12))
    return _Found(delay_ns, sd_ns, float(weights.sum(axis=1) @ jitters))


def _refined(
    near: Near, light: Light, good: NDArray[np.bool_], found: _Found
) -> _Found:
    """Look again, with finer and finer steps."""
    for _ in range(4):
        reach_ns = 6 * (found.sd_ns + found.jitter_ns)
        grid_ns = found.delay_ns + np.linspace(-reach_ns, reach_ns, _STEPS)
        likely = near.likelihoods(grid_ns, light)[good]
        found = _agreed(likely, grid_ns, _LEFT)
        if found.sd_ns > 3 * (grid_ns[1] - grid_ns[0]):
            break
    return found


def _trusted(
    likely: NDArray[np.float64], grid_ns: NDArray[np.float64], found: _Found
) -> NDArray[np.bool_]:
    """Return which edges rather go with the others than say anything (m,)."""
    step_ns = grid_ns[1] - grid_ns[0]
    at = int(np.argmin(np.abs(grid_ns - found.delay_ns)))
    spread = np.hypot(found.jitter_ns, found.sd_ns) / step_ns
    spectrum = np.fft.rfft(likely, 2 * likely.shape[1])
    fits = (1 - _SPOILT) * _smoothed(spectrum, spread)[:, at]
    return fits > _SPOILT / len(grid_ns)


def _smoothed(spectrum: NDArray[np.complex128], steps: float) -> NDArray[np.float64]:
    """Return likelihoods as they are when edges scatter by so many steps.

    Parameters
    ----------
    spectrum
        Of the likelihoods (m, n), with as many zeros behind them.
    """
    n = spectrum.shape[1] - 1
    apart = np.minimum(np.arange(2 * n), np.arange(2 * n, 0, -1))
    kernel = np.exp(-0.5 * (apart / max(steps, 1e-3)) ** 2)
    kernel /= kernel.sum()
    found: NDArray[np.float64] = np.fft.irfft(spectrum * np.fft.rfft(kernel), 2 * n)
    return np.maximum(found[:, :n], 0.0)


def _robust_sd(values: NDArray[np.float64]) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
