import os
import subprocess

import pytest

from rig.commands import window
from rig.commands.window import open_window, require_window, why_no_window
from rig.errors import SessionError


@pytest.fixture
def place(monkeypatch, tmp_path):
    """Say what this machine has: a display, a platform for Qt, some packages."""

    (tmp_path / "shm").mkdir()
    monkeypatch.setenv("SPRINGHARE_SHM", str(tmp_path / "shm"))

    def say(*, display="", wayland="", platform="", missing=()):
        named = {"DISPLAY": display, "WAYLAND_DISPLAY": wayland}
        for name, value in {**named, "QT_QPA_PLATFORM": platform}.items():
            if value:
                monkeypatch.setenv(name, value)
            else:
                monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(
            window, "find_spec", lambda name: None if name in missing else object()
        )

    return say


@pytest.fixture
def started(monkeypatch):
    """What processes would be started."""
    commands = []

    def popen(command, **options):
        commands.append((command, options))

    monkeypatch.setattr(subprocess, "Popen", popen)
    return commands


@pytest.mark.parametrize(
    ("has", "words"),
    [
        ({"display": ":0"}, ""),
        ({"wayland": "wayland-0"}, ""),
        ({"platform": "offscreen"}, ""),
        ({}, "Expected a display"),
        ({"display": ":0", "missing": {"PySide6"}}, "Expected PySide6 for the window"),
        ({"missing": {"PySide6", "pyqtgraph"}}, "Expected PySide6 and pyqtgraph"),
    ],
)
def test_why_there_is_no_window(place, has, words):
    place(**has)
    why = why_no_window()
    assert why.startswith(words)
    assert bool(why) == bool(words)
    if words:
        assert "springhare monitor --terminal" in why


def test_what_is_missing_can_be_installed(place):
    place(missing={"pyqtgraph"})
    with pytest.raises(SessionError, match=r'pip install "springhare\[monitor\]"'):
        require_window()


def test_a_picture_needs_no_display(place):
    place()
    with pytest.raises(SessionError, match="DISPLAY"):
        require_window()
    with pytest.raises(SessionError, match="use springhare review --figure"):
        require_window(instead="springhare review --figure FILE")
    require_window(offscreen=True)
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_a_picture_is_drawn_on_the_display_where_there_is_one(place):
    place(display=":0")
    require_window(offscreen=True)
    assert "QT_QPA_PLATFORM" not in os.environ


@pytest.mark.parametrize(
    ("has", "enabled", "opened"),
    [
        ({"display": ":0"}, None, True),
        ({"display": ":0"}, True, True),
        ({"display": ":0"}, False, False),
        ({}, None, False),
        ({}, True, False),
        ({"display": ":0", "missing": {"PySide6"}}, None, False),
        ({"display": ":0", "platform": "offscreen"}, None, False),
        ({"platform": "offscreen"}, True, True),
    ],
)
def test_a_window_beside_a_session(place, started, has, enabled, opened):
    place(**has)
    open_window("demo", enabled=enabled)
    assert bool(started) == opened


def test_the_window_is_out_of_reach_of_the_terminal(place, started):
    place(display=":0")
    open_window("demo")
    [(command, options)] = started
    assert command[1:] == ["-m", "rig.cli", "monitor", "--rig", "demo"]
    assert options["start_new_session"]
    silent = {options[name] for name in ("stdin", "stdout", "stderr")}
    assert silent == {subprocess.DEVNULL}


def test_a_window_that_is_still_open_is_enough(place, monkeypatch):
    place(display=":0")
    real, windows = subprocess.Popen, []

    def popen(_command, **options):
        windows.append(real(["sleep", "60"], **options))
        return windows[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    try:
        open_window("demo")
        open_window("demo")
        assert len(windows) == 1
        open_window("other")
        assert len(windows) == 2, "each rig has its own"
        windows[0].kill()
        windows[0].wait()
        open_window("demo")
        assert len(windows) == 3, "it was closed"
    finally:
        for process in windows:
            process.kill()
            process.wait()


def test_who_asks_for_a_window_hears_why_there_is_none(place, started, capsys):
    place()
    open_window("demo", enabled=True)
    assert "Expected a display" in capsys.readouterr().err
    open_window("demo")
    assert capsys.readouterr().err == ""


def test_a_window_that_cannot_be_started_harms_nothing(place, monkeypatch, capsys):
    def popen(*_, **__):
        raise OSError(11, "no more processes")

    monkeypatch.setattr(subprocess, "Popen", popen)
    place(display=":0")
    open_window("demo")
    assert "no window" in capsys.readouterr().err
