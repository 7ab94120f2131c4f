"""A recorded session as a feed: any moment at once, played at any speed.

`feed` is what a window holds; `session` is the opened file, of which `parts` are
cameras, signals and clocks; `paging` and `stored` read rows where they lie, `playhead`
is where one is. `searching` finds the `jumps`, a little at a time; `health` tells how
the ledger judged; `clip` makes a film of a stretch.
"""

from __future__ import annotations

from rig.monitor.recorded.feed import RecordedFeed

__all__ = ["RecordedFeed"]
