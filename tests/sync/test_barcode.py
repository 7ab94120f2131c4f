"""Barcodes: read through jitter and drift, refused when damaged, never misread."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.barcode import CODE_BARS, barcode_edges, barcode_levels, crc8, decode_barcodes

MS = 1_000_000
BAR_NS = 20 * MS
PERIOD_NS = 30_000 * MS
NUMBERS = st.integers(0, 2**32 - 1)


def code_at(value, start_ns=0, bar_ns=BAR_NS):
    times, rising = barcode_edges(value, bar_ns)
    return times + start_ns, rising


def codes_from(first, count, start_ns=0):
    parts = [
        code_at((first + n) % 2**32, start_ns + n * PERIOD_NS) for n in range(count)
    ]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def decode(times, rising, **options):
    options = {"bar_ns": BAR_NS, "period_ns": PERIOD_NS} | options
    return decode_barcodes(times, rising, **options)


def put(times, rising):
    order = np.argsort(times, kind="stable")
    return decode(np.asarray(times)[order], np.asarray(rising)[order])


def sampled(times, rising, at_ns):
    """Return the edges that a sampler sees: at its first sample with the new level."""
    before = np.searchsorted(times, at_ns, side="right") - 1
    level = np.where(before >= 0, rising[before], False)
    seen = np.flatnonzero(level[1:] != level[:-1]) + 1
    return at_ns[seen], level[seen]


class TestForm:
    def test_the_checksum_is_the_one_of_the_standard(self):
        assert crc8(b"123456789") == 0xDF
        assert crc8(b"") == 0

    def test_the_checksum_finds_all_errors_of_three_bits(self):
        single = [crc8((1 << k).to_bytes(4, "big")) ^ crc8(bytes(4)) for k in range(32)]
        syndromes = np.array([*single, *(1 << k for k in range(8))])
        two = syndromes[:, None] ^ syndromes[None, :]
        three = two[:, :, None] ^ syndromes
        i, j, k = np.meshgrid(*[np.arange(40)] * 3, indexing="ij")
        assert (three[(i < j) & (j < k)] != 0).all()
        assert (two[np.triu_indices(40, 1)] != 0).all()

    @given(value=NUMBERS)
    def test_no_level_lasts_longer_than_two_bars_after_the_start(self, value):
        levels = barcode_levels(value)
        assert len(levels) == CODE_BARS == 88
        halves = levels[6:].reshape(-1, 2)
        assert (halves[:, 0] != halves[:, 1]).all()
        times, rising = barcode_edges(value, 1)
        assert (times[0], times[1], times[-1]) == (0, 3, CODE_BARS)
        assert rising.tolist() == [True, False] * (len(times) // 2)

    @pytest.mark.parametrize("value", [-1, 2**32])
    def test_a_number_that_does_not_fit_is_refused(self, value):
        with pytest.raises(ValueError, match="32 bits"):
            barcode_levels(value)


class TestReading:
    @given(value=NUMBERS, start_ns=st.integers(-(10**18), 10**18))
    def test_every_number_comes_back(self, value, start_ns):
        found = decode(*code_at(value, start_ns))
        assert found.values.tolist() == [value]
        assert abs(int(found.start_ns[0]) - start_ns) <= 1
        assert found.confirmed.tolist() == [False]

    @given(
        value=NUMBERS,
        seed=st.integers(0, 10**6),
        ppm=st.floats(-500, 500),
        jitter=st.floats(0, 0.25),
        fall_delay=st.floats(0, 0.2),
    )
    def test_through_drift_jitter_and_slow_falls(
        self, value, seed, ppm, jitter, fall_delay
    ):
        times, rising = code_at(value)
        off = np.random.default_rng(seed).uniform(0, jitter * BAR_NS, len(times))
        off += np.where(rising, 0, fall_delay * BAR_NS)
        times = (times * (1 + ppm * 1e-6) + off).astype(np.int64)
        if (np.diff(times) <= 0).any():
            return
        found = decode(times, rising)
        assert found.values.tolist() == [value]
        assert abs(found.start_ns[0] - jitter * BAR_NS / 2) < 0.12 * BAR_NS

    @pytest.mark.parametrize(
        ("rate_hz", "bar_ms"), [(30, 140), (100, 40), (200, 20), (20_000, 20)]
    )
    def test_sampled_at_a_quarter_of_a_bar(self, rate_hz, bar_ms):
        rng = np.random.default_rng(rate_hz)
        for value in rng.integers(0, 2**32, 40).tolist():
            times, rising = code_at(value, 10**9, bar_ms * MS)
            # a camera's frames, dithered, at any phase
            grid = rng.uniform() + np.arange(rate_hz * (2 + 88 * bar_ms // 1000))
            at_ns = (grid * 1e9 / rate_hz + rng.uniform(-1e5, 1e5, len(grid))).astype(
                np.int64
            )
            seen = sampled(times, rising, np.sort(at_ns))
            found = decode(*seen, bar_ns=bar_ms * MS)
            assert found.values.tolist() == [value]

    def test_other_pulses_around_do_not_disturb(self):
        times, rising = codes_from(77, 20, 10**12)
        rises = np.concatenate(
            [
                10**12 + n * PERIOD_NS + np.arange(2_000, 29_800, 137) * MS
                for n in range(20)
            ]
        )
        times = np.concatenate([times, rises, rises + 10 * MS])
        rising = np.concatenate([rising, rises > 0, rises < 0])
        found = put(times, rising)
        assert found.values.tolist() == list(range(77, 97))
        assert found.confirmed.all()
        assert found.refused == ()

    def test_edges_out_of_order_are_a_fault_of_the_caller(self):
        with pytest.raises(ValueError, match="in order"):
            decode([5, 3], [True, False])


class TestDamage:
    """Every single fault breaks the form: none is left to the checksum."""

    @pytest.fixture(params=[0, 0xFFFFFFFF, 0x12345678, 0xA5A50000])
    def code(self, request):
        return code_at(request.param, 10**9)

    def test_any_missing_edge_is_refused(self, code):
        for k in range(len(code[0])):
            assert not put(*(np.delete(column, k) for column in code)).codes

    def test_any_two_missing_edges_in_a_row_are_refused(self, code):
        for k in range(len(code[0]) - 1):
            found = put(*(np.delete(column, [k, k + 1]) for column in code))
            assert not found.codes

    @pytest.mark.parametrize("bars", [-2, -1, -0.5, 0.5, 1, 2])
    def test_any_edge_moved_by_half_a_bar_or_more_is_refused(self, code, bars):
        for k in range(len(code[0])):
            times = code[0].copy()
            times[k] += round(bars * BAR_NS)
            assert not put(times, code[1]).codes

    @pytest.mark.parametrize("width", [0.05, 1, 2])
    def test_any_extra_pulse_is_refused(self, code, width):
        for bar in np.arange(0.3, CODE_BARS - width, 0.5):
            at = 10**9 + round(bar * BAR_NS)
            level = code[1][np.searchsorted(code[0], at, side="right") - 1]
            times = np.append(code[0], [at, at + round(width * BAR_NS)])
            rising = np.append(code[1], [not level, level])
            assert not put(times, rising).codes

    @pytest.mark.parametrize(
        ("rate", "reason"), [(1.003, "not 20.000 ms"), (1.02, "off the grid")]
    )
    def test_a_wrong_bar_is_refused(self, code, rate, reason):
        times = 10**9 + (rate * (code[0] - 10**9)).astype(np.int64)
        [refused] = put(times, code[1]).refused
        assert reason in refused.reason

    @given(
        value=NUMBERS,
        faults=st.lists(
            st.tuples(
                st.sampled_from(["miss", "move", "add"]),
                st.floats(0, 1),
                st.floats(-3, 3),
                st.floats(0.01, 3),
            ),
            min_size=1,
            max_size=6,
        ),
    )
    def test_no_heap_of_faults_is_misread(self, value, faults):
        times, rising = code_at(value, 10**9)
        for kind, where, shift, width in faults:
            k = int(where * (len(times) - 1))
            if kind == "miss" and len(times) > 2:
                times, rising = np.delete(times, k), np.delete(rising, k)
            elif kind == "move":
                times = times.copy()
                times[k] += round(shift * BAR_NS)
            elif kind == "add":
                at = 10**9 + round(where * CODE_BARS * BAR_NS)
                times = np.append(times, [at, at + round(width * BAR_NS)])
                rising = np.append(rising, [shift > 0, shift <= 0])
        assert set(put(times, rising).values.tolist()) <= {value}

    @pytest.mark.slow
    def test_wrong_bits_pass_the_checksum_as_seldom_as_it_promises(self):
        rng = np.random.default_rng(5)
        passed, total = 0, 3000
        for _ in range(total):
            bits = rng.integers(0, 2, 40)
            halves = np.stack([bits, 1 - bits], axis=1).ravel()
            levels = np.concatenate([[0], [1, 1, 1, 0, 0, 0], halves, [0, 1], [0]])
            places = np.flatnonzero(np.diff(levels))
            passed += len(decode(places * BAR_NS, np.diff(levels)[places] > 0).codes)
        # 1 in 256, give or take four standard deviations
        assert abs(passed - total / 256) < 4 * (total / 256) ** 0.5


class TestContinuity:
    @given(first=NUMBERS, wrong=NUMBERS, place=st.integers(1, 8))
    def test_a_wrong_number_is_refused_by_its_neighbours(self, first, wrong, place):
        true = [(first + n) % 2**32 for n in range(10)]
        values = [wrong if n == place else value for n, value in enumerate(true)]
        parts = [code_at(value, n * PERIOD_NS) for n, value in enumerate(values)]
        found = decode(*(np.concatenate(c) for c in zip(*parts, strict=True)))
        if wrong == true[place]:
            assert found.values.tolist() == true
            return
        assert found.values.tolist() == true[:place] + true[place + 1 :]
        assert found.missing.tolist() == [true[place]]
        [refused] = found.refused
        assert "contradicts the codes around it" in refused.reason
        assert found.confirmed.all()

    @pytest.mark.parametrize("ppm", [-400, 0, 400])
    def test_drift_does_not_break_a_run(self, ppm):
        times, rising = codes_from(5, 240)
        found = decode((times * (1 + ppm * 1e-6)).astype(np.int64), rising)
        assert found.values.tolist() == list(range(5, 245))
        assert set(found.run.tolist()) == {0}
        assert found.missing.size == 0

    def test_a_number_of_32_bits_runs_over(self):
        found = decode(*codes_from(2**32 - 3, 6))
        assert found.values.tolist() == [2**32 - 3, 2**32 - 2, 2**32 - 1, 0, 1, 2]
        assert set(found.run.tolist()) == {0}

    def test_a_restart_is_a_new_run(self):
        one = codes_from(100, 5)
        two = codes_from(106, 5, 5 * PERIOD_NS + 12_345 * MS)
        found = decode(*(np.concatenate(c) for c in zip(one, two, strict=True)))
        assert found.run.tolist() == [0] * 5 + [1] * 5
        assert found.confirmed.all()
        assert found.missing.size == 0

    def test_a_code_that_was_not_seen_is_missing(self):
        times, rising = codes_from(5, 6)
        keep = (times < 2 * PERIOD_NS) | (times > 3 * PERIOD_NS - MS)
        found = decode(times[keep], rising[keep])
        assert found.missing.tolist() == [7]

    def test_nothing_is_nothing(self):
        found = decode([], [])
        assert (found.codes, found.refused) == ((), ())
        assert found.values.size == found.missing.size == 0
