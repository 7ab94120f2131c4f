"""Over the wire nothing tells a sham from a fire."""

import msgspec
import numpy as np
import pytest

from rig.messages import BY_HAND, Decision, Event, NodeEvent, row_dtype, to_row
from rig.monitor.remote.veil import HIDDEN, veiled
from rig.supervisor.blinding import Blind

BLIND = Blind(frozenset({"acknowledgements", "events/daq"}))


@pytest.fixture
def decision():
    def make(seq, outcome, draw=-1.0, cause="hip in"):
        return Decision(
            seq=seq,
            host_ns=1000 + seq,
            decision_id=seq,
            rule="in",
            camera="left",
            frame_id=7,
            pose_seq=7,
            outcome=outcome,
            cause=cause,
            exposure_ns=900,
            age_ns=100 + seq,
            max_age_ns=200,
            latency_ns=0,
            value=1.0,
            threshold=0.5,
            likelihood=0.9,
            sham_draw=draw,
            armed=1,
            line="laser",
            pulse_width_us=100,
            pulse_count=1,
            pulse_period_us=0,
        )

    return make


@pytest.fixture
def rows_of():
    def make(*records):
        return np.array([to_row(r) for r in records], row_dtype(type(records[0])))

    return make


def test_a_sham_looks_like_a_fire(decision, rows_of):
    """But for when and why they were decided, they are the same."""
    fire = decision(0, "fired", 0.9)
    sham = decision(0, "sham", 0.1, "draw 0.1000 below 0.2000: hip in")
    one, other = (veiled("decisions", rows_of(r), BLIND) for r in (fire, sham))
    assert one.tolist() == other.tolist()
    assert one["outcome"].tolist() == [b"fired"]
    assert one["cause"].tolist() == [b""]


def test_what_was_not_carried_out_anyway_is_seen_with_its_reason(decision, rows_of):
    rows = rows_of(
        decision(0, "suppressed_age", cause="120 ms old"),
        decision(1, "sham", 0.1),
        decision(2, "disarmed", 0.7, cause="disarmed"),
    )
    seen = veiled("decisions", rows, BLIND)
    assert seen["outcome"].tolist() == [b"suppressed_age", b"fired", b"disarmed"]
    assert seen["cause"].tolist() == [b"120 ms old", b"", b"disarmed"]
    assert seen["sham_draw"].tolist() == [-1, -1, -1]
    for name in ("seq", "host_ns", "decision_id", "age_ns", "value", "line"):
        np.testing.assert_array_equal(seen[name], rows[name])


def test_a_pulse_by_hand_is_no_sham(decision, rows_of):
    hand = msgspec.structs.replace(decision(0, "fired"), rule=BY_HAND, cause="by me")
    rows = rows_of(hand)
    assert veiled("decisions", rows, BLIND).tolist() == rows.tolist()


def test_the_rows_that_were_given_stay_as_they_are(decision, rows_of):
    rows = rows_of(decision(0, "sham", 0.1))
    before = rows.tolist()
    veiled("decisions", rows, BLIND)
    assert rows.tolist() == before


def test_events_about_what_only_a_fire_leaves_behind_are_hidden(rows_of):
    rows = rows_of(
        NodeEvent(seq=0, host_ns=5, node="inference", state="slow", detail="pose p99"),
        NodeEvent(seq=1, host_ns=6, node="inference", state="slow", detail="total p99"),
        NodeEvent(seq=2, host_ns=7, node="left", state="died", detail="killed"),
    )
    seen = veiled("node_events", rows, BLIND)
    assert seen["state"].tolist() == [b"slow", HIDDEN.encode(), b"died"]
    assert seen["detail"].tolist() == [b"pose p99", b"fired", b"killed"]
    assert [BLIND.hides(detail.decode()) for detail in seen["detail"]][1]
    assert seen["seq"].tolist() == [0, 1, 2], "a hole would look like a loss"


def test_other_streams_are_sent_as_they_are(rows_of):
    event = Event(host_ns=1, device_ns=1, device_seq=0, line="laser", edge=1)
    rows = rows_of(event)
    assert veiled("events/scope", rows, BLIND) is rows
