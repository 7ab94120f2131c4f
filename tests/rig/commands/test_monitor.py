import json

import pytest
from click.testing import CliRunner

from rig import cli
from rig.bus.directory import StreamDirectory
from rig.bus.keys import make_keys


@pytest.fixture(autouse=True)
def shm(tmp_path, monkeypatch):
    """Shared memory of our own: no session runs in it."""
    monkeypatch.setenv("SPRINGHARE_SHM", str(tmp_path / "shm"))


@pytest.fixture
def session(tmp_path):
    """A session that this process runs, or seems to."""

    def make(name):
        folder = tmp_path / "data" / name
        return StreamDirectory.create(name, folder)

    return make


def test_json_without_a_session_ends_with_2(capsys):
    assert cli.main(["monitor", "--json"]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert "Expected a running session, got none" in found.err


@pytest.mark.parametrize("way", ["--json", "--terminal"])
def test_a_session_that_is_not_there(session, capsys, way):
    session("jump")
    assert cli.main(["monitor", "reach", way]) == 2
    assert "named 'reach', got jump" in capsys.readouterr().err


@pytest.mark.parametrize("way", ["--json", "--terminal"])
def test_of_several_one_must_be_named(session, capsys, way):
    session("jump")
    session("reach")
    assert cli.main(["monitor", way]) == 2
    err = capsys.readouterr().err
    assert "jump" in err
    assert "name one" in err


@pytest.mark.slow
def test_a_server_that_is_not_there(tmp_path, capsys):
    _, viewer = make_keys(tmp_path / "keys")
    words = [
        "monitor",
        "--remote",
        "tcp://127.0.0.1:1",
        "--keys",
        str(viewer),
        "--json",
    ]
    assert cli.main(words) == 2
    assert "tcp://127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["jump", "--remote", "tcp://x:1"], "--remote, got several"),
        (["jump", "--rig", "demo"], "--remote, got several"),
        (["--keys", "."], "expected --remote with --keys"),
        (["--terminal", "--screenshot", "x.png"], "--screenshot without --terminal"),
        (["jump", "--terminal", "--forever"], "--forever without a SESSION"),
        (["--after", "-1"], "not in the range"),
    ],
)
def test_options_that_do_not_go_together(words, message, capsys):
    assert cli.main(["monitor", *words]) == 2
    assert message in capsys.readouterr().err


def test_without_a_display_the_terminal_is_pointed_at(monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["monitor"]) == 2
    assert "springhare monitor --terminal" in capsys.readouterr().err


def test_a_session_that_is_being_made_ready_is_no_alarm(session, monkeypatch):
    monkeypatch.setattr("rig.commands.monitor_terminal._ANSWER_WITHIN_S", 0.0)
    session("120000-jump")
    session("120001-reach")
    done = CliRunner().invoke(cli.cli, ["monitor", "--rig", "jump", "--json"])
    found = json.loads(done.output)
    assert found["session"] == "120000-jump"
    assert found["level"] == "good"
    assert found["headline"] == "being made ready"
    assert found["status"] is None
