"""For which part of an exposure a line is high."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sync.cues import Line

edges = st.lists(st.integers(0, 10**9), min_size=2, max_size=40, unique=True)


@given(edges, st.integers(-(10**6), 10**9), st.integers(1, 10**8))
def test_the_share_is_the_integral(times, begin, length):
    times = np.sort(times)[: len(times) // 2 * 2]
    line = Line.of_edges(times, np.arange(len(times)) % 2 == 0)
    high = sum(
        max(0, min(fall, begin + length) - max(rise, begin))
        for rise, fall in zip(times[0::2], times[1::2], strict=True)
    )
    assert np.isclose(line.share(begin, begin + length), high / length, atol=1e-9)


@given(edges, st.integers(-(10**12), 10**12))
def test_it_does_not_matter_when_the_clock_began(times, offset):
    times = np.sort(times)[: len(times) // 2 * 2]
    ways = np.arange(len(times)) % 2 == 0
    begin = np.linspace(0, 1e9, 50)
    one = Line.of_edges(times, ways).share(begin, begin + 1e7)
    other = Line.of_edges(times + offset, ways)
    found = other.share(begin + offset, begin + offset + 1e7)
    np.testing.assert_allclose(one, found, atol=1e-6)


def test_edges_whose_other_half_is_missing_are_left_out():
    times = [5, 10, 20, 30, 40, 50, 60, 70]
    rising = [False, True, False, True, True, False, False, True]
    line = Line.of_edges(times, rising)
    assert line.rise_ns.tolist() == [10, 40]
    assert line.fall_ns.tolist() == [20, 50]


def test_edges_may_come_in_any_order():
    line = Line.of_edges([30, 10, 40, 20], [True, True, False, False])
    assert line.edges_ns.tolist() == [10, 20, 30, 40]


def test_a_line_without_a_pulse_is_low():
    line = Line.of_edges([], [])
    assert line.share([0, 10], [5, 20]).tolist() == [0, 0]


def test_the_nearest_edge():
    line = Line.of_edges([100, 200, 1000, 1100], [True, False, True, False])
    times = np.array([-50.0, 149, 151, 599, 601, 5000])
    assert line.nearest(times).tolist() == [0, 0, 1, 1, 2, 3]
