"""Counters of few bits against the count that they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.online import CounterUnwrapper, OnlineClock

MS = 1_000_000
SECOND = 1_000_000_000
START = 77 * SECOND
WRAP = 1 << 32
"""Of a counter of ns: 4.3 s."""


@pytest.fixture
def counter():
    return CounterUnwrapper(bits=32, tick_ns=1)


def test_a_count_is_refused_that_the_counter_cannot_show(counter):
    for raw in (-1, WRAP):
        with pytest.raises(ValueError, match="Expected a count"):
            counter.unwrap(raw, 0)
    with pytest.raises(ValueError, match="at least 1 bit"):
        CounterUnwrapper(bits=0, tick_ns=1)


@given(
    bits=st.integers(4, 40),
    first=st.integers(0, 2**40),
    steps=st.lists(st.floats(-0.3, 0.45), max_size=60),
)
def test_nearest_while_messages_come(bits, first, steps):
    wrap = 1 << bits
    counter = CounterUnwrapper(bits, tick_ns=1000.0)
    true = first % wrap
    offset = counter.unwrap(true, true * 1000) - true
    newest = true
    for step in steps:
        true = newest + int(step * wrap)
        newest = max(newest, true)
        assert counter.unwrap(true % wrap, newest * 1000) == true + offset


@given(
    silences=st.lists(st.floats(0.001, 500), min_size=1, max_size=40),
    late=st.lists(st.floats(0, 3.3), min_size=40, max_size=40),
    ppm=st.floats(-100, 100),
)
def test_silence_is_counted_by_the_host(silences, late, ppm):
    """Whatever the silence, and every other message late by up to 0.75 of a wrap."""
    counter = CounterUnwrapper(bits=32, tick_ns=1)
    true, host = 5 * SECOND, START
    offset = counter.unwrap(true % WRAP, host) - true
    for k, (silence, delay) in enumerate(zip(silences, late, strict=False)):
        host += round(silence * SECOND)
        true += round(silence * SECOND * (1 + ppm * 1e-6))
        heard = host + round(delay * SECOND) * (k % 2)
        assert counter.unwrap(true % WRAP, heard) == true + offset


def test_a_first_message_that_is_late(counter):
    true = 3 * SECOND
    assert counter.unwrap(true, START + 3 * SECOND) == true
    for k in range(1, 1000):
        now = true + k * 10 * MS
        assert counter.unwrap(now % WRAP, START + k * 10 * MS) == now


def test_a_stall_longer_than_a_wrap_is_mended(counter):
    def heard(k):
        return START + max(k * 10 * MS, 6 * SECOND if 100 <= k < 600 else 0)

    found = [counter.unwrap(k * 10 * MS % WRAP, heard(k)) for k in range(1200)]
    wrong = np.flatnonzero(np.array(found) != np.arange(1200) * 10 * MS)
    assert wrong.size
    assert wrong.min() == 100
    assert wrong.max() < 600  # right again before the backlog is read


def test_restart_forgets(counter):
    counter.unwrap(WRAP - 1, 0)
    counter.restart()
    assert counter.unwrap(3, 10) == 3


def test_a_clock_behind_a_counter_has_one_segment(counter):
    random = np.random.default_rng(1)
    clock = OnlineClock()
    for k in range(6000):
        if 2000 < k < 3500:
            continue  # silence of 15 s
        device = round(k * 10 * MS * (1 + 30e-6)) + 3 * SECOND
        arrival = START + k * 10 * MS + round(random.exponential(300_000))
        count = counter.unwrap(device % WRAP, arrival)
        clock.update(count, arrival)
    assert clock.state.segment == 0
    assert abs(clock.to_host(count)[0] - START - 5999 * 10 * MS) < 50_000


def test_a_reset_shows_as_a_new_segment():
    counter = CounterUnwrapper(bits=32, tick_ns=1000)
    clock = OnlineClock()
    for k in range(2000):
        at = k * 10_000 if k < 1000 else (k - 1000) * 10_000
        arrival = START + k * 10 * MS + 100_000
        clock.update(counter.unwrap(at, arrival) * 1000, arrival)
    assert clock.state.segment == 1
