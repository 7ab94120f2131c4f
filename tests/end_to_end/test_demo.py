"""The demo as a newcomer runs it, and a real DeepLabCut export on a real mouse."""

import json
from pathlib import Path

import av
import numpy as np
import pytest

from rig.recording.reader import Recording
from rig.sim.cameras import cameras_for
from rig.sim.picture_code import read_code
from rig.sim.pictures import PictureSet
from rig.sim.render import Renderer, burn_code
from rig.sim.world import World

pytestmark = pytest.mark.slow

LED = np.s_[30:51, 590:611]
"""Where the recorded line shows in the pictures, and not the world."""


@pytest.fixture
def demo(springhare):
    def run(*arguments):
        done = springhare("demo", "--headless", "--json", "--out=out", *arguments)
        assert done.stdout, done.stderr
        return json.loads(done.stdout), Recording.open(
            Path(json.loads(done.stdout)["folder"])
        )

    return run


def test_the_recorded_world_is_the_world(demo):
    result, recording = demo("--seconds=5", "--cameras=2", "--fps=50")
    with recording:
        assert result["ledger"]["closes"], result["ledger"]["reason"]
        world = World(1, "jump", 4.0)
        for camera in cameras_for("jump", 2):
            _assert_pictures_are_the_worlds(recording, world, camera)
        decisions = recording.rows("decisions")
        fired = decisions["decision_id"][decisions["outcome"] == b"fired"]
        answers = recording.rows("acknowledgements")
        assert len(decisions) >= 1
        assert set(answers["decision_id"]) == set(fired)
        assert set(answers["status"]) <= {b"done", b"stale"}
        assert recording.count("poses/left") > 50


def _assert_pictures_are_the_worlds(recording, world, camera):
    frames = recording.payload(f"cameras/{camera.name}")
    assert len(frames) >= 4 * 50
    codes = [read_code(frame) for frame in frames]
    assert codes == [k % 200 for k in range(len(frames))]
    renderer = Renderer(world, camera, seed=1, noise_sd=2.5, exposure_s=0.002)
    pictures = PictureSet(Path(), 200, 50.0, 0.002)
    for k in (0, 57, 63, 199):
        image = renderer.render(pictures.time_s(k), k)
        burn_code(image, k)
        image[LED] = frames[k][LED]
        np.testing.assert_array_equal(frames[k], image)


def test_a_real_export_sees_a_real_mouse(demo, springhare, dlclive, shared):
    springhare.env["PYTHONPATH"] = str(Path(__file__).parents[1] / "torchvision_shim")
    model = shared / "models/openfield_efficientnet_lite0.pt"
    result, recording = demo(
        "--seconds=6",
        f"--video={shared / 'data/openfield/videos/m3v1mp4.mp4'}",
        f"--model={model}",
    )
    with recording:
        assert result["ledger"]["closes"], result["ledger"]["reason"]
        poses = recording.rows("poses/left")
        keypoints = recording.payload("poses/left")
        seqs = recording.rows("cameras/left")["seq"]
        chosen = np.linspace(0, len(poses) - 1, min(4, len(poses))).astype(int)
        direct = dlclive.DLCLive(str(model), model_type="pytorch", device="cpu")
        for n, k in enumerate(chosen):
            row = int(np.searchsorted(seqs, poses["frame_seq"][k]))
            frame = recording.payload("cameras/left", row, row + 1)[0]
            pose = direct.get_pose(frame) if n else direct.init_inference(frame)
            assert np.abs(pose[:, :2] - keypoints[k, :, :2]).max() <= 0.01
            assert np.abs(pose[:, 2] - keypoints[k, :, 2]).max() <= 1e-3
        assert recording.attributes("poses/left")["bodyparts"]


def test_a_colour_film_is_recorded_bit_for_bit(demo, springhare, dlclive, shared):
    springhare.env["PYTHONPATH"] = str(Path(__file__).parents[1] / "torchvision_shim")
    film = springhare.place / "colour.mkv"
    pictures = np.zeros((40, 96, 128, 3), np.uint8)
    pictures[..., 0] = 200
    for k in range(40):
        pictures[k, :, k : k + 30, 2] = 250
    with av.open(str(film), "w") as container:
        stream = container.add_stream("ffv1", rate=20)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "bgr0"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    model = shared / "models/openfield_efficientnet_lite0.pt"
    result, recording = demo("--seconds=1", f"--video={film}", f"--model={model}")
    with recording:
        assert result["verdict"] == "PASS", result["ledger"]["reason"]
        frames = recording.payload("cameras/left")
    np.testing.assert_array_equal(frames[:20], pictures[:20])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--video=nothing.mp4"], "nothing.mp4"),
        (["--model=nothing.pt"], "nothing.pt"),
        (["--fps=33.3"], "whole number of pictures"),
        (["--cameras=9"], "9"),
    ],
)
def test_a_wrong_request_is_told(springhare, arguments, words):
    done = springhare("demo", "--headless", "--seconds=1", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not any(springhare.place.rglob("session.h5"))
