import logging
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.errors import SpringhareError
from rig.geometry import (
    TriangulationConfig,
    Triangulator,
    look_at,
    project,
    reprojection_error,
    undistort,
)
from rig.geometry import triangulate as by_dlt
from rig.geometry.cameras import Camera
from rig.sim.cameras import cameras_for
from rig.sim.world import World

WIDE = TriangulationConfig(outlier_px=1e3)


def misses(found, points):
    return np.linalg.norm(found.points_mm - points, axis=1)


# -- truth


@pytest.mark.parametrize("story", ["jump", "reach", "walk"])
@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_what_was_projected_is_found(triangulator, story, count):
    cameras = cameras_for(story, count)
    points = np.random.default_rng(0).uniform((-40, -40, 0), (40, 40, 70), (30, 3))
    seen = np.stack([project(camera, points) for camera in cameras])
    keypoints = np.concatenate([seen, np.ones((count, 30, 1))], axis=-1)
    found = triangulator(cameras).triangulate(keypoints)
    np.testing.assert_allclose(found.points_mm, points, atol=1e-6)
    assert found.error_px.max() < 1e-4
    assert (found.views == count).all()


@pytest.mark.parametrize("count", [2, 3, 4, 6])
def test_the_error_is_what_the_covariance_says(triangulator, scene, count):
    """Squared in units of the covariance it is chi-squared of three: mean 3."""
    cameras, points, keypoints = scene(count, 4000, noise_px=0.7)
    config = replace(WIDE, noise_px=0.7)
    found = triangulator(cameras, config).triangulate(keypoints)
    off = found.points_mm - points
    squared = np.einsum("ni,nij,nj->n", off, np.linalg.inv(found.covariance_mm2), off)
    assert squared.mean() == pytest.approx(3.0, abs=0.15)
    assert np.mean(squared < 7.815) == pytest.approx(0.95, abs=0.012)
    within = np.mean(np.abs(off) < found.sd_mm, axis=0)
    np.testing.assert_allclose(within, 0.683, atol=0.025)
    np.testing.assert_allclose(
        found.covariance_mm2, found.covariance_mm2.swapaxes(1, 2)
    )


def test_the_covariance_knows_the_likelihoods(triangulator, scene):
    rng = np.random.default_rng(3)
    sure = rng.uniform(0.05, 1.0, (4, 4000))
    cameras, points, keypoints = scene(4, 4000, noise_px=0.5, likelihood=sure)
    config = replace(WIDE, noise_px=0.5)
    made = triangulator(cameras, config)
    found = made.triangulate(keypoints)
    off = found.points_mm - points
    squared = np.einsum("ni,nij,nj->n", off, np.linalg.inv(found.covariance_mm2), off)
    assert squared.mean() == pytest.approx(3.0, abs=0.15)
    keypoints[..., 2] = 1.0
    blind = made.triangulate(keypoints)
    assert np.median(misses(found, points)) < 0.9 * np.median(misses(blind, points))


def test_pixels_are_fitted_better_than_by_the_linear_way(triangulator, scene):
    cameras, points, keypoints = scene(4, 2000, noise_px=1.0)
    found = triangulator(cameras, WIDE).triangulate(keypoints)
    linear = by_dlt(cameras, keypoints[..., :2])
    ours = reprojection_error(cameras, found.points_mm, keypoints[..., :2])
    theirs = reprojection_error(cameras, linear, keypoints[..., :2])
    assert (ours**2).sum() < (theirs**2).sum()
    assert np.mean(misses(found, points)) < 1.01 * np.mean(
        np.linalg.norm(linear - points, axis=1)
    )
    np.testing.assert_allclose(found.error_px, ours.mean(axis=0), atol=1e-9)


# -- views that are wrong


@given(
    st.integers(0, 3),
    st.floats(25.0, 400.0),
    st.floats(0.0, 6.3),
    st.integers(0, 1000),
)
def test_one_wrong_view_of_four_is_left_out(shared_scene, wrong, far, way, seed):
    make, triangulate = shared_scene
    _, points, keypoints = make(4, 10, noise_px=0.5, seed=seed)
    without = keypoints.copy()
    without[wrong] = np.nan
    keypoints[wrong, :, :2] += far * np.cos(way), far * np.sin(way)
    found, right = triangulate(keypoints), triangulate(without)
    assert not found.used[wrong].any()
    np.testing.assert_array_equal(found.points_mm, right.points_mm)
    assert misses(found, points).max() < 3.0


