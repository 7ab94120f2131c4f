"""The torch runner finds what dlclive finds, on a processor and on a GPU."""

import sys

import numpy as np
import pytest

from inference.model import load_engine
from inference.model_file import find_model
from inference.runners.dlclive import DlcliveModel
from inference.view.viewer import BatchModel
from rig.config.task import InferenceConfig
from rig.errors import ModelError

EXPORT = "models/openfield_efficientnet_lite0.pt"


def load(path, **others):
    return load_engine(
        InferenceConfig(model=str(path), engine="torch", cameras=("left",), **others)
    )


@pytest.fixture(scope="session")
def frames(dlclive, shared):
    import cv2

    files = sorted((shared / "data/openfield/labeled-data/m4s1").glob("*.png"))
    grey = np.stack([cv2.imread(str(file), 0)[::2, ::2] for file in files[::40]])
    return (grey[..., None] * np.array([1.0, 0.75, 0.4])).astype(np.uint8)


@pytest.fixture(scope="session")
def reference(dlclive, shared):
    """The poses of dlclive itself, by resize; each network is loaded once."""
    made = {}

    def poses(resize, pictures):
        if resize not in made:
            made[resize] = DlcliveModel(find_model(str(shared / EXPORT)), 1, resize)
            made[resize].warm_up(240, 320, 3)
        return np.stack([made[resize].infer(picture) for picture in pictures])

    return poses


@pytest.mark.slow
@pytest.mark.parametrize("resize", [1.0, 0.5])
@pytest.mark.parametrize("channels", [1, 3])
def test_finds_what_dlclive_finds(shared, frames, reference, resize, channels):
    model = load(shared / EXPORT, resize=resize, provider="cpu")
    pictures = frames if channels == 3 else np.ascontiguousarray(frames[..., 0])
    model.warm_up(240, 320, channels)
    found = np.stack([model.infer(picture) for picture in pictures])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference(resize, pictures), rtol=0, atol=0.01)
    model.close()


@pytest.mark.slow
def test_what_it_says_of_itself(dlclive, shared):
    model = load(shared / EXPORT, provider="cpu")
    assert isinstance(model, BatchModel)
    assert model.bodyparts == ("snout", "leftear", "rightear", "tailbase")
    assert (model.provider, model.align_px) == ("torch-cpu", 16)
    assert (model.batches, model.dear_shapes) == (True, False)
    assert model.sha256 == find_model(str(shared / EXPORT)).sha256


@pytest.mark.slow
def test_a_batch_is_as_good_as_one_after_the_other(dlclive, shared):
    model = load(shared / EXPORT, provider="cpu", resize=0.5)
    rng = np.random.default_rng(0)
    pictures = [*rng.integers(0, 256, (2, 128, 160), np.uint8)]
    pictures.insert(1, rng.integers(0, 256, (96, 128), np.uint8))
    for one, picture in zip(model.infer_together(pictures), pictures, strict=True):
        np.testing.assert_allclose(one, model.infer(picture), atol=1e-3)


@pytest.mark.slow
def test_pose_belongs_to_the_caller_and_the_frame_is_kept(dlclive, shared):
    model = load(shared / EXPORT, provider="cpu")
    frame = np.random.default_rng(0).integers(0, 256, (96, 128), np.uint8)
    frame.flags.writeable = False
    before = frame.copy()
    first = model.infer(frame)
    kept = first.copy()
    model.infer(frame)[...] = -1
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(frame, before)


@pytest.mark.slow
@pytest.mark.parametrize("provider", ["tensorrt", "openvino"])
def test_other_providers_are_onnx_runtimes(dlclive, shared, provider):
    with pytest.raises(
        ModelError, match=r"springhare convert\) and set engine to onnx"
    ):
        load(shared / EXPORT, provider=provider)


@pytest.mark.slow
def test_without_a_gpu(dlclive, shared, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="Expected a GPU that torch can use"):
        load(shared / EXPORT, provider="cuda")
    with pytest.raises(ModelError, match="precision single without a GPU"):
        load(shared / EXPORT, precision="half")


def test_names_the_extra_that_is_missing(tmp_path, monkeypatch):
    (tmp_path / "a.pt").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"pip install springhare\[dlclive\]"):
        load(tmp_path / "a.pt")


@pytest.mark.gpu
@pytest.mark.slow
class TestOnAGpu:
    @pytest.fixture(autouse=True)
    def gpu(self, dlclive):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a GPU")

    @pytest.mark.parametrize(
        ("precision", "limit_px"), [("single", 0.05), ("half", 0.1)]
    )
    def test_finds_what_dlclive_finds(self, shared, frames, precision, limit_px):
        model = load(shared / EXPORT, provider="cuda", precision=precision)
        theirs = DlcliveModel(find_model(str(shared / EXPORT)), 1, 1.0)
        for each in (model, theirs):
            each.warm_up(240, 320, 3)
        off = [np.abs(model.infer(f) - theirs.infer(f))[:, :2] for f in frames]
        assert np.max(off) <= limit_px

    def test_graphs_of_several_shapes_in_turn(self, dlclive, shared):
        model = load(shared / EXPORT, provider="cuda")
        rng = np.random.default_rng(0)
        pictures = [
            rng.integers(0, 256, shape, np.uint8)
            for shape in ((96, 128), (128, 160), (96, 128), (160, 128), (128, 160))
        ]
        wanted = [model.infer(picture) for picture in pictures]
        for one, other in zip(model.infer_together(pictures), wanted, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-3)
        model.close()
        model.close()
