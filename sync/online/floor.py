"""The floor under the differences of arrival and stamp, and how well it is known.

`Floor` follows its height and slope, `Edge` how dense the differences are above it,
`Bracket` how far it lies above the truth.
"""

from __future__ import annotations

from math import inf, sqrt

__all__ = ["Bracket", "Edge", "Floor"]

_BLOCK_NS = 2_000_000_000
_BROAD_NS = 14_000.0
"""Distance of a block's two least differences from which delays are broad."""
_NARROW_NS = 3_000.0
"""The same, of a long block, below which they are broad no longer."""
_STAMP_NOISE_NS = 6_000.0
"""Such a distance may come from the stamps; what is more comes from the delays."""
_WANDER = 1e-23
"""Random walk of the skew, per ns: 1 ppm in 100 s."""
_SKEW_SD = 100e-6
_KEPT_SKEW_SD = 5e-6
"""What a new segment may differ in skew: the crystal is the same."""
_MAX_SKEW = 0.01
_UNKNOWN_NS2 = 1e18
_FIRST_NOISE_NS = 300_000.0
_LEAST_NOISE_NS = 1_000.0
_LEARNING = 0.05
_YOUNG_BLOCKS = 8
"""Before these, what is known of the noise is vague."""
_FEW_BLOCKS = 3
"""After so many late ones in a row, their scatter is no noise."""
_LATE, _YOUNG_LATE = 3.0, 6.0
"""Standard deviations from which a block is late."""
_DELAY_WANDER = 1e-4
"""Random walk of the least delay in ns² per ns: 0.3 us in a second."""


class Floor:
    """Height and slope of the floor: a Kalman filter that learns its noise."""

    def __init__(self, device_ns: int, kept: Floor | None) -> None:
        self.skew = kept.skew if kept else 0.0
        self.skew_var = kept.skew_var + _KEPT_SKEW_SD**2 if kept else _SKEW_SD**2
        self._at_ns = device_ns
        self._height = self._covariance = 0.0
        self._height_var = _UNKNOWN_NS2
        self._noise = _FIRST_NOISE_NS**2
        self._count = self._blocks = self._late_blocks = 0

    def at(self, device_ns: int) -> float:
        """Return the height at a device time."""
        return self._height + self.skew * (device_ns - self._at_ns)

    def variance(self, device_ns: int) -> float:
        """Return the height's variance at a device time."""
        elapsed = device_ns - self._at_ns
        wander = _WANDER / 3 * abs(elapsed)
        growth = 2 * self._covariance + elapsed * (self.skew_var + wander)
        return self._height_var + elapsed * growth

    def innovation_sd(self, device_ns: int) -> float:
        """Return how far a block's least difference may be from the floor."""
        return sqrt(self.variance(device_ns) + self._noise)

    def expect(self, count: int, spacing: float, even: float) -> None:
        """Expect a block of so many messages: with more of them, it errs less.

        `spacing` is the mean distance of the two least ones, `even` what it would be
        if all were spread evenly: the only hint while there are few blocks.
        """
        if self._blocks < _YOUNG_BLOCKS:
            spacing = max(spacing, even)
        if self._count and not 0.8 < self._count / count < 1.25:
            self._noise *= (self._count / count) ** 2
        self._count = count
        self._noise = max(self._noise, spacing**2, _LEAST_NOISE_NS**2)

    def take(self, device_ns: int, late: float) -> None:
        """Take a block whose least difference is so far above the floor."""
        self._predict(device_ns)
        self._blocks += 1
        noise = self._learn(late)
        total = self._height_var + noise
        height_gain, skew_gain = self._height_var / total, self._covariance / total
        self._height += height_gain * late
        skew = self.skew + skew_gain * late
        self.skew = min(max(skew, -_MAX_SKEW), _MAX_SKEW)
        self.skew_var -= skew_gain * self._covariance
        self._covariance *= 1 - height_gain
        self._height_var *= 1 - height_gain

    def move(self, device_ns: int, by: float, age_ns: float) -> None:
        """Go to another height at once; the slope may have been as wrong."""
        self._predict(device_ns)
        self._height += by
        self._height_var = max(self._height_var, self._noise)
        self._covariance = 0.0
        self.skew_var += min(abs(by) / age_ns, _MAX_SKEW) ** 2

    def _learn(self, late: float) -> float:
        """Return a block's noise, and learn of it for the next ones."""
        sds = late / sqrt(self._height_var + self._noise)
        is_late = sds > (_LATE if self._blocks > _YOUNG_BLOCKS else _YOUNG_LATE)
        self._late_blocks = self._late_blocks + 1 if is_late else 0
        if self._blocks > 1 and self._late_blocks < _FEW_BLOCKS:
            gain = max(1 / self._blocks, _LEARNING)
            self._noise *= 1 + gain * (min(sds * sds, _LATE**2) - 1)
        if not is_late:
            return self._noise
        # a late block tells little; many in a row, that the filter was too sure
        return self._noise * (sds / 2) ** 4 / self._late_blocks**2

    def _predict(self, device_ns: int) -> None:
        elapsed = device_ns - self._at_ns
        self._height_var = self.variance(device_ns)
        wander = _WANDER * abs(elapsed)
        self._covariance += elapsed * (self.skew_var + wander / 2)
        self.skew_var += wander
        self._height += self.skew * elapsed
        self._at_ns = device_ns


