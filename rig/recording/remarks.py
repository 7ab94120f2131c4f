"""What a person must know of a session though nothing need be missing.

Read from the session's own events, so that whoever adds the session up again,
from its rows alone, comes to the same remarks.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rig.messages import Loss, NodeEvent, from_row
from rig.recording.ledger import AWAY, RECORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rig.recording.reader import Recording

__all__ = [
    "DIED",
    "OVER_BUDGET",
    "RESTARTED",
    "STOPPED_EARLY",
    "WITHIN_BUDGET",
    "read_remarks",
    "remarks_of",
]

DIED = "died"
"""State of a node whose process ended."""
RESTARTED = "restarted"
"""State of a node that a fresh process took the place of; the detail tells why."""
STOPPED_EARLY = "stopped_early"
"""State of a session that had to end before it was meant to; the detail tells why."""
OVER_BUDGET = "over_budget"
"""State of a node that takes longer than the task allows; the detail begins with the
stage and the figure: ``network p99``."""
WITHIN_BUDGET = "within_budget"
"""It is over; the detail begins in the same way."""

_EVENTS = "node_events"
_NAMED = 3
"""Streams that a remark names; the ledger has all."""


def read_remarks(recording: Recording, losses: Sequence[Loss]) -> list[str]:
    """Return the remarks on a session, from its own events and losses."""
    if _EVENTS not in recording.streams:
        return []
    events = [from_row(NodeEvent, row) for row in recording.rows(_EVENTS)]
    return remarks_of(events, losses)


def remarks_of(events: Iterable[NodeEvent], losses: Sequence[Loss]) -> list[str]:
    """Return the remarks that events call for, in their order.

    Examples
    --------
    >>> died = NodeEvent(host_ns=1, node="recorder", state=DIED, detail="signal 9")
    >>> back = NodeEvent(
    ...     host_ns=2,
    ...     node="recorder",
    ...     state=RESTARTED,
    ...     detail="died (signal 9) and was restarted after 0.8 s",
    ... )
    >>> remarks_of([died, back], [])
    ['recorder died (signal 9) and was restarted after 0.8 s; nothing lost']
    """
    events = list(events)
    deaths = [e.host_ns for e in events if (e.node, e.state) == (RECORDER, DIED)]
    remarks: list[str] = []
    for event in events:
        if event.state == STOPPED_EARLY:
            remarks.append(f"stopped early: {event.detail}")
        elif event.state == RESTARTED and event.node == RECORDER:
            since = max((ns for ns in deaths if ns <= event.host_ns), default=0)
            until = min((ns for ns in deaths if ns > event.host_ns), default=None)
            lost = _lost(losses, since, until)
            remarks.append(f"{event.node} {event.detail}; {lost}")
        elif event.state == RESTARTED:
            remarks.append(f"{event.node} {event.detail}")
    return remarks + _over_budget(events)


def _over_budget(events: Sequence[NodeEvent]) -> list[str]:
    """Return a remark for each figure that was over its budget."""
    told: dict[str, list[NodeEvent]] = {}
    for event in events:
        if event.state in {OVER_BUDGET, WITHIN_BUDGET}:
            figure = " ".join(event.detail.split(" ")[:2])
            told.setdefault(figure, []).append(event)
    return [_budget_words(about) for about in told.values()]


def _budget_words(events: Sequence[NodeEvent]) -> str:
    """Return how often and how long a figure was over its budget.

    Parameters
    ----------
    events
        Of one figure: over and within by turns, over first.
    """
    begun = [event for event in events if event.state == OVER_BUDGET]
    ended = [event for event in events if event.state == WITHIN_BUDGET]
    often = "once" if len(begun) == 1 else f"{len(begun)} times"
    pairs = zip(begun, ended, strict=False)
    over_s = sum(end.host_ns - begin.host_ns for begin, end in pairs) / 1e9
    lasted = f", {over_s:.0f} s in all" if ended else ""
    still = ", and at the end" if len(ended) < len(begun) else ""
    first = " first" if len(begun) > 1 else ""
    return f"over the latency budget {often}{lasted}{still}:{first} {begun[0].detail}"


def _lost(losses: Sequence[Loss], since_ns: int, until_ns: int | None) -> str:
    """Return what was lost for want of a recorder, from one death to the next."""
    lost: Counter[str] = Counter()
    for loss in losses:
        inside = since_ns <= loss.host_ns and (
            until_ns is None or loss.host_ns < until_ns
        )
        if loss.cause == AWAY and inside:
            lost[loss.stream] += loss.count
    if not lost:
        return "nothing lost"
    named = [f"{count} of {name}" for name, count in lost.most_common(_NAMED)]
    if len(lost) > _NAMED:
        named.append(f"more of {len(lost) - _NAMED} other streams")
    return f"lost meanwhile: {', '.join(named)}"
