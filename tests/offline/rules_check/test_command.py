"""`springhare rules check`, as it is called."""

import json
import re
import shutil

import pytest
from ruamel.yaml import YAML

from offline.commands.sessions import rules
from rig import cli
from rig.config.examples import examples_folder
from rig.errors import ConfigError, SessionError, SpringhareError

DEMO = examples_folder() / "task" / "demo.yaml"


@pytest.fixture
def run(capsys):
    def run(*arguments):
        words = ["check", *map(str, arguments)]
        status = rules.main(words, prog_name="rules", standalone_mode=False)
        return status, capsys.readouterr().out

    return run


@pytest.fixture
def own(plain, tasks, tmp_path):
    """The task file of the session, as it was."""
    return written(tasks.of(tasks.take_off()), tmp_path / "own.yaml")


def written(task, path):
    YAML(typ="safe").dump(task, path)
    return path


def test_words(run):
    status, out = run(DEMO)
    assert status == 0
    assert "take_off is asked at each pose of camera left." in out
    assert "nothing looks wrong" in out


def test_doubts(run, tasks, tmp_path):
    task = tasks.of(tasks.take_off(sham_probability=1), tasks.take_off(name="other"))
    path = written(task, tmp_path / "task.yaml")
    status, out = run(path)
    assert status == 0
    assert "take_off, rules[0].sham_probability: every fire is a sham" in out
    found = json.loads(run(path, "--json", "--rule", "other")[1])
    assert [rule["rule"] for rule in found["words"]] == ["other"]
    assert [doubt["where"] for doubt in found["doubts"]] == ["rules[1].action.line"]
    assert found["sessions"] == []


def test_the_own_task(run, own, plain):
    status, out = run(own, plain)
    assert status == 0
    assert "as recorded: 2 of 2 decisions the same" in out
    assert "against the truth" in out
    status, out = run(plain, plain, "--json")  # a session stands for its task
    found = json.loads(out)["sessions"][0]
    assert status == 0
    assert found["own"]
    assert found["sameness"][0]["same"] == 2
    assert found["rules"][0]["truth"]["found"] == 2
    assert found["poses"]["left"] > 500


def test_a_session_alone_is_told_and_played(run, plain):
    status, out = run(plain)
    assert status == 0
    assert "take_off is asked at each pose of camera left." in out
    assert "as recorded: 2 of 2 decisions the same" in out
    assert "against the truth" in out
    assert "not checked" not in out
    assert run(plain / "session.h5")[1] == out


def test_a_session_without_rules_is_told(run, plain, tmp_path):
    folder = shutil.copytree(plain, tmp_path / "copy")
    path = folder / "session.json"
    plainly = json.loads(path.read_text())
    plainly["configs"]["task"]["rules"] = []
    path.write_text(json.dumps(plainly))
    status, out = run(folder)
    assert status == 0
    assert "it has no rules" in out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("keypoint: hip", "keypoint: hipp"), r"model \(nose, .*did you mean 'hip'\?"),
        (("line: laser", "line: lasr"), r"task.yaml:\d+: .*did you mean laser\?"),
        (("model: rig", "model: bundled:mice"), r"bundled model among .*got 'mice'"),
        (
            ("model: rig", "model: no.onnx"),
            r"Expected a pose model at no.onnx, got noth",
        ),
        (("threshold_px: 240", "threshold_px: 700"), r"task.yaml:\d+: .* inside left"),
    ],
    ids=["keypoint", "line", "bundled", "file", "picture"],
)
def test_what_run_refuses_is_refused(tmp_path, capsys, change, words):
    text = DEMO.read_text("utf-8")
    assert change[0] in text
    path = tmp_path / "task.yaml"
    path.write_text(text.replace(*change), "utf-8")
    rig = examples_folder() / "rig" / "demo.yaml"
    assert cli.main(["rules", "check", str(path), "--rig", str(rig)]) == 2
    found = capsys.readouterr()
    assert re.search(words, found.err)
    assert "nothing looks wrong" not in found.out


def test_what_cannot_be_checked_is_said(run, tmp_path):
    assert "lines and signals were not checked: give --rig" in run(DEMO)[1]
    rig = ["--rig", examples_folder() / "rig" / "demo.yaml"]
    status, out = run(DEMO, *rig)
    assert status == 0
    assert "not checked" not in out
    (tmp_path / "net.pt").write_bytes(b"weights")
    path = tmp_path / "task.yaml"
    text = DEMO.read_text("utf-8").replace(
        "model: rig", "model: " + str(tmp_path / "net.pt")
    )
    path.write_text(f"{text}".replace("engine: onnx", "engine: dlclive"), "utf-8")
    found = json.loads(run(path, "--json")[1])
    assert [each.split(":")[0] for each in found["unchecked"]] == [
        "body parts were not checked",
        "cameras, lines and signals were not checked",
    ]


