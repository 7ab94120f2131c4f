"""The last samples of a signal, and what is made of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.features.window import Recipe, SignalWindow
from rig.config.task import FeatureConfig

CHANNELS = ("GL", "TA", "VL")


def recipe(**others):
    config = FeatureConfig.model_validate(
        {"stream": "daq/emg", "channels": ["TA"], "kind": "level", **others}
    )
    return Recipe.of(config, CHANNELS, rate_hz=1000.0)


def test_a_recipe_counts_in_samples():
    assert recipe(window_ms=5) == Recipe((1,), 5, 0)
    envelope = recipe(kind="envelope", channels=["VL", "GL"], window_ms=20)
    assert envelope == Recipe((2, 0), 20, 500)
    assert envelope.needed == 500


def test_a_level_is_the_mean_of_what_is_added_up():
    samples = np.arange(30.0).reshape(10, 3)
    found = recipe(channels=["GL", "VL"], window_ms=4).value(samples)
    assert found == pytest.approx(samples[-4:, [0, 2]].sum(axis=1).mean())


def test_an_envelope_does_not_mind_an_offset():
    t = np.arange(1000) / 1000
    burst = np.where(t >= 0.95, np.sin(2 * np.pi * 150 * t), 0.0)
    made = recipe(kind="envelope", window_ms=40, baseline_ms=500)
    for offset in (0.0, 300.0):
        samples = np.column_stack([t, 5.0 * burst + offset, t])
        assert made.value(samples) == pytest.approx(5 / np.sqrt(2), rel=0.02)
        assert made.value(samples[:940]) == pytest.approx(0.0, abs=1e-9)


def test_too_few_samples_cannot_be_told():
    assert math.isnan(recipe(window_ms=5).value(np.zeros((4, 3))))


blocks = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 20).map(lambda k: k if k < 2 else 0)),
    max_size=40,
)


@given(blocks, st.integers(1, 50))
def test_it_keeps_the_last_samples_since_the_last_gap(made, length):
    """Against a plain list; a gap of one sample forgets all before it."""
    window = SignalWindow([0.5, 2.0], length)
    number, plain = 7, []
    for count, gap in made:
        if gap:
            number += gap
            plain = []
        counts = np.arange(number, number + 2 * count).reshape(count, 2)
        window.append(counts.astype(np.int16), number)
        plain += (counts * [0.5, 2.0]).tolist()
        number += count
        assert window.samples.tolist() == plain[-length:]
        assert window.last_number == number - 1


def test_before_any_sample():
    window = SignalWindow([1.0], 5)
    assert window.last_number == -1
    assert window.samples.shape == (0, 1)