@pytest.fixture(scope="module")
def shared_scene():
    """As `scene`, for tests of hypothesis."""
    cameras = cameras_for("jump", 4)
    triangulator = Triangulator(cameras, engine="numpy")
    world = World(1, "jump")

    def make(count, n, noise_px, seed):
        rng = np.random.default_rng(seed)
        points = world.keypoints_mm([rng.uniform(0, 4)])[0][:n]
        seen = np.stack([project(camera, points) for camera in cameras[:count]])
        seen += rng.normal(0.0, noise_px, seen.shape)
        sure = np.ones((count, n, 1))
        return cameras, points, np.concatenate([seen, sure], axis=-1)

    return make, triangulator.triangulate


def test_many_wrong_and_missing_views_do_not_spoil_the_rest(triangulator, scene):
    """The bench of the proofs: 5 % of the views are wrong, 20 % are missing."""
    rng = np.random.default_rng(1)
    cameras, points, keypoints = scene(4, 5000, noise_px=1.0)
    wrong = rng.random((4, 5000)) < 0.05
    keypoints[wrong, :2] += rng.uniform(-150, 150, (wrong.sum(), 2))
    keypoints[rng.random((4, 5000)) < 0.2] = np.nan
    found = triangulator(cameras).triangulate(keypoints)
    miss = misses(found, points)
    checked = found.views >= 3
    assert np.nanmedian(miss) < 0.6
    assert np.percentile(miss[checked], 99) < 3.0
    assert np.isnan(miss).mean() < 0.06
    linear = by_dlt(cameras, keypoints[..., :2])
    assert np.nanmean(miss) < 0.3 * np.nanmean(np.linalg.norm(linear - points, axis=1))


def test_two_views_that_contradict_each_other_give_nothing(triangulator, scene):
    cameras, _, keypoints = scene(2)
    keypoints[1, 3, 1] += 60.0
    found = triangulator(cameras).triangulate(keypoints)
    assert np.flatnonzero(np.isnan(found.error_px)).tolist() == [3]
    assert np.isnan(found.points_mm[3]).all()
    assert np.isnan(found.covariance_mm2[3]).all()
    assert not found.used[:, 3].any()
    assert found.views[3] == 0


def test_likelihood_decides_between_two_and_two(triangulator, scene):
    cameras, points, keypoints = scene(4)
    elsewhere = points + np.array([15.0, 10.0, -12.0])
    for camera in (1, 3):
        keypoints[camera, :, :2] = project(cameras[camera], elsewhere)
        keypoints[camera, :, 2] = 0.3
    found = triangulator(cameras).triangulate(keypoints)
    np.testing.assert_allclose(found.points_mm, points, atol=1e-6)
    keypoints[..., 2] = 1.3 - keypoints[..., 2]
    found = triangulator(cameras).triangulate(keypoints)
    np.testing.assert_allclose(found.points_mm, elsewhere, atol=1e-6)


# -- views that are not there


@pytest.mark.parametrize("how", ["nan", "inf", "likelihood", "zero", "unsure", "mark"])
def test_a_view_that_must_not_be_used_is_as_good_as_none(triangulator, scene, how):
    cameras, _, keypoints = scene(4, noise_px=1.0)
    marks = np.zeros((4, 10), np.uint8)
    made = triangulator(cameras, TriangulationConfig(min_likelihood=0.2))
    without = triangulator(cameras[:2] + cameras[3:]).triangulate(keypoints[[0, 1, 3]])
    match how:
        case "nan":
            keypoints[2, :, 0] = np.nan
        case "inf":
            keypoints[2, :, 1] = np.inf
        case "likelihood":
            keypoints[2, :, 2] = np.nan
        case "zero":
            keypoints[2, :, 2] = 0.0
        case "unsure":
            keypoints[2, :, 2] = 0.19
        case "mark":
            marks[2] = np.arange(10) % 3 + 1
    found = made.triangulate(keypoints, marks)
    assert found.used.tolist() == [[True] * 10] * 2 + [[False] * 10] + [[True] * 10]
    np.testing.assert_array_equal(found.points_mm, without.points_mm)
    np.testing.assert_array_equal(found.covariance_mm2, without.covariance_mm2)
    np.testing.assert_array_equal(found.error_px, without.error_px)


