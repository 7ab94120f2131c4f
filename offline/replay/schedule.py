"""Which frames a network of another speed would have looked at, and when. Pure.

The live node takes the newest frame of the camera that was looked at longest ago, and
skips those before it; cameras that see together wait for one another. `inference.eyes`
decides that, here as there: it is shown cameras that are only rows of a recording. What
the node did besides takes as long as the session has shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from inference.eyes import Eyes
from rig.messages import Frame, from_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from inference.eyes import Gathering
    from offline.replay.recorded import RecordedPoses

__all__ = ["Habits", "Planned", "habits_of", "schedule"]

_LOCAL_NS = 300_000


class Habits(NamedTuple):
    """How long the node takes around the network; where nobody knows, some 0.3 ms."""

    wake_ns: int = _LOCAL_NS
    """From the arrival of a frame until it is taken, where the node waited for it."""
    decide_ns: int = _LOCAL_NS
    """From the network's end until the pose is decided on and published."""
    rest_ns: int = _LOCAL_NS
    """From then until the next frame is taken, where one was there."""


class Planned(NamedTuple):
    """A frame that is looked at."""

    camera: str
    place: int
    """Among the rows of its camera."""
    dequeued_ns: int
    inferred_ns: int
    host_ns: int
    """The pose is there."""


def habits_of(
    poses: Mapping[str, RecordedPoses],
    frames: Mapping[str, NDArray[np.void]],
    *,
    gathered: bool = False,
) -> Habits:
    """Return how long the node took around the network, by medians.

    Parameters
    ----------
    poses
        By camera, as recorded live.
    frames
        (n,) rows of `Frame` by camera.
    gathered
        Whether frames waited for others of their moment: then it is the last arrival
        that wakes the node, else the first.
    """
    if not poses:
        return Habits()
    names = ("dequeued_ns", "inferred_ns", "host_ns")
    looks = np.concatenate(
        [
            np.stack([each.rows[name] for name in names], axis=1)
            for each in poses.values()
        ]
    )
    looks = looks[np.argsort(looks[:, 2], kind="stable")]
    dequeued_ns, free_ns = looks[1:, 0], looks[:-1, 2]
    arrived_ns = np.sort(np.concatenate([rows["host_ns"] for rows in frames.values()]))
    first = np.searchsorted(arrived_ns, free_ns, side="right")
    end = np.searchsorted(arrived_ns, dequeued_ns, side="right")
    busy = first == end
    rest_ns = _usual((dequeued_ns - free_ns)[busy])
    woken_ns = arrived_ns[(end - 1 if gathered else first)[~busy]]
    slept = woken_ns > free_ns[~busy] + rest_ns  # else it came while the node rested
    return Habits(
        wake_ns=_usual((dequeued_ns[~busy] - woken_ns)[slept]),
        decide_ns=_usual(looks[:, 2] - looks[:, 1]),
        rest_ns=rest_ns,
    )


def schedule(
    frames: Mapping[str, NDArray[np.void]],
    network_ns: int,
    habits: Habits,
    *,
    gathering: Gathering | None = None,
    together: bool = False,
) -> list[Planned]:
    """Choose frames as the live node would, with a network that takes so long.

    Parameters
    ----------
    frames
        (n,) rows of `Frame` by camera, in order of arrival.
    network_ns
        For one look, be it of one camera or of several together.
    habits
        What is around it.
    gathering
        Cameras that make points in space; None without.
    together
        Whether several cameras go through the network at once.

    Returns
    -------
    list of Planned
        In the order in which the poses are there.
    """
    feeds = [_Feed(camera, rows) for camera, rows in frames.items()]
    shown: Any = feeds  # a feed of a ring can do more, which Eyes does not ask for
    eyes: Any = Eyes(shown, {}, together=together, gathering=gathering)
    found: list[Planned] = []
    now_ns: int | None = 0
    while now_ns is not None:
        for feed in feeds:
            feed.now_ns = now_ns
        first = eyes.waiting(now_ns)
        if first is None:
            now_ns = _next_ns(feeds, eyes.deadline_ns, now_ns, habits.wake_ns)
            continue
        for taken in eyes.take(first, now_ns):
            dequeued_ns, now_ns = now_ns, now_ns + network_ns
            inferred_ns = now_ns
            for feed, _, place in taken:
                now_ns += habits.decide_ns
                times_ns = (dequeued_ns, inferred_ns, now_ns)
                found.append(Planned(feed.camera, place, *times_ns))
        now_ns += habits.rest_ns
    return found


class _Feed:
    """A recorded camera, as `inference.feed` shows one that is alive."""

    def __init__(self, camera: str, rows: NDArray[np.void]) -> None:
        self.camera = camera
        self.served_ns = 0
        self.now_ns = 0
        self.arrivals_ns = rows["host_ns"]
        self._rows = rows
        self._next = 0

    @property
    def arrived(self) -> int:
        """How many frames have come."""
        return int(np.searchsorted(self.arrivals_ns, self.now_ns, side="right"))

    @property
    def waiting(self) -> bool:
        return self.arrived > self._next

    def newest(self) -> Frame | None:
        if not self.waiting:
            return None
        self._next = self.arrived - 1
        return from_row(Frame, self._rows[self._next])

    def take(self, now_ns: int) -> tuple[Frame, int] | None:
        """Return a frame, and its place instead of its pixels."""
        frame = self.newest()
        if frame is None:
            return None
        self.served_ns = now_ns
        self._next += 1
        return frame, self._next - 1


def _next_ns(
    feeds: list[_Feed], deadline_ns: int | None, now_ns: int, wake_ns: int
) -> int | None:
    """Return when there is something to do again; None if never."""
    arrivals = [
        int(feed.arrivals_ns[feed.arrived]) + wake_ns
        for feed in feeds
        if feed.arrived < len(feed.arrivals_ns)
    ]
    if deadline_ns is not None and deadline_ns > now_ns:
        arrivals.append(deadline_ns)
    return min(arrivals, default=None)


def _usual(times_ns: NDArray[np.int64]) -> int:
    return max(0, round(float(np.median(times_ns)))) if len(times_ns) else _LOCAL_NS
