"""`springhare replay`, as it is called."""

import json
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from ruamel.yaml import YAML

from offline.commands.poses import replay
from rig import cli
from rig.errors import ConfigError, ModelError, SessionError, SpringhareError


@pytest.fixture
def run(capsys):
    def run(*arguments):
        words = list(map(str, arguments))
        status = replay.main(words, prog_name="replay", standalone_mode=False)
        return status, capsys.readouterr().out

    return run


@pytest.fixture
def changed(plain, tasks, tmp_path):
    """A task whose rule fires higher up, and one rule more."""
    rule = tasks.take_off()
    rule["when"]["threshold_px"] = 225
    path = tmp_path / "changed.yaml"
    YAML(typ="safe").dump(tasks.of(rule, tasks.take_off(name="other")), path)
    return path


def with_task(session, task, place):
    """Another session, which says that it was recorded with some task."""
    folder = shutil.copytree(session, place / "other")
    sidecar = folder / "session.json"
    info = json.loads(sidecar.read_text(encoding="utf-8"))
    info["configs"]["task"] = task
    sidecar.write_text(json.dumps(info), encoding="utf-8")
    return folder


def test_its_own_task_decides_as_it_did(run, whole):
    status, out = run(whole)
    assert status == 0
    assert "under its own task, with the recorded poses" in out
    for stream in ("decisions", "estimates/left", "points/space"):
        (line,) = [each for each in out.splitlines() if each.startswith(stream)]
        assert line.rstrip().endswith("bit for bit")
    found = json.loads(run(whole, "--json")[1])
    assert found["own"]
    assert found["must_be_same"]
    assert found["looked"] is None
    assert {fire["became"] for fire in found["fires"]} == {"kept"}


def test_one_that_does_not_is_told_of(run, plain, tasks, tmp_path):
    rule = tasks.take_off()
    rule["when"]["threshold_px"] = 225
    folder = with_task(plain, tasks.of(rule), tmp_path)
    status, out = run(folder)
    assert status == 1
    assert "DIFFERS" in out
    assert "first difference in decisions: decision 0 (take_off, at 1.500 s)" in out
    assert "take_off" in out.partition("what would have been")[2]


def test_the_first_difference_is_told_in_words(run, whole, tmp_path):
    """The gates are other ones, so a mark is, and later a point in space."""
    info = json.loads((whole / "session.json").read_text(encoding="utf-8"))
    task = info["configs"]["task"]
    task["inference"]["gates"]["likelihood"] = 0.95
    status, out = run(with_task(whole, task, tmp_path))
    assert status == 1
    for words in (
        r"in estimates/left: pose \d+ \(at \d\.\d{3} s\): .*(toe|nose|knee).* differ",
        r"in points/space: moment \d+ \(at \d\.\d{3} s\) differs",
    ):
        assert re.search(f"first difference {words}", out), out


def test_another_task(run, plain, changed, tmp_path):
    status, out = run(plain, "--task", changed, "--list")
    assert status == 0
    assert "under another task, bench, as if always armed" in out
    assert "only the replayed task has other" in out
    assert "gained: the other task has no such rule" in out
    found = json.loads(run(plain, "--task", changed, "--json")[1])
    take_off, other = found["rules"]
    assert (take_off["kept"], take_off["later"]["count"]) == (2, 2)
    assert take_off["later"]["worst_ms"] < 50
    assert other["only"] == "replayed"
    assert (other["gained"], other["lost"]) == (2, 0)
    assert [fire["became"] for fire in found["fires"]] == ["later", "gained"] * 2
    assert found["sameness"] == []
    near = json.loads(run(plain, "--task", changed, "--within-ms", 1, "--json")[1])
    assert (near["rules"][0]["gained"], near["rules"][0]["lost"]) == (2, 2)


def test_the_task_of_another_session(run, plain, whole):
    found = json.loads(run(plain, "--task", plain, "--json")[1])
    assert found["own"]
    assert all(each["first"] is None for each in found["sameness"])
    found = json.loads(run(whole, "--task", plain, "--json")[1])
    assert not found["own"]
    assert {rule["rule"]: rule["only"] for rule in found["rules"]} == {
        "take_off": "replayed",
        **dict.fromkeys(("ahead", "drop", "high", "quick"), "recorded"),
    }


