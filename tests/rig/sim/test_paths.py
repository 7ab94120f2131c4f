import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.sim.world.paths import Knot, Path, Table, smooth_step

numbers = st.floats(-50.0, 50.0)


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=2, max_size=6))
def test_a_path_has_its_knots_motion(states):
    period = 2.0
    times = np.arange(len(states)) * (period / (len(states) + 1))
    knots = [Knot(t, [p], [v], [a]) for t, (p, v, a) in zip(times, states, strict=True)]
    path = Path.through(knots, period)
    for derivative in range(3):
        expected = [state[derivative] for state in states]
        np.testing.assert_allclose(path(times, derivative).ravel(), expected, atol=1e-3)
        np.testing.assert_allclose(
            path(times + 3 * period, derivative), path(times, derivative), atol=1e-3
        )


def test_derivatives_are_those_of_the_path():
    path = Path.through(
        [Knot(0.1, [0.0, 1.0]), Knot(0.5, [2.0, -1.0], [1.0, 0.0])], 1.0
    )
    t = np.linspace(0.0, 1.0, 57)
    h = 1e-5
    np.testing.assert_allclose(
        (path(t + h) - path(t - h)) / (2 * h), path(t, 1), atol=1e-6
    )
    np.testing.assert_allclose(
        (path(t + h, 1) - path(t - h, 1)) / (2 * h), path(t, 2), atol=0.02
    )


def test_free_fall_is_followed_exactly():
    g, v = -9810.0, 800.0
    fall = 0.15
    path = Path.through(
        [
            Knot(0.0, [5.0], [v], [g]),
            Knot(fall, [5.0 + v * fall + g * fall**2 / 2], [v + g * fall], [g]),
        ],
        1.0,
    )
    t = np.linspace(0.0, fall, 40)
    np.testing.assert_allclose(path(t).ravel(), 5.0 + v * t + g * t * t / 2, atol=1e-9)
    np.testing.assert_allclose(path(t, 2), g, rtol=1e-9)


def test_samples_of_a_smooth_motion_are_followed_between_them():
    t = np.arange(200) / 200
    path = Path.sampled(np.sin(2 * np.pi * t)[:, None], 1.0)
    fine = np.linspace(0.0, 1.0, 999)
    wave = 2 * np.pi
    np.testing.assert_allclose(path(fine).ravel(), np.sin(wave * fine), atol=1e-8)
    np.testing.assert_allclose(
        path(fine, 2).ravel(), -(wave**2) * np.sin(wave * fine), atol=1e-2
    )


def test_columns_are_part_of_the_path():
    path = Path.through([Knot(0.0, [0.0, 1.0, 2.0]), Knot(0.5, [3.0, 4.0, 5.0])], 1.0)
    np.testing.assert_array_equal(path.columns(1, 3)(0.2), path(0.2)[:, 1:])


def test_knots_out_of_order_are_refused():
    with pytest.raises(ValueError, match="ascending"):
        Path.through([Knot(0.5, [0.0]), Knot(0.2, [1.0])], 1.0)


def test_a_table_repeats():
    table = Table(np.array([[0.0], [2.0], [4.0], [2.0]]), 4.0)
    np.testing.assert_allclose(table([0.5, 3.5, 4.5, -0.5]).ravel(), [1, 1, 1, 1])


def test_a_smooth_step_begins_and_ends_at_rest():
    u = np.array([-1.0, 0.0, 1e-4, 0.5, 1.0 - 1e-4, 1.0, 2.0])
    np.testing.assert_allclose(smooth_step(u), [0, 0, 0, 0.5, 1, 1, 1], atol=1e-9)
