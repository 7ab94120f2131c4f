"""How late a line is seen: against a delay that is known, and in its own band."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.cues import Line, Looks, above_dark, find_delay


def _errors(sync_line, camera, runs, seconds, **options):
    """Return the errors of delays in us, and in standard deviations."""
    errors, ratios = [], []
    for seed in range(runs):
        line = sync_line(seconds, seed=seed)
        frames = float(np.random.default_rng(seed).uniform(-2, 2))
        delay_us = frames * 1e6 / options.get("rate_hz", 100)
        one = camera(delay_us=delay_us, **options)
        found = find_delay(line, one.look(line, seconds, seed=seed))
        assert found.shift.verdict == "unique"
        assert found.shift.best == 0
        errors.append(found.delay_ns / 1e3 - delay_us)
        ratios.append(errors[-1] * 1e3 / found.sd_ns)
    return np.array(errors), np.array(ratios)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "rms_us"),
    [
        ({"noise": 1}, 15),
        ({"noise": 5}, 60),
        ({"jitter_us": 90}, 60),
        ({"excess": 3}, 20),
        ({"rate_hz": 500, "exposure_ms": 1}, 8),
        ({"exposure_ms": 0.05}, 400),
        ({"exposure_ms": 9}, 15),
    ],
)
def test_the_delay_is_found_within_its_band(sync_line, camera, options, rms_us):
    errors, ratios = _errors(sync_line, camera, 8, 40, **options)
    assert np.sqrt(np.mean(errors**2)) < rms_us
    assert np.sqrt(np.mean(ratios**2)) < 2
    assert abs(np.mean(errors)) < rms_us


def test_slow_frames_that_are_longer_than_a_pulse(sync_line, camera):
    line = sync_line(90)
    slow = camera(rate_hz=30, exposure_ms=30, delay_us=47_000)
    found = find_delay(line, slow.look(line, 90))
    assert abs(found.delay_ns / 1e3 - 47_000) < 3 * found.sd_ns / 1e3 < 600
    assert found.shift.verdict == "unique"


def test_samples_of_a_channel(sync_line, camera):
    line = sync_line(30)
    channel = camera(rate_hz=2000, exposure_ms=0.5, delay_us=8123, noise=10)
    found = find_delay(line, channel.look(line, 30), reach=40, far=5000)
    assert abs(found.delay_ns / 1e3 - 8123) < 3 * found.sd_ns / 1e3 < 30
    assert found.spread_ns < 200_000


@settings(max_examples=10)
@given(offset_ns=st.integers(-(10**13), 10**13), late_us=st.integers(-4000, 4000))
def test_what_is_stamped_later_is_found_later(sync_line, camera, offset_ns, late_us):
    line = sync_line(20)
    seen = camera().look(line, 20)
    plain = find_delay(line, seen)
    moved = Line(line.rise_ns + offset_ns, line.fall_ns + offset_ns)
    by_ns = offset_ns + late_us * 1e3
    later = Looks(seen.begin_ns + by_ns, seen.end_ns + by_ns, seen.level)
    found = find_delay(moved, later)
    assert abs(found.delay_ns - plain.delay_ns - late_us * 1e3) < plain.sd_ns


def test_lost_frames_do_not_move_it(sync_line, camera):
    line = sync_line(60)
    seen = camera(delay_us=700).look(line, 60)
    seen.level[np.random.default_rng(1).uniform(size=len(seen.level)) < 0.1] = np.nan
    found = find_delay(line, seen)
    assert abs(found.delay_ns - 700_000) < 3 * found.sd_ns


def test_hidden_pulses_are_counted_and_left_out(sync_line, camera):
    line = sync_line(60)
    seen = camera(delay_us=700).look(line, 60)
    hidden = (np.arange(len(seen.level)) // 300) % 4 == 1
    seen.level[hidden] = 40 + np.random.default_rng(1).normal(0, 2, hidden.sum())
    found = find_delay(line, seen)
    of_pulses = hidden[np.searchsorted(seen.begin_ns, line.rise_ns).clip(0, 5999)]
    assert of_pulses.sum() <= found.spoilt <= 2 * of_pulses.sum()
    assert abs(found.delay_ns - 700_000) < 3 * found.sd_ns


def test_an_animal_that_passes_is_no_led(sync_line, camera):
    line = sync_line(60)
    seen = camera(delay_us=-300).look(line, 60)
    steps = np.repeat(np.random.default_rng(2).normal(0, 40, 60), 100)
    found = find_delay(line, Looks(seen.begin_ns, seen.end_ns, seen.level + steps))
    assert abs(found.delay_ns + 300_000) < 3 * found.sd_ns


def test_how_single_edges_scatter_is_told(sync_line, camera):
    line = sync_line(90)
    found = find_delay(line, camera(jitter_us=200, noise=0.5).look(line, 90))
    assert found.spread_ns == pytest.approx(200_000, rel=0.4)
    assert np.isfinite(found.told_ns).all()
    assert len(found.told) == len(found.told_ns)


def test_light_that_saturates_is_noticed(sync_line, camera):
    line = sync_line(60)
    found = find_delay(line, camera(excess=3, noise=1).look(line, 60))
    assert found.light.excess == pytest.approx(3, rel=0.4)
    plain = find_delay(line, camera(noise=1).look(line, 60))
    assert plain.light.excess == 1
    assert plain.light.gain == pytest.approx(100, rel=0.02)


def test_a_led_that_goes_dark_with_the_line(sync_line, camera):
    line = sync_line(40)
    found = find_delay(line, camera(gain=-30, delay_us=900, noise=0.5).look(line, 40))
    assert found.light.gain == pytest.approx(-30, rel=0.02)
    assert abs(found.delay_ns - 900_000) < 3 * found.sd_ns


def test_nothing_there_is_said(sync_line, camera):
    line = sync_line(40)
    found = find_delay(line, camera(gain=0).look(line, 40))
    assert found.shift.verdict == "absent"
    assert np.isnan(found.delay_ns)
    assert found.light is None
    assert found.edges == 0


def test_looks_that_are_all_lit_or_dark(sync_line):
    line = sync_line(40)
    seen = np.arange(100.0) * 1e5
    for level in (np.zeros(100), np.arange(100.0), np.full(100, np.nan)):
        found = find_delay(line, Looks(seen, seen + 1e4, level))
        assert found.shift.verdict == "absent"


def test_light_that_is_the_very_line(sync_line, camera):
    line = sync_line(40)
    seen = camera(noise=0).look(line, 40)
    level = line.share(seen.begin_ns, seen.end_ns)
    found = find_delay(line, Looks(seen.begin_ns, seen.end_ns, level))
    assert abs(found.delay_ns) < 5_000


def test_a_picture_without_noise(sync_line, camera):
    line = sync_line(40)
    found = find_delay(line, camera(noise=0, delay_us=321).look(line, 40))
    assert abs(found.delay_ns - 321_000) < 10_000


def test_a_line_that_is_nearly_always_high(camera):
    rng = np.random.default_rng(4)
    falls = np.cumsum(rng.uniform(0.2, 1.5, 60)) * 1e9
    edges = np.sort(np.concatenate([[0], falls, falls + 12e6, [70e9]])).astype(int)
    line = Line.of_edges(edges, np.arange(len(edges)) % 2 == 0)
    seen = camera(delay_us=1500).look(line, 60)
    found = find_delay(line, seen)
    right = abs(found.delay_ns - 1_500_000) < max(3 * found.sd_ns, 100_000)
    assert right or found.shift.verdict == "ambiguous"


def test_the_dark_is_taken_off(sync_line, camera):
    line = sync_line(40)
    seen = camera(delay_us=500, noise=1).look(line, 40)
    middle, level = above_dark(line, seen, 500_000)
    assert len(middle) == len(level) == len(seen.level)
    share = line.share(seen.begin_ns - 500_000, seen.end_ns - 500_000)
    np.testing.assert_allclose(level, 100 * share, atol=8)


def _any_line(rng, sync_line, seed, seconds):
    """A line of pulses at random, regular, dithered or thinned."""
    kind = seed % 4
    if kind == 0:
        return sync_line(seconds, seed=seed, codes=bool(rng.integers(2)))
    period = rng.choice([0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0])
    rises = np.arange(0.2, seconds - 0.2, period)
    if kind == 2:
        rises = rises + rng.uniform(-1e-4, 1e-4, len(rises))
    if kind == 3:
        rises = rises[rng.uniform(size=len(rises)) > 0.3]
    edges = np.stack([rises, rises + min(0.01, period / 2)], axis=1).ravel() * 1e9
    return Line.of_edges(edges.astype(np.int64), np.arange(len(edges)) % 2 == 0)


@pytest.mark.slow
def test_unique_is_never_wrong(sync_line, camera):
    verdicts = []
    for seed in range(40):
        rng = np.random.default_rng(1000 + seed)
        seconds = float(rng.choice([5, 10, 20]))
        line = _any_line(rng, sync_line, seed, seconds)
        one = camera(
            delay_us=rng.integers(-5, 6) * 1e4 + rng.uniform(-300, 300),
            noise=rng.choice([1, 5, 20]),
            exposure_ms=rng.choice([0.5, 2, 8]),
        )
        found = find_delay(line, one.look(line, seconds, seed=seed))
        verdicts.append(found.shift.verdict)
        if found.shift.verdict == "unique":
            assert abs(found.delay_ns / 1e3 - one.delay_us) < 6000
            assert seed % 4 != 1, "a regular line"
    assert verdicts.count("unique") > 10