def test_one_view_or_none_gives_nothing(triangulator, scene):
    cameras, _, keypoints = scene(3)
    keypoints[1:, 0] = np.nan
    keypoints[:, 1] = np.nan
    found = triangulator(cameras).triangulate(keypoints)
    assert np.isnan(found.points_mm[:2]).all()
    assert found.views.tolist() == [0, 0, *[3] * 8]
    assert triangulator(cameras).triangulate(np.empty((3, 0, 3))).views.size == 0


def test_rays_that_meet_behind_a_camera_do_not_meet(triangulator):
    def camera(name, x):
        return Camera(name, 640, 480, (800.0, 800.0), (320.0, 240.0)), (x, 0.0, 0.0)

    (left, _), (right, place) = camera("left", 0.0), camera("right", 100.0)
    right = replace(right, translation_mm=(-place[0], 0.0, 0.0))
    apart = [[(310.0, 240.0, 1.0)], [(330.0, 240.0, 1.0)]]
    found = triangulator([left, right]).triangulate(apart)
    assert np.isnan(found.points_mm).all()
    found = triangulator([left, right]).triangulate(apart[::-1])
    assert found.points_mm[0, 2] == pytest.approx(100 * 800 / 20)


def test_a_camera_that_cannot_see_the_point_does_not_vote(triangulator, scene):
    """One that looks the other way, where the point's mirror image would fit."""
    cameras, points, keypoints = scene(3)
    behind = look_at(
        "behind",
        position_mm=(0.0, -200.0, 40.0),
        target_mm=(0.0, -400.0, 40.0),
        width_px=640,
        height_px=480,
        focal_px=700.0,
    )
    within = points @ behind.rotation.T + behind.translation_mm
    assert (within[:, 2] < 0).all()
    fits = within[:, :2] / within[:, 2:] * 700.0 + behind.centre_px
    seen = np.concatenate([fits, np.ones((10, 1))], axis=-1)
    found = triangulator((*cameras, behind)).triangulate([*keypoints, seen])
    assert found.used.tolist() == [[True] * 10] * 3 + [[False] * 10]


def test_rays_side_by_side_do_not_meet(triangulator, scene):
    cameras, _, keypoints = scene(2)
    twin = replace(cameras[0], name="twin")
    found = triangulator([cameras[0], twin]).triangulate(keypoints[[0, 0]])
    assert np.isnan(found.points_mm).all()
    assert found.views.tolist() == [0] * 10


def test_what_the_lens_does_not_draw_is_not_seen(triangulator, scene):
    """Its polynomial turns round at r = 1 / sqrt(3 * 0.9), 285 px from the middle."""
    cameras, points, keypoints = scene(4)
    folding = (-0.9, 0.0, 0.0, 0.0, 0.0)
    odd = replace(cameras[3], distortion=folding)
    keypoints[3, :, :2] = project(odd, points)
    keypoints[3, 0, :2] = (5.0, 5.0)
    cameras = (*cameras[:3], odd)
    found = triangulator(cameras).triangulate(keypoints)
    assert found.used[3].tolist() == [False] + [True] * 9
    np.testing.assert_allclose(found.points_mm, points, atol=1e-6)


def test_a_point_is_not_seen_where_the_polynomial_comes_back(triangulator, scene):
    cameras, points, keypoints = scene(4)
    aside = look_at(
        "aside",
        position_mm=(0.0, -350.0, 40.0),
        target_mm=(310.0, 0.0, 40.0),
        width_px=640,
        height_px=480,
        focal_px=700.0,
        distortion=(-0.9, 0.0, 0.0, 0.0, 0.0),
    )
    seen = project(aside, points)
    assert ((seen > 0) & (seen < (640, 480))).all(), "as if it saw them"
    keypoints[3, :, :2] = seen
    found = triangulator((*cameras[:3], aside)).triangulate(keypoints)
    assert not found.used[3].any()
    np.testing.assert_allclose(found.points_mm, points, atol=1e-6)


def test_a_strong_lens_is_undone_in_the_whole_picture(triangulator):
    """As that of the real corners in the notes."""
    cameras = [
        look_at(
            name,
            position_mm=place,
            target_mm=(0, 0, 0),
            width_px=1280,
            height_px=1024,
            focal_px=900.0,
            distortion=(-0.33, 0.12, 0.0008, -0.0008, 0.0),
        )
        for name, place in (("a", (0, -400, 10)), ("b", (0, -500, 150)))
    ]
    u, v = np.meshgrid(np.linspace(0, 1279, 30), np.linspace(0, 1023, 30))
    ahead = undistort(cameras[0], np.stack([u.ravel(), v.ravel()], axis=-1))
    ahead = 400.0 * np.concatenate([ahead, np.ones((900, 1))], axis=-1)
    points = (ahead - cameras[0].translation_mm) @ cameras[0].rotation
    seen = np.stack([project(camera, points) for camera in cameras])
    keypoints = np.concatenate([seen, np.ones((2, 900, 1))], axis=-1)
    found = triangulator(cameras).triangulate(keypoints)
    np.testing.assert_allclose(found.points_mm, points, atol=1e-6)


