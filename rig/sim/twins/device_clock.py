"""A device's own clock: off by so many ppm, warming up, wandering, all seeded.

The frequency changes once a second and is constant in between, so that time runs on
piecewise straight lines: exact both ways, and small enough to be written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.sim.world.noise import gaussian, uniform

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ClockErrors", "DeviceClock", "seeded_errors"]

_NS_PER_S = 1_000_000_000
_CHUNK_S = 256
_WANDER_LANE = 7


@dataclass(frozen=True, slots=True)
class ClockErrors:
    """How a device's clock is wrong."""

    offset_us: int = 0
    """Device time when the world's process starts: how long the board was on."""
    ppm: float = 0.0
    """How much faster than the host it runs."""
    warm_up_ppm: float = 0.0
    """More than that at the start; it fades away."""
    warm_up_s: float = 120.0
    """In such a time, by a factor of e."""
    wander_ppm: float = 0.0
    """Standard deviation of a random walk of the frequency, per root second."""


def seeded_errors(seed: int, device: int) -> ClockErrors:
    """Return plausible errors of a crystal for one of a rig's devices."""
    draw = uniform(seed, 9000 + device, np.arange(4))
    return ClockErrors(
        offset_us=int(5_000_000 + 500_000_000 * draw[0]),
        ppm=float(round(80.0 * draw[1] - 40.0, 3)),
        warm_up_ppm=float(round(6.0 * draw[2] - 3.0, 3)),
        wander_ppm=0.02,
    )


class DeviceClock:
    """Maps host time to device time and back.

    Parameters
    ----------
    started_ns
        Host time at which the device shows `ClockErrors.offset_us`; earlier times
        are on the same straight line as the first second.
    errors
        How it is wrong.
    seed
        Of the random walk.

    Examples
    --------
    >>> clock = DeviceClock(0, ClockErrors(ppm=100.0))
    >>> float(clock.device_us(10_000_000_000)), float(clock.host_ns(10_001_000.0))
    (10001000.0, 10000000000.0)
    """

    def __init__(self, started_ns: int, errors: ClockErrors, seed: int = 0) -> None:
        self.started_ns = started_ns
        self.errors = errors
        self._seed = seed
        self._walk_ppm = 0.0
        self._low_ns = self._high_ns = 0.0
        self._piece = (0.0, 0.0, 0.0)
        self._host_ns = np.array([float(started_ns)])
        self._device_us = np.array([float(errors.offset_us)])
        self._extend()

    @property
    def knots(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The corners of the straight lines: host times in ns, device times in us."""
        return self._host_ns, self._device_us

    def device_us(self, host_ns: ArrayLike) -> NDArray[np.float64]:
        """Return the device's time in us."""
        times = np.asarray(host_ns, np.float64)
        while times.size and times.max() > self._host_ns[-1]:
            self._extend()
        return _along(times, self._host_ns, self._device_us)

    def now_us(self, host_ns: int) -> int:
        """Return the device's time in whole us; quick for times that go forward."""
        low_ns, low_us, slope = self._piece_at(host_ns)
        return int(low_us + (host_ns - low_ns) * slope)

    def due_ns(self, device_us: int, now_ns: int) -> int:
        """Return the first host time at which `now_us` is not before `device_us`.

        Quick, and good for times within a second of `now_ns`.
        """
        low_ns, low_us, slope = self._piece_at(now_ns)
        return int(low_ns + (device_us - low_us) / slope) + 1

    def _piece_at(self, host_ns: int) -> tuple[float, float, float]:
        if not self._low_ns <= host_ns < self._high_ns:
            self.device_us(host_ns)
            k = int(np.searchsorted(self._host_ns, host_ns, side="right")) - 1
            k = min(max(k, 0), len(self._host_ns) - 2)
            self._low_ns, self._high_ns = self._host_ns[k : k + 2].tolist()
            low_us, high_us = self._device_us[k : k + 2].tolist()
            slope = (high_us - low_us) / (self._high_ns - self._low_ns)
            self._piece = self._low_ns, low_us, slope
        return self._piece

    def host_ns(self, device_us: ArrayLike) -> NDArray[np.float64]:
        """Return the host's time in ns."""
        times = np.asarray(device_us, np.float64)
        while times.size and times.max() > self._device_us[-1]:
            self._extend()
        return _along(times, self._device_us, self._host_ns)

    def _extend(self) -> None:
        first = len(self._host_ns) - 1
        second = first + np.arange(_CHUNK_S)
        steps = gaussian(self._seed, _WANDER_LANE, second)[: len(second)]
        walk = self._walk_ppm + np.cumsum(self.errors.wander_ppm * steps)
        self._walk_ppm = float(walk[-1])
        warm = self.errors.warm_up_ppm * np.exp(-second / self.errors.warm_up_s)
        ppm = self.errors.ppm + warm + walk
        host = self._host_ns[-1] + _NS_PER_S * np.arange(1.0, _CHUNK_S + 1)
        device = self._device_us[-1] + np.cumsum(1e6 + ppm)
        self._host_ns = np.append(self._host_ns, host)
        self._device_us = np.append(self._device_us, device)


def _along(
    x: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return y on the line through the corners, going straight on before the first."""
    piece = np.clip(np.searchsorted(xs, x, side="right") - 1, 0, len(xs) - 2)
    slope = (ys[piece + 1] - ys[piece]) / (xs[piece + 1] - xs[piece])
    return ys[piece] + (x - xs[piece]) * slope
