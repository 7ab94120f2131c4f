"""A real export, real dlclive: converted, proven, refused."""

import json
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from inference.convert.command import convert
from inference.convert.proof import ORIGIN, PROOF
from inference.model import load_engine
from inference.model_file import find_model
from inference.runners.dlclive import DlcliveModel
from rig.config.task import InferenceConfig
from rig.errors import ModelError

EXPORT = "models/openfield_efficientnet_lite0.pt"
PICTURES = "data/openfield/labeled-data/m4s1"


def call(*arguments):
    done = CliRunner().invoke(
        convert, [str(a) for a in arguments], standalone_mode=False
    )
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.stdout


def load(path, **others):
    return load_engine(InferenceConfig(model=str(path), cameras=("left",), **others))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["grey", "rgb"])
def test_is_written_with_its_proof(converted, shared, name):
    path, status, report = converted(name)
    assert status == 0
    assert report["written"] == str(path)
    assert report["proven"] is True
    assert report["proof"]["max_px"] <= 0.01
    assert report["proof"]["reference"].startswith("dlclive ")
    assert report["proof"]["source"] == Path(PICTURES).name
    assert [size["size"] for size in report["sizes"]] == ["320x240", "160x96"]
    facts = {e.key: e.value for e in onnx.load(path).metadata_props}
    assert json.loads(facts[PROOF]) == {**report["proof"]}
    origin = json.loads(facts[ORIGIN])
    assert origin["sha256"] == find_model(str(shared / EXPORT)).sha256
    assert facts["align_px"] == "16"


@pytest.mark.slow
@pytest.mark.parametrize("resize", [1.0, 0.5, 0.75])
@pytest.mark.parametrize("name", ["grey", "rgb"])
def test_finds_what_dlclive_finds_in_frames_it_was_not_proven_on(
    converted, shared, name, resize
):
    import cv2

    files = sorted((shared / PICTURES).glob("*.png"))
    theirs = DlcliveModel(find_model(str(shared / EXPORT)), 1, resize)
    ours = load(converted(name).path, resize=resize)
    channels = 1 if name == "grey" else 3
    for model in (ours, theirs):
        model.warm_up(240, 320, channels)
    off = []
    for file in files[::40]:
        frame = np.ascontiguousarray(cv2.imread(str(file), 0)[::2, ::2])
        if channels == 3:
            frame = (frame[..., None] * np.array([1.0, 0.75, 0.4])).astype(np.uint8)
        off.append(np.abs(ours.infer(frame) - theirs.infer(frame)))
    theirs.close()
    if resize == 0.75:  # OpenCV rounds in between, by up to one grey level
        assert np.median(off) <= 0.3
    else:
        assert np.max(off) <= 0.01


