"""`springhare rules check`, as it is called."""

import json
import shutil

import pytest
from ruamel.yaml import YAML

from offline.commands import rules
from rig.config.examples import examples_folder
from rig.errors import ConfigError, SessionError

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
    assert found["doubts"] == found["sessions"] == []


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
    path = tmp_path / "deep" / "rules.png"
    status, out = run(own, plain, "--picture", path)
    assert status == 0
    assert out.endswith(f"wrote {path}\n")
    assert path.read_bytes()[:4] == b"\x89PNG"


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
