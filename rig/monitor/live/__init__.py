"""A running session as a feed.

`link` is how it is reached, `attaching` waits until there is something to see, `feed`
keeps the last minutes, `pictures` takes single frames from where they lie.
"""

from __future__ import annotations

from rig.monitor.live.feed import LiveFeed

__all__ = ["LiveFeed"]
