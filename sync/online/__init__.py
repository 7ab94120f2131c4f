"""A device's clock on the host's, while both run.

A message says: the device's stamp was so much, and it was here by then. The
difference is the clocks' offset plus a delay that is never negative and often large,
so averages mislead. What counts is the floor under the differences: the least one of
each block of time, in a Kalman filter of the floor's height and slope. The floor lies
too high by the least delay, which cannot be seen from one side; an exchange of
question and answer brackets it.

`clock` is what a device's node holds, `segment` one run of a clock without a jump,
`floor` the filter, `state` what others read.
"""

from __future__ import annotations

from sync.online.clock import OnlineClock
from sync.online.state import ClockState

__all__ = ["ClockState", "OnlineClock"]
