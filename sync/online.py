"""A device's clock on the host's, while both run: the first form.

Each message says: the device's stamp was so much, and it was here by then. The
difference is the clocks' offset plus a delay that is never negative and often
large, so averages mislead and the smallest of many tells most. Per block of time
the smallest is kept; a robust line through the last blocks gives offset and skew.
A two-way exchange bounds the offset from below as well, and the middle of both
bounds has no delay left but half the difference of the two ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from statistics import median

__all__ = ["ClockModel", "OnlineClock"]

_BLOCK_NS = 2_000_000_000
_FIRST_BLOCK_NS = 250_000_000
_BLOCKS = 16
_SPAN_FOR_SKEW_NS = 1_000_000_000
_MAX_SKEW = 500e-6
_SKEW_SD = 1e-6
"""How much the skew may change beyond what the line tells."""
_REORDER_NS = 100_000_000
"""Messages of one device may overtake one another by so much."""
_JUMP_NS = 5_000_000
_REJECTS = 3
_SETTLED_BLOCKS = 6
_FLOOR_SD_NS = 1_000.0
_UNSURE_SD_NS = 1_000_000.0
"""Before the first block is full, when nothing bounds the delay yet."""


@dataclass(frozen=True, slots=True)
class ClockModel:
    """The clock's state at one moment: host = device + offset + skew · elapsed."""

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


class OnlineClock:
    """The model of one device's clock, fed with every message of the device.

    A jump of the device's clock (a reset, a wrapped counter, a step) begins a new
    segment, in which nothing of the old one counts.

    Examples
    --------
    >>> clock = OnlineClock()
    >>> clock.update(device_ns=1_000, host_ns=501_000)
    >>> clock.to_host(2_000)[0]
    502000
    """

    def __init__(self) -> None:
        self._segment = -1
        self._model: ClockModel | None = None
        self.restart()

    @property
    def model(self) -> ClockModel | None:
        """The newest model; None before the first message of a segment.

        It is replaced whole, so that another thread may read it.
        """
        return self._model

    def restart(self) -> None:
        """Begin a new segment, as when a device was plugged in anew."""
        self._segment += 1
        self._model = None
        self._uppers: list[tuple[int, int]] = []
        self._lowers: list[tuple[int, int]] = []
        self._newest_ns = self._first_ns = 0
        self._rejected = 0
        self._empty_block()

    def update(self, device_ns: int, host_ns: int) -> None:
        """Take a message: it was stamped at `device_ns`, and here at `host_ns`."""
        offset = host_ns - device_ns
        if self._model is None or self._jumped(device_ns, offset):
            if self._model is not None:
                self.restart()
            self._first_ns = self._newest_ns = self._block_ns = device_ns
        self._newest_ns = max(self._newest_ns, device_ns)
        level = offset - self._skew * (device_ns - self._block_ns)
        if self._upper is None or level < self._upper_level:
            self._upper, self._upper_level = (device_ns, offset), level
            self._fit_first()
        elapsed = device_ns - self._first_ns
        length = min(max(elapsed // 4, _FIRST_BLOCK_NS), _BLOCK_NS)
        if device_ns - self._block_ns >= length:
            self._close_block(device_ns)
            if self._model is None:  # it begins anew, and with this message
                self.update(device_ns, host_ns)

    def update_two_way(self, device_ns: int, sent_ns: int, received_ns: int) -> None:
        """Take an answer: asked at `sent_ns`, stamped in between, here in the end."""
        self.update(device_ns, received_ns)
        offset = sent_ns - device_ns
        level = offset - self._skew * (device_ns - self._block_ns)
        if self._lower is None or level > self._lower_level:
            self._lower, self._lower_level = (device_ns, offset), level
            self._fit_first()

    def to_host(self, device_ns: int) -> tuple[int, int]:
        """Return the host time of a device time, and its standard deviation.

        Raises
        ------
        ValueError
            If there was no message yet.
        """
        model = self._model
        if model is None:
            msg = "Expected at least one message of the device before its time is asked"
            raise ValueError(msg)
        elapsed = device_ns - model.device_ns
        host_ns = device_ns + model.offset_ns + round(model.skew_ppb * elapsed * 1e-9)
        return host_ns, round(hypot(model.sd_ns, _SKEW_SD * elapsed))

    @property
    def _skew(self) -> float:
        return self._model.skew_ppb * 1e-9 if self._model else 0.0

    def _empty_block(self) -> None:
        self._block_ns = self._newest_ns
        self._upper: tuple[int, int] | None = None
        self._lower: tuple[int, int] | None = None
        self._upper_level = self._lower_level = 0.0

    def _jumped(self, device_ns: int, offset: int) -> bool:
        if device_ns < self._newest_ns - _REORDER_NS:
            return True
        # nothing arrives before it was stamped: then the device's clock leapt ahead;
        # but of a young clock only late messages may have been seen
        settled = len(self._uppers) >= _SETTLED_BLOCKS
        least = self.to_host(device_ns)[0] - device_ns
        leap = _JUMP_NS if settled else _REORDER_NS
        return offset < least - leap - _MAX_SKEW * (device_ns - self._newest_ns)

    def _close_block(self, device_ns: int) -> None:
        late_ns = 0
        if self._upper is not None and self._uppers:
            at_ns, offset = self._upper
            late_ns = at_ns + offset - self.to_host(at_ns)[0]
        if late_ns > _JUMP_NS:
            self._rejected += 1
            if self._rejected >= _REJECTS:
                self.restart()
                self._first_ns = self._newest_ns = device_ns
        elif self._upper is not None:
            self._rejected = 0
            self._uppers = [*self._uppers[1 - _BLOCKS :], self._upper]
            if self._lower is not None:
                self._lowers = [*self._lowers[1 - _BLOCKS :], self._lower]
            self._fit()
        self._empty_block()

    def _fit_first(self) -> None:
        if not self._uppers:
            self._fit()

    def _fit(self) -> None:
        uppers = self._uppers or ([self._upper] if self._upper else [])
        lowers = self._lowers or ([self._lower] if self._lower else [])
        at = self._newest_ns
        skew = _robust_slope(uppers)
        above = [offset + skew * (at - device) for device, offset in uppers]
        below = [offset + skew * (at - device) for device, offset in lowers]
        upper = lower = median(above)
        scatter = 1.48 * median(abs(level - upper) for level in above)
        if not self._uppers and not below:
            scatter = _UNSURE_SD_NS
        if below:
            lower = min(max(below), upper)  # a bound: the best of few holds
        self._model = ClockModel(
            device_ns=at,
            offset_ns=round((upper + lower) / 2),
            skew_ppb=skew * 1e9,
            sd_ns=round(hypot(scatter, (upper - lower) / 12**0.5, _FLOOR_SD_NS)),
            segment=self._segment,
        )


def _robust_slope(points: list[tuple[int, int]]) -> float:
    """Return the median slope of all pairs (Theil and Sen); 0 for too short a span."""
    if len(points) < 2 or points[-1][0] - points[0][0] < _SPAN_FOR_SKEW_NS:
        return 0.0
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for k, later in enumerate(points)
        for earlier in points[:k]
        if later[0] > earlier[0]
    ]
    return min(max(median(slopes), -_MAX_SKEW), _MAX_SKEW)
