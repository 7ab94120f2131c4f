"""What somebody noted while a session ran, on record among its events.

A note is an event of the node `EXPERIMENTER` in the state ``note``, or ``note 3`` for
the hot key 3. Text that is longer than an event's detail goes on in the events that
follow at once, in the state `MORE`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rig.messages import NodeEvent, cut_text, from_row, row_dtype

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from rig.recording.reader import Recording

__all__ = [
    "EXPERIMENTER",
    "MORE",
    "Note",
    "is_note",
    "note_events",
    "note_of",
    "notes_of",
]

EXPERIMENTER = "experimenter"
"""Stands for the node of a note."""
MORE = "note+"
"""State of the events that go on with a note's text."""

_NOTE = "note"
_EVENTS = "node_events"


class Note(msgspec.Struct, frozen=True):
    """What somebody noted."""

    at_s: float
    """When it was begun, in s since the session's start."""
    text: str
    """Empty for a hot key alone."""
    key: str = ""
    """The hot key, 0 to 9; empty without one."""

    @property
    def words(self) -> str:
        """The note with its key."""
        return ": ".join(part for part in (self.key, self.text) if part)


def note_events(text: str, key: str, host_ns: int) -> list[NodeEvent]:
    """Return the events that keep a note.

    Examples
    --------
    >>> [event.state for event in note_events("a" * 161, "3", 1)]
    ['note 3', 'note+']
    """
    events: list[NodeEvent] = []
    state, rest = f"{_NOTE} {key}".rstrip(), text.encode("utf-8", "replace")
    size = row_dtype(NodeEvent)["detail"].itemsize
    while rest or not events:
        part = cut_text(rest, size)
        event = NodeEvent(
            host_ns=host_ns, node=EXPERIMENTER, state=state, detail=part.decode()
        )
        events.append(event)
        state, rest = MORE, rest[len(part) :]
    return events


def note_of(event: NodeEvent, started_ns: int) -> Note:
    """Return the note of its first event, without what goes on in the next ones."""
    key = event.state.removeprefix(MORE).removeprefix(_NOTE).strip()
    return Note((event.host_ns - started_ns) / 1e9, event.detail, key)


def is_note(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which events (n,) are of notes."""
    return rows["node"] == EXPERIMENTER.encode()


def notes_of(recording: Recording) -> list[Note]:
    """Return what was noted in a session, in order of time."""
    if _EVENTS not in recording.streams:
        return []
    rows = recording.rows(_EVENTS)
    events = [from_row(NodeEvent, row) for row in rows[is_note(rows)]]
    notes = _joined(events, recording.info.started_host_ns)
    return sorted(notes, key=lambda note: note.at_s)


def _joined(events: Iterable[NodeEvent], started_ns: int) -> list[Note]:
    notes: list[Note] = []
    for event in events:
        if event.state == MORE and notes:
            whole = notes[-1].text + event.detail
            notes[-1] = msgspec.structs.replace(notes[-1], text=whole)
        else:
            notes.append(note_of(event, started_ns))
    return notes
