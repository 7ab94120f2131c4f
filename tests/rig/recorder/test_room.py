from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rig.recorder.room import Demand, DiskUse, RoomMeter, seconds_left
from sync.clock import ManualClock

RATES = st.just(0.0) | st.floats(1e-3, 1e6)
DEMANDS = st.lists(st.builds(Demand, RATES, st.integers(-1000, 10**6)), max_size=6)


def test_room_of_its_own_then_what_is_free():
    assert seconds_left(0, [Demand(10, 50)]) == 5
    assert seconds_left(100, [Demand(10, 50)]) == 15
    assert seconds_left(0, [Demand(0, 50)]) is None
    assert seconds_left(10, []) is None


def test_the_room_of_a_stream_that_carries_nothing_helps_nobody():
    idle = Demand(0, 10**9)
    slow = Demand(1, 10**9)
    assert seconds_left(100, [Demand(10, 50), idle, slow]) == 15


def test_what_waits_in_a_ring_wants_more_than_there_is():
    assert seconds_left(100, [Demand(10, -50)]) == 5
    assert seconds_left(100, [Demand(10, -500)]) == 0


@given(st.integers(0, 10**7), DEMANDS)
def test_at_that_moment_all_that_is_free_is_taken(free, demands):
    left_s = seconds_left(free, demands)
    busy = [demand for demand in demands if demand.bytes_per_s > 0]
    if not busy:
        assert left_s is None
        return
    assume(left_s > 0)
    taken = sum(max(0.0, d.bytes_per_s * left_s - d.room_bytes) for d in busy)
    assert taken == pytest.approx(free, rel=1e-6, abs=1e-2)


def test_the_rate_is_that_of_the_last_seconds():
    clock = ManualClock(1)
    meter = RoomMeter(clock)
    assert meter.demands() == []
    published = 0
    for second in range(40):
        meter.mark({"a": DiskUse(published, 7)})
        published += 100 if second < 20 else 300
        clock.advance(1_000_000_000)
        if second == 15:
            assert meter.demands() == [Demand(100, 7)]
    assert meter.demands() == [Demand(300, 7)]


def test_an_hour_costs_what_a_minute_does():
    clock = ManualClock(1)
    meter = RoomMeter(clock)
    for _ in range(3600):
        meter.mark({"a": DiskUse(0, 0)})
        clock.advance(1_000_000_000)
    assert len(meter._marks) < 20
