"""The network of the loop test: as bright as its picture, and nothing else."""

from importlib.resources import files

import numpy as np
import onnx
import pytest

from inference.bundled.led import BODYPART, WHITE, led_network
from inference.model import load_engine
from inference.view.viewer import Viewer
from rig.config.task import InferenceConfig


@pytest.fixture
def config():
    return InferenceConfig.model_validate(
        {"model": "bundled:led", "cameras": ["left"], "crop_px": [20, 10, 27, 15]}
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_says_how_bright_its_part_of_the_picture_is(config, channels):
    viewer = Viewer(load_engine(config), config, 40, 60, channels)
    viewer.warm_up()
    rng = np.random.default_rng(3)
    shape = (40, 60) if channels == 1 else (40, 60, 3)
    for top in (256, 90, 2):
        frame = rng.integers(0, top, shape).astype(np.uint8)
        [[x, y, likelihood]] = viewer.look(frame, 0).keypoints
        level = (x - 20) / 7 * WHITE
        assert level == pytest.approx(frame[10:15, 20:27].mean(), abs=2e-3)
        assert (y, likelihood) == (11, 1)
    assert viewer.model.bodyparts == (BODYPART,)


def test_the_brightest_picture_is_still_inside_of_it(config):
    viewer = Viewer(load_engine(config), config, 40, 60, 1)
    [[x, _, _]] = viewer.look(np.full((40, 60), 255, np.uint8), 0).keypoints
    assert 26.9 < x < 27


def test_the_file_is_what_its_maker_makes():
    kept = onnx.load_from_string(
        files("inference.bundled").joinpath("led.onnx").read_bytes()
    )
    assert kept.graph == led_network().graph
    assert list(kept.metadata_props) == list(led_network().metadata_props)
