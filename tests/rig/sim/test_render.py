import hashlib
import subprocess
import sys

import numpy as np
import pytest

from rig.geometry import look_at
from rig.sim.cameras import cameras_for
from rig.sim.render import Renderer
from rig.sim.world import BODY_PARTS, World

PAINTED = ("iliac_crest", "hip", "knee")


@pytest.fixture(scope="module")
def world():
    return World(1, "jump")


@pytest.fixture(scope="module")
def renderer(world):
    return Renderer(world, cameras_for("jump", 1)[0], seed=5)


def test_it_is_a_picture_with_a_mouse_in_it(world, renderer):
    picture = renderer.render(0.0, 0)
    assert picture.shape == (480, 640)
    assert picture.dtype == np.uint8
    changed = np.abs(picture.astype(int) - renderer.empty(0)) > 25
    rows, columns = np.nonzero(changed)
    x, y = renderer.keypoints_px(0.0).mean(axis=0)
    assert 6000 < len(rows) < 25_000
    assert np.hypot(rows.mean() - y, columns.mean() - x) < 30


def test_the_room_is_light_and_the_mouse_dark(renderer):
    picture = renderer.render(0.0, 0)
    x, y = renderer.keypoints_px(0.0)[BODY_PARTS.index("hip")].astype(int)
    assert picture[y - 25 : y - 5, x - 5 : x + 15].mean() < 90
    assert picture[40:120, 500:620].mean() > 150


def test_truth_and_pixels_agree_on_where_a_pixel_is(world):
    """The paint's centre of light is the projected joint: no half-pixel is lost."""
    renderer = Renderer(world, cameras_for("jump", 1)[0], noise_sd=0.0, exposure_s=1e-5)
    misses = []
    for t in np.linspace(1.7, 3.2, 24):
        picture = renderer.clean(t).astype(float)
        points = renderer.keypoints_px(t)
        for name in PAINTED:
            x, y = points[BODY_PARTS.index(name)]
            left, top = round(x) - 6, round(y) - 6
            window = np.clip(picture[top : top + 13, left : left + 13] - 110.0, 0, None)
            rows, columns = np.mgrid[top : top + 13, left : left + 13]
            window[np.hypot(rows - y, columns - x) > 5.0] = 0.0
            total = window.sum()
            seen = (columns * window).sum() / total, (rows * window).sum() / total
            misses.append(np.subtract(seen, (x, y)))
    assert np.abs(np.mean(misses, axis=0)).max() < 0.03
    assert np.abs(misses).max() < 0.1


def test_noise_has_its_size_and_depends_on_the_number_only(world, renderer):
    clean = renderer.clean(0.5).astype(int)
    noisy = renderer.render(0.5, 7)
    noise = noisy - clean
    assert noise.std() == pytest.approx(2.5, rel=0.1)
    assert abs(noise.mean()) < 0.05
    np.testing.assert_array_equal(renderer.render(0.5, 7), noisy)
    other = renderer.render(0.5, 8) - clean
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.05


def test_a_picture_does_not_depend_on_those_before_it(world):
    camera = cameras_for("jump", 2)[1]
    one, other = (Renderer(world, camera, seed=3) for _ in range(2))
    for k, t in enumerate((0.1, 1.2, 1.25, 1.25)):
        one.render(t, k)
    np.testing.assert_array_equal(one.render(1.22, 9), other.render(1.22, 9))


def test_what_was_handed_out_stays_as_it_was(world, renderer):
    first = renderer.render(0.2, 1)
    before = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(renderer.render(0.2, 1), before)


def test_a_longer_exposure_blurs_what_moves(world):
    camera = cameras_for("jump", 1)[0]
    t = world.take_off_s + 0.01
    sharp, blurred = (
        Renderer(world, camera, exposure_s=s, noise_sd=0.0).clean(t).astype(float)
        for s in (1e-5, 0.006)
    )
    x, y = (int(v) for v in Renderer(world, camera).keypoints_px(t)[0])

    def steepest(picture):
        window = picture[y - 30 : y + 30, x - 40 : x + 15]
        return np.abs(np.diff(window, axis=0)).max()

    assert steepest(blurred) < 0.6 * steepest(sharp)


