"""The settled gains are those that a Kalman filter, step by step, comes to."""

import numpy as np
import pytest

from inference.prediction.motion import FILTERS, FOLLOWING_S, fading, settled, spread


def transition(time_s):
    place, velocity, left = fading(time_s)
    return np.array([[1, time_s, place], [0, 1, velocity], [0, 0, left]])


def noise(time_s, following_s):
    t = time_s
    shape = [
        [t**5 / 20, t**4 / 8, t**3 / 6],
        [t**4 / 8, t**3 / 3, t**2 / 2],
        [t**3 / 6, t**2 / 2, t],
    ]
    return np.array(shape) * following_s**-5


def kalman(interval_s, following_s):
    """Variance of the innovation, gain, and covariance, after very many poses."""
    covariance, forth = np.diag([1.0, 1e4, 1e6]), transition(interval_s)
    for _ in range(5000):
        before = forth @ covariance @ forth.T + noise(interval_s, following_s)
        variance = before[0, 0] + 1
        gain = before[:, 0] / variance
        covariance = before - np.outer(gain, before[0])
    return variance, gain, covariance


def grid(interval_s):
    """The nearest interval for which gains are worked out."""
    return 5e-4 * 1.05 ** round(np.log(interval_s / 5e-4) / np.log(1.05))


@pytest.mark.parametrize("interval_s", [5e-4, 0.004, 0.01, 0.0333, 0.25])
def test_settled_is_what_a_kalman_filter_settles_at(interval_s):
    found = settled(interval_s)
    for k in range(FILTERS):
        variance, gain, covariance = kalman(grid(interval_s), FOLLOWING_S[k])
        assert found.variance[k, 0] == pytest.approx(variance)
        expected = np.zeros((3, FILTERS))
        expected[:, k] = gain  # nothing of the other filters
        np.testing.assert_allclose(found.gain[k::FILTERS], expected, rtol=1e-6)
        upper = covariance[np.triu_indices(3)]
        np.testing.assert_allclose(found.known[k, :6], upper, rtol=1e-6)
        for time_s in (0.0, 0.003, 0.02, 0.1):
            forth = transition(time_s)
            later = forth @ covariance @ forth.T + noise(time_s, FOLLOWING_S[k])
            assert spread(found.known, time_s)[k, 0] == pytest.approx(later[0, 0])


def test_intervals_beyond_the_table_have_the_gains_at_its_ends():
    assert settled(0.0) is settled(5e-4)
    assert settled(1e3) is settled(50.0)


def test_the_quicker_filter_believes_a_pose_more():
    gain = settled(0.01).gain[:FILTERS].diagonal()
    assert (np.diff(gain) < 0).all()
    assert gain[0] > 0.9
    assert gain[-1] < 0.3


def test_an_acceleration_fades():
    place, velocity, left = fading(1.0)
    assert left < 1e-20
    assert velocity == pytest.approx(0.02)
    assert fading(0.0) == (0.0, 0.0, 1.0)
    assert place == pytest.approx(0.02 * (1.0 - 0.02))


@pytest.mark.parametrize("times", [4.0, 100.0])
def test_a_doubted_pose_is_one_with_so_much_more_noise(times):
    usual, doubted = settled(0.01), settled(0.01).doubted(times)
    before = usual.variance[:, 0] - 1
    assert doubted.variance[:, 0] == pytest.approx(before + times)
    place = doubted.gain[:FILTERS].diagonal()
    assert place == pytest.approx(before / (before + times))
