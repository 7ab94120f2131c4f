"""Counters that wrap are made to go on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.pulses import unwrap_counter


@given(
    bits=st.integers(4, 60),
    steps=st.lists(st.floats(-0.49, 0.49), max_size=40),
    first=st.floats(0, 0.999),
)
def test_steps_below_half_the_range_are_told(bits, steps, first):
    whole = 1 << bits
    steps = [int(step * whole) for step in steps]
    true = np.cumsum([int(first * whole), *steps])
    found = unwrap_counter(true % whole, bits)
    assert found.values.tolist() == true.tolist()
    assert found.backward.tolist() == [k + 1 for k, s in enumerate(steps) if s < 0]


def test_microseconds_of_an_arduino_over_three_hours():
    true = np.arange(0, 3 * 3600 * 10**6, 9973)
    found = unwrap_counter(true % 2**32, 32)
    np.testing.assert_array_equal(found.values, true)
    assert found.wraps.tolist() == [-(-(2**32) // 9973), -(-(2**33) // 9973)]


@given(
    gaps=st.lists(st.integers(0, 40), min_size=1, max_size=20),
    late=st.lists(st.floats(0, 0.2), min_size=21, max_size=21),
)
def test_silences_of_many_ranges_are_told_by_the_host(gaps, late):
    whole, tick_ns = 1 << 16, 100.0
    true = np.cumsum([5, *(gap * 9973 for gap in gaps)])
    host_ns = true * tick_ns + np.array(late[: len(true)]) * whole * tick_ns
    found = unwrap_counter(
        true % whole, 16, tick_ns=tick_ns, host_ns=host_ns.astype(np.int64)
    )
    assert found.values.tolist() == true.tolist()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="8 bits"):
        unwrap_counter([256], 8)
    with pytest.raises(ValueError, match="together"):
        unwrap_counter([1], 8, tick_ns=1.0)


def test_nothing_is_nothing():
    assert len(unwrap_counter([], 8).values) == 0
