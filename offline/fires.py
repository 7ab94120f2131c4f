"""Fires and the events that they belong to: which is whose, and how far off. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from rig.messages import Decision

__all__ = ["FIRES", "Matched", "Offsets", "held_back", "matched", "offsets"]

FIRES = ("fired", "sham", "disarmed")
"""Outcomes of a rule that has seen what it waits for, in time."""


class Offsets(msgspec.Struct, frozen=True, kw_only=True):
    """Times after what is true; negative is before it."""

    count: int
    median_ms: float
    p5_ms: float
    p95_ms: float


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


def held_back(decisions: Sequence[Decision], at_ns: int, within_ns: int) -> str | None:
    """Return what suppressed a rule's fire nearest to a time; None if nothing did.

    Parameters
    ----------
    decisions
        The rule's.
    at_ns
        Host time.
    within_ns
        What is farther from it has nothing to do with it.
    """
    held = [
        decision
        for decision in decisions
        if decision.outcome not in FIRES and abs(decision.host_ns - at_ns) <= within_ns
    ]
    nearest = min(held, key=lambda each: abs(each.host_ns - at_ns), default=None)
    return None if nearest is None else nearest.outcome.removeprefix("suppressed_")


def offsets(times_ns: Sequence[int]) -> Offsets | None:
    """Return the figures of some times; None of none."""
    if not times_ns:
        return None
    p5, p50, p95 = np.percentile(np.array(times_ns) / 1e6, (5, 50, 95))
    return Offsets(
        count=len(times_ns),
        median_ms=round(float(p50), 3),
        p5_ms=round(float(p5), 3),
        p95_ms=round(float(p95), 3),
    )
