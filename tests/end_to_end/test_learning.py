"""The loop from sessions to a better model, with real DeepLabCut, as README has it.

Labelled frames of the simulator, a training, the gate, a session with the promoted
model, its analysis, what it would have done, and the frames worth labelling next.
"""

import hashlib
import importlib.util
import json
import os
from pathlib import Path

import h5py
import pytest
from PIL import Image

from rig.config.loading import load_rig

pytestmark = pytest.mark.slow

PARAMETERS = """\
about: the smallest that learns
net_type: resnet_50
backbone_channels: 512
updates:
  model.backbone.model_name: resnet10t
  data.train.crop_sampling.width: 128
  data.train.crop_sampling.height: 128
  train_settings.batch_size: 4
epochs: 3
"""


@pytest.fixture
def lab(springhare, torchvision_shim):
    """Files of a rig that has had no model yet, for a network that knows little."""
    if importlib.util.find_spec("deeplabcut") is None:
        if os.environ.get("CI") and not os.environ.get("SPRINGHARE_WITHOUT_TORCH"):
            pytest.fail("expected DeepLabCut: pip install springhare[train]")
        pytest.skip("needs springhare[train]")
    springhare.env["PYTHONPATH"] = str(torchvision_shim)
    place = springhare.place / "lab"
    assert springhare("init", place).returncode == 0
    rig, task = place / "rig" / "demo.yaml", place / "task" / "demo.yaml"
    lines = rig.read_text("utf-8").splitlines()
    rig.write_text("\n".join(x for x in lines if not x.startswith("model:")), "utf-8")
    text = task.read_text("utf-8").replace(
        "max_pose_age_ms: 60", "max_pose_age_ms: 5000"
    )
    for likely in ("0.5", "0.3"):  # after three epochs nothing is sure
        text = text.replace(f"likelihood: {likely}", "likelihood: 0")
    task.write_text(text, "utf-8")
    (springhare.place / "tiny.yaml").write_text(PARAMETERS)
    return place


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_from_nothing_to_a_model_on_the_rig_and_back_to_frames(springhare, lab):
    place = springhare.place
    rig, task = lab / "rig" / "demo.yaml", lab / "task" / "demo.yaml"
    of_rig = (f"--rig={rig}", f"--task={task}")

    springhare.result(
        "frames", "simulate", f"--project={place / 'sim'}", f"--rig={rig}",
        "--camera=left", "--animals=3", "--count=24",
    )  # fmt: skip
    trained = springhare.result(
        "train", "sim", "--out=training", "--parameters=tiny.yaml",
        "--start=scratch", "--device=cpu", *of_rig,
    )  # fmt: skip
    assert trained["plan"]["split_by"] == "animal"
    sets = {one["name"]: one["models"][0] for one in trained["evaluation"]["sets"]}
    assert set(sets) == {"train", "test"}
    assert sets["test"]["overall"]["rmse_px"]["value"] > 0
    assert sets["test"]["gated"]["kept"]["value"] <= 1
    promotion = trained["promotion"]
    states = {check["name"]: check["state"] for check in promotion["checks"]}
    assert promotion["promoted"], promotion
    assert (states["task"], states["parity"]) == ("PASS", "PASS")
    model = load_rig(rig).model
    assert model == promotion["model"]
    assert sha256(model) == promotion["model_sha256"]

    done = springhare(
        "run", *of_rig, f"--session={lab / 'session' / 'demo.yaml'}", "--simulate",
        "--seconds=5", "--out=data", "--json",
    )  # fmt: skip
    session = Path(json.loads(done.stdout)["folder"])
    with h5py.File(session / "session.h5") as file:
        attributes = file["poses/left/keypoints"].attrs
        assert attributes["model_sha256"] == promotion["model_sha256"]

    again = springhare("replay", session, "--json")
    assert again.returncode == 0, again.stdout + again.stderr
    with_model = springhare("replay", session, f"--model={model}", "--json")
    assert with_model.returncode == 0, with_model.stdout + with_model.stderr

    analysed = springhare.result("analyse", session, f"--model={model}")
    assert {source["outcome"] for source in analysed["sources"]} == {"analysed"}
    parity = springhare("parity", session, "--camera=left", "--json")
    assert parity.returncode == 0, parity.stderr

    before = {path.name for path in (place / "sim" / "labeled-data").rglob("*.png")}
    sheet = place / "sheet.png"
    refined = springhare(
        "refine", session, f"--project={place / 'sim'}", "--count=4", f"--out={sheet}"
    )
    assert refined.returncode == 0, refined.stderr
    new = [
        path
        for path in (place / "sim" / "labeled-data").rglob("*.png")
        if path.name not in before or not path.parent.name.startswith("sim")
    ]
    assert len(new) == 4
    with Image.open(sheet) as picture:
        assert min(picture.size) > 200

    assert springhare("promote", "--back", f"--rig={rig}").returncode == 0
    assert load_rig(rig).model is None
    assert not springhare.running()
