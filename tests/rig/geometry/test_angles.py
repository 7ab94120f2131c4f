import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.geometry import (
    joint_angle_deg,
    joint_angles_deg,
    rodrigues,
    segment_length,
    segment_lengths,
)
from rig.sim.world import World

number = st.floats(-100, 100).map(lambda x: round(x, 3))
flat = st.tuples(number, number)
solid = st.tuples(number, number, number)
poses = st.one_of(st.tuples(flat, flat, flat), st.tuples(solid, solid, solid))
nan = float("nan")


@pytest.mark.parametrize(
    ("a", "b", "c", "expected"),
    [
        ((1, 0), (0, 0), (0, 1), 90.0),
        ((1, 0), (0, 0), (-2, 0), 180.0),
        ((1, 0), (0, 0), (3, 0), 0.0),
        ((1, 0), (0, 0), (1, 1), 45.0),
        ((5, 5, 5), (5, 5, 0), (9, 5, 0), 90.0),
        ((1, 1, 0), (0, 0, 0), (0, 1, 1), 60.0),
        ((0, 0), (0, 0), (1, 1), nan),
        ((1, 1, 1), (2, 2, 2), (2, 2, 2), nan),
        ((nan, 0), (0, 0), (1, 1), nan),
        ((0, 1, 1), (0, nan, 0), (1, 1, 1), nan),
    ],
)
def test_angles_that_are_known(a, b, c, expected):
    assert joint_angle_deg(a, b, c) == pytest.approx(expected, nan_ok=True)
    assert float(joint_angles_deg(a, b, c)) == pytest.approx(expected, nan_ok=True)


@given(poses)
def test_one_pose_and_many_agree(pose):
    a, b, c = pose
    expected = joint_angle_deg(a, b, c)
    assert float(joint_angles_deg(a, b, c)) == pytest.approx(expected, nan_ok=True)
    assert joint_angle_deg(c, b, a) == pytest.approx(expected, nan_ok=True)
    assert segment_length(a, b) == pytest.approx(float(segment_lengths(a, b)))


@given(st.tuples(solid, solid, solid), solid, st.tuples(*[st.floats(-3, 3)] * 3))
def test_an_angle_does_not_depend_on_where_one_stands(pose, shift, turn):
    moved = np.asarray(pose) @ rodrigues(turn).T + shift
    before, after = joint_angle_deg(*pose), joint_angle_deg(*moved.tolist())
    shortest = min(segment_length(pose[k], pose[1]) for k in (0, 2))
    if shortest > 0.1:
        assert after == pytest.approx(before, abs=1e-4)


def test_a_nearly_straight_joint_keeps_its_digits():
    # the cosine of this angle is 1 in double precision
    bend = 1e-8
    angle = joint_angle_deg((-1, 0, 0), (0, 0, 0), (1, bend, 0))
    assert 180.0 - angle == pytest.approx(np.degrees(bend), rel=1e-3)


def test_shapes_of_time_and_of_one_point_for_all():
    a = np.random.default_rng(0).normal(size=(5, 4, 3))
    angles = joint_angles_deg(a, np.zeros(3), (0.0, 0.0, 1.0))
    assert angles.shape == (5, 4)
    tilt = np.degrees(np.arccos(a[..., 2] / np.linalg.norm(a, axis=-1)))
    np.testing.assert_allclose(angles, tilt)
    assert segment_lengths(a, np.zeros(3)).shape == (5, 4)


def test_points_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match="zip"):
        joint_angle_deg((0, 1), (0, 0, 0), (1, 1, 1))
    with pytest.raises(ValueError, match="broadcast"):
        joint_angles_deg((0, 1), (0, 0, 0), (1, 1, 1))


def test_the_mouse_bends_its_knee_and_keeps_its_bones():
    world = World(1, "jump")
    joints = world.joints_mm(np.linspace(0, 4, 400))
    hip, knee, ankle = (joints[:, world.joint(k)] for k in ("hip", "knee", "ankle"))
    angles = joint_angles_deg(hip, knee, ankle)
    assert np.ptp(angles) > 30
    assert ((angles > 10) & (angles < 180)).all()
    shank = segment_lengths(knee, ankle)
    assert np.ptp(shank) < 0.01 * shank.mean()
