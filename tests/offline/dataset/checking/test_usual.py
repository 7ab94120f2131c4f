import numpy as np
import pytest

from offline.dataset.checking.usual import beyond


@pytest.mark.parametrize("tail", ["rayleigh", "exponential", "uniform"])
def test_no_tail_is_beyond_its_own_limit(tail):
    for count in (10, 30, 300):
        for seed in range(50):
            rng = np.random.default_rng(seed)
            column = getattr(rng, tail)(size=(count, 1))
            assert beyond(column, 0.01).max() <= 1


def test_what_is_far_is_beyond():
    column = np.random.default_rng(0).rayleigh(size=(100, 2))
    column[7, 0] = 15
    column[8, 1] = np.nan
    assert np.argwhere(beyond(column, 0.01) > 1).tolist() == [[7, 0]]


def test_a_few_values_tell_nothing():
    assert not beyond(np.array([[1.0]] * 8 + [[1e6]]), 0.01).any()
