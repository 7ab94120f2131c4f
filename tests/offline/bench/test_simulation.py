"""The simulators: crystals of a known density, pulses of a known jitter."""

import numpy as np
import pytest

from offline.bench.aligning.clocks import QUIET, SEVERE, TYPICAL, Crystal, run_clock
from offline.bench.aligning.models import MODEL_ROWS, Row
from offline.bench.aligning.puzzles import KINDS, puzzle
from offline.bench.aligning.trains import (
    jitter_ns,
    logged,
    random_train,
    regular_train,
)

S = 1_000_000_000


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("crystal", [QUIET, TYPICAL, SEVERE])
def test_the_skew_wanders_with_the_density_that_is_stated(crystal):
    clock = run_clock(crystal, 200_000.0, rng())
    step_s = clock.time_s[1] - clock.time_s[0]
    skew_ppb = np.diff(clock.drift_ns) / step_s
    # each is the mean of two neighbours: so the difference over two steps is that of
    # four terms, of variance q dt (1/4 + 1 + 1/4)
    late = clock.time_s[:-2] > 20_000
    cycle = crystal.cycle_ppm * 1e3 * np.sin(2 * np.pi * clock.time_s / 1200)
    skew_ppb -= (cycle[1:] + cycle[:-1]) / 2
    gained = (skew_ppb[2:] - skew_ppb[:-2])[late[:-1]]
    density = np.var(gained) / (1.5 * step_s)
    assert density == pytest.approx(crystal.wander, rel=0.03)


def test_the_notes_crystals():
    assert QUIET.wander == pytest.approx((0.05e-6) ** 2 / 7200 * 1e18)
    assert TYPICAL.wander == pytest.approx(138.9, rel=1e-3)
    limits = [row.limit_ns() / 1e3 for row in MODEL_ROWS]
    notes_us = [1.7, 3.7, 7.8, 20.7, 1.0, 5.8, 12.2]
    assert limits == pytest.approx(notes_us, rel=0.04)


def test_warm_up_and_cycle_and_skew_are_what_they_are_said_to_be():
    crystal = Crystal(name="", walk_ppm=0.0, skew_ppm=40.0, warm_ppm=3.0, cycle_ppm=0.3)
    clock = run_clock(crystal, 7200.0, rng(), offset_ns=-50 * S)
    at = np.array([0, 600, 3600, 7200]) * S
    t = at / S
    drift = 40 * t + 3 * 600 * (1 - np.exp(-t / 600))
    drift += 0.3 * 1200 / (2 * np.pi) * (1 - np.cos(2 * np.pi * t / 1200))
    assert clock(at) - at + 50 * S == pytest.approx(drift * 1e3, abs=3.0)
    assert clock(at).dtype == np.int64


def test_jitter_is_gaussian_or_students():
    gaussian = jitter_ns(rng(), 50.0, 200_000)
    assert gaussian.std() == pytest.approx(50e3, rel=0.01)
    assert np.mean(np.abs(gaussian) > 98e3) == pytest.approx(0.05, abs=0.003)
    student = jitter_ns(rng(), 50.0, 200_000, tail=3)
    # the 97.5th percentile of Student's t with 3 degrees of freedom
    assert np.quantile(student, 0.975) == pytest.approx(3.1824 * 50e3, rel=0.02)


def test_heavy_tails_are_worth_less():
    gaussian, heavy = Row(1, 50, TYPICAL), Row(1, 50, TYPICAL, 3)
    # R is larger by (3 + 3) / (3 + 1), and the limit is R^(3/8)
    assert heavy.limit_ns() / gaussian.limit_ns() == pytest.approx(1.5**0.375)


def test_random_and_regular_trains():
    times = random_train(rng(), 7200.0)
    gaps = np.diff(times)
    assert gaps.min() >= 100_000_000
    assert gaps.max() <= 1_900_000_000
    assert gaps.mean() == pytest.approx(S, rel=0.03)
    assert times[-1] < 7200 * S < times[-1] + 2 * S
    assert regular_train(30, 1.0).tolist()[:3] == [0, 33_333_333, 66_666_667]
    assert regular_train(30, 7200.0).size == 216_000


def test_a_log_loses_and_invents():
    times = regular_train(10, 2000.0)
    number = np.arange(times.size)
    log = logged(rng(), times, number, jitter_us=50, miss=0.2, spurious=0.1)
    true = log.number >= 0
    assert np.mean(true.sum() / times.size) == pytest.approx(0.8, abs=0.01)
    assert np.sum(~true) / times.size == pytest.approx(0.1, abs=0.01)
    assert (np.diff(log.time_ns) >= 0).all()
    error = log.time_ns[true] - times[log.number[true]]
    assert error.std() == pytest.approx(50e3, rel=0.03)


def test_a_log_has_the_clocks_ticks():
    times = regular_train(10, 20.0)
    log = logged(rng(), times, np.arange(200), jitter_us=1, tick_ns=32_000)
    assert not (log.time_ns % 32_000).any()
    assert (np.abs(log.time_ns - times) < 32_000 + 6_000).all()


def test_a_puzzle_is_two_logs_of_one_train():
    assert puzzle(7).source.time_ns.tolist() == puzzle(7).source.time_ns.tolist()
    for number in range(3 * len(KINDS)):
        pair = puzzle(number)
        assert pair.kind == KINDS[number % len(KINDS)]
        common, i, j = np.intersect1d(
            pair.source.number, pair.target.number, return_indices=True
        )
        i, j = i[common >= 0], j[common >= 0]
        source, target = pair.source.time_ns[i], pair.target.time_ns[j]
        if source.size < 8 or source[-1] - source[0] < S:
            continue
        slope = np.polyfit(source - source[0], target - target[0], 1)[0] - 1
        jitter = 5e6 / (source[-1] - source[0])
        assert abs(slope) < 400e-6 + jitter, number
