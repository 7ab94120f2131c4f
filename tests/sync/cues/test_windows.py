"""Two signals that go together, window by window: believed only if all agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.cues import window_shifts

LENGTH, REACH = 400, 100


def _bursts(rng, count, every=90.0):
    """Sharp bursts at random times, as of an animal that moves now and then."""
    values = np.zeros(count)
    at = np.cumsum(rng.exponential(every, int(count / every * 2)))
    for start in at[at < count - 20].astype(int):
        width = rng.integers(4, 16)
        values[start : start + width] += rng.uniform(0.5, 2) * np.hanning(width)
    return values


@pytest.fixture(scope="module")
def bursts():
    return _bursts(np.random.default_rng(5), 4000)


@given(late=st.integers(-40, 40))
def test_a_shift_is_found(bursts, late):
    noise = np.random.default_rng(1).normal(0, 0.05, len(bursts))
    found = window_shifts(
        3 * np.roll(bursts, late) + 7 + noise, bursts, length=LENGTH, reach=REACH
    )
    assert found.accepted
    assert found.median == pytest.approx(late, abs=0.3)
    assert found.sd < 0.5


def test_part_of_an_element_is_found(bursts):
    at = np.arange(len(bursts))
    found = window_shifts(
        np.interp(at - 0.4, at, bursts), bursts, length=LENGTH, reach=REACH
    )
    assert found.median == pytest.approx(0.4, abs=0.15)


def test_signals_that_have_nothing_in_common_are_refused(bursts):
    for seed in range(10):
        other = _bursts(np.random.default_rng(100 + seed), 4000)
        assert not window_shifts(other, bursts, length=LENGTH, reach=REACH).accepted


def test_a_rhythm_is_refused():
    steps = np.maximum(np.sin(np.arange(4000) * 2 * np.pi / 30), 0)
    found = window_shifts(np.roll(steps, 4), steps, length=LENGTH, reach=REACH)
    assert not found.accepted


def test_windows_that_do_not_agree_are_refused(bursts):
    jumbled = np.concatenate(
        [np.roll(part, 7 * k) for k, part in enumerate(np.split(bursts, 10))]
    )
    assert not window_shifts(jumbled, bursts, length=LENGTH, reach=REACH).accepted


def test_windows_in_which_nothing_moves_are_not_asked(bursts):
    still = bursts.copy()
    still[800:3200] = 0
    noise = np.random.default_rng(1).normal(0, 0.02, len(bursts))
    found = window_shifts(np.roll(still, 3) + noise, still, length=LENGTH, reach=REACH)
    assert len(found.first) <= 5
    assert found.accepted
    assert found.median == pytest.approx(3, abs=0.3)


def test_windows_that_were_not_looked_at_are_not_asked(bursts):
    seen = np.roll(bursts, 3)
    seen[: 3 * LENGTH] = np.nan
    seen[::50] = np.nan
    found = window_shifts(seen, bursts, length=LENGTH, reach=REACH)
    assert found.first.min() >= 3 * LENGTH
    assert found.median == pytest.approx(3, abs=0.5)


def test_too_little_says_nothing(bursts):
    for count in (0, 10, LENGTH):
        found = window_shifts(
            bursts[:count], bursts[:count], length=LENGTH, reach=REACH
        )
        assert not found.accepted
    none = np.full(4000, np.nan)
    found = window_shifts(none, bursts, length=LENGTH, reach=REACH)
    assert not found.accepted
    assert np.isnan(found.median)
