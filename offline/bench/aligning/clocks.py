"""Simulated crystals: what is true of two clocks, so that errors can be counted.

The source clock is the true time. The skew of the target clock is a random walk, with
a warm-up and a cycle of the air conditioning on top, as real ones have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["QUIET", "SEVERE", "TYPICAL", "Clock", "Crystal", "run_clock"]

_STEP_S = 0.5
_LEAST_STEPS = 200
_MARGIN_S = 60.0
"""How long a clock runs before and after, at most."""
_WARM_UP_S = 600.0
_CYCLE_S = 1200.0
_PPM = 1e3
"""In ns per s, that is ppb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crystal:
    """What a pair of crystals is like."""

    name: str
    walk_ppm: float
    """Standard deviation of what the skew gains by its random walk."""
    walk_s: float = 7200.0
    """In so long a time."""
    skew_ppm: float = 40.0
    warm_ppm: float = 0.0
    """More at the start; gone by a factor e after ten minutes."""
    cycle_ppm: float = 0.0
    """Amplitude of a sine of 20 minutes."""

    @property
    def wander(self) -> float:
        """Density q of the random walk, ppb²/s: the limit is about this part."""
        return (self.walk_ppm * _PPM) ** 2 / self.walk_s


QUIET = Crystal(name="quiet", walk_ppm=0.05)
TYPICAL = Crystal(name="typical", walk_ppm=1.0, warm_ppm=3.0, cycle_ppm=0.3)
SEVERE = Crystal(name="severe", walk_ppm=20.0, warm_ppm=10.0, cycle_ppm=2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """The true relation of two clocks."""

    time_s: NDArray[np.float64]
    drift_ns: NDArray[np.float64]
    """What the target clock has gained by then; 0 at the time 0."""
    offset_ns: int
    """Of the target clock at the time 0."""

    def __call__(self, source_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the target clock's times."""
        drift_ns = np.interp(source_ns * 1e-9, self.time_s, self.drift_ns)
        return source_ns + self.offset_ns + np.rint(drift_ns).astype(np.int64)


def run_clock(
    crystal: Crystal,
    span_s: float,
    rng: np.random.Generator,
    offset_ns: int = -50_000_000_000,
) -> Clock:
    """Let a crystal run for a session."""
    margin_s = min(_MARGIN_S, span_s)
    step_s = min(_STEP_S, span_s / _LEAST_STEPS)
    time_s = np.arange(-margin_s, span_s + margin_s + step_s, step_s)
    step = (crystal.wander * step_s) ** 0.5
    skew_ppb = crystal.skew_ppm * _PPM + np.cumsum(rng.normal(0, step, time_s.size))
    warm = np.exp(-np.maximum(time_s, 0) / _WARM_UP_S)
    skew_ppb += crystal.warm_ppm * _PPM * warm
    skew_ppb += crystal.cycle_ppm * _PPM * np.sin(2 * np.pi * time_s / _CYCLE_S)
    gained = (skew_ppb[1:] + skew_ppb[:-1]) / 2 * step_s
    drift_ns = np.concatenate([[0.0], np.cumsum(gained)])
    drift_ns -= np.interp(0.0, time_s, drift_ns)
    return Clock(time_s, drift_ns, offset_ns)
