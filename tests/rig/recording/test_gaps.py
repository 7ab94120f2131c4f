from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.recording.gaps import Gap, gaps_of, placed
from rig.recording.ledger import Missing

START_NS = 5_000_000_000


def seq_gaps(seqs, period_ms=10):
    """Holes of rows that came every `period_ms`, by their own number."""
    seqs = np.asarray(seqs, np.int64)
    host_ns = START_NS + seqs * period_ms * 1_000_000
    return gaps_of(seqs, np.ones(len(seqs), np.int64), host_ns, START_NS, 0)


def lost(first, count, gaps, rate_hz=100.0):
    found = placed(Missing("recorder", first, count, "cause"), gaps, rate_hz)
    return found.at_s, found.duration_ms


def test_a_hole_lies_between_the_rows_around_it():
    gaps = seq_gaps([0, 1, 2, 6, 7])
    assert gaps == [Gap(3, 3, 0.02, 0.06), Gap(8, None, 0.07, None)]
    assert lost(3, 3, gaps) == (0.02, 40.0)


def test_a_part_of_a_hole_has_its_part_of_the_time():
    gaps = seq_gaps([0, 5])  # 50 ms for 4
    assert lost(1, 1, gaps) == (0.0, 12.5)
    assert lost(3, 2, gaps) == (0.025, 25.0)


def test_what_nothing_came_after_is_as_long_as_its_rate_says():
    gaps = seq_gaps([0, 1])
    assert lost(2, 20, gaps) == (0.01, 200.0)
    assert lost(2, 20, gaps, None) == (0.01, None)


def test_what_nothing_came_before_is_not_placed():
    gaps = seq_gaps([4, 5])
    assert gaps[0] == Gap(0, 4, None, 0.04)
    assert lost(0, 4, gaps) == (None, 40.0)
    assert lost(0, 4, [], None) == (None, None)


def test_a_number_that_is_there_is_in_no_hole():
    assert lost(1, 1, seq_gaps([0, 1, 2, 6])) == (None, 10.0)


def test_blocks_stand_for_many_numbers():
    numbers, counts = np.array([0, 10, 40]), np.array([10, 5, 10])
    host_ns = np.array([0, 1, 4]) * 1_000_000_000
    gaps = gaps_of(numbers, counts, host_ns, 0)
    assert gaps == [Gap(15, 25, 1.0, 4.0), Gap(50, None, 4.0, None)]


def test_numbers_that_run_backwards_tell_nothing():
    ones = np.ones(3, np.int64)
    assert gaps_of(np.array([5, 6, 0]), ones, ones, 0) == []
    assert gaps_of(ones[:0], ones[:0], ones[:0], 0) == []


@given(st.sets(st.integers(0, 60), min_size=2), st.data())
def test_every_hole_is_found_with_its_time(seqs, data):
    seqs = sorted(seqs)
    gaps = seq_gaps(seqs)
    missing = sorted(set(range(seqs[-1])) - set(seqs))
    inside = [g for g in gaps if g.count is not None]
    assert [k for g in inside for k in range(g.first, g.first + g.count)] == missing
    for gap in inside:
        at_s, duration_ms = lost(gap.first, gap.count, gaps)
        if gap.before_s is not None:
            assert at_s == pytest.approx((gap.first - 1) / 100)
            assert duration_ms == pytest.approx(10 * (gap.count + 1))
        cut = data.draw(st.integers(0, gap.count))
        if gap.before_s is not None and 0 < cut < gap.count:
            first = lost(gap.first, cut, gaps)
            second = lost(gap.first + cut, gap.count - cut, gaps)
            assert first[1] + second[1] == pytest.approx(duration_ms, abs=2e-3)
            assert first[0] + first[1] / 1e3 == pytest.approx(second[0], abs=3e-6)


def test_says_where_in_words():
    missing = Missing("recorder", 17, 3, "overwritten", 12.3404, 1040.2)
    assert missing.where == "3 missing from 17, 12.340 s after the start, 1,040 ms"
    assert Missing("device", 17, 3, "jumped").where == "3 missing from 17"
