"""Whether the stated errors are honest: pulses that the fit has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sync.drift.fit import fit_clock
from sync.drift.segments import split_at_resets

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["HeldOut", "held_out"]

_95 = 1.96
_LEAST = 20
"""Pulses of a stretch, below which nothing is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Errors of pulses that were left out of the fit."""

    source_ns: NDArray[np.int64]
    error_ns: NDArray[np.float64]
    """Seen minus predicted: the jitter of the pulse itself is in it."""
    band_ns: NDArray[np.float64]
    """Half of the band that should hold 95 % of them."""

    @property
    def coverage(self) -> float:
        """The share that lies within its band; NaN for none."""
        return float(np.mean(np.abs(self.error_ns) <= self.band_ns))

    @property
    def rms_ns(self) -> float:
        """Root mean square of the errors; NaN for none."""
        return float(np.sqrt(np.mean(self.error_ns**2)))


def held_out(
    source_ns: NDArray[np.int64],
    target_ns: NDArray[np.int64],
    *,
    every: int = 10,
    max_drift_ppm: float = 500.0,
) -> HeldOut:
    """Fit without every k-th pulse, and compare these with what the fit says.

    Parameters
    ----------
    source_ns, target_ns
        (n,) int64, matched pulses in the order of their recording.
    every
        Which are left out.
    """
    errors: list[NDArray[np.float64]] = [np.empty(0)]
    bands: list[NDArray[np.float64]] = [np.empty(0)]
    places: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for part in split_at_resets(source_ns, target_ns, max_drift_ppm=max_drift_ppm):
        source, target = source_ns[part], target_ns[part]
        if len(source) < _LEAST:
            continue
        out = np.zeros(len(source), bool)
        out[every // 2 :: every] = True
        model = fit_clock(source[~out], target[~out], max_drift_ppm=max_drift_ppm)
        seen = target[~out] - model(source[~out])[0]
        own_ns = np.quantile(np.abs(seen), 0.95)
        predicted, sd_ns = model(source[out])
        errors.append((target[out] - predicted).astype(np.float64))
        bands.append(np.hypot(_95 * sd_ns, own_ns))
        places.append(source[out])
    return HeldOut(
        np.concatenate(places), np.concatenate(errors), np.concatenate(bands)
    )
