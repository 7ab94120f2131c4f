import sys

from rig.monitor.health import Level
from rig.monitor.window.app import _show_faults
from rig.monitor.window.main import MonitorWindow


def test_a_window_with_a_bug_does_not_go_on_saying_all_good(qtbot, monkeypatch):
    told = []
    monkeypatch.setattr(sys, "excepthook", lambda *what: told.append(what))
    window = MonitorWindow()
    qtbot.addWidget(window)
    _show_faults(window)
    error = KeyError("cameras/left")
    sys.excepthook(KeyError, error, None)
    assert window.banner.level is Level.BAD
    assert "KeyError: 'cameras/left'" in window.banner.text
    assert "the recording goes on" in window.banner.text
    assert told == [(KeyError, error, None)]