@pytest.mark.slow
def test_a_batch_is_as_good_as_one_after_the_other(converted):
    model = load(converted("grey").path)
    rng = np.random.default_rng(0)
    frames = list(rng.integers(0, 256, (3, 96, 128), np.uint8))
    frames.append(rng.integers(0, 256, (64, 96), np.uint8))
    for one, other in zip(
        model.infer_together(frames), map(model.infer, frames), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.slow
def test_grey_frames_are_welcome_in_a_model_for_colour(converted):
    grey, rgb = (load(converted(name).path) for name in ("grey", "rgb"))
    frame = np.random.default_rng(0).integers(0, 256, (96, 128), np.uint8)
    np.testing.assert_allclose(grey.infer(frame), rgb.infer(frame), atol=1e-3)


@pytest.mark.slow
def test_a_box_on_the_grid_is_nearer_to_the_whole_picture(converted, shared):
    from inference.convert.frames import read_frames

    model = load(converted("grey").path)
    off = {0: [], 8: []}
    for frame in read_frames(shared / PICTURES, 4, colour=False):
        whole = model.infer(frame)
        corner = np.clip(whole[0, :2] // 16 * 16 - 160, 0, (304, 144)).astype(int)
        for step, found in off.items():
            x0, y0 = corner + step
            part = model.infer(frame[y0 : y0 + 320, x0 : x0 + 320])
            found.append(np.hypot(*(part[0, :2] + (x0, y0) - whole[0, :2])))
    assert np.median(off[0]) < 1.5
    assert np.median(off[0]) < np.median(off[8])


@pytest.mark.slow
def test_refuses_a_model_that_finds_something_else(
    dlclive, shared, tmp_path, monkeypatch
):
    from inference.convert.exports import pytorch

    read = pytorch.read

    def wrong(file):
        network = read(file)
        for tensor in network.model.graph.initializer:
            if len(tensor.dims) == 4 and tensor.dims[0] == 1280:
                weights = onnx.numpy_helper.to_array(tensor) * np.float32(1.02)
                tensor.CopyFrom(onnx.numpy_helper.from_array(weights, tensor.name))
        return network

    monkeypatch.setattr(pytorch, "read", wrong)
    out = tmp_path / "wrong.onnx"
    status, text = call(shared / EXPORT, "--out", out, "--size", "160x128",
                        "--count", 8)  # fmt: skip
    assert status == 1
    assert "Not converted" in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_model_without_its_proof_is_refused(converted, tmp_path):
    model = onnx.load(converted("grey").path)
    kept = [entry for entry in model.metadata_props if entry.key != PROOF]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    path = tmp_path / "unproven.onnx"
    onnx.save(model, path)
    with pytest.raises(ModelError, match=r"Expected proof .* with springhare convert"):
        load(path)


@pytest.mark.slow
def test_dry_run_proves_and_writes_nothing(dlclive, shared, tmp_path):
    out = tmp_path / "a.onnx"
    status, text = call(shared / EXPORT, "--out", out, "--dry-run", "--size",
                        "128x96", "--count", 8)  # fmt: skip
    assert (status, list(tmp_path.iterdir())) == (0, [])
    assert "nothing was written" in text


@pytest.mark.slow
def test_a_file_that_is_there_is_not_replaced_unasked(dlclive, shared, tmp_path):
    out = tmp_path / "a.onnx"
    out.write_bytes(b"mine")
    arguments = shared / EXPORT, "--out", out, "--size", "128x96", "--count", 8
    with pytest.raises(ModelError, match="or replace it with --force"):
        call(*arguments)
    assert out.read_bytes() == b"mine"
    assert call(*arguments, "--force")[0] == 0
    assert load(out).bodyparts == ("snout", "leftear", "rightear", "tailbase")


@pytest.mark.slow
class TestNotAnExport:
    @pytest.fixture
    def torch(self, dlclive):
        import torch

        return torch

    def refused(self, path, tmp_path, message):
        with pytest.raises(ModelError, match=message):
            call(path, "--out", tmp_path / "out" / "a.onnx")
        assert not (tmp_path / "out").exists()

    def test_no_file_of_torch(self, torch, tmp_path):
        (tmp_path / "a.pt").write_bytes(b"nothing that torch can read")
        words = r"got something else \(torch did not write it, or it was cut short\): "
        self.refused(tmp_path / "a.pt", tmp_path, f"{words}export it anew with [^ ]*$")

    def test_cut_short(self, torch, shared, tmp_path):
        content = (shared / EXPORT).read_bytes()
        (tmp_path / "a.pt").write_bytes(content[: len(content) // 2])
        self.refused(tmp_path / "a.pt", tmp_path, "or it was cut short")

    def test_code(self, torch, tmp_path):
        """A whole module, which only runs if its code is let in."""
        torch.save(torch.nn.Linear(2, 2), tmp_path / "a.pt")
        self.refused(tmp_path / "a.pt", tmp_path, r"\(it holds more than weights, and")

    def test_other_content(self, torch, tmp_path):
        torch.save({"weights": torch.zeros(3)}, tmp_path / "a.pt")
        self.refused(tmp_path / "a.pt", tmp_path, "KeyError: 'config'.*export it anew")

    def test_a_list(self, torch, tmp_path):
        torch.save([1, 2], tmp_path / "a.pt")
        self.refused(tmp_path / "a.pt", tmp_path, "export it anew")

    def changed(self, torch, shared, tmp_path, change):
        raw = torch.load(shared / EXPORT, map_location="cpu", weights_only=True)
        change(raw)
        torch.save(raw, tmp_path / "a.pt")
        return tmp_path / "a.pt"

    def test_top_down(self, torch, shared, tmp_path):
        path = self.changed(
            torch, shared, tmp_path, lambda raw: raw["config"].update(method="td")
        )
        self.refused(path, tmp_path, "got a top-down model.*engine dlclive")

    def test_a_detector(self, torch, shared, tmp_path):
        path = self.changed(
            torch, shared, tmp_path, lambda raw: raw.update(detector={"a": 1})
        )
        self.refused(path, tmp_path, "got a top-down model")

    def test_several_animals(self, torch, shared, tmp_path):
        def change(raw):
            head = raw["config"]["model"]["heads"]["bodypart"]
            head["type"] = "DLCRNetHead"
            head["predictor"]["type"] = "PartAffinityFieldPredictor"

        path = self.changed(torch, shared, tmp_path, change)
        self.refused(path, tmp_path, "got a model with a DLCRNetHead read by a PartAff")

    def test_padding(self, torch, shared, tmp_path):
        def change(raw):
            raw["config"]["data"]["inference"]["auto_padding"] = {
                "pad_height_divisor": 32
            }

        path = self.changed(torch, shared, tmp_path, change)
        self.refused(path, tmp_path, "got a model that pads its pictures")

    def test_weights_of_another_network(self, torch, shared, tmp_path):
        def change(raw):
            del raw["pose"]["backbone.model.conv_stem.weight"]

        path = self.changed(torch, shared, tmp_path, change)
        self.refused(path, tmp_path, "Expected a DeepLabCut export.*conv_stem")


def test_an_onnx_file_needs_no_conversion(make_dials):
    with pytest.raises(ModelError, match=r"\.onnx file needs no conversion"):
        call(make_dials())


def test_nothing_there(tmp_path):
    for arguments in (["nothing.pt"], [tmp_path, "--frames", "nothing.mp4"]):
        with pytest.raises(click.BadParameter, match="does not exist"):
            call(*arguments)


def test_the_name_must_say_what_it_is(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"")
    with pytest.raises(ModelError, match=r"ends in \.onnx, got .*a\.bin"):
        call(tmp_path / "a.pt", "--out", tmp_path / "a.bin")


@pytest.mark.slow
def test_a_place_that_cannot_be_written_to(dlclive, shared, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match=r"written to, got .*name another one"):
        call(shared / EXPORT, "--out", tmp_path / "file" / "a.onnx", "--size",
             "64x64", "--count", 8)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--count", 1], r"at least 8 frames for a proof, got 2: raise --count"),
        (["--count", 7, "--size", "640x480"], "at least 8 frames for a proof, got 7"),
        (["--size", "8x8"], r"at least 64x64 px for a proof, got 8x8: .*--size"),
        (["--size", "640x480", "--size", "640x48"], "got 640x48"),
    ],
)
def test_what_would_prove_nothing_is_refused(tmp_path, monkeypatch, given, message):
    monkeypatch.setattr("inference.convert.run._require_packages", lambda _: None)
    (tmp_path / "a.pt").write_bytes(b"")
    with pytest.raises(ModelError, match=message):
        call(tmp_path / "a.pt", "--dry-run", *given)


@pytest.mark.parametrize("size", ["640", "0x480", "640x-1", "axb", "640x480x3"])
def test_sizes_that_are_none(size, tmp_path):
    with pytest.raises(click.BadParameter, match="expected width x height, like"):
        call(tmp_path / "a.pt", "--size", size)


@pytest.mark.parametrize(
    ("form", "missing", "message"),
    [
        ("pt", ["onnx"], r"got no onnx: pip install 'springhare\[convert\]'"),
        ("pt", ["onnx", "dlclive"], "got no onnx, no dlclive: pip"),
        ("tf", ["tf2onnx"], r"got no tf2onnx: .*'springhare\[convert,tensorflow\]'"),
    ],
)
def test_names_all_that_must_be_installed(
    tmp_path, monkeypatch, form, missing, message
):
    for name in ("onnx", "torch", "dlclive", "tensorflow", "tf2onnx"):
        there = None if name in missing else ModuleType(name)
        if there is not None:
            there.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, there)
    export = tmp_path / "a.pt"
    if form == "tf":
        export = tmp_path
        (tmp_path / "pose_cfg.yaml").write_bytes(b"")
        (tmp_path / "a.pb").write_bytes(b"")
    else:
        export.write_bytes(b"")
    with pytest.raises(ModelError, match=message):
        call(export, "--out", tmp_path / "a.onnx")


class TestTensorflow:
    EXPORT = "models/openfield_mobilenet_v2_tf"

    @pytest.fixture
    def tensorflow(self, dlclive):
        pytest.importorskip("tf2onnx", reason="springhare[convert]")
        return pytest.importorskip("tensorflow", reason="springhare[tensorflow]")

    @pytest.mark.slow
    def test_real_export(self, tensorflow, shared, tmp_path):
        out = tmp_path / "a.onnx"
        status, text = call(shared / self.EXPORT, "--out", out, "--frames",
                            shared / PICTURES, "--size", "320x240", "--count", 8,
                            "--json")  # fmt: skip
        report = json.loads(text)
        assert status == 0
        assert report["proof"]["max_px"] <= 0.1
        assert load(out).bodyparts == ("snout", "leftear", "rightear", "tailbase")

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ("[", "something else .*Error"),
            ("[1]", "one without all_joints_names"),
            ("all_joints_names: [a]\nstride: 8\n", "one without locref_stdev"),
            (
                "all_joints_names: [a]\nstride: 8\nlocref_stdev: 7\nnum_outputs: 2\n",
                "several outputs per body part",
            ),
        ],
    )
    def test_bad_pose_cfg(self, tensorflow, shared, tmp_path, config, message):
        folder = tmp_path / "tf"
        folder.mkdir()
        (graph,) = (shared / self.EXPORT).glob("*.pb")
        (folder / graph.name).write_bytes(graph.read_bytes())
        (folder / "pose_cfg.yaml").write_text(config, encoding="utf-8")
        with pytest.raises(ModelError, match=message):
            call(folder, "--out", tmp_path / "a.onnx")

    @pytest.mark.slow
    def test_bad_graph(self, tensorflow, shared, tmp_path):
        folder = tmp_path / "tf"
        folder.mkdir()
        (folder / "a.pb").write_bytes(b"\xff no graph at all")
        config = (shared / self.EXPORT / "pose_cfg.yaml").read_bytes()
        (folder / "pose_cfg.yaml").write_bytes(config)
        with pytest.raises(ModelError, match="Expected a DeepLabCut export"):
            call(folder, "--out", tmp_path / "a.onnx")