class Edge:
    """How dense the differences are above their floor: how far the least may be off.

    Where they are spread evenly, the least of them is as far above the floor as the
    second is above the least.
    """

    def __init__(self) -> None:
        self.spacing = 0.0
        """Mean distance of a block's two least differences."""
        self.excess = 0.0
        """By how much the least is expected to be above the floor."""
        self.broad = False
        self._per_message = 0.0
        self._blocks = 0

    @property
    def sd(self) -> float:
        """How uncertain the floor is in all blocks alike.

        An edge that rises slowly has twice the excess, and the noise of the stamps
        makes the least of many too small.
        """
        return 2 * self.spacing - self.excess

    def learn(self, distance: float, count: int, span_ns: int) -> None:
        """Take a block's distance of the two least, and how long it was."""
        self._blocks += 1
        gain = max(1 / self._blocks, 0.1)
        self._per_message += gain * (distance * count - self._per_message)
        self.spacing = self._per_message / count
        self.excess = max(self.spacing - _STAMP_NOISE_NS, 0.0)
        if span_ns > 0.9 * _BLOCK_NS:
            self.broad = self.spacing > (_NARROW_NS if self.broad else _BROAD_NS)


class Bracket:
    """How far above the truth the floor is: the least delay, from exchanges.

    Of each block the exchange of the shortest round trip counts; half of it bounds
    what its middle is off, and the shortest ever what the ways may differ.
    """

    def __init__(self, device_ns: int) -> None:
        self.known = False
        self.delay = 0.0
        self.middle = 0.0
        self.middle_ns = device_ns
        self._round_trip = self._shortest = inf
        self._delay_var = 0.0
        self._learnt_ns = device_ns

    @property
    def open(self) -> bool:
        """Whether the block has an exchange."""
        return self._round_trip < inf

    @property
    def variance(self) -> float:
        """Variance of the delay: what was learnt of it, and the ways' difference."""
        return self._delay_var + self._shortest**2 / 12

    @property
    def asymmetry_var(self) -> float:
        """What the ways of the block's exchange may differ."""
        return self._round_trip**2 / 12

    def take(self, device_ns: int, below: float, round_trip: int) -> bool:
        """Take an exchange; tell whether it is the block's best."""
        if round_trip >= self._round_trip:
            return False
        self._round_trip = round_trip
        self.middle_ns, self.middle = device_ns, below + round_trip / 2
        return True

    def close(self, floor: Floor) -> None:
        """Learn from the block's best exchange."""
        trip, at = self._round_trip, self.middle_ns
        if trip == inf:
            return
        noise = floor.variance(at) + _LEAST_NOISE_NS**2
        if not self.known:
            self.known, self._shortest, self._delay_var = True, trip, _UNKNOWN_NS2
        elif trip < self._shortest:
            self._delay_var += (self._shortest - trip) ** 2 / 12
            self._shortest = trip
        noise += (trip - self._shortest) ** 2 / 12
        self._delay_var += _DELAY_WANDER * abs(at - self._learnt_ns)
        gain = self._delay_var / (self._delay_var + noise)
        self.delay += gain * (floor.at(at) - self.middle - self.delay)
        self._delay_var *= 1 - gain
        self._learnt_ns, self._round_trip = at, inf
