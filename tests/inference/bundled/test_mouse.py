"""The bundled model on pictures that it has never seen."""

import json
from importlib.resources import files
from typing import get_args

import numpy as np
import onnxruntime
import pytest

from rig.sim.cameras import cameras_for
from rig.sim.render import Renderer
from rig.sim.scenes import standard_pictures
from rig.sim.world import BODY_PARTS, Story, World

FOLDER = files("inference.bundled")


@pytest.fixture(scope="module")
def session():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(FOLDER / "mouse.onnx"), options)


@pytest.fixture(scope="module")
def facts(session):
    return session.get_modelmeta().custom_metadata_map


def pose(session, pixels):
    return session.run(None, {"image": pixels[np.newaxis]})[0]


@pytest.fixture(scope="module")
def misses(session):
    """(pictures, parts, 2) px by story: found minus true."""
    rng = np.random.default_rng(123)
    return {
        story: np.stack(
            [
                pose(session, shot.pixels)[:, :2] - shot.keypoints_px
                for seed in (101, 102, 103, 104)
                for shot in standard_pictures(story, seed, seed % 4, 8, rng)
            ]
        )
        for story in get_args(Story)
    }


def test_it_is_small(session):
    assert (FOLDER / "mouse.onnx").stat().st_size < 3_000_000
    assert [node.name for node in session.get_outputs()] == ["keypoints"]
    assert session.get_inputs()[0].type == "tensor(uint8)"


def test_it_says_what_it_is(facts):
    assert facts["format"] == "springhare-pose/1"
    assert tuple(json.loads(facts["bodyparts"])) == BODY_PARTS
    assert facts["version"]


def test_its_error_is_within_the_promise(facts):
    error = json.loads(facts["test_error_px"])
    assert error["median"] <= 2.0
    assert error["p90"] <= 5.0
    stated = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"{error['median']:.2f}" in stated
    assert f"{error['p90']:.2f}" in stated


def test_it_finds_the_mouse_where_it_is(misses):
    away = np.linalg.norm(np.concatenate(list(misses.values())), axis=-1)
    assert np.median(away) <= 2.0
    assert np.quantile(away, 0.9) <= 5.0


@pytest.mark.parametrize("story", ["jump", "reach"])
def test_from_the_side_it_is_exact(misses, story):
    away = np.linalg.norm(misses[story], axis=-1)
    assert np.median(away) <= 1.2
    assert np.quantile(away, 0.9) <= 3.0


def test_it_agrees_with_truth_on_where_a_pixel_is(misses):
    """No half-pixel lies between renderer, projection and network."""
    side = np.concatenate([misses["jump"], misses["reach"]]).reshape(-1, 2)
    assert np.abs(np.median(side, axis=0)).max() < 0.25
    assert np.abs(side.mean(axis=0)).max() < 0.35


def test_it_is_sure_of_a_mouse_and_not_of_an_empty_room(session):
    for story in get_args(Story):
        renderer = Renderer(World(105, story), cameras_for(story, 1)[0], seed=1)
        assert np.median(pose(session, renderer.render(0.1, 1))[:, 2]) > 0.7
        likelihood = pose(session, renderer.empty(1))[:, 2]
        assert np.median(likelihood) < 0.15
        # A pellet on its spout may pass for a paw or a nose.
        assert np.count_nonzero(likelihood > 0.4) <= (2 if story == "reach" else 0)


@pytest.mark.parametrize(("height", "width"), [(480, 640), (333, 421), (512, 800)])
def test_it_takes_any_size(session, height, width):
    """A smaller picture is a crop of the larger: the answer only shifts."""
    world = World(106, "jump")
    renderer = Renderer(world, cameras_for("jump", 1, 800, 600)[0], noise_sd=1.0)
    picture = renderer.render(0.3, 0)
    truth = renderer.keypoints_px(0.3)
    top, left = 80, 0
    crop = np.ascontiguousarray(picture[top : top + height, left : left + width])
    found = pose(session, crop)
    inside = (truth[:, 0] < left + width - 20) & (truth[:, 1] < top + height - 20)
    miss = (found[:, :2] + (left, top) - truth)[inside]
    assert np.median(np.linalg.norm(miss, axis=1)) < 4.0
