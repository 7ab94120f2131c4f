"""What was noted is on record, whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rig.messages import NodeEvent, from_row, row_dtype, to_row
from rig.recording.notes import Note, note_events, notes_of
from rig.recording.sidecar import SessionInfo


class Session:
    """Stands for an opened session with some events."""

    def __init__(self, *events):
        self.table = np.zeros(len(events), row_dtype(NodeEvent))
        for k, event in enumerate(events):
            self.table[k] = to_row(event)
        self.streams = {"node_events": None}
        self.info = SessionInfo(
            session_id="s",
            subject="m1",
            task="t",
            started_utc="2026-01-02T10:00:00+00:00",
            started_host_ns=1000,
        )

    def rows(self, _name):
        return self.table


def other(host_ns):
    return NodeEvent(host_ns=host_ns, node="left", state="died", detail="signal 9")


texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=1000
)


@given(texts, st.sampled_from(["", "0", "7"]))
def test_a_note_of_any_length_and_language_comes_back(text, key):
    events = note_events(text, key, 1000 + 10**9)
    assert all(len(event.detail.encode()) <= 160 for event in events)
    session = Session(other(1), *events, other(2 * 10**9))
    assert notes_of(session) == [Note(1.0, text, key)]


def test_notes_are_told_in_order_of_their_time():
    late, early = note_events("late", "", 3000), note_events("e" * 200, "3", 2000)
    session = Session(*late, other(3500), *early)
    assert [(note.key, note.text) for note in notes_of(session)] == [
        ("3", "e" * 200),
        ("", "late"),
    ]


def test_a_key_alone_is_a_note():
    [event] = note_events("", "4", 1000)
    row = Session(event).table[0]
    assert from_row(NodeEvent, row).state == "note 4"
    assert [note.words for note in notes_of(Session(event))] == ["4"]


def test_a_session_without_events_has_none():
    session = Session()
    session.streams = {}
    assert notes_of(session) == []
