"""Random words: the documented generator, uniform, and nothing repeats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.pulses import random_words

WORDS = st.integers(0, 2**32 - 1)


def reference(seed, lane, index):
    """SplitMix in 32 bits, written once more with plain integers."""

    def mix(x):
        x &= 0xFFFFFFFF
        x = (x ^ (x >> 16)) * 0x85EBCA6B & 0xFFFFFFFF
        x = (x ^ (x >> 13)) * 0xC2B2AE35 & 0xFFFFFFFF
        return x ^ (x >> 16)

    start = mix(seed + (lane + 1) * 0x9E3779B9)
    return mix(start + (index + 1) * 0x9E3779B9)


@given(seed=WORDS, lane=WORDS, index=WORDS)
def test_it_is_the_generator_that_is_documented(seed, lane, index):
    [word] = random_words(seed, lane, index)
    assert word.dtype == np.uint32
    assert int(word) == reference(seed, lane, index)


@pytest.mark.parametrize("lane", [0, 1, 70_000])
def test_words_are_uniform_and_independent(lane):
    unit = random_words(99, lane, np.arange(100_000)) / 2**32
    counts, _ = np.histogram(unit, bins=100, range=(0, 1))
    # chi square of 99 degrees: 99 +- 14
    assert 45 < ((counts - 1000) ** 2 / 1000).sum() < 165
    for lag in (1, 2, 7):
        assert abs(np.corrcoef(unit[lag:], unit[:-lag])[0, 1]) < 0.015
    other = random_words(100, lane, np.arange(100_000)) / 2**32
    assert abs(np.corrcoef(unit, other)[0, 1]) < 0.015
