import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rig.sim.world.noise import gaussian, uniform, word


def test_it_is_standard_normal_and_white():
    values = gaussian(1, 0, np.arange(100_000))
    assert abs(values.mean()) < 0.015
    assert abs(values.std() - 1.0) < 0.01
    assert abs(np.mean(values**4) - 3.0) < 0.1
    for lag in (1, 2, 7, 64):
        assert abs(np.mean(values[lag:] * values[:-lag])) < 0.015


def test_channels_and_seeds_are_independent():
    index = np.arange(50_000)
    one = gaussian(1, [[0], [1]], index)
    other = gaussian(2, 0, index)
    assert abs(np.corrcoef(one[0], one[1])[0, 1]) < 0.02
    assert abs(np.corrcoef(one[0], other)[0, 1]) < 0.02


def test_uniform_fills_its_interval():
    values = uniform(3, 5, np.arange(50_000))
    assert values.min() > 0.0
    assert values.max() < 1.0
    counts = np.histogram(values, 20, (0, 1))[0]
    assert np.all(np.abs(counts - 2500) < 250)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**40))
def test_a_number_depends_on_nothing_else(seed, index):
    alone = word(seed, 7, index)
    among = word(seed, [[3], [7]], index + np.arange(-3, 4))
    assert alone[0] == among[1, 3]
