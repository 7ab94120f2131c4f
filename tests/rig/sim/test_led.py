"""The LED in a picture: as bright as it was lit, and nothing else is touched."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config.rig import LedConfig
from rig.errors import DeviceError
from rig.sim.led import LIGHT, LedSpot
from rig.sim.picture_code import burn_code, read_code


def spot_at(x=90.0, y=40.0, radius=4.0, width=120, height=80, seed=3):
    led = LedConfig(source="daq", line="sync", x_px=x, y_px=y, radius_px=radius)
    return LedSpot(led, width, height, seed)


def drawn(spot, lit, number=0, white=255, dtype=np.uint8, shape=(80, 120)):
    image = np.full(shape, round(0.7 * white), dtype)
    spot.draw(image, lit, number, white)
    return image


def middle(image):
    return image[39:42, 89:92].mean()


def test_it_is_as_bright_as_it_was_lit():
    spot = spot_at()
    dark = np.mean([middle(drawn(spot, 0.0, k)) for k in range(60)])
    for lit in (0.1, 0.5, 0.9, 1.0):
        level = np.mean([middle(drawn(spot, lit, k)) for k in range(60)])
        assert level - dark == pytest.approx(lit * LIGHT, abs=1.5)
    assert dark < 40, "the housing is dark"


@given(
    x=st.floats(60, 119),
    y=st.floats(0, 79),
    radius=st.floats(1, 10),
    lit=st.floats(0, 1),
    number=st.integers(0, 1 << 24),
)
def test_nothing_but_the_spot_is_touched(x, y, radius, lit, number):
    spot = spot_at(x, y, radius)
    image = np.random.default_rng(1).integers(0, 256, (80, 120), np.uint8)
    burn_code(image, 77)
    before = image.copy()
    spot.draw(image, lit, number)
    ys, xs = np.nonzero(image != before)
    assert np.hypot(xs - x, ys - y).max(initial=0) < 1.6 * radius + 5
    assert read_code(image) == 77
    before[spot.box] = image[spot.box] = 0
    assert np.array_equal(image, before)


def test_light_is_noisy_and_a_number_decides_the_noise():
    spot = spot_at()
    lit = np.array([drawn(spot, 1.0, k)[40, 90] for k in range(61)], float)
    dark = np.array([drawn(spot, 0.0, k)[40, 90] for k in range(61)], float)
    assert 2.0 < dark.std() < 3.2
    # 190 grey levels of 40 electrons each
    assert np.hypot(2.5, np.sqrt(LIGHT / 40)) == pytest.approx(lit.std(), rel=0.3)
    assert np.array_equal(drawn(spot, 0.5, 9), drawn(spot_at(), 0.5, 9))
    assert not np.array_equal(drawn(spot, 0.5, 9), drawn(spot, 0.5, 10))
    assert not np.array_equal(drawn(spot, 0.5, 9), drawn(spot_at(seed=4), 0.5, 9))


def test_its_edge_is_soft():
    row = drawn(spot_at(), 1.0)[40, 80:101].astype(int)
    assert np.abs(np.diff(row)).max() < LIGHT * 0.75
    assert row[10] > 200
    assert row[4:8].min() < 90, "the housing shows around the light"


def test_deep_and_coloured_pictures():
    deep = drawn(spot_at(), 1.0, white=4095, dtype=np.uint16)
    plain = drawn(spot_at(), 1.0)
    box = spot_at().box
    assert np.abs(deep[box] / 4095 * 255 - plain[box]).max() < 1.5
    coloured = drawn(spot_at(), 1.0, shape=(80, 120, 3))
    assert np.array_equal(coloured, np.repeat(plain[:, :, None], 3, axis=2))


def test_it_may_not_hide_the_number():
    with pytest.raises(DeviceError, match=r"away from the pictures' numbers.* 20, 10 "):
        spot_at(x=20, y=10)
    spot_at(x=20, y=40)
