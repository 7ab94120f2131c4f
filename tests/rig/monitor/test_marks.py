"""Rows of decisions and events as marks: notes whole, pulses by hand as such."""

from collections import deque

import msgspec
import numpy as np
import pytest

from rig.messages import Decision, NodeEvent, row_dtype, to_row
from rig.monitor.feed import Mark
from rig.monitor.marks import add_event, held_words, mark_of_decision, mark_of_event
from rig.recording.notes import note_events

DECISION = Decision(
    host_ns=2_500_000_000,
    decision_id=0,
    rule="jump",
    camera="left",
    frame_id=1,
    pose_seq=0,
    outcome="fired",
    cause="y past 240 px",
    exposure_ns=1,
    age_ns=1,
    max_age_ns=2,
    latency_ns=0,
    value=1.0,
    threshold=0.5,
    likelihood=1.0,
    sham_draw=0.9,
    armed=1,
    line="laser",
    pulse_width_us=1000,
    pulse_count=1,
    pulse_period_us=0,
)


def stored(record):
    table = np.zeros(1, row_dtype(type(record)))
    table[0] = to_row(record)
    return table[0]


def seconds(host_ns):
    return host_ns / 1e9


def mark(blind=False, **changes):
    row = stored(msgspec.structs.replace(DECISION, **changes))
    return mark_of_decision(row, seconds, blind=blind)


@pytest.mark.parametrize(
    ("outcome", "kind", "blind_kind"),
    [
        ("fired", "fired", "decided"),
        ("sham", "sham", "decided"),
        ("disarmed", "disarmed", "disarmed"),
        ("suppressed_age", "suppressed", "suppressed"),
    ],
)
def test_a_sham_looks_like_a_fire_while_it_must(outcome, kind, blind_kind):
    assert mark(outcome=outcome).kind == kind
    assert mark(outcome=outcome, blind=True).kind == blind_kind


@pytest.mark.parametrize("blind", [False, True])
def test_a_pulse_by_hand_is_one_also_when_shams_are_hidden(blind):
    asked = {"rule": "by_hand", "cause": "asked by monitor-7-0"}
    found = mark(blind, **asked)
    told = "by hand fired on laser: asked by monitor-7-0"
    assert found == Mark(2.5, "pulse", told, "by_hand")
    assert mark(blind, **asked, outcome="disarmed").kind == "disarmed"


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [("µ", "", "µ"), ("licks", "3", "3: licks"), ("", "3", "3")],
)
def test_a_note_is_told_with_its_key(text, key, told):
    [event] = note_events(text, key, 10**9)
    assert mark_of_event(stored(event), seconds) == Mark(1.0, "note", told)


def test_a_long_note_is_one_mark_whatever_is_told_meanwhile():
    text = "日本 " * 200
    died = NodeEvent(host_ns=5, node="left", state="died", detail="signal 9")
    first, *rest = note_events(text, "3", 10**9)
    marks = deque([mark()], maxlen=100)
    add_event(marks, stored(died), seconds)
    add_event(marks, stored(first), seconds)
    marks.append(mark(outcome="sham"))  # of another stream, read in between
    for event in rest:
        add_event(marks, stored(event), seconds)
    assert [each.kind for each in marks] == ["fired", "event", "note", "sham"]
    assert marks[2].text == f"3: {text}"


def test_what_goes_on_with_a_note_that_was_missed_is_a_note():
    *_, last = note_events("a" * 200, "", 10**9)
    marks = []
    add_event(marks, stored(last), seconds)
    assert marks == [Mark(1.0, "note", "a" * 40)]


def test_an_event_is_told_with_its_node():
    died = NodeEvent(host_ns=10**9, node="left", state="stopped_early", detail="full")
    told = Mark(1.0, "event", "left stopped early: full")
    assert mark_of_event(stored(died), seconds) == told


def test_what_was_held_back_is_told_by_its_most_frequent_reason():
    def held(text):
        return Mark(1.0, "suppressed", text, "jump")

    old, refractory = held("jump suppressed: too old"), held("jump suppressed: again")
    assert held_words([]) == ""
    assert held_words([old]) == "held back: 1 x jump suppressed: too old"
    words = held_words([refractory, old, old])
    assert words == "held back: 2 x jump suppressed: too old, and 1 more"
