"""The limits of the actuator's lines, kept by the host as by the board. Pure.

What the board would refuse is not sent: a rule that fires too often is told so even
where the board's answer is lost. The board enforces the same limits by itself, by the
times of its own edges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from rig.devices.harp_registers import output_line

if TYPE_CHECKING:
    from rig.config.actuator import ActuatorLine
    from rig.messages import Decision

__all__ = ["LineLimits"]

_LONG_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class _Use:
    """What a line is used for last; host times in ns."""

    decision_id: int
    rise_ns: int
    """The last pulse rises."""
    width_ns: int


class LineLimits:
    """One line, and since when it may be used again.

    All rules that fire a line share it: the first of two that fire together is
    carried out.

    Parameters
    ----------
    config
        The line.
    """

    def __init__(self, config: ActuatorLine) -> None:
        self.number = output_line(config.pin)
        """The line's number on the board."""
        self._width_us = config.max_width_us
        self._period_us = self.period_us(config)
        self._duty = config.max_duty
        self._last: _Use | None = None
        self._before: _Use | None = None

    @staticmethod
    def period_us(config: ActuatorLine) -> int:
        """Return the least time from rise to rise."""
        return ceil(1e6 / config.max_rate_hz)

    def refusal(self, decision: Decision, now_ns: int) -> str | None:
        """Return why a decision may not be carried out now; None if it may."""
        width_us, period_us = decision.pulse_width_us, decision.pulse_period_us
        train = decision.pulse_count > 1
        if decision.pulse_count < 1 or not 0 < width_us <= self._width_us:
            return "refused_width"
        if now_ns < self._by_rate_ns or (train and period_us < self._period_us):
            return "refused_rate"
        over = train and width_us > min(self._duty * period_us, period_us - 1)
        if over or not self._duty or now_ns < self._by_duty_ns:
            return "refused_duty"
        return None

    def use(self, decision: Decision, sent_ns: int) -> None:
        """Take note that a decision's command has left."""
        train_us = (decision.pulse_count - 1) * decision.pulse_period_us
        rise_ns, width_ns = sent_ns + train_us * 1000, decision.pulse_width_us * 1000
        self._before = self._last
        self._last = _Use(decision.decision_id, rise_ns, width_ns)

    def spare(self, decision_id: int) -> None:
        """Take note that nothing came of a command: the line was not used."""
        if self._last is not None and self._last.decision_id == decision_id:
            self._last = self._before

    def cut(self, now_ns: int) -> None:
        """Take note that the board holds its outputs low: a train is over by now."""
        if self._last is not None and now_ns < self._last.rise_ns:
            self._last = replace(self._last, rise_ns=now_ns)

    @property
    def _by_rate_ns(self) -> int:
        last = self._last
        if last is None:
            return -_LONG_NS
        return last.rise_ns + max(last.width_ns, self._period_us * 1000)

    @property
    def _by_duty_ns(self) -> int:
        last = self._last
        if last is None or not self._duty:
            return -_LONG_NS
        return last.rise_ns + ceil(last.width_ns / self._duty)