@pytest.mark.parametrize("parts", [["hip", "nose"], ["nose"]])
def test_the_body_parts_of_an_export(run, tmp_path, parts):
    """A folder of TensorFlow says them without being loaded."""
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "net.pb").write_bytes(b"graph")
    written({"all_joints_names": parts}, folder / "pose_cfg.yaml")
    path = tmp_path / "task.yaml"
    text = DEMO.read_text("utf-8").replace("model: rig", f"model: {folder}")
    path.write_text(text, "utf-8")
    if "hip" in parts:
        assert "body parts" not in run(path)[1]
        return
    with pytest.raises(ConfigError, match=r"keypoint of the model \(nose\), got 'hip'"):
        run(path)


def test_a_line_that_the_sessions_rig_has_not(run, tasks, plain, tmp_path):
    """No fault: the session is played, and nobody is fired at."""
    rule = tasks.take_off(action={"line": "lasr", "pulse_width_us": 500})
    status, out = run(written(tasks.of(rule), tmp_path / "task.yaml"), plain)
    assert status == 0
    assert "did you mean laser?" in " ".join(out.split())


def test_another_task_on_two_sessions(run, tasks, plain, tmp_path):
    rule = tasks.take_off()
    rule["when"]["threshold_px"] = 100
    path = written(tasks.of(rule), tmp_path / "task.yaml")
    status, out = run(path, plain, plain)
    assert status == 0
    assert out.count("another task than the session's own") == 2
    assert out.count("as recorded") == 0


def test_a_session_that_does_not_replay(run, own, plain, monkeypatch, tmp_path):
    """A recorded decision that this version would not make is told, with status 1."""
    from offline.replay import play as replay
    from offline.rules_check import session

    def other(recording, recorded, task, **how):
        found = replay(recording, recorded, task, **how)
        del found.played.decisions[1:]
        return found

    monkeypatch.setattr(session, "play", other)
    status, out = run(own, plain)
    assert status == 1
    assert "not as recorded: 1 of 2 decisions the same, 1 replayed" in out
    assert "first difference: decision 1 (take_off, at " in out


def test_a_picture(run, own, plain, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "rules.png"
    status, out = run(own, plain, "--picture", path)
    assert status == 0
    assert out.endswith(f"wrote {path}\n")
    assert path.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(SpringhareError, match="--force"):
        run(own, plain, "--picture", path)
    assert run(plain, "--picture", path, "--force")[0] == 0


def test_a_picture_counts_what_it_shows(plain, whole, tasks, monkeypatch):
    """Fired, sham and disarmed are told apart; the ticks are in the legend."""
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    from offline.rules_check.picture import draw_rules
    from offline.rules_check.session import Asked, check_session
    from rig.config.task import TaskConfig
    from rig.recording.reader import Recording

    def drawn(folder, task=None, **asked):
        with Recording.open(folder) as recording:
            made = task or recording.info.configs.task
            wish = Asked(**{"truths": {}, "watch": True, **asked})
            checked = check_session(recording, TaskConfig.model_validate(made), wish)
        kept = []
        monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: kept.append(self))
        draw_rules(checked, "x.png")
        (figure,) = kept
        titles = [axis.get_title(loc="left") for axis in figure.axes[1::2]]
        legend = [text.get_text() for text in figure.legends[0].get_texts()]
        return checked.figures, titles, legend

    figures, titles, legend = drawn(whole, rules=("quick",))
    (quick,) = figures.rules
    assert quick.truth is None
    for name in ("fired", "disarmed"):
        count = getattr(quick, name)
        assert (f"{count} {name}" in titles[0]) is (count > 0)
    assert {"decided", "action", "threshold"} <= set(legend)
    _, titles, legend = drawn(plain)
    assert titles[0].startswith("2 true events: decided ")
    assert "true" in legend
    once = tasks.of(tasks.take_off(refractory_ms=5000))
    assert drawn(plain, once)[1][0].startswith("1 true event: decided ")


def test_what_is_wrong_is_said(run, own, plain, tmp_path, tasks):
    with pytest.raises(ConfigError, match=r"Expected a rule of bench \(take_off\)"):
        run(own, "--rule", "take")
    with pytest.raises(SessionError, match=r"no session\.h5"):
        run(own, tmp_path)
    paw = tasks.of(tasks.take_off(camera="paw"), cameras=["paw"])
    with pytest.raises(SessionError, match="Expected poses of paw"):
        run(written(paw, tmp_path / "paw.yaml"), plain)
    for words in (
        ["--truth", "take_off"],
        ["--labels", own],
        ["--picture", tmp_path / "p.png"],
        [plain, plain, "--picture", tmp_path / "p.png"],
    ):
        with pytest.raises(Exception, match=r"expected (RULE=EVENT|one SESSION)"):
            run(own, *words)
    bad = tasks.of(tasks.take_off(debounce=3, refractory_ms=-1))
    with pytest.raises(ConfigError) as caught:
        run(written(bad, tmp_path / "bad.yaml"))
    assert "debounce" in str(caught.value)
    assert "refractory_ms" in str(caught.value)


def test_a_session_of_an_unknown_task(run, plain, tmp_path):
    folder = shutil.copytree(plain, tmp_path / "copy")
    path = folder / "session.json"
    plainly = json.loads(path.read_text())
    plainly["configs"]["task"]["rules"][0]["colour"] = "red"
    path.write_text(json.dumps(plainly))
    with pytest.raises(SessionError, match=r"this version understands:\n.*colour"):
        run(folder)
