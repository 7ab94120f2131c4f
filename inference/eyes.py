"""All cameras of a task, which look through one network.

Each camera has its viewer. Where the network takes batches and the task wants it,
frames that were exposed at the same moment are looked at together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from inference.view.viewer import Glance, look_together

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from inference.feed import FrameFeed
    from inference.view.viewer import Look, Viewer
    from rig.bus.reader import View
    from rig.messages import Frame

__all__ = ["Eyes", "Seen"]

_SIMULTANEOUS_NS = 1_000_000
"""Exposures that are no further apart are one moment."""


class Seen(NamedTuple):
    """A frame that was looked at; its view must be given back to the feed."""

    feed: FrameFeed
    frame: Frame
    view: View
    look: Look


class Eyes:
    """Looks at the newest frames of the cameras that have some.

    Parameters
    ----------
    feeds
        The cameras.
    viewers
        By camera's name.
    together
        Whether several cameras may look at once.
    """

    def __init__(
        self,
        feeds: Sequence[FrameFeed],
        viewers: Mapping[str, Viewer],
        *,
        together: bool,
    ) -> None:
        self.viewers = viewers
        self._feeds = feeds
        self._together = together

    def warm_up(self) -> None:
        """Let the network make ready for all that it will be shown.

        Raises
        ------
        ModelError
            If it cannot see a camera's frames.
        """
        for viewer in self.viewers.values():
            viewer.warm_up()

    def waiting(self) -> FrameFeed | None:
        """Return the camera with news that was looked at longest ago: each in turn."""
        waiting = [feed for feed in self._feeds if feed.waiting]
        return min(waiting, key=lambda feed: feed.served_ns, default=None)

    def look(self, first: FrameFeed, dequeued_ns: int) -> list[Seen]:
        """Look at a camera's newest frame, and at those of the same moment."""
        taken = [
            (feed, *found)
            for feed in self._same_moment(first)
            if (found := feed.take(dequeued_ns)) is not None
        ]
        if not taken:
            return []
        glances = [
            Glance(self.viewers[feed.camera], view.payload[0], frame.exposure_ns)
            for feed, frame, view in taken
        ]
        looks = look_together(glances)
        return [Seen(*one, look) for one, look in zip(taken, looks, strict=True)]

    def figures(self) -> dict[str, float]:
        """Return how often the whole picture had to be looked at, by camera."""
        figures: dict[str, float] = {}
        for camera, viewer in self.viewers.items():
            figures[f"whole_looks_{camera}"] = float(viewer.whole_looks)
            figures[f"second_looks_{camera}"] = float(viewer.second_looks)
        return figures

    def _same_moment(self, first: FrameFeed) -> Iterable[FrameFeed]:
        """Return a camera, and those whose newest frame is of the same moment."""
        if not self._together:
            return (first,)
        newest = {
            feed: frame.exposure_ns
            for feed in self._feeds
            if feed.waiting and (frame := feed.newest()) is not None
        }
        moment_ns = newest.pop(first, 0)
        return (
            first,
            *(
                feed
                for feed, exposure_ns in newest.items()
                if abs(exposure_ns - moment_ns) <= _SIMULTANEOUS_NS
            ),
        )
