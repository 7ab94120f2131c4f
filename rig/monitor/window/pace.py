"""How often a window draws: as often as it likes, while that is little of a core."""

from __future__ import annotations

__all__ = ["Pace"]

_MOST_SHARE = 0.6
"""Of the time between two pictures that drawing may take before it becomes rarer."""
_MEMORY = 0.9


class Pace:
    """Lengthens the time between pictures where drawing takes long: rig before window.

    Parameters
    ----------
    tick_ms
        Time between two pictures that is wanted.

    Examples
    --------
    >>> pace = Pace(33)
    >>> pace.next_ms(5_000_000)
    33
    """

    def __init__(self, tick_ms: int) -> None:
        self._tick_ms = tick_ms
        self._usual_ms = 0.0

    def next_ms(self, took_ns: int) -> int:
        """Return how long to wait, given how long the last picture took."""
        took_ms = took_ns / 1e6
        self._usual_ms = _MEMORY * self._usual_ms + (1 - _MEMORY) * took_ms
        return max(self._tick_ms, round(self._usual_ms / _MOST_SHARE))
