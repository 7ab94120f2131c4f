"""Labelled pictures as a rig's camera would give them: they show what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config.examples import examples_folder
from rig.config.loading import load_rig
from rig.config.rig import RigConfig
from rig.geometry import project
from rig.sim.cameras import camera_of, cameras_for
from rig.sim.labelled_recording import LabelledRecording
from rig.sim.picture_code import read_code
from rig.sim.scenes import shaken
from rig.sim.world import BODY_PARTS, World

PAINTED = [BODY_PARTS.index(p) for p in ("iliac_crest", "hip", "knee", "mtp")]


@pytest.fixture(scope="module")
def rig():
    return load_rig(examples_folder() / "rig" / "demo.yaml")


@pytest.fixture(scope="module")
def world():
    return World(1_000_007, "jump")


def recording(rig, world, camera="left", seed=0):
    return LabelledRecording(rig, camera, world, np.random.default_rng(seed))


def shot(made, number):
    [found] = made.shots([number])
    return found


def changed(rig, camera="left", **fields):
    plain = rig.model_dump(mode="json")
    plain["devices"][camera].update(fields)
    return RigConfig.model_validate(plain)


def test_a_picture_is_as_the_camera_gives_it(rig, world):
    pixels = shot(recording(rig, world), 57).pixels
    assert pixels.shape == (480, 640)
    assert pixels.dtype == np.uint8
    assert read_code(pixels) == 57


def test_colour_where_the_camera_gives_colour(rig, world):
    grey = shot(recording(rig, world), 3).pixels
    colour = shot(recording(changed(rig, pixel_format="RGB8"), world), 3).pixels
    np.testing.assert_array_equal(colour, np.stack([grey] * 3, axis=2))


def test_its_size_is_the_cameras(rig, world):
    small = changed(rig, width_px=320, height_px=240, calibration=None, led=None)
    made = recording(small, world)
    assert made.size_px == (320, 240)
    assert shot(made, 0).pixels.shape == (240, 320)


def test_the_paint_is_where_the_labels_are(rig, world):
    """White spots on joints: brighter at the label than around it."""
    for seed in range(4):
        still = shot(recording(rig, world, seed=seed), 10)
        for x, y in np.rint(still.keypoints_px[PAINTED]).astype(int):
            spot = still.pixels[y - 1 : y + 2, x - 1 : x + 2].mean()
            around = np.median(still.pixels[y - 9 : y + 10, x - 9 : x + 10])
            assert spot > around + 40


def test_the_led_is_dark_lit_and_between(rig, world):
    made = recording(rig, world)
    shots = made.shots(range(24))
    levels = [shot.pixels[39:42, 599:602].mean() for shot in shots]
    assert min(levels) < 60
    assert max(levels) > 180
    assert np.ptp(levels) > 120


def test_frames_are_chosen_once_and_mostly_in_motion(rig, world):
    numbers = recording(rig, world).choose(100)
    assert len(set(numbers.tolist())) == 100
    assert (np.diff(numbers) > 0).all()
    at_s = recording(rig, world).time_s(numbers)
    flight = (at_s > world.take_off_s - 0.4) & (at_s < world.landing_s + 0.2)
    share = (world.landing_s - world.take_off_s + 0.6) / world.period_s
    assert flight.mean() > 1.3 * share
    assert len(recording(rig, world).choose(10_000)) == 400


def test_a_camera_that_looks_away_shows_nothing(rig, world):
    plain = rig.model_dump(mode="json")
    place = plain["devices"]["left"]["calibration"]
    place["translation_mm"] = [3000.0, 0.0, 400.0]
    made = recording(RigConfig.model_validate(plain), world)
    assert len(made.shown) == 0
    assert len(made.choose(5)) == 0


def test_parts_out_of_the_picture_are_not_labelled(rig, world):
    plain = rig.model_dump(mode="json")
    place = plain["devices"]["left"]["calibration"]
    place["translation_mm"][0] += 130.0  # half of the mouse is to the right of it
    made = recording(RigConfig.model_validate(plain), world)
    px = shot(made, 10).keypoints_px
    there = np.isfinite(px).all(axis=1)
    assert 0 < there.sum() < len(BODY_PARTS)
    assert (px[there] > -0.5).all()
    assert (px[there] < np.array([640, 480]) - 0.5).all()


def test_the_same_generator_gives_the_same_frames(rig, world):
    one, other = recording(rig, world, seed=4), recording(rig, world, seed=4)
    np.testing.assert_array_equal(one.choose(9), other.choose(9))
    among = list(one.shots([3, 9]))[1]
    np.testing.assert_array_equal(among.pixels, shot(other, 9).pixels)
    np.testing.assert_array_equal(among.keypoints_px, shot(other, 9).keypoints_px)
    several = [recording(rig, world, seed=s) for s in range(6)]
    levels = [shot(made, 0).pixels.mean() for made in several]
    assert np.std(levels) > 8


def test_another_story_is_seen_as_it_is_seen_best(rig):
    free = changed(rig, calibration=None)
    assert len(recording(free, World(1_000_001, "walk")).shown) == 400


class TestShaken:
    target = np.array([3.0, -2.0, 30.0])

    def test_not_at_all(self, rig):
        camera = camera_of(rig, "right")
        same = shaken(camera, self.target, np.random.default_rng(0), share=0.0)
        np.testing.assert_allclose(same.rotation, camera.rotation, atol=1e-12)
        np.testing.assert_allclose(same.position_mm, camera.position_mm, atol=1e-9)
        assert same.distortion == camera.distortion

    @given(st.integers(0, 2**32), st.sampled_from(cameras_for("walk", 4)))
    def test_what_it_looks_at_stays_in_the_middle(self, seed, camera):
        rng = np.random.default_rng(seed)
        moved = shaken(camera, (0.0, 0.0, 10.0), rng, turn_deg=180.0)
        x, y = project(moved, (0.0, 0.0, 10.0))
        assert np.hypot(x - 319.5, y - 239.5) < 70
        rotation = moved.rotation
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
        far = np.linalg.norm(camera.position_mm - [0, 0, 10])
        nearer = np.linalg.norm(moved.position_mm - [0, 0, 10])
        assert 0.8 < nearer / far < 1.25
