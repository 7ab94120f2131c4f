"""Codes and pulses on one wire: made, told apart, and what is wrong with them told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.pulses import LEAST_INTERVAL_US
from sync.sync_line import SyncLine, read_sync_line, segment_edges_us

LINE = SyncLine(seed=42)
FIRST = 0xBEEF0000
MS = 1_000_000


def made(line=LINE, count=20, first=FIRST):
    """Return the times in ns and directions of all edges of some segments."""
    parts = [segment_edges_us(line, first + n) for n in range(count)]
    times = [part[0] + n * line.period_us for n, part in enumerate(parts)]
    return np.concatenate(times) * 1000, np.concatenate([part[1] for part in parts])


class TestMaking:
    @given(
        seed=st.integers(0, 2**32 - 1),
        number=st.integers(0, 2**32 - 1),
        width_us=st.integers(1000, 10_000),
        period_us=st.integers(20_000_000, 60_000_000),
        bar_us=st.sampled_from([None, 20_000, 40_000, 140_000]),
    )
    def test_edges_come_in_order_and_within_the_segment(
        self, seed, number, width_us, period_us, bar_us
    ):
        line = SyncLine(seed, width_us, period_us, bar_us)
        times, rising = segment_edges_us(line, number)
        assert rising.tolist() == [True, False] * (len(times) // 2)
        assert (np.diff(times) > 0).all()
        assert times[-1] <= period_us - LEAST_INTERVAL_US + width_us
        pulses = times[times > line.code_us]
        assert (np.diff(pulses[::2]) >= LEAST_INTERVAL_US).all()

    def test_the_first_code_is_whole_within_two_seconds(self):
        assert LINE.code_us < 2_000_000


class TestReading:
    @pytest.mark.parametrize("jitter_us", [0, 50, 2000, 4900])
    def test_all_is_found_again(self, jitter_us):
        times, rising = made(count=60)
        off = np.random.default_rng(1).uniform(0, jitter_us * 1000, len(times))
        seen = (times * (1 + 100e-6) + off).astype(np.int64)
        found = read_sync_line(seen, rising, LINE, jitter_ns=jitter_us * 1000)
        assert found.codes.values.tolist() == list(range(FIRST, FIRST + 60))
        truth = [segment_edges_us(LINE, FIRST + n)[0] for n in range(60)]
        count = sum((len(one[one > LINE.code_us])) // 2 for one in truth)
        assert len(found.pulses.rise_ns) == count
        assert found.pulses.misfits_ns.size == found.pulses.glitches_ns.size == 0
        assert found.pulses.stuck_ns.size == 0

    def test_a_line_the_wrong_way_round_is_read_all_the_same(self):
        times, rising = made()
        found = read_sync_line(times, ~rising, LINE)
        assert found.pulses.inverted
        assert len(found.codes.codes) == 20

    def test_a_damaged_code_is_refused_and_its_bars_are_no_pulses(self):
        times, rising = made()
        whole = read_sync_line(times, rising, LINE)
        keep = np.ones(len(times), bool)
        keep[whole.codes.codes[3].first_edge + 6] = False
        found = read_sync_line(times[keep], rising[keep], LINE)
        assert found.codes.missing.tolist() == [FIRST + 3]
        assert len(found.codes.refused) == 1
        assert found.pulses.rise_ns.tolist() == whole.pulses.rise_ns.tolist()
        assert len(found.pulses.misfits_ns) > 10

    def test_glitches_twice_told_edges_and_a_pause(self):
        times, rising = made()
        pause = (times > 200 * 10**9) & (times < 212 * 10**9)
        times, rising = times[~pause], rising[~pause]
        glitch = int(times[-1]) + 50 * MS
        times = np.append(times, [glitch, glitch + MS, times[80]])
        rising = np.append(rising, [True, False, rising[80]])
        found = read_sync_line(times, rising, LINE, tick_ns=32_000)
        assert found.pulses.glitches_ns.tolist() == [[glitch, glitch + MS]]
        assert found.pulses.duplicates == 1
        assert found.codes.missing.tolist() == [FIRST + 7]
        [(begin, end)] = found.pulses.stuck_ns.tolist()
        assert end - begin > 11 * 10**9

    def test_a_line_without_codes(self):
        line = SyncLine(seed=1, bar_us=None)
        times, rising = made(line)
        found = read_sync_line(times, rising, line)
        assert found.codes.codes == ()
        assert len(found.pulses.rise_ns) == len(times) // 2

    def test_whoever_reads_a_code_knows_the_pulses_that_follow(self):
        times, rising = made()
        found = read_sync_line(times + 10**15, rising, LINE)
        code = found.codes.codes[4]
        expected, ways = segment_edges_us(LINE, code.value)
        after = found.pulses.rise_ns - code.start_ns
        after = after[(after > 0) & (after < LINE.period_us * 1000)]
        rises = expected[ways & (expected > LINE.code_us)] * 1000
        np.testing.assert_allclose(after, rises, atol=2)
