"""Real dlclive: our keypoints are those of dlclive called directly."""

import importlib.util
import os
import subprocess
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pytest

from inference.model import load_engine
from inference.model_file import find_model
from inference.view.viewer import Viewer
from rig.config.task import InferenceConfig
from rig.errors import ModelError

ROOT = Path(__file__).parents[3]


def config(path, **others):
    return InferenceConfig(
        model=str(path), engine="dlclive", cameras=("left",), **others
    )


@pytest.fixture(scope="session")
def frames(dlclive, shared):
    """Three real frames of the labelled mouse, coloured so that colour shows; RGB."""
    import cv2

    files = sorted((shared / "data/openfield/labeled-data/m4s1").glob("*.png"))
    grey = np.stack([cv2.imread(str(file), 0)[::2, ::2] for file in files[::30][:3]])
    return (grey[..., None] * np.array([1.0, 0.75, 0.4])).astype(np.uint8)


def grey(frame):
    return np.ascontiguousarray(frame[..., 0])


EXPORTS = {
    "pytorch": ("models/openfield_efficientnet_lite0.pt", "pytorch"),
    "tensorflow": ("models/openfield_mobilenet_v2_tf", "base"),
}


@pytest.fixture(scope="session")
def engines(dlclive, shared):
    """Our model and dlclive itself, by engine and resize; each is loaded once."""
    made = {}

    def make(engine, resize):
        if (engine, resize) not in made:
            if engine == "tensorflow" and not importlib.util.find_spec("tensorflow"):
                pytest.skip("needs springhare[tensorflow]")
            name, model_type = EXPORTS[engine]
            ours = load_engine(config(shared / name, resize=resize))
            ours.warm_up(240, 320, 3)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                direct = dlclive.DLCLive(
                    str(shared / name),
                    model_type=model_type,
                    resize=None if resize == 1 else resize,
                )
                direct.init_inference(np.zeros((240, 320, 3), np.uint8))
            made[engine, resize] = ours, direct
        return made[engine, resize]

    yield make
    for ours, direct in made.values():
        ours.close()
        ours.close()
        direct.close()


@pytest.mark.slow
@pytest.mark.parametrize("resize", [1.0, 0.5])
@pytest.mark.parametrize("engine", EXPORTS)
class TestParity:
    def test_grey(self, engines, frames, engine, resize):
        ours, direct = engines(engine, resize)
        for frame in frames:
            found = ours.infer(grey(frame))
            assert found.dtype == np.float32
            assert found.shape == (4, 3)
            np.testing.assert_allclose(
                found, direct.get_pose(grey(frame)), rtol=0, atol=0.01
            )

    def test_colour(self, engines, frames, engine, resize):
        ours, direct = engines(engine, resize)
        shifts = []
        for frame in frames:
            found = ours.infer(frame)
            bgr = np.ascontiguousarray(frame[..., ::-1])
            np.testing.assert_allclose(found, direct.get_pose(bgr), rtol=0, atol=0.01)
            shifts.append(np.abs(found - direct.get_pose(frame)).max())
        assert max(shifts) > 0.1  # with the colours swapped, the test would see it

    def test_pose_belongs_to_the_caller_and_the_frame_is_kept(
        self, engines, frames, engine, resize
    ):
        ours, _ = engines(engine, resize)
        frame = frames[0].copy()
        frame.flags.writeable = False
        first = ours.infer(frame)
        kept = first.copy()
        ours.infer(frames[1])[...] = -1
        np.testing.assert_array_equal(first, kept)
        np.testing.assert_array_equal(frame, frames[0])


@pytest.mark.slow
@pytest.mark.parametrize("resize", [1.0, 0.5])
def test_crop_is_dlclives_static_crop(dlclive, shared, frames, resize):
    path = shared / EXPORTS["pytorch"][0]
    x0, y0, x1, y1 = 8, 60, 168, 180
    chosen = config(path, crop_px=(x0, y0, x1, y1), resize=resize)
    ours = Viewer(load_engine(chosen), chosen, 240, 320, 3)
    ours.warm_up()
    direct = dlclive.DLCLive(
        str(path),
        model_type="pytorch",
        cropping=[x0, x1, y0, y1],
        resize=None if resize == 1 else resize,
    )
    for k, frame in enumerate(frames):
        bgr = np.ascontiguousarray(frame[..., ::-1])
        expected = direct.get_pose(bgr) if k else direct.init_inference(bgr)
        found = ours.look(frame, k).keypoints
        np.testing.assert_allclose(found, expected, rtol=0, atol=0.01)


@pytest.mark.slow
def test_says_what_it_is(engines, shared):
    ours, _ = engines("pytorch", 1.0)
    assert ours.bodyparts == ("snout", "leftear", "rightear", "tailbase")
    assert ours.name == "openfield_efficientnet_lite0"
    assert ours.sha256 == find_model(str(shared / EXPORTS["pytorch"][0])).sha256
    assert ours.provider.startswith("torch-")


@pytest.mark.slow
def test_threads_are_set(dlclive, shared):
    import torch

    before = torch.get_num_threads()
    try:
        load_engine(config(shared / EXPORTS["pytorch"][0], threads=2))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_child_process_runs_it_quietly_and_without_tensorflow(
    dlclive, torchvision_shim, shared
):
    path = str(shared / EXPORTS["pytorch"][0])
    code = (
        "import sys, numpy as np\n"
        "from inference.model import load_engine\n"
        "from rig.config.task import InferenceConfig\n"
        f"config = InferenceConfig(model={path!r}, engine='dlclive',"
        " cameras=('left',), resize=0.5)\n"
        "model = load_engine(config)\n"
        "model.warm_up(240, 320, 1)\n"
        "print(model.infer(np.zeros((240, 320), np.uint8)).shape)\n"
        "print('tensorflow' in sys.modules)\n"
    )
    folders = os.pathsep.join([str(torchvision_shim), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": folders},
    )
    assert done.stdout.splitlines() == ["(4, 3)", "False"]
    assert done.stderr == ""


@pytest.mark.slow
def test_refuses_a_file_that_is_no_export(dlclive, tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(b"not a network")
    with pytest.raises(
        ModelError, match=r"Expected a DeepLabCut export in .*model\.pt"
    ):
        load_engine(config(path))


@pytest.mark.slow
def test_refuses_an_export_that_lacks_its_metadata(dlclive, tmp_path):
    import torch

    path = tmp_path / "model.pt"
    torch.save({"config": {}, "pose": {}}, path)
    with pytest.raises(ModelError, match="export it anew"):
        load_engine(config(path))


@pytest.mark.parametrize(
    ("suffix", "extra"), [(".pt", "dlclive"), ("", "tensorflow")], ids=["pt", "folder"]
)
def test_names_the_extra_that_is_missing(monkeypatch, tmp_path, suffix, extra):
    path = tmp_path / f"model{suffix}"
    if suffix:
        path.write_bytes(b"")
    else:
        path.mkdir()
        (path / "a.pb").write_bytes(b"")
        (path / "pose_cfg.yaml").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ModelError, match=rf"pip install springhare\[{extra}\]"):
        load_engine(config(path))


def test_explains_torch_and_torchvision_of_two_builds(monkeypatch, tmp_path):
    folder = tmp_path / "dlclive"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    (tmp_path / "model.pt").write_bytes(b"")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    monkeypatch.delitem(sys.modules, "dlclive", raising=False)
    with pytest.raises(
        ModelError, match=r"nms does not exist: install torch and torch"
    ):
        load_engine(config(tmp_path / "model.pt"))
