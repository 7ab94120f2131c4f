import numpy as np

from rig.sim.picture_code import read_code
from rig.sim.scenes import scene_pictures, standard_pictures


def test_a_scene_is_a_mouse_and_at_last_an_empty_room():
    shots = list(scene_pictures(np.random.default_rng(1), 12, 1_000_000))
    assert len(shots) == 12
    assert np.isnan(shots[-1].keypoints_px).all()
    for shot in shots[:-1]:
        assert shot.pixels.shape == (480, 640)
        assert shot.keypoints_px.shape == (10, 2)
        middle = shot.keypoints_px.mean(axis=0)
        assert 0 < middle[0] < 640
        assert 0 < middle[1] < 480


def test_the_same_generator_makes_the_same_scene():
    one, other = (
        list(scene_pictures(np.random.default_rng(4), 4, 1_000_000)) for _ in range(2)
    )
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.pixels, b.pixels)
        np.testing.assert_array_equal(a.keypoints_px, b.keypoints_px)


def test_scenes_differ_in_light_and_view():
    rng = np.random.default_rng(2)
    empty = [list(scene_pictures(rng, 2, 1_000_000))[-1].pixels for _ in range(5)]
    levels = [image[40:, 100:].mean() for image in empty]
    assert np.std(levels) > 8.0


def test_a_standard_picture_carries_its_number():
    rng = np.random.default_rng(3)
    shots = list(standard_pictures("reach", 3, 1, 3, rng))
    assert [read_code(shot.pixels) for shot in shots] == [0, 1, 2]
