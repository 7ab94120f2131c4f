"""The floor under the differences of arrival and stamp, and how well it is known.

`Floor` follows its height and slope, `Edge` how dense the differences are above it,
`Bracket` another floor from the other side, `Anchor` what one exchange alone tells.
"""

from __future__ import annotations

from math import inf, sqrt

__all__ = ["Anchor", "Bracket", "Edge", "Floor"]

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

    def expect(self, count: int, spacing: float, even: float, most: float) -> None:
        """Expect a block of so many messages: with more of them, it errs less.

        `spacing` is the mean distance of the two least ones, `even` what it would be
        if all were spread evenly: the only hint while there are few blocks. `most`
        is the shortest round trip of the block: its answer was not later than that.
        """
        if self._blocks < _YOUNG_BLOCKS:
            spacing = max(spacing, even)
            self._noise = min(self._noise, most**2 / 3)
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
        makes the least of many too small. Of few blocks, the spacing itself is not
        known well: it may be larger by a standard deviation.
        """
        unsure = 1 + 1 / sqrt(max(self._blocks, 1))
        return 2 * unsure * self.spacing - self.excess

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
    """A floor from the other side: no question was answered before it was asked.

    The truth is between the two. Of each block the question counts that is nearest to
    the floor of the arrivals; how late its own answer was does not matter.
    """

    def __init__(self, device_ns: int) -> None:
        self.known = False
        self.round_trip = inf
        """The shortest one of the block; infinite without any."""
        self._low = 0.0
        self._low_ns = device_ns
        self._low_var = _UNKNOWN_NS2
        self._nearest = -inf
        self._asked = 0.0
        self._asked_ns = device_ns

    def middle(self, device_ns: int, floor: Floor) -> tuple[float, float]:
        """Return the middle between the floors and the variance of the truth there."""
        high, low = floor.at(device_ns), self._at(device_ns, floor)
        high_var = floor.variance(device_ns)
        low_var = self._variance(device_ns, floor)
        # where they contradict one another, the surer one counts for more
        share = 0.5 if high >= low else high_var / (high_var + low_var)
        sd = (1 - share) * sqrt(high_var) + share * sqrt(low_var)
        return high + share * (low - high), sd**2 + (high - low) ** 2 / 12

    def take(self, device_ns: int, asked: float, round_trip: int, floor: Floor) -> None:
        """Take an exchange; when it was asked, the difference was so much."""
        self.round_trip = min(self.round_trip, round_trip)
        nearest = asked - floor.at(device_ns)
        if nearest > self._nearest:
            self._nearest = nearest
            self._asked_ns, self._asked = device_ns, asked

    def close(self, floor: Floor) -> None:
        """Learn from the block's nearest question."""
        if self.round_trip == inf:
            return
        at, low = self._asked_ns, self._at(self._asked_ns, floor)
        variance = self._variance(at, floor)
        variance += _DELAY_WANDER * abs(at - self._low_ns)
        # what is above the floor of the arrivals cannot be right
        variance += max(low - floor.at(at), 0.0) ** 2 if self.known else 0.0
        higher = self._asked - low
        noise = _LEAST_NOISE_NS**2
        if self.known and higher < 0:  # it was on its way for longer
            noise += higher**2
        gain = variance / (variance + noise)
        self._low, self._low_ns = low + gain * higher, at
        self._low_var = variance * (1 - gain)
        self.known, self.round_trip, self._nearest = True, inf, -inf

    def _at(self, device_ns: int, floor: Floor) -> float:
        return self._low + floor.skew * (device_ns - self._low_ns)

    def _variance(self, device_ns: int, floor: Floor) -> float:
        elapsed = device_ns - self._low_ns
        skew_var = floor.skew_var + _WANDER / 3 * abs(elapsed)
        return self._low_var + elapsed * elapsed * skew_var


class Anchor:
    """The exchange that alone tells most: of a short round trip, and not long ago."""

    def __init__(self, device_ns: int) -> None:
        self.least_var = inf
        """Variance of the truth in its round trip, at its own time."""
        self._at_ns = device_ns
        self._middle = 0.0

    def take(
        self, device_ns: int, middle: float, round_trip: int, floor: Floor
    ) -> bool:
        """Take an exchange; tell whether it tells more than the one before."""
        variance = round_trip * round_trip / 12 + _LEAST_NOISE_NS**2
        if variance > self.variance(device_ns, floor):
            return False
        self._at_ns, self._middle, self.least_var = device_ns, middle, variance
        return True

    def at(self, device_ns: int, floor: Floor) -> float:
        """Return the difference of the clocks at a device time."""
        return self._middle + floor.skew * (device_ns - self._at_ns)

    def variance(self, device_ns: int, floor: Floor) -> float:
        """Return its variance; infinite before the first exchange."""
        elapsed = device_ns - self._at_ns
        skew_var = floor.skew_var + _WANDER / 3 * abs(elapsed)
        return self.least_var + elapsed * elapsed * skew_var
