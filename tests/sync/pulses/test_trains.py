"""Random trains and dithered triggers: within their limits, whatever the seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.pulses import (
    LEAST_INTERVAL_US,
    MOST_INTERVAL_US,
    random_pulses_us,
    trigger_displacements_ns,
    trigger_times_ns,
)

WORDS = st.integers(0, 2**32 - 1)


class TestRandomPulses:
    @given(seed=WORDS, segment=WORDS, span_us=st.integers(0, 60_000_000))
    def test_intervals_are_within_their_limits(self, seed, segment, span_us):
        rises = random_pulses_us(seed, segment, span_us)
        intervals = np.diff(rises, prepend=0)
        assert (
            (intervals >= LEAST_INTERVAL_US) & (intervals <= MOST_INTERVAL_US)
        ).all()
        assert (rises <= span_us - LEAST_INTERVAL_US).all()
        # nor was there room for another one
        last = rises[-1] if len(rises) else 0
        assert span_us - last < MOST_INTERVAL_US + LEAST_INTERVAL_US

    @given(seed=WORDS, segment=WORDS)
    def test_a_longer_segment_begins_like_a_shorter_one(self, seed, segment):
        short = random_pulses_us(seed, segment, 10_000_000)
        long = random_pulses_us(seed, segment, 40_000_000)
        assert long[: len(short)].tolist() == short.tolist()

    def test_intervals_are_uniform(self):
        rises = [random_pulses_us(3, n, 30_000_000) for n in range(400)]
        # the first ones of each: a segment's end cuts long intervals off
        intervals = np.concatenate([np.diff(one, prepend=0)[:10] for one in rises])
        place = (intervals - LEAST_INTERVAL_US) / (MOST_INTERVAL_US - LEAST_INTERVAL_US)
        counts, _ = np.histogram(place, bins=20, range=(0, 1))
        assert abs(place.mean() - 0.5) < 0.02
        assert counts.min() > 150

    def test_no_segment_is_like_another(self):
        seen = {tuple(random_pulses_us(7, n, 5_000_000)[:3]) for n in range(2000)}
        assert len(seen) == 2000


class TestTriggers:
    @given(
        seed=WORDS,
        first=st.integers(0, 2**32 - 200),
        period_ns=st.integers(100_000, 2**32 - 1),
        part=st.floats(0, 0.25),
    )
    def test_no_two_come_nearer_than_half_a_period(self, seed, first, period_ns, part):
        dither_ns = int(part * period_ns)
        numbers = first + np.arange(100)
        times = trigger_times_ns(seed, numbers, period_ns, dither_ns)
        moved = times - numbers * period_ns
        assert np.abs(moved).max() <= dither_ns
        assert np.diff(times).min() >= period_ns // 2

    def test_it_is_a_displacement_and_does_not_add_up(self):
        moved = trigger_displacements_ns(5, np.arange(1, 720_000), 100_000)
        assert abs(moved.mean()) < 300
        assert moved.std() == pytest.approx(100_000 / 3**0.5, rel=0.01)
        assert abs(np.corrcoef(moved[1:], moved[:-1])[0, 1]) < 0.01

    def test_the_first_one_is_not_moved(self):
        assert trigger_displacements_ns(5, [0, 1], 100_000)[0] == 0

    def test_none_is_moved_without_dither(self):
        assert trigger_times_ns(5, np.arange(9), 10, 0).tolist() == list(
            range(0, 90, 10)
        )

    @pytest.mark.parametrize("dither_ns", [-1, 26])
    def test_a_dither_that_breaks_the_grid_is_refused(self, dither_ns):
        with pytest.raises(ValueError, match="a quarter of the period"):
            trigger_times_ns(5, [1], 100, dither_ns)
