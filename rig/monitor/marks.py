"""Rows of decisions and events as marks on the time axis."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from rig.messages import BY_HAND, Decision, NodeEvent, from_row
from rig.monitor.feed import Mark
from rig.recording.notes import EXPERIMENTER, MORE, note_of

if TYPE_CHECKING:
    from collections.abc import Callable, MutableSequence, Sequence

    import numpy as np

    from rig.monitor.feed import MarkKind

__all__ = ["add_event", "held_words", "mark_of_decision", "mark_of_event"]


def mark_of_decision(
    row: np.void, seconds: Callable[[int], float], *, blind: bool
) -> Mark:
    """Return a decision as a mark.

    Parameters
    ----------
    row
        Of the decisions.
    seconds
        Turns host ns into seconds of the session.
    blind
        Whether a sham must look like a fire.
    """
    decision = from_row(Decision, row)
    if decision.rule == BY_HAND:
        return _by_hand(decision, seconds)
    kind = _kind(decision.outcome, blind=blind)
    words = kind if kind == "decided" else decision.outcome.replace("_", " ")
    text = f"{decision.rule} {words}"
    if kind != "decided" and decision.cause:
        text += f": {decision.cause}"
    return Mark(seconds(decision.host_ns), kind, text, decision.rule)


def mark_of_event(row: np.void, seconds: Callable[[int], float]) -> Mark:
    """Return an event of a node, or somebody's note, as a mark.

    What goes on with the text of a note is a note of its own: see `add_event`.
    """
    event = from_row(NodeEvent, row)
    if event.node == EXPERIMENTER:
        return Mark(seconds(event.host_ns), "note", note_of(event, 0).words)
    text = f"{event.node} {event.state.replace('_', ' ')}"
    if event.detail:
        text += f": {event.detail}"
    return Mark(seconds(event.host_ns), "event", text)


def add_event(
    marks: MutableSequence[Mark], row: np.void, seconds: Callable[[int], float]
) -> None:
    """Add an event to marks; what goes on with the last note's text is added to that.

    Parameters
    ----------
    marks
        To which the events before it were added.
    row, seconds
        As for `mark_of_event`.
    """
    mark = mark_of_event(row, seconds)
    if row["state"] == MORE.encode():
        for k in range(len(marks) - 1, -1, -1):
            if marks[k].kind == "note":
                marks[k] = replace(marks[k], text=marks[k].text + mark.text)
                return
    marks.append(mark)


def held_words(marks: Sequence[Mark]) -> str:
    """Return in words what fires were held back, the most frequent reason first.

    Parameters
    ----------
    marks
        Of fires that were held back.
    """
    if not marks:
        return ""
    words, count = Counter(mark.text for mark in marks).most_common(1)[0]
    more = f", and {len(marks) - count} more" if count < len(marks) else ""
    return f"held back: {count} x {words}{more}"


def _by_hand(decision: Decision, seconds: Callable[[int], float]) -> Mark:
    """Return a pulse by hand as a mark: it is never a sham, so nothing is hidden."""
    kind = "pulse" if decision.outcome == "fired" else "disarmed"
    text = f"by hand {decision.outcome} on {decision.line}: {decision.cause}"
    return Mark(seconds(decision.host_ns), kind, text, decision.rule)


def _kind(outcome: str, *, blind: bool) -> MarkKind:
    if outcome in {"fired", "sham"}:
        if blind:
            return "decided"
        return "fired" if outcome == "fired" else "sham"
    return "disarmed" if outcome == "disarmed" else "suppressed"