# -- what it is given, and what it gives


def test_the_order_of_the_cameras_does_not_matter(triangulator, scene):
    cameras, _, keypoints = scene(4, 300, noise_px=1.0)
    keypoints[2, ::7, :2] += 40.0
    order = [2, 0, 3, 1]
    one = triangulator(cameras).triangulate(keypoints)
    other = triangulator([cameras[k] for k in order]).triangulate(keypoints[order])
    np.testing.assert_allclose(one.points_mm, other.points_mm, atol=1e-7)
    np.testing.assert_array_equal(one.used[order], other.used)


def test_many_points_are_as_each_alone(triangulator, scene):
    cameras, _, keypoints = scene(3, 4200, noise_px=2.0)
    made = triangulator(cameras)
    found = made.triangulate(keypoints)
    for k in (0, 4095, 4096, 4199):
        alone = made.triangulate(keypoints[:, k : k + 1])
        np.testing.assert_allclose(alone.points_mm[0], found.points_mm[k], atol=1e-9)


def test_nothing_that_is_given_is_changed_and_nothing_is_kept(triangulator, scene):
    cameras, _, keypoints = scene(3, noise_px=1.0)
    given, marks = keypoints.copy(), np.zeros((3, 10), np.uint8)
    made = triangulator(cameras)
    first = made.triangulate(given, marks)
    kept = first.points_mm.copy()
    made.triangulate(given + 3.0, marks)
    again = made.triangulate(given, marks)
    np.testing.assert_array_equal(given, keypoints)
    np.testing.assert_array_equal(first.points_mm, kept)
    np.testing.assert_array_equal(again.points_mm, kept)


def test_poses_as_they_come_are_welcome(triangulator, scene):
    cameras, points, keypoints = scene(3)
    poses = [pose.astype(np.float32) for pose in keypoints]
    found = triangulator(cameras).triangulate(poses, [[0] * 10] * 3)
    np.testing.assert_allclose(found.points_mm, points, atol=1e-3)
    assert found.points_mm.dtype == np.float64


@pytest.mark.parametrize("shape", [(2, 10, 3), (4, 10, 3), (3, 10, 2), (3, 10)])
def test_other_shapes_are_refused(triangulator, scene, shape):
    made = triangulator(scene(3)[0])
    with pytest.raises(ValueError, match=r"Expected keypoints \(3, n, 3\), got"):
        made.triangulate(np.zeros(shape))
    with pytest.raises(ValueError, match="broadcast"):
        made.triangulate(np.zeros((3, 10, 3)), np.zeros((3, 9)))


def test_fewer_than_two_cameras_are_refused(scene):
    camera = scene(1)[0][0]
    for cameras in ([], [camera], [camera, camera]):
        with pytest.raises(ValueError, match="two cameras or more, each of its own"):
            Triangulator(cameras, engine="numpy")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("noise_px", 0.0),
        ("noise_px", np.nan),
        ("outlier_px", -1.0),
        ("outlier_px", np.inf),
        ("min_likelihood", 1.5),
        ("min_likelihood", np.nan),
    ],
)
def test_a_config_that_means_nothing_is_refused(name, value):
    with pytest.raises(ValueError, match=f"Expected {name} "):
        TriangulationConfig(**{name: value})


# -- without numba


def test_without_numba_it_is_slower_and_says_so(scene, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "rig.geometry.compiled", raising=False)
    monkeypatch.delattr("rig.geometry.compiled", raising=False)
    cameras, points, keypoints = scene(3)
    with caplog.at_level(logging.WARNING):
        made = Triangulator(cameras)
    assert made.engine == "numpy"
    assert "no numba" in caplog.text
    np.testing.assert_allclose(made.triangulate(keypoints).points_mm, points, atol=1e-6)
    with pytest.raises(SpringhareError, match=r"pip install 'springhare\[fast\]'"):
        Triangulator(cameras, engine="numba")
