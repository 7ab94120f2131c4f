import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.monitor.thinning import centre_of_pressure, envelope, thinned


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=300),
    st.integers(1, 50),
    st.floats(0, 1e4),
)
def test_no_peak_is_lost_and_none_is_made(values, columns, start_s):
    values = np.array(values)
    times_s = start_s + np.arange(len(values)) / 100
    found = thinned(times_s, values, start_s, times_s[-1] + 0.01, columns)
    assert found.low.min() == values.min()
    assert found.high.max() == values.max()
    assert len(found.times_s) <= columns + 1
    assert (np.diff(found.times_s) > 0).all()


def test_columns_do_not_tremble_when_the_picture_scrolls():
    times_s = np.arange(0, 10, 0.001)
    values = np.sin(50 * times_s)
    one = thinned(times_s, values, 2.0, 6.0, 40)
    other = thinned(times_s, values, 2.05, 6.05, 40)
    shared = np.isin(one.times_s.round(9), other.times_s.round(9))
    assert shared.all()


def test_a_line_goes_through_low_and_high_of_each_column():
    found = thinned(np.arange(4.0), np.array([3, 1, 2, 5]), 0, 4, 2)
    times, values = found.line
    assert times.tolist() == [1, 1, 3, 3]
    assert values.tolist() == [1, 3, 2, 5]


def test_nothing_gives_nothing():
    none = np.zeros(0)
    assert len(thinned(none, none, 0, 1, 10).times_s) == 0
    assert len(envelope(none, np.zeros((0, 2)), 0.1)[0]) == 0


def test_the_envelope_of_a_sine_is_its_effective_value():
    times_s = np.arange(0, 1, 1 / 2000)
    sine = 3 * np.sin(2 * np.pi * 200 * times_s)[:, None]
    _, over = envelope(times_s, sine, 0.05)
    np.testing.assert_allclose(over, 3 / np.sqrt(2), rtol=0.02)


def test_the_centre_of_pressure_is_where_one_stands():
    x_mm, y_mm, weight = 12.0, -7.0, 250.0
    forces = np.array([[0, 0, weight, y_mm * weight, -x_mm * weight, 0], [0] * 6])
    channels = ("Fx", "Fy", "Fz", "Mx", "My", "Mz")
    found = centre_of_pressure(forces, channels)
    np.testing.assert_allclose(found[0], [x_mm, y_mm])
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize("lacking", ["Fz", "Mx", "My"])
def test_without_moments_there_is_no_centre_of_pressure(lacking):
    channels = tuple(c if c != lacking else "other" for c in ("Fz", "Mx", "My"))
    assert centre_of_pressure(np.ones((3, 3)), channels) is None
