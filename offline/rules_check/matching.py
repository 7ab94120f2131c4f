"""Which fire belongs to which event. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Matched", "matched"]


class Matched(NamedTuple):
    """Pairs, and what is left over."""

    fires: NDArray[np.intp]
    """Of each pair the place of the fire."""
    events: NDArray[np.intp]
    """Of each pair the place of the event."""
    false: NDArray[np.intp]
    """Fires without an event."""
    missed: NDArray[np.intp]
    """Events without a fire."""


def matched(fires_ns: ArrayLike, events_ns: ArrayLike, within_ns: int) -> Matched:
    """Pair fires and events, each at most once, the nearest ones first.

    Parameters
    ----------
    fires_ns
        (n,) in any order.
    events_ns
        (m,) in any order.
    within_ns
        Farther apart they do not belong together.

    Examples
    --------
    >>> found = matched([10, 52, 90], [50, 60], 5)
    >>> found.fires.tolist(), found.false.tolist(), found.missed.tolist()
    ([1], [0, 2], [1])
    """
    fires, events = np.asarray(fires_ns, np.int64), np.asarray(events_ns, np.int64)
    order = np.argsort(events, kind="stable")
    first = np.searchsorted(events[order], fires - within_ns, side="left")
    last = np.searchsorted(events[order], fires + within_ns, side="right")
    near = [
        (abs(int(fires[k]) - int(events[order[j]])), k, int(order[j]))
        for k in range(len(fires))
        for j in range(first[k], last[k])
    ]
    of_fire: dict[int, int] = {}
    taken: set[int] = set()
    for _, fire, event in sorted(near):
        if fire not in of_fire and event not in taken:
            of_fire[fire] = event
            taken.add(event)
    pairs = sorted(of_fire.items())
    return Matched(
        fires=np.array([fire for fire, _ in pairs], np.intp),
        events=np.array([event for _, event in pairs], np.intp),
        false=np.setdiff1d(np.arange(len(fires)), list(of_fire)).astype(np.intp),
        missed=np.setdiff1d(np.arange(len(events)), list(taken)).astype(np.intp),
    )