@pytest.mark.slow
def test_a_network_that_sees_nobody(run, plain):
    """The pictures of this session are black: all is lost."""
    arguments = (plain, "--model", "bundled:mouse")
    status, out = run(*arguments, "--list")
    assert status == 0
    assert "not as it was live: model" in out
    assert "lost: now the condition did not hold near it" in out
    found = json.loads(run(*arguments, "--json")[1])
    assert found["looked"]["poses"] == found["poses"] == found["looked"]["live"]
    assert not found["looked"]["recorded"]
    assert (found["rules"][0]["lost"], found["rules"][0]["gained"]) == (2, 0)


@pytest.mark.slow
def test_frames_chosen_anew(run, plain):
    arguments = (plain, "--model", "bundled:mouse", "--network-ms")
    found = json.loads(run(*arguments, 45, "--json")[1])["looked"]
    assert found["network_ms"] == 45
    for camera, count in found["live"].items():
        assert 0 < found["poses"][camera] < count / 4
        assert found["both"][camera] == found["poses"][camera]
    status, out = run(*arguments, "measured")
    assert status == 0
    assert "frames chosen anew: left " in out


def test_decisions_are_told_as_they_come(run, plain):
    _, out = run(plain, "--speed", 10_000)
    assert out.splitlines()[0].lstrip().startswith("1.500 s  take_off: fired, y of hip")
    _, out = run(plain, "--speed", "max")
    assert "take_off: fired" not in out


@pytest.mark.slow
def test_ctrl_c_ends_it_in_order(plain):
    command = [sys.executable, "-u", "-m", "rig.cli", "replay", plain, "--speed", "0.4"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert "take_off: fired" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err.startswith("stopped at 1.")
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_picture(run, whole, plain, tmp_path):
    for k, (folder, *more) in enumerate([(whole, "--task", plain), (plain,)]):
        path = tmp_path / f"{k}.png"
        status, out = run(folder, *more, "--picture", path)
        assert status == 0
        assert f"wrote {path}" in out
        pixels = __import__("matplotlib.image").image.imread(path)
        assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 20


def test_nothing_is_written_into_the_session(run, plain):
    def state():
        return {path: path.stat().st_mtime_ns for path in sorted(plain.rglob("*"))}

    before = state()
    run(plain, "--list")
    assert state() == before


def test_what_is_wrong_is_said(run, plain, whole, tasks, changed, tmp_path):
    def error(kind, words, *arguments):
        with pytest.raises(kind, match=words):
            run(*arguments)

    error(SessionError, "no session.h5", tmp_path / "nowhere")
    error(SessionError, "no session.h5", plain, "--task", tmp_path)
    (tmp_path / "no.yaml").write_text("format: springhare-rig/1\n", encoding="utf-8")
    error(ConfigError, "springhare-task/1", plain, "--task", tmp_path / "no.yaml")
    error(ModelError, "a pose model at none.onnx", plain, "--model", "none.onnx")
    error(ModelError, "an .onnx file", plain, "--model", changed)
    folder = with_task(plain, {"format": "springhare-task/99"}, tmp_path)
    error(SessionError, "that this version understands", folder)
    path = tmp_path / "paw.yaml"
    rule = tasks.take_off(camera="paw")
    YAML(typ="safe").dump(tasks.of(rule, cameras=["paw"]), path)
    error(SessionError, "poses of paw", plain, "--task", path)
    anew = ("--model", "bundled:mouse", "--network-ms", 5)
    error(SessionError, "frames of paw", plain, "--task", path, *anew)
    path = tmp_path / "there.png"
    path.touch()
    error(SpringhareError, "--force", plain, "--picture", path)


def test_an_unfinished_session(run, plain, tmp_path):
    folder = shutil.copytree(plain, tmp_path / "cut")
    sidecar = folder / "session.json"
    info = json.loads(sidecar.read_text(encoding="utf-8"))
    sidecar.write_text(json.dumps({**info, "state": "recording"}), encoding="utf-8")
    with pytest.raises(SessionError, match="springhare recover"):
        run(folder)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--engine", "onnx"), "expected --model with --engine"),
        (("--network-ms", "5"), "expected --model with --network-ms"),
        (("--speed", "0"), "expected max or a number above 0"),
        (("--network-ms", "soon"), "expected measured or a number above 0"),
    ],
)
def test_options_that_do_not_go_together(arguments, words, plain, capsys):
    assert cli.main(["replay", str(plain), *arguments]) == 2
    assert words in capsys.readouterr().err.replace("\n", " ")
