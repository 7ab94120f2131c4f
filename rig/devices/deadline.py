"""Until when a command may begin, on the board's own clock. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync.online import ClockState

__all__ = ["not_after_us"]

_SURE = 3
"""So many standard deviations of the clock earlier: its error lets nothing through."""
_MOST_AHEAD_NS = 9_000_000_000
"""A board takes a deadline that is more than 10 s ahead for one of another clock."""


def not_after_us(clock: ClockState, latest_ns: int, now_ns: int) -> int:
    """Return the last device time, in us, at which a pose is surely not too old.

    Parameters
    ----------
    clock
        The board's clock.
    latest_ns
        Host time at which the pose will be too old.
    now_ns
        Host time.
    """
    latest_ns = min(latest_ns, now_ns + _MOST_AHEAD_NS)
    elapsed_ns = latest_ns - clock.offset_ns - clock.device_ns
    device_ns = clock.device_ns + round(elapsed_ns / (1 + clock.skew_ppb * 1e-9))
    _, sd_ns = clock.to_host(device_ns)
    return max((device_ns - _SURE * sd_ns) // 1000, 0)
