"""From a session that was found to one that can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.monitor.live.feed import LiveFeed
from rig.monitor.shown import shown_of

if TYPE_CHECKING:
    from rig.monitor.live.link import Link

__all__ = ["PHASES_WITH_STREAMS", "feed_when_ready"]

PHASES_WITH_STREAMS = frozenset({"starting", "recording", "stopping"})
"""In which all streams are there, and the session says what it is."""


def feed_when_ready(link: Link) -> LiveFeed | None:
    """Return what a session shows; None while it is being made ready.

    Raises
    ------
    SpringhareError
        If the session cannot be read.
    """
    status = link.status
    if status is None or status.phase not in PHASES_WITH_STREAMS:
        return None
    info = link.info()
    return None if info is None else LiveFeed(link, shown_of(info, link.specs()))
