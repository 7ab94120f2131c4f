import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.geometry import (
    Camera,
    depth,
    look_at,
    project,
    reprojection_error,
    rodrigues,
    rotation_vector,
    triangulate,
    undistort,
)

LENS = (-0.2, 0.06, 0.001, -0.0008, 0.01)

angle = st.floats(-3.1, 3.1)
vectors = st.tuples(angle, angle, angle)
places = st.tuples(*[st.floats(-60.0, 60.0)] * 3)


def camera_at(position, lens=LENS, **more) -> Camera:
    return look_at(
        "c",
        position_mm=position,
        target_mm=(0, 0, 20),
        width_px=640,
        height_px=480,
        focal_px=900.0,
        distortion=lens,
        **more,
    )


RIG = (
    camera_at((0, -350, 50)),
    camera_at((260, -240, 120)),
    camera_at((-230, -260, 200), roll_rad=0.2),
)


@given(vectors)
def test_rotations_go_there_and_back(vector):
    matrix = rodrigues(vector)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1.0)
    np.testing.assert_allclose(rodrigues(rotation_vector(matrix)), matrix, atol=1e-9)


@pytest.mark.parametrize("axis", range(3))
def test_half_turns_and_no_turn_are_no_special_case(axis):
    for turn in (np.pi, 0.0, 1e-9):
        matrix = rodrigues(turn * np.eye(3)[axis])
        np.testing.assert_allclose(
            rodrigues(rotation_vector(matrix)), matrix, atol=1e-8
        )


def test_a_camera_looks_at_its_target_with_up_up():
    camera = camera_at((0, -350, 20))
    np.testing.assert_allclose(project(camera, (0, 0, 20)), (319.5, 239.5), atol=1e-9)
    right, up = project(camera, [(10, 0, 20), (0, 0, 30)])
    assert right[0] > 319.5
    assert right[1] == pytest.approx(239.5, abs=0.01)
    assert up[1] < 239.5
    assert depth(camera, (0, 0, 20)) == pytest.approx(350.0)
    np.testing.assert_allclose(camera.position_mm, (0, -350, 20), atol=1e-9)


def test_projection_by_hand():
    camera = Camera("c", 640, 480, (800.0, 820.0), (320.0, 240.0), (0.1, 0, 0, 0, 0))
    x, y = 0.1, -0.2
    radial = 1.0 + 0.1 * (x * x + y * y)
    expected = (320.0 + 800.0 * x * radial, 240.0 + 820.0 * y * radial)
    np.testing.assert_allclose(project(camera, (x * 500, y * 500, 500)), expected)


def test_tangential_distortion_follows_opencv():
    # x'' = x + 2 p1 x y + p2 (r^2 + 2 x^2), y'' = y + p1 (r^2 + 2 y^2) + 2 p2 x y
    camera = Camera("c", 640, 480, (1.0, 1.0), (0.0, 0.0), (0, 0, 0.01, 0.02, 0))
    x, y = 0.3, 0.4
    r2 = x * x + y * y
    expected = (
        x + 0.02 * x * y + 0.02 * (r2 + 2 * x * x),
        y + 0.01 * (r2 + 2 * y * y) + 0.04 * x * y,
    )
    np.testing.assert_allclose(project(camera, (x, y, 1.0)), expected)


def test_what_is_behind_is_not_seen():
    camera = camera_at((0, -350, 20))
    assert np.isnan(project(camera, (0, -400, 20))).all()


@given(places)
def test_undistort_undoes_the_lens(place):
    for camera in RIG:
        seen = np.asarray(place) @ camera.rotation.T + camera.translation_mm
        np.testing.assert_allclose(
            undistort(camera, project(camera, place)), seen[:2] / seen[2], atol=1e-10
        )


@given(st.lists(places, min_size=1, max_size=6))
def test_triangulation_finds_what_was_projected(points):
    pixels = np.stack([project(camera, points) for camera in RIG])
    found = triangulate(RIG, pixels)
    np.testing.assert_allclose(found, points, atol=1e-6)
    assert reprojection_error(RIG, found, pixels).max() < 1e-6


def test_triangulation_does_without_a_camera_but_not_without_two():
    points = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    pixels = np.stack([project(camera, points) for camera in RIG])
    pixels[0, 0] = np.nan
    pixels[:2, 1] = np.nan
    found = triangulate(RIG, pixels)
    np.testing.assert_allclose(found[0], points[0], atol=1e-6)
    assert np.isnan(found[1]).all()


def test_triangulation_keeps_the_shape_of_time_and_parts():
    points = np.random.default_rng(0).uniform(-30, 30, (4, 10, 3))
    pixels = np.stack([project(camera, points) for camera in RIG])
    np.testing.assert_allclose(triangulate(RIG, pixels), points, atol=1e-6)


def test_noise_of_a_pixel_is_less_than_a_millimetre():
    rng = np.random.default_rng(0)
    points = rng.uniform(-30, 30, (200, 3))
    pixels = np.stack([project(camera, points) for camera in RIG])
    found = triangulate(RIG, pixels + rng.normal(0, 0.5, pixels.shape))
    assert np.sqrt(np.mean((found - points) ** 2)) < 0.3


def test_a_view_straight_up_is_refused():
    with pytest.raises(ValueError, match="not along up"):
        look_at(
            "c",
            position_mm=(0, 0, 300),
            target_mm=(0, 0, 0),
            width_px=640,
            height_px=480,
            focal_px=900.0,
        )
