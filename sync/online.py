"""A device's clock on the host's, while both run.

A message says: the device's stamp was so much, and it was here by then. The
difference is the clocks' offset plus a delay that is never negative and often large,
so averages mislead. What counts is the floor under the differences: per block of
time the least one, in a Kalman filter of the floor's height and slope. The floor is
too high by the least delay, which one side alone cannot see; an exchange of question
and answer brackets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, inf, sqrt

__all__ = ["ClockState", "CounterUnwrapper", "OnlineClock"]

_FIRST_BLOCK_NS = 125_000_000
_BLOCK_NS = 2_000_000_000
_BROAD_BLOCK_NS = 10_000_000_000
"""Where delays are so broad that two seconds have no prompt message."""
_BLOCKS_PER_AGE = 4
_LEAST_MESSAGES = 5
"""In a block, unless it lasts longer than the longest."""
_BROAD_NS = 10_000.0
"""Distance of a block's two least differences from which delays are broad."""
_NARROW_NS = 4_500.0
"""The same, of a long block, below which they are broad no longer."""

_WANDER = 1e-23
"""Random walk of the skew, per ns: 1 ppm in 100 s."""
_SKEW_SD = 300e-6
_MAX_SKEW = 0.01
_KEPT_SKEW_SD = 5e-6
"""Of the skew that a new segment takes over: the crystal is the same."""
_UNSURE_SD_NS = 1_000_000.0
"""Of the offset, when nothing tells yet how late messages are."""
_FIRST_NOISE_NS = 300_000.0
_LEAST_NOISE_NS = 1_000.0
_LEARNING = 0.05
_EDGE = 2.0
"""How well the earliest messages show the floor, in distances between them."""

_REORDER_NS = 100_000_000
"""Messages of one device may overtake one another by so much."""
_LATE = 3.0
_EARLY = 5.0
_LEAP = 8.0
"""Standard deviations from which a block is late, the floor dropped, a clock leapt."""
_LEAP_NS = 1_000_000.0
_SETTLED_BLOCKS = 4
_SETTLED_MESSAGES = 40
_SETTLED_NS = 1_000_000_000
_EVIDENCE = 30
"""So many late blocks that agree are a clock that was set back."""
_CLEAR_NS = 100_000_000.0
_CLEAR_WEIGHT = 6
"""A lateness that no delay explains counts for so many."""
_TRIAL = 5
"""Messages in which a new segment can turn out to be a stray stamp."""
_BIAS_WANDER = 1.0
"""Random walk of the least delay in ns² per ns: 1 us in a ms."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """What is known of the clock at one moment: host = device + offset + skew · elapsed."""

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
        host_ns = device_ns + self.offset_ns + round(self.skew_ppb * elapsed * 1e-9)
        grown = self.sd_ns + self.skew_sd_ppb * 1e-9 * away
        return host_ns, round(hypot(grown, sqrt(_WANDER / 3 * away) * away))
