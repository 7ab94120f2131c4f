import math

import numpy as np
import pytest

from offline.evaluation.comparing import frame_means_px, holm, paired, sign_flip_p
from offline.evaluation.resampling import draws, units_of


def test_all_flips_of_few_differences():
    random = np.random.default_rng(0)
    # of 8 ways, + + + and - - - are as far from 0
    assert sign_flip_p(np.array([1.0, 2.0, 3.0]), 100, random) == 2 / 8
    assert sign_flip_p(np.zeros(3), 100, random) == 1
    assert math.isnan(sign_flip_p(np.array([]), 100, random))


def test_p_is_uniform_when_neither_is_better():
    random = np.random.default_rng(3)
    p = np.array(
        [sign_flip_p(random.standard_t(3, 30), 400, random) for _ in range(400)]
    )
    # Kolmogorov and Smirnov: 1.63 / sqrt(n) is the 1 % limit
    ranks = np.arange(1, 401) / 400
    assert np.abs(np.sort(p) - ranks).max() < 1.63 / 20
    assert 0.02 < (p < 0.05).mean() < 0.09


def test_a_difference_is_found():
    random = np.random.default_rng(4)
    first = random.gamma(4, 1, (60, 3))
    other = first + random.normal(0.8, 0.5, (60, 3))
    units = units_of(["a"] * 60, "videos")
    found = paired(first, other, units, draws(units, 1000, random), random)
    assert found.p == pytest.approx(1 / 1001), "p is never 0"
    assert found.median_difference_px.low > 0.3
    assert found.mean_difference_px == pytest.approx(0.8, abs=0.15)
    assert (found.n, found.frames) == (180, 60)


def test_only_points_that_both_give_are_compared():
    first = np.array([[1.0, 2.0], [np.nan, 4.0], [np.nan, np.nan]])
    other = np.array([[3.0, np.nan], [9.0, 5.0], [1.0, 1.0]])
    units = units_of(["a"] * 3, "videos")
    random = np.random.default_rng(0)
    found = paired(first, other, units, draws(units, 50, random), random)
    assert (found.n, found.frames) == (2, 2)
    assert found.mean_difference_px == 1.5
    assert found.median_difference_px.value == 1.5


def test_whole_videos_are_flipped():
    names = [name for name in "abcde" for _ in range(20)]
    units = units_of(names, "videos")
    random = np.random.default_rng(0)
    first = np.ones((100, 1))
    found = paired(first, first + 1, units, draws(units, 100, random), random)
    assert found.p == 2 / 2**5, "five videos cannot say more"


def test_means_of_frames():
    means = frame_means_px(np.array([[1.0, 3.0], [np.nan, 5.0], [np.nan, np.nan]]))
    np.testing.assert_array_equal(means, [2, 5, np.nan])


def test_holm():
    # 0.01 x 4, then 0.02 x 3, 0.03 x 2, and no smaller than the one before
    assert holm([0.03, 0.01, 0.02, 0.5]) == pytest.approx([0.06, 0.04, 0.06, 0.5])
    told = holm([0.04, float("nan")])
    assert told[0] == 0.04
    assert math.isnan(told[1])
