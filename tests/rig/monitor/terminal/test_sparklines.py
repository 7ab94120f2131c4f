import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.monitor.terminal.sparklines import BARS, LastMinute, sparkline

NAN = math.nan


@pytest.mark.parametrize(
    ("values", "top", "bars"),
    [
        pytest.param([0, 25, 50, 75, 100], 100, "▁▃▅▆█", id="from zero to the top"),
        pytest.param([99.5, 100.4], 100, "██", id="a rate that is kept is full"),
        pytest.param([50, 100], None, "▅█", id="the largest is the top"),
        pytest.param([1, NAN, 1], 1, "█ █", id="a gap"),
        pytest.param([500, -3], 100, "█▁", id="what is beyond does not show"),
        pytest.param([NAN, NAN], None, "  ", id="nothing known"),
        pytest.param([0, 0], None, "▁▁", id="nothing but zero"),
        pytest.param([], 100, "", id="nothing at all"),
    ],
)
def test_values_as_bars(values, top, bars):
    assert sparkline(values, top) == bars


@given(st.lists(st.floats(allow_infinity=False)), st.floats(0.1, 1e6))
def test_each_value_is_one_character(values, top):
    bars = sparkline(values, top)
    assert len(bars) == len(values)
    assert set(bars) <= {*BARS, " "}


def filled(seconds, worst=min, value=lambda s: s):
    minute = LastMinute(worst)
    for second in seconds:
        minute.add(second, value(second))
    return minute


def test_a_minute_is_kept_and_no_more():
    assert filled(range(200)).values(60) == list(range(140, 200))


def test_the_worst_of_a_second_stays():
    minute = LastMinute(max)
    for at_s, value in ((0.1, 5), (0.5, 9), (0.9, 4)):
        minute.add(at_s, value)
    assert minute.values(60)[-1] == 9


def test_a_short_dip_is_seen_however_few_bars_there_are():
    for width in (4, 12, 20, 30, 60):
        minute = filled(range(100), value=lambda s: 20 if s == 77 else 100)
        values = minute.values(width)
        assert len(values) == width
        assert values.count(20) == 1
        assert set(values) <= {20, 100}


def test_bars_do_not_change_once_they_are_whole():
    minute, seen = LastMinute(min), {}
    for second in range(150):
        minute.add(second, (second * 37) % 101)
        newest = second // 5
        for k, value in enumerate(minute.values(12)[:-1]):
            cell = newest - 11 + k
            if cell >= 0:
                assert seen.setdefault(cell, value) == value
    assert len(seen) > 25


def test_seconds_without_a_value_are_gaps():
    minute = filled([0, 1, 5])
    assert [math.isnan(value) for value in minute.values(60)[-6:]] == [
        False, False, True, True, True, False,
    ]  # fmt: skip
    minute.add(500, 1)
    assert sum(not math.isnan(value) for value in minute.values(60)) == 1


def test_a_new_session_begins_anew():
    minute = filled(range(30))
    minute.add(2, 7)
    assert [v for v in minute.values(60) if not math.isnan(v)] == [7]


@given(st.lists(st.floats(0, 1e5), max_size=60))
def test_its_memory_is_constant(times):
    minute = LastMinute(min)
    for at_s in sorted(times):
        minute.add(at_s, 1.0)
        assert len(minute._bins) == 60
    assert len(minute.values(60)) == 60
