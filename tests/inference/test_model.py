import hashlib
import subprocess
import sys

import pytest

from inference.model import load_engine
from inference.model_file import find_model
from rig.config.task import InferenceConfig
from rig.errors import ModelError


def config(path, **others):
    return InferenceConfig(model=str(path), cameras=("left",), **others)


@pytest.fixture
def files(tmp_path):
    """One of each kind, empty or nearly."""
    for name in ("a.pt", "a.onnx", "a.h5"):
        (tmp_path / name).write_bytes(name.encode())
    for folder, graphs in (("tf", 1), ("two", 2), ("none", 0)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pose_cfg.yaml").write_bytes(b"cfg")
        for k in range(graphs):
            (tmp_path / folder / f"snapshot-{k}.pb").write_bytes(b"graph")
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "snapshot-1.pb").write_bytes(b"graph")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "form", "content"),
    [
        ("a.pt", "pytorch", b"a.pt"),
        ("a.onnx", "onnx", b"a.onnx"),
        ("tf", "tensorflow", b"graphcfg"),
    ],
)
def test_finds_a_model_and_its_hash(files, name, form, content):
    found = find_model(str(files / name))
    assert (found.path, found.form) == (files / name, form)
    assert found.sha256 == hashlib.sha256(content).hexdigest()


REFUSED = [
    ("missing.onnx", {}, "Expected a pose model at .*missing.onnx, got nothing"),
    ("a.h5", {}, r"\.onnx file, a DeepLabCut \.pt file .* got .*a\.h5"),
    ("a.pt", {}, "DeepLabCut export: .*a.pt: set .*engine to dlclive or torch, or con"),
    ("tf", {}, r"set inference\.engine to dlclive, or convert it"),
    ("tf", {"engine": "torch"}, r"for engine torch, got a DeepLabCut export: .*tf:"),
    ("a.onnx", {"engine": "dlclive"}, r"set inference\.engine to onnx$"),
    ("a.onnx", {"engine": "torch"}, r"set inference\.engine to onnx$"),
    ("two", {}, r"one \.pb file .* got snapshot-0\.pb, snapshot-1\.pb"),
    ("none", {}, r"got no \.pb file:"),
    ("bare", {}, r"got snapshot-1\.pb, no pose_cfg\.yaml"),
]


@pytest.mark.parametrize(("name", "others", "message"), REFUSED)
def test_says_what_to_do(files, name, others, message):
    with pytest.raises(ModelError, match=message):
        load_engine(config(files / name, **others))


def test_names_the_bundled_models():
    with pytest.raises(
        ModelError, match=r"Expected a bundled model among .*, got 'rat'"
    ):
        find_model("bundled:rat")


def test_home_is_the_users(files, monkeypatch):
    monkeypatch.setenv("HOME", str(files))
    assert find_model("~/a.onnx").path == files / "a.onnx"


def test_loading_imports_no_engine_but_its_own(make_dials):
    code = (
        "import sys\n"
        "from inference.model import load_engine\n"
        "from inference.node import InferenceNode\n"
        "from rig.config.task import InferenceConfig\n"
        "heavy = {'torch', 'tensorflow', 'dlclive', 'cv2', 'onnx', 'onnxruntime'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        f"config = InferenceConfig(model={str(make_dials())!r}, cameras=('left',))\n"
        "load_engine(config)\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["[]", "['onnxruntime']"]
