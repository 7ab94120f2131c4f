"""Counters of n bits made endless, with the host's clock as witness."""

from __future__ import annotations

from math import floor, inf

__all__ = ["CounterUnwrapper"]

_MAX_SKEW = 2e-4
_EARLY = 0.125
"""Part of a wrap by which a message may seem to arrive before it was stamped."""


class CounterUnwrapper:
    """Makes a device's counter of few bits endless.

    While messages come at least twice a wrap, the nearest count is the right one,
    also of one that was overtaken. After a longer silence, the number of wraps in it
    is found by the host's clock: the most for which the message would not have
    arrived before it was stamped. So a message after a silence may be late by three
    quarters of a wrap. A host that stood still for longer than that looks like a
    silent device, until it has read nearly all its backlog: then the same rule shows
    the mistake.

    Parameters
    ----------
    bits
        Of the counter.
    tick_ns
        How long it stands at a count.

    Examples
    --------
    >>> counter = CounterUnwrapper(bits=16, tick_ns=1000)
    >>> counter.unwrap(65_530, host_ns=0), counter.unwrap(4, host_ns=10_000)
    (65530, 65540)
    """

    def __init__(self, bits: int, tick_ns: float) -> None:
        if bits < 1 or tick_ns <= 0:
            msg = f"Expected at least 1 bit of > 0 ns, got {bits} of {tick_ns} ns"
            raise ValueError(msg)
        self._wrap = 1 << bits
        self._tick_ns = tick_ns
        self._wrap_ns = self._wrap * tick_ns
        self.restart()

    def restart(self) -> None:
        """Forget everything, as when a device was plugged in anew."""
        self._newest: int | None = None
        self._heard_ns = 0
        self._floor_ns = inf
        self._trial_ns = -inf

    def unwrap(self, raw: int, host_ns: int) -> int:
        """Return the endless count of a counter's value.

        Parameters
        ----------
        raw
            As the device gives it.
        host_ns
            Arrival of the message that carries it.

        Returns
        -------
        int
            Ticks; of the first message, `raw` itself.

        Raises
        ------
        ValueError
            If the counter has not so many bits.
        """
        if not 0 <= raw < self._wrap:
            msg = f"Expected a count of 0 to {self._wrap - 1}, got {raw}"
            raise ValueError(msg)
        if self._newest is None:
            self._newest, self._heard_ns, self._floor_ns = raw, host_ns, inf
        step = (raw - self._newest) % self._wrap
        if 2 * step >= self._wrap:
            step -= self._wrap
        count = self._newest + step
        silence_ns = max(host_ns - self._heard_ns, 0)
        self._floor_ns += _MAX_SKEW * silence_ns
        late_ns = host_ns - count * self._tick_ns - self._floor_ns
        on_trial = host_ns < self._trial_ns
        silent = 2 * silence_ns > self._wrap_ns or step < 0
        if silent or (on_trial and late_ns < 0):
            wraps = floor(late_ns / self._wrap_ns + _EARLY)
            count += wraps * self._wrap
            if wraps > 0:  # a backlog, if it is one, will be read by then
                self._trial_ns, on_trial = host_ns + self._wrap_ns, True
            elif wraps < 0:
                self._newest, self._trial_ns, on_trial = count, -inf, False
        self._newest = max(self._newest, count)
        self._heard_ns = max(self._heard_ns, host_ns)
        if silent or not on_trial:
            least_ns = host_ns - count * self._tick_ns
            self._floor_ns = min(self._floor_ns, least_ns)
        return count
