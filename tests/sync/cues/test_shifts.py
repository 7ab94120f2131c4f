"""By how many whole frames: unique, ambiguous, or nothing there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.cues import Line, correlations, shift_test


@pytest.fixture(scope="module")
def looks(sync_line, camera):
    line = sync_line(60)
    return line, camera().look(line, 60)


def _share(line, looks):
    return line.share(looks.begin_ns, looks.end_ns)


@given(late=st.integers(-5, 5))
def test_a_whole_shift_is_found(looks, late):
    line, seen = looks
    test = shift_test(_share(line, seen), np.roll(seen.level, late))
    assert (test.verdict, test.best) == ("unique", late)
    assert test.ratio > 1.5
    assert test.z > 20


@given(gain=st.floats(0.01, 1e4), base=st.floats(-1e4, 1e4))
def test_neither_brightness_nor_ambient_light_matter(looks, gain, base):
    line, seen = looks
    plain = shift_test(_share(line, seen), seen.level)
    other = shift_test(_share(line, seen), gain * seen.level + base)
    np.testing.assert_allclose(plain.correlation, other.correlation, atol=1e-4)


def test_slow_changes_of_the_light_do_not_matter(looks):
    line, seen = looks
    sun = 500 * np.sin(np.arange(len(seen.level)) / 700)
    test = shift_test(_share(line, seen), seen.level + sun)
    assert (test.verdict, test.best) == ("unique", 0)


@pytest.mark.parametrize("late", [-3, 0, 4])
def test_lost_frames_keep_their_places(looks, late):
    line, seen = looks
    level = np.roll(seen.level, late)
    level[np.random.default_rng(3).uniform(size=len(level)) < 0.2] = np.nan
    test = shift_test(_share(line, seen), level)
    assert (test.verdict, test.best) == ("unique", late)


def test_a_led_that_is_lit_when_the_line_is_low(looks):
    line, seen = looks
    test = shift_test(_share(line, seen), -np.roll(seen.level, 2))
    assert (test.verdict, test.best) == ("unique", 2)


def test_a_pulse_of_many_frames_is_as_clear(sync_line, camera):
    line = sync_line(60, width_us=50_000, codes=False)
    seen = camera().look(line, 60)
    assert shift_test(_share(line, seen), seen.level).ratio > 3


def test_nothing_but_noise(looks):
    rng = np.random.default_rng(1)
    line, seen = looks
    for _ in range(20):
        noise = rng.standard_t(3, len(seen.level))
        assert shift_test(_share(line, seen), noise).verdict == "absent"


def test_light_that_never_changes(looks):
    line, seen = looks
    test = shift_test(_share(line, seen), np.full(len(seen.level), 7.0))
    assert test.verdict == "absent"


def test_another_line(looks, sync_line):
    _, seen = looks
    other = sync_line(60, seed=2, codes=False)
    assert shift_test(_share(other, seen), seen.level).verdict == "absent"


def test_hardly_anything_was_seen(looks):
    line, seen = looks
    level = np.full(len(seen.level), np.nan)
    assert shift_test(_share(line, seen), level).verdict == "absent"
    level[:3] = seen.level[:3]
    assert shift_test(_share(line, seen), level).verdict == "absent"


@pytest.mark.parametrize("period_frames", [3, 100])
def test_a_regular_line_is_ambiguous(camera, period_frames):
    rise = np.arange(40, 5800, period_frames) * 10_000_000 + 1_234_567
    edges = np.stack([rise, rise + 10_000_000], axis=1).ravel()
    line = Line.of_edges(edges, np.arange(len(edges)) % 2 == 0)
    seen = camera().look(line, 60)
    test = shift_test(_share(line, seen), seen.level)
    assert test.verdict == "ambiguous"
    assert abs(test.rival - test.best) % period_frames == 0


def test_correlations_of_many_spots_at_once(looks):
    line, seen = looks
    places = np.flatnonzero(np.arange(len(seen.level)) % 50 < 30)
    spots = np.stack([seen.level, np.roll(seen.level, 3)], axis=1)[places]
    shifts = np.arange(-5, 6)
    found = correlations(_share(line, seen), places, spots, shifts)
    assert found.shape == (11, 2)
    assert shifts[np.argmax(found, axis=0)].tolist() == [0, 3]
    one = correlations(_share(line, seen), places, spots[:, 1], shifts)
    np.testing.assert_allclose(one, found[:, 1])
    whole = np.full(len(seen.level), np.nan)
    whole[places] = seen.level[places]
    by_transform = shift_test(_share(line, seen), whole, far=20)
    at = np.isin(by_transform.shifts, shifts)
    np.testing.assert_allclose(by_transform.correlation[at], found[:, 0], atol=1e-6)