def test_blur_keeps_the_mouse_where_truth_says(world):
    """The middle of the exposure is what the picture shows."""
    camera = cameras_for("jump", 1)[0]
    t = world.take_off_s + 0.02
    darkness = []
    for exposure in (1e-5, 0.004):
        renderer = Renderer(world, camera, exposure_s=exposure, noise_sd=0.0)
        picture = renderer.clean(t).astype(float)
        mask = np.clip(150.0 - picture[:300], 0.0, None)
        rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
        darkness.append([(rows * mask).sum(), (columns * mask).sum()] / mask.sum())
    np.testing.assert_allclose(darkness[0], darkness[1], atol=1.0)


@pytest.mark.parametrize("story", ["jump", "reach", "walk"])
def test_every_camera_of_a_story_sees_the_whole_mouse(story):
    world = World(2, story)
    for camera in cameras_for(story, 6):
        renderer = Renderer(world, camera, noise_sd=0.0)
        for t in np.linspace(0.0, world.period_s, 9):
            x, y = renderer.keypoints_px(t).T
            assert np.all((x > 4) & (x < 635)), camera.name
            assert np.all((y > 4) & (y < 475)), camera.name


def test_a_camera_that_sees_no_mouse_sees_the_room(world):
    camera = look_at(
        "away",
        position_mm=(0, -300, 50),
        target_mm=(900, -300, 50),
        width_px=320,
        height_px=240,
        focal_px=400,
    )
    assert Renderer(world, camera).render(0.0, 0).shape == (240, 320)


_CHILD = """
import hashlib
from rig.sim.cameras import cameras_for
from rig.sim.render import Renderer
from rig.sim.world import World
world = World(1, "jump")
renderer = Renderer(world, cameras_for("jump", 1)[0], seed=5)
print(hashlib.sha256(renderer.render(1.2, 42).tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_another_process_draws_the_same_picture(renderer):
    child = subprocess.run(
        [sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True
    )
    here = hashlib.sha256(renderer.render(1.2, 42).tobytes()).hexdigest()
    assert child.stdout.strip() == here


class TestSeenParts:
    def seen(self, world, t, **stand):
        camera = look_at("any", width_px=640, height_px=480, focal_px=900, **stand)
        found = Renderer(world, camera).seen_parts(t)
        return {
            part for part, is_seen in zip(BODY_PARTS, found, strict=True) if is_seen
        }

    def test_all_from_the_right(self, world):
        right = {"position_mm": (0, -370, 70), "target_mm": (0, 0, 36)}
        assert self.seen(world, 0.0, **right) == set(BODY_PARTS)

    def test_none_of_the_right_limbs_from_the_left(self, world):
        left = {"position_mm": (0, 370, 70), "target_mm": (0, 0, 36)}
        found = self.seen(world, 0.0, **left)
        assert {"nose", "tail_base"} <= found
        assert not found & {"iliac_crest", "hip", "knee", "eye"}

    def test_no_tail_base_from_the_front(self, world):
        front = {"position_mm": (420, 0, 40), "target_mm": (0, 0, 36)}
        found = self.seen(world, 0.0, **front)
        assert "nose" in found
        assert "tail_base" not in found

    def test_none_without_a_mouse_in_the_picture(self, world):
        away = {"position_mm": (0, -300, 50), "target_mm": (900, -300, 50)}
        assert self.seen(world, 0.0, **away) == set()

    def test_what_is_beyond_the_edge_is_not_seen(self, world):
        nose = world.keypoints_mm(0.0)[0, BODY_PARTS.index("nose")]
        aside = {
            "position_mm": (nose[0] - 81, -200, 40),
            "target_mm": (nose[0] - 81, 0, 40),
        }
        found = self.seen(world, 0.0, **aside)
        assert "nose" not in found
        assert "hip" in found
