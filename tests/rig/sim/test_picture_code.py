import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.errors import DeviceError
from rig.sim.picture_code import MAX_NUMBER, burn_code, read_code

numbers = st.integers(0, MAX_NUMBER)


@given(numbers, st.integers(0, 2**31), st.floats(0.0, 25.0))
def test_a_number_survives_the_sensors_noise(number, seed, noise_sd):
    image = np.full((48, 64), 180, dtype=np.uint8)
    burn_code(image, number)
    noise = np.random.default_rng(seed).normal(0.0, noise_sd, image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    assert read_code(noisy) == number


def test_a_colour_picture_carries_it_too():
    image = np.zeros((20, 50, 3), dtype=np.uint8)
    burn_code(image, 123_456)
    assert read_code(image) == 123_456


def test_only_the_corner_is_touched():
    image = np.full((48, 64), 77, dtype=np.uint8)
    burn_code(image, 5)
    assert np.all(image[16:] == 77)
    assert np.all(image[:, 40:] == 77)


@given(numbers, st.integers(0, 39))
def test_a_flipped_cell_is_noticed(number, cell):
    image = np.zeros((16, 40), dtype=np.uint8)
    burn_code(image, number)
    row, column = divmod(cell, 10)
    cells = image[row * 4 : row * 4 + 4, column * 4 : column * 4 + 4]
    cells[:] = 255 - cells
    with pytest.raises(DeviceError, match="damaged"):
        read_code(image)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_picture_has_no_number(level):
    with pytest.raises(DeviceError, match=r"picture code|check bits"):
        read_code(np.full((48, 64), level, dtype=np.uint8))


@given(st.integers(0, 2**31))
def test_a_picture_from_elsewhere_has_no_number(seed):
    image = np.random.default_rng(seed).integers(0, 256, (48, 64)).astype(np.uint8)
    with pytest.raises(DeviceError):
        read_code(image)


def test_shifted_by_half_a_cell_it_is_refused():
    image = np.full((48, 64), 180, dtype=np.uint8)
    burn_code(image, 0xABCDEF)
    with pytest.raises(DeviceError):
        read_code(image[2:, 2:])


@pytest.mark.parametrize("number", [-1, MAX_NUMBER + 1])
def test_a_number_that_does_not_fit_is_refused(number):
    with pytest.raises(DeviceError, match=f"got {number}"):
        burn_code(np.zeros((16, 40), dtype=np.uint8), number)


def test_a_picture_that_is_too_small_is_refused():
    small = np.zeros((10, 40), dtype=np.uint8)
    with pytest.raises(DeviceError, match=r"at least 40x16 px .* got 40x10"):
        burn_code(small, 1)
    with pytest.raises(DeviceError, match="larger region"):
        read_code(small)
