import numpy as np
import pytest

from sync.drift import fit_clock, split_at_resets

S = 1_000_000_000


def parts(source, target):
    return [(p.start, p.stop) for p in split_at_resets(source, target)]


def test_one_stretch_is_one(crystals, pulses):
    source, target = pulses(crystals(1200, 0, walk_ppm=20), 1200, 0, 500)
    assert parts(source, target) == [(0, len(source))]


def test_nothing_is_nothing():
    none = np.empty(0, np.int64)
    assert split_at_resets(none, none) == []
    assert parts(none + 1, none) == []


def test_a_clock_that_begins_anew_is_two_stretches(crystals, pulses):
    truth = crystals(1200, 1)
    target, source = pulses(truth, 1200, 1)  # the device is the one that wanders
    k = np.searchsorted(target, 500 * S)
    source = source.copy()
    source[k:] -= source[k] - S
    assert parts(source, target) == [(0, k), (k, len(source))]
    model = fit_clock(source, target)
    assert len(model.segments) == 2
    with pytest.raises(ValueError, match="give `segment`"):
        model(source)
    which = (np.arange(len(source)) >= k).astype(int)
    found, sd = model(source, which)
    assert np.std(found - target) < 60e3
    assert (sd < 60e3).all()


@pytest.mark.parametrize("leap_ms", [-40, -3, 3, 20, 1000, 60_000])
def test_a_leap_is_found(crystals, pulses, leap_ms):
    source, target = pulses(crystals(1200, 2), 1200, 2)
    k = np.searchsorted(source, 700 * S)
    target = target.copy()
    target[k:] += leap_ms * 1_000_000
    assert parts(source, target) == [(0, k), (k, len(source))]
    at = np.array([100 * S, 1000 * S])
    assert (fit_clock(source, target).segment_of(at) == [0, 1]).all()


def test_a_stray_pulse_is_no_leap(crystals, pulses):
    source, target = pulses(crystals(1200, 3), 1200, 3)
    target = target.copy()
    target[[100, 400, 401, 800]] += 30_000_000
    assert parts(source, target) == [(0, len(source))]


def test_a_pause_is_no_leap(crystals, pulses):
    """Both clocks ran on while nothing was sent."""
    truth = crystals(1200, 4)
    source, target = pulses(truth, 1200, 4)
    away = (source > 300 * S) & (source < 800 * S)
    assert parts(source[~away], target[~away]) == [(0, int((~away).sum()))]
