"""What is known of a clock at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt

__all__ = ["ClockState"]

_WANDER = 1e-23
"""Random walk of the skew, per ns: 1 ppm in 100 s."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """What is known of a clock: host = device + offset + skew · elapsed."""

    device_ns: int
    """Device time for which the offset holds."""
    offset_ns: int
    """Host time minus device time at `device_ns`."""
    skew_ppb: float
    """Rate of change of the offset, in parts per 10⁹."""
    sd_ns: int
    """One standard deviation; a constant one-way delay is not in it."""
    segment: int
    """How often the device's clock has jumped or begun anew."""
    skew_sd_ppb: float
    """One standard deviation of the skew."""

    def to_host(self, device_ns: int) -> tuple[int, int]:
        """Return the host time of a device time, and its standard deviation."""
        elapsed = device_ns - self.device_ns
        away = abs(elapsed)
        host_ns = device_ns + self.offset_ns + round(self.skew_ppb * 1e-9 * elapsed)
        grown = self.sd_ns + self.skew_sd_ppb * 1e-9 * away
        return host_ns, round(hypot(grown, sqrt(_WANDER / 3 * away) * away))
