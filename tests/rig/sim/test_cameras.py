import numpy as np
import pytest

from rig.geometry import project, triangulate
from rig.sim.cameras import cameras_for
from rig.sim.world import World


@pytest.mark.parametrize("story", ["jump", "reach", "walk"])
@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_there_are_as_many_as_asked_for(story, count):
    cameras = cameras_for(story, count, 1280, 1024)
    assert len({camera.name for camera in cameras}) == count
    assert len({camera.translation_mm for camera in cameras}) == count
    assert {(camera.width_px, camera.height_px) for camera in cameras} == {(1280, 1024)}


def test_the_first_ones_stay_where_they_are():
    assert cameras_for("jump", 4)[:2] == cameras_for("jump", 2)


@pytest.mark.parametrize("story", ["jump", "reach", "walk"])
def test_two_cameras_give_three_dimensions(story):
    world = World(1, story)
    points = world.keypoints_mm(np.linspace(0.0, 4.0, 30))
    cameras = cameras_for(story, 2)
    rng = np.random.default_rng(0)
    seen = np.stack([project(camera, points) for camera in cameras])
    found = triangulate(cameras, seen + rng.normal(0.0, 0.5, seen.shape))
    assert np.median(np.linalg.norm(found - points, axis=-1)) < 0.6


def test_a_larger_sensor_sees_the_same_scene():
    small, large = cameras_for("jump", 1)[0], cameras_for("jump", 1, 1280, 960)[0]
    point = (10.0, 5.0, 30.0)
    np.testing.assert_allclose(
        2 * project(small, point) + 0.5, project(large, point), atol=1e-9
    )
