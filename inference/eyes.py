"""All cameras of a task, which look through one network.

Each camera has its viewer. Where points in space are made of them, frames of one
moment wait a little for one another and are taken together. They are looked at one
after the other, each with its own times; or at once, where the network takes batches
and the task wants it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from inference.view.viewer import Glance, look_together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inference.feed import FrameFeed
    from inference.view.viewer import Look, Viewer
    from rig.bus.reader import View
    from rig.messages import Frame

__all__ = ["Eyes", "Gathering", "Seen", "Taken"]

_SIMULTANEOUS_NS = 1_000_000
"""Exposures that are no further apart are one moment."""


class Taken(NamedTuple):
    """A frame to be looked at; its view must be given back to the feed."""

    feed: FrameFeed
    frame: Frame
    view: View


class Seen(NamedTuple):
    """A frame that was looked at; its view must be given back to the feed."""

    feed: FrameFeed
    frame: Frame
    view: View
    look: Look


class Gathering(NamedTuple):
    """Cameras whose frames of one moment belong together."""

    cameras: frozenset[str]
    wait_ns: int
    """How long one waits for the others."""


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
    gathering
        Those that make points in space; None without.
    """

    def __init__(
        self,
        feeds: Sequence[FrameFeed],
        viewers: Mapping[str, Viewer],
        *,
        together: bool,
        gathering: Gathering | None = None,
    ) -> None:
        self.viewers = viewers
        self._feeds = feeds
        self._together = together
        self._gathering = gathering
        self._since_ns: dict[str, int] = {}
        """Since when a camera has waited for the others."""

    def warm_up(self) -> None:
        """Let the network make ready for all that it will be shown.

        Raises
        ------
        ModelError
            If it cannot see a camera's frames.
        """
        for viewer in self.viewers.values():
            viewer.warm_up()

    @property
    def deadline_ns(self) -> int | None:
        """When a camera will have waited long enough for others; None if none does."""
        if self._gathering is None or not self._since_ns:
            return None
        return min(self._since_ns.values()) + self._gathering.wait_ns

    def waiting(self, now_ns: int) -> FrameFeed | None:
        """Return the camera with news that was looked at longest ago: each in turn.

        One whose frame belongs together with others' is not returned before those
        are there, or it has waited long enough.
        """
        waiting = [feed for feed in self._feeds if feed.waiting]
        if self._gathering is not None:
            waiting = self._gathered(waiting, self._gathering, now_ns)
        return min(waiting, key=lambda feed: feed.served_ns, default=None)

    def take(self, first: FrameFeed, now_ns: int) -> list[list[Taken]]:
        """Take a camera's newest frame, and those of the same moment.

        Returns
        -------
        list of list of Taken
            What is to be looked at, one after the other; each as one.
        """
        taken = [
            Taken(feed, *found)
            for feed in self._same_moment(first)
            if (found := feed.take(now_ns)) is not None
        ]
        if not taken:
            return []
        return [taken] if self._together else [[one] for one in taken]

    def look(self, taken: Sequence[Taken]) -> list[Seen]:
        """Look at some frames at once."""
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

    def _gathered(
        self, waiting: list[FrameFeed], gathering: Gathering, now_ns: int
    ) -> list[FrameFeed]:
        """Return the cameras that need not wait for others any more."""
        members = [feed for feed in waiting if feed.camera in gathering.cameras]
        moments = [frame.exposure_ns for feed in members if (frame := feed.newest())]
        if len(moments) == len(gathering.cameras) and (
            max(moments) - min(moments) <= _SIMULTANEOUS_NS
        ):
            self._since_ns.clear()
            return waiting
        for feed in members:
            self._since_ns.setdefault(feed.camera, now_ns)
        return [
            feed
            for feed in waiting
            if feed not in members
            or now_ns - self._since_ns[feed.camera] >= gathering.wait_ns
        ]

    def _same_moment(self, first: FrameFeed) -> Sequence[FrameFeed]:
        """Return a camera, and those whose newest frame is of the same moment."""
        found = [first]
        mates = [feed for feed in self._mates(first) if feed.waiting]
        if mates and (frame := first.newest()) is not None:
            moment_ns = frame.exposure_ns
            found += [
                mate
                for mate in mates
                if (theirs := mate.newest()) is not None
                and abs(theirs.exposure_ns - moment_ns) <= _SIMULTANEOUS_NS
            ]
        for feed in found:
            self._since_ns.pop(feed.camera, None)
        return found

    def _mates(self, first: FrameFeed) -> list[FrameFeed]:
        """Return the cameras that may look together with one."""
        gathering = self._gathering
        wanted = () if gathering is None else gathering.cameras
        return [
            feed
            for feed in self._feeds
            if feed is not first
            and (self._together or {first.camera, feed.camera} <= set(wanted))
        ]
