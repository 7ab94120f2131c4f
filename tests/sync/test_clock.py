from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.clock import ManualClock, MonotonicClock, utc_now


def test_the_host_clock_never_runs_backwards():
    clock = MonotonicClock()
    times = [clock.now() for _ in range(100)]
    assert times == sorted(times)
    assert isinstance(times[0], int)


@given(steps=st.lists(st.integers(0, 10**12)))
def test_a_manual_clock_is_where_it_was_moved_to(steps):
    clock = ManualClock(start_ns=5)
    for step in steps:
        clock.advance(step)
    assert clock.now() == 5 + sum(steps)


def test_a_manual_clock_does_not_run_backwards_either():
    clock = ManualClock()
    with pytest.raises(ValueError, match="at least 0 ns, got -1"):
        clock.advance(-1)
    assert clock.now() == 0


def test_wall_time_is_in_utc():
    assert utc_now().tzinfo is UTC
