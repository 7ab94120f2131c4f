import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from offline.gate.rig_file import require_own, set_model, with_model
from rig.config.examples import examples_folder
from rig.config.loading import load_rig
from rig.errors import ConfigError

EXAMPLES = sorted((examples_folder() / "rig").glob("*.yaml"))
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)


def read(text):
    return YAML(typ="safe", pure=True).load(text)


@given(st.sampled_from(EXAMPLES), st.none() | NAMES)
def test_one_value_is_another_and_every_comment_stays(path, model):
    before = path.read_text("utf-8")
    after = with_model(before, model)
    assert read(after) == {**read(before), "model": model}
    same = [line for line in before.splitlines() if not line.startswith("model:")]
    kept = [line for line in after.splitlines() if not line.startswith("model:")]
    assert kept == same


@given(st.sampled_from(EXAMPLES), NAMES)
def test_a_model_is_added_where_there_is_none(path, model):
    lines = path.read_text("utf-8").splitlines(keepends=True)
    before = "".join(line for line in lines if not line.startswith("model:"))
    assert read(with_model(before, model)) == {**read(before), "model": model}


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("model:", "model: new.onnx"),
        ("model:   # none yet", "model: new.onnx   # none yet"),
        ("model: >-\n  old.onnx", "model: new.onnx"),
        ('"model": "a b.onnx"  # ours', '"model": new.onnx  # ours'),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_value_is_found_however_it_is_written(line, after, end):
    text = f"name: r\n{line}\nrest: {{model: mine}}\n".replace("\n", end)
    wanted = f"name: r\n{after}\nrest: {{model: mine}}\n".replace("\n", end)
    assert with_model(text, "new.onnx") == wanted


@pytest.fixture
def rig_file(tmp_path):
    path = tmp_path / "rig.yaml"
    path.write_text(EXAMPLES[0].read_text("utf-8"), "utf-8")
    path.chmod(0o640)
    return path


def test_a_file_keeps_its_mode_and_its_link(rig_file, tmp_path):
    link = tmp_path / "link.yaml"
    link.symlink_to(rig_file)
    set_model(link, "a b.onnx")
    assert link.is_symlink()
    assert load_rig(rig_file).model == "a b.onnx"
    assert rig_file.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.yaml", "rig.yaml"]


def test_a_file_of_windows_keeps_its_line_ends(rig_file):
    before = rig_file.read_bytes().replace(b"\n", b"\r\n")
    rig_file.write_bytes(before)
    set_model(rig_file, "new.onnx")
    assert load_rig(rig_file).model == "new.onnx"
    after = rig_file.read_bytes()
    assert after == before.replace(b"bundled:mouse", b"new.onnx", 1)
    lines = [line for line in before.splitlines(True) if not line.startswith(b"model")]
    rig_file.write_bytes(b"".join(lines))
    set_model(rig_file, "new.onnx")
    assert rig_file.read_bytes().count(b"\n") == rig_file.read_bytes().count(b"\r\n")


def test_what_cannot_be_changed_is_told_before_any_work(rig_file, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(ConfigError, match="can be written"):
        require_own(rig_file)
    text = rig_file.read_text("utf-8")
    plain = json.dumps(read(text))
    rig_file.write_text(plain.replace(', "model": "bundled:mouse"', ""), "utf-8")
    with pytest.raises(ConfigError, match="on a line of its own"):
        require_own(rig_file)


def test_what_would_change_more_is_refused(rig_file):
    """An anchor on the model is also somebody else's value."""
    text = rig_file.read_text("utf-8").replace("bundled:mouse", "&m bundled:mouse")
    text = text.replace("description: ", "description: *m\n#", 1)
    lines = text.splitlines()
    model = next(line for line in lines if line.startswith("model:"))
    place = next(k for k, line in enumerate(lines) if line.startswith("description"))
    lines.remove(model)
    lines.insert(place, model)
    rig_file.write_text("\n".join(lines), "utf-8")
    before = rig_file.read_bytes()
    with pytest.raises(ConfigError):
        set_model(rig_file, "new.onnx")
    assert rig_file.read_bytes() == before


def test_the_examples_are_nobodys_rig(rig_file):
    require_own(rig_file)
    with pytest.raises(ConfigError, match="springhare init"):
        require_own(EXAMPLES[0])
