"""Neurons with known tuning: what a two-photon microscope would see of the story."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.sim.world.noise import gaussian
from rig.sim.world.paths import Table

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["IMAGING_RATE_HZ", "TUNINGS", "Neurons", "make_neurons"]

IMAGING_RATE_HZ = 30.0
TUNINGS = ("onset", "limb_speed", "none")
"""What a cell follows: the movement's onset, the limb's speed, or nothing."""

_CELL_STREAM = 2000
_RISE_S, _DECAY_S = 0.045, 0.40
"""Time constants of the calcium indicator."""
_GRID_S = 0.002


@dataclass(frozen=True, slots=True)
class Neurons:
    """All cells of one mouse in one story; arrays have one element per cell."""

    tuning: tuple[str, ...]
    """One of `TUNINGS` each."""
    lag_s: NDArray[np.float64]
    """The cell's rate follows the onset or the speed by it; negative leads."""
    gain: NDArray[np.float64]
    """ΔF/F at the peak."""
    width_s: NDArray[np.float64]
    """Standard deviation of an onset cell's burst."""
    rate: Table
    """Firing rate (n, cells), peak 1."""
    trace: Table
    """ΔF/F (n, cells) without noise."""
    noise_sd: float
    seed: int

    def dff(
        self, t_s: ArrayLike, frame_index: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return ΔF/F (n, cells); with frame numbers, their noise is in it."""
        value = self.trace(t_s)
        if frame_index is None:
            return value
        number = np.atleast_1d(np.asarray(frame_index, dtype=np.int64))[:, None]
        lane = _CELL_STREAM + np.arange(len(self.tuning))[None, :]
        return value + self.noise_sd * gaussian(self.seed, lane, number)


def make_neurons(
    seed: int,
    cells: int,
    period_s: float,
    onset_s: float,
    limb_speed: NDArray[np.float64],
) -> Neurons:
    """Return cells with random tuning.

    Parameters
    ----------
    seed
        Seed of the cells and of their noise.
    cells
        Number of cells.
    period_s
        Period of the story.
    onset_s
        Time of the movement's onset.
    limb_speed
        Speed over one period, equally spaced, of any unit.
    """
    rng = np.random.default_rng([seed, 77])
    count = round(period_s / _GRID_S)
    times = np.arange(count) * (period_s / count)
    tuning = tuple(TUNINGS[k] for k in rng.choice(3, cells, p=[0.4, 0.4, 0.2]))
    lag_s = np.round(rng.uniform(-0.25, 0.35, cells), 3)
    width_s = np.round(rng.uniform(0.04, 0.12, cells), 3)
    gain = np.round(rng.uniform(0.4, 2.5, cells), 2)
    old = np.arange(len(limb_speed)) * (period_s / len(limb_speed))
    speed = limb_speed / max(float(limb_speed.max()), 1e-9)
    rate = np.zeros((cells, count))
    for k, name in enumerate(tuning):
        if name == "onset":
            away = times - onset_s - lag_s[k]
            away = np.mod(away + 0.5 * period_s, period_s) - 0.5 * period_s
            rate[k] = np.exp(-0.5 * (away / width_s[k]) ** 2)
        elif name == "limb_speed":
            rate[k] = np.interp(times - lag_s[k], old, speed, period=period_s)
    trace = _indicator(rate, period_s / count)
    peak = np.maximum(trace.max(axis=1, keepdims=True), 1e-9)
    return Neurons(
        tuning=tuning,
        lag_s=lag_s,
        gain=gain,
        width_s=width_s,
        rate=Table(rate.T.copy(), period_s),
        trace=Table((gain[:, None] * trace / peak).T.copy(), period_s),
        noise_sd=0.08,
        seed=seed,
    )


def _indicator(rate: NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
    """Return the rate seen through the indicator, around the period."""
    times = np.arange(rate.shape[1]) * step_s
    kernel = np.exp(-times / _DECAY_S) - np.exp(-times / _RISE_S)
    spectrum = np.fft.rfft(rate, axis=1) * np.fft.rfft(kernel / kernel.sum())
    return np.maximum(np.fft.irfft(spectrum, rate.shape[1], axis=1), 0.0)
