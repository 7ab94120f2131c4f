"""Values as a line of small bars, and the last minute of a figure in little memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["BARS", "LastMinute", "sparkline"]

BARS = "▁▂▃▄▅▆▇█"
_SECONDS = 60


def sparkline(values: Sequence[float], top: float | None = None) -> str:
    """Return one bar for each value, from zero to `top`.

    Parameters
    ----------
    values
        What is drawn; NaN leaves a gap.
    top
        What fills a bar; more does not show. By default the largest value.

    Examples
    --------
    >>> sparkline([0, 50, math.nan, 100, 120], top=100)
    '▁▅ ██'
    """
    known = [value for value in values if not math.isnan(value)]
    full = max(known, default=0.0) if top is None else top
    return "".join(" " if math.isnan(value) else _bar(value, full) for value in values)


def _bar(value: float, full: float) -> str:
    if full <= 0:
        return BARS[0]
    share = min(max(value / full, 0.0), 1.0)
    return BARS[round(share * (len(BARS) - 1))]


class LastMinute:
    """A figure's last minute, second by second.

    Of what falls into one second, and of seconds that are drawn as one, the worst
    stays: a short dip of a rate must not vanish in a mean.

    Parameters
    ----------
    worst
        `min` for a figure that should be high, `max` for one that should be low.

    Examples
    --------
    >>> rate = LastMinute(min)
    >>> for second in range(60):
    ...     rate.add(second, 20 if second == 58 else 100)
    >>> rate.values(3)
    [100, 100, 20]
    """

    def __init__(self, worst: Callable[[float, float], float]) -> None:
        self._worst = worst
        self._bins = [math.nan] * _SECONDS
        self._newest = -1

    def add(self, at_s: float, value: float) -> None:
        """Add a value at a time that does not go back."""
        second = int(at_s)
        if second < self._newest:
            self._bins = [math.nan] * _SECONDS  # time begins anew
        elif second > self._newest:
            for passed in range(max(self._newest + 1, second - _SECONDS + 1), second):
                self._bins[passed % _SECONDS] = math.nan
            self._bins[second % _SECONDS] = math.nan
        self._newest = second
        place = second % _SECONDS
        self._bins[place] = self._worse(self._bins[place], value)

    def values(self, width: int) -> list[float]:
        """Return the minute in `width` values, oldest first; NaN where nothing came.

        Each value stands for whole seconds and keeps them as the minute moves on: what
        is drawn does not flicker.
        """
        step = -(-_SECONDS // width)
        first = self._newest // step - width + 1
        return [
            self._of([self._at(s) for s in range(k * step, (k + 1) * step)])
            for k in range(first, first + width)
        ]

    def _at(self, second: int) -> float:
        kept = self._newest - _SECONDS < second <= self._newest
        return self._bins[second % _SECONDS] if kept else math.nan

    def _of(self, values: Sequence[float]) -> float:
        found = math.nan
        for value in values:
            found = self._worse(found, value)
        return found

    def _worse(self, one: float, other: float) -> float:
        if math.isnan(one) or math.isnan(other):
            return other if math.isnan(one) else one
        return self._worst(one, other)
