"""Edges to pulses: what is good is kept, what is not is listed, nothing is lost."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.pulses import clean_pulses, random_pulses_us

WIDTH_NS = 10_000_000
MS = 1_000_000


@pytest.fixture
def train():
    """Return the edges of a true train: times in ns and directions."""
    rises = random_pulses_us(1, 1, 300_000_000) * 1000
    times = np.stack([rises, rises + WIDTH_NS], axis=1).ravel()
    return times, np.arange(len(times)) % 2 == 0


def clean(times, rising, **options):
    return clean_pulses(times, rising, width_ns=WIDTH_NS, **options)


def with_edges(train, *edges):
    times = np.append(train[0], [at for at, _ in edges])
    ups = np.append(train[1], [up for _, up in edges])
    order = np.argsort(times, kind="stable")
    return times[order], ups[order]


class TestGood:
    def test_a_clean_train_is_returned_whole(self, train):
        found = clean(*train)
        assert found.rise_ns.tolist() == train[0][::2].tolist()
        assert set(found.width_ns.tolist()) == {WIDTH_NS}
        for listed in (found.glitches_ns, found.misfits_ns, found.lone_rise_ns):
            assert len(listed) == 0
        assert (found.inverted, found.duplicates, found.out_of_order) == (False, 0, 0)

    @given(seed=st.integers(0, 10**6), jitter_ns=st.sampled_from([10_000, 4_900_000]))
    def test_jitter_costs_no_pulse(self, seed, jitter_ns):
        rng = np.random.default_rng(seed)
        rises = random_pulses_us(seed, 1, 60_000_000) * 1000
        times = np.stack([rises, rises + WIDTH_NS], axis=1).ravel()
        times = times + rng.integers(0, jitter_ns, len(times))
        found = clean(times, np.arange(len(times)) % 2 == 0)
        assert found.rise_ns.tolist() == times[::2].tolist()

    def test_no_edges_are_no_pulses(self):
        found = clean([], [])
        assert found.rise_ns.shape == (0,)
        assert found.glitches_ns.shape == found.stuck_ns.shape == (0, 2)


class TestFaults:
    @pytest.mark.parametrize("width_ms", [0.001, 1.0, 2.9])
    def test_a_glitch_is_listed_and_does_no_harm(self, train, width_ms):
        at = int(train[0][4]) - 40 * MS
        end = at + round(width_ms * MS)
        found = clean(*with_edges(train, (at, True), (end, False)))
        assert found.glitches_ns.tolist() == [[at, end]]
        assert found.rise_ns.tolist() == train[0][::2].tolist()

    def test_a_glitch_just_before_a_pulse_does_not_move_it(self, train):
        at = int(train[0][4]) - 2 * MS
        found = clean(*with_edges(train, (at, True), (at + MS // 2, False)))
        assert found.rise_ns.tolist() == train[0][::2].tolist()
        assert len(found.glitches_ns) == 1

    def test_a_contact_that_bounces_is_one_pulse_from_its_first_touch(self, train):
        rise = int(train[0][4])
        bounce = [(rise + 50_000, False), (rise + 120_000, True)]
        found = clean(*with_edges(train, *bounce))
        assert found.rise_ns.tolist() == train[0][::2].tolist()
        assert found.glitches_ns.tolist() == [[rise + 50_000, rise + 120_000]]

    @pytest.mark.parametrize("width_ms", [3.5, 16, 20, 500])
    def test_a_pulse_of_another_width_is_a_misfit(self, train, width_ms):
        at = int(train[0][-1]) + 1000 * MS
        end = at + round(width_ms * MS)
        found = clean(*with_edges(train, (at, True), (end, False)))
        assert found.misfits_ns.tolist() == [[at, end]]
        assert len(found.rise_ns) == len(train[0]) // 2

    def test_a_missing_partner_is_told(self, train):
        times, ups = np.delete(train[0], [9, 20]), np.delete(train[1], [9, 20])
        found = clean(times, ups)
        assert found.lone_rise_ns.tolist() == [train[0][8]]
        assert found.lone_fall_ns.tolist() == [train[0][21]]
        assert len(found.rise_ns) == len(train[0]) // 2 - 2

    def test_what_is_told_twice_is_taken_once(self, train):
        at, up = int(train[0][6]), bool(train[1][6])
        found = clean(*with_edges(train, (at, up), (at + 30_000, up)), tick_ns=32_000)
        assert found.duplicates == 2
        assert found.rise_ns.tolist() == train[0][::2].tolist()

    def test_wrong_polarity_is_recognised(self, train):
        found = clean(train[0], ~train[1])
        assert found.inverted
        assert found.rise_ns.tolist() == train[0][::2].tolist()

    def test_a_square_wave_has_no_wrong_polarity(self):
        times = np.arange(100) * WIDTH_NS
        assert not clean(times, np.arange(100) % 2 == 1).inverted

    def test_disorder_is_counted_and_mended(self, train):
        times = train[0].copy()
        times[[10, 11]] = times[[11, 10]]
        ups = train[1].copy()
        ups[[10, 11]] = ups[[11, 10]]
        found = clean(times, ups)
        assert found.out_of_order == 1
        assert found.rise_ns.tolist() == train[0][::2].tolist()

    def test_a_stuck_line_is_told(self, train):
        keep = (train[0] < 100 * 10**9) | (train[0] > 160 * 10**9)
        end_ns = int(train[0][-1]) + 20 * 10**9
        found = clean(
            train[0][keep],
            train[1][keep],
            longest_gap_ns=3 * 10**9,
            end_ns=end_ns,
        )
        assert len(found.stuck_ns) == 2
        begin, end = found.stuck_ns[0]
        assert begin < 100 * 10**9 < 160 * 10**9 < end
        assert found.stuck_ns[1].tolist() == [train[0][-1], end_ns]


@given(
    edges=st.lists(st.tuples(st.integers(0, 10**9), st.booleans()), max_size=60),
    tick_ns=st.sampled_from([0, 1000]),
)
def test_every_edge_is_accounted_for(edges, tick_ns):
    times = [at for at, _ in edges]
    ups = [up for _, up in edges]
    found = clean(times, ups, tick_ns=tick_ns)
    in_pulses = 2 * (
        len(found.rise_ns) + len(found.misfits_ns) + len(found.glitches_ns)
    )
    alone = len(found.lone_rise_ns) + len(found.lone_fall_ns)
    assert in_pulses + alone + found.duplicates == len(edges)
    assert all(a <= b for a, b in pairwise(found.rise_ns.tolist()))


@given(
    shift=st.integers(-(10**18), 10**18),
    edges=st.lists(st.tuples(st.integers(0, 10**9), st.booleans()), max_size=40),
)
def test_when_it_happens_makes_no_difference(shift, edges):
    times = np.array([at for at, _ in edges], np.int64)
    ups = [up for _, up in edges]
    one, other = clean(times, ups), clean(times + shift, ups)
    assert (one.rise_ns + shift).tolist() == other.rise_ns.tolist()
    assert (one.glitches_ns + shift).tolist() == other.glitches_ns.tolist()
