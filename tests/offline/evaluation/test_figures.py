import math

import numpy as np
import pytest

from offline.evaluation.calibration import reliability
from offline.evaluation.figures import MEASURES, figures, measures, pck, share
from offline.evaluation.resampling import draws, estimate, units_of

NAN = np.nan


def test_figures_by_hand():
    errors = np.array([[3.0, 4.0], [NAN, 12.0]])
    found = figures(errors, np.ones((5, 2), np.int32))
    assert found.n == 3
    assert found.median_px.value == 4
    assert found.mean_px.value == pytest.approx(19 / 3)
    assert found.rmse_px.value == pytest.approx(math.sqrt((9 + 16 + 144) / 3))
    assert found.q90_px.value == pytest.approx(4 + 0.8 * 8)
    assert found.within_5px.value == pytest.approx(2 / 3)
    assert found.within_10px.value == pytest.approx(2 / 3)
    assert (found.median_px.low, found.median_px.high) == (4, 4)


def test_no_points_have_no_figures():
    found = figures(np.full((2, 2), NAN), np.ones((5, 2), np.int32))
    assert found.n == 0
    assert math.isnan(found.median_px.value)
    assert math.isnan(found.rmse_px.high)


def test_weights_are_frames_that_were_drawn_so_often():
    random = np.random.default_rng(1)
    errors = random.exponential(5, (9, 4))
    errors[random.random((9, 4)) < 0.3] = NAN
    weights = draws(units_of(["a"] * 9, "videos"), 40, random)
    weights[0] = 0
    found = measures(errors, weights)
    assert np.isnan(found[0]).all()
    for row, weight in zip(found[1:], weights[1:], strict=True):
        drawn = np.repeat(errors, weight, axis=0)
        off = drawn[np.isfinite(drawn)]
        expected = {
            "median_px": np.median(off),
            "mean_px": off.mean(),
            "rmse_px": np.sqrt((off**2).mean()),
            "q90_px": np.quantile(off, 0.9),
            "within_5px": (off <= 5).mean(),
            "within_10px": (off <= 10).mean(),
        }
        np.testing.assert_allclose(row, [expected[name] for name in MEASURES])


def test_pck_counts_what_is_missing():
    errors = np.array([1.0, 3.0, NAN, 30.0])
    assert pck(errors, 4, np.array([0, 1, 5, 100])).tolist() == [0, 0.25, 0.5, 0.75]


def test_share_of_labelled_points_that_are_kept():
    of = np.array([[True, True], [True, False]])
    kept = np.array([[True, False], [True, True]])
    assert share(kept, of, np.ones((3, 2), np.int32)).value == pytest.approx(2 / 3)


def test_units_are_videos_only_where_there_are_enough():
    few = units_of(["a", "a", "b"], "videos")
    assert (few.kind, few.count) == ("frames", 3)
    many = units_of([*"abcde", "a"], "animals")
    assert (many.kind, many.count) == ("animals", 5)
    weights = draws(many, 20, np.random.default_rng(0))
    assert (weights[:, 0] == weights[:, 5]).all(), "a video is drawn as a whole"


def _covered(grouped, random, trials=150, groups=40, each=4):
    """How often the interval of the mean holds 10, its truth."""
    hits = 0
    for _ in range(trials):
        common = random.gamma(4, 2.5, (groups, 1))  # mean 10; parts err together
        errors = (common * random.uniform(0.5, 1.5, (groups, each))).reshape(groups, -1)
        if not grouped:
            errors = errors.reshape(-1, 1)  # as if points were frames
        units = units_of(["a"] * len(errors), "videos")
        mean = figures(errors, draws(units, 300, random)).mean_px
        hits += mean.low <= 10 <= mean.high
    return hits / trials


def test_the_interval_covers_the_truth():
    random = np.random.default_rng(7)
    assert 0.89 <= _covered(True, random) <= 0.98
    assert _covered(False, random, trials=60) < 0.85, (
        "points drawn one by one promise too much"
    )


def test_an_interval_of_whole_videos_covers_the_truth():
    random, trials, hits = np.random.default_rng(8), 150, 0
    names = [str(k) for k in range(20) for _ in range(6)]
    for _ in range(trials):
        common = np.repeat(random.gamma(9, 10 / 9, 20), 6)
        errors = (common * random.uniform(0.5, 1.5, 120))[:, None]
        mean = figures(errors, draws(units_of(names, "videos"), 300, random)).mean_px
        hits += mean.low <= 10 <= mean.high
    assert 0.86 <= hits / trials <= 0.99


def test_an_estimate_without_draws_has_no_interval():
    assert math.isnan(estimate(1.0, np.full(3, NAN)).low)


def test_calibration_by_hand():
    likelihood = np.array([0.95, 0.95, 0.15, NAN])
    errors = np.array([1.0, 50.0, 50.0, 1.0])
    found = reliability(likelihood, errors)
    assert found.count == (0, 1, 0, 0, 0, 0, 0, 0, 0, 2)
    assert found.right[9] == 0.5
    assert found.likelihood[1] == pytest.approx(0.15)
    assert found.ece == pytest.approx((2 * 0.45 + 0.15) / 3)


def test_an_honest_likelihood_is_calibrated():
    random = np.random.default_rng(2)
    likelihood = random.random(40_000)
    errors = np.where(random.random(40_000) < likelihood, 1.0, 99.0)
    assert reliability(likelihood, errors).ece < 0.015
    assert reliability(likelihood**0.3, errors).ece > 0.1
    assert math.isnan(reliability(np.array([]), np.array([])).ece)
