import pytest
from PySide6.QtCore import QSettings, Qt

from rig.monitor.control.past import PastSession
from rig.monitor.health import Level
from rig.monitor.window.past_list import PastSessions, worth
from rig.recording.hdf5 import write_session_file
from rig.recording.ledger import Ledger, StreamLedger
from rig.recording.sidecar import SessionInfo, write_sidecar


@pytest.fixture(autouse=True)
def own_settings(tmp_path):
    QSettings.setPath(
        QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path)
    )


@pytest.fixture
def root(tmp_path):
    """Three sessions: one good, one that lost something, one cut off."""
    for day, (verdict, lost) in enumerate((("PASS", 0), ("FAIL", 3), (None, 0)), 1):
        name = f"2026-03-{day:02}_07-00-00_jump"
        folder = tmp_path / "m1" / name
        folder.mkdir(parents=True)
        info = SessionInfo(
            session_id=f"m1_{name}",
            subject="m1",
            task="jump",
            started_utc=f"2026-03-{day:02}T07:00:00+00:00",
            started_host_ns=10,
            state="complete" if verdict else "recording",
            verdict=verdict,
            finished_utc=f"2026-03-{day:02}T07:12:05+00:00" if verdict else None,
        )
        ledger = verdict and Ledger(
            verdict=verdict,
            reason=f"lost {lost} frames",
            closes=True,
            ended="stopped in order",
            streams={"events/daq": StreamLedger(published=9, recorded=9, lost=lost)},
        )
        write_session_file(
            folder / "session.h5",
            info.attributes,
            [],
            ledger=ledger and ledger.to_json(),
        )
        write_sidecar(folder, info)
    return tmp_path


@pytest.fixture
def shown(qtbot, root):
    widget = PastSessions(roots=(root,))
    qtbot.addWidget(widget)
    widget.resize(700, 300)
    with qtbot.waitActive(widget):
        widget.show()
        widget.activateWindow()
    return widget


def _cells(widget, row):
    table = widget.table
    return [table.item(row, k).text() for k in range(table.columnCount())]


def test_sessions_are_listed_newest_first_with_their_worth(shown):
    assert shown.table.rowCount() == 3
    verdicts = [_cells(shown, row)[0] for row in range(3)]
    assert verdicts == ["■ cut off", "■ FAIL", "● PASS"]
    assert _cells(shown, 1)[1] == "m1"
    assert _cells(shown, 1)[3:] == ["12:05", "3", "jump"]


def test_why_a_session_is_worth_that_is_told_of_the_chosen_one(shown):
    shown.table.setCurrentCell(1, 0)
    assert "lost 3 frames" in shown.about.text()
    shown.table.setCurrentCell(0, 0)
    assert "springhare recover" in shown.about.text()


def test_a_double_click_opens_a_session(shown, qtbot, root):
    item = shown.table.item(2, 1)
    place = shown.table.visualItemRect(item).center()
    view = shown.table.viewport()
    with qtbot.waitSignal(shown.opened) as opened:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
        qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=place)
    assert opened.args == [root / "m1" / "2026-03-01_07-00-00_jump"]


def test_the_keyboard_opens_a_session(shown, qtbot, root):
    shown.table.setFocus()
    shown.table.setCurrentCell(0, 0)
    qtbot.keyClick(shown.table, Qt.Key.Key_Down)
    with qtbot.waitSignal(shown.opened) as opened:
        qtbot.keyClick(shown.table, Qt.Key.Key_Return)
    assert opened.args == [root / "m1" / "2026-03-02_07-00-00_jump"]


def test_reload_shows_what_has_come_since(shown, root):
    (root / "m2" / "2026-03-09_07-00-00_jump").mkdir(parents=True)
    shown.reload()
    assert _cells(shown, 0)[:2] == ["■ damaged", "m2"]


def test_what_stands_beside_a_session_that_was_shown_is_listed_too(
    qtbot, root, tmp_path
):
    elsewhere = tmp_path / "none-yet"
    elsewhere.mkdir()
    widget = PastSessions(roots=(elsewhere,))
    qtbot.addWidget(widget)
    widget.reload()
    assert widget.table.rowCount() == 0
    widget.add_session(root / "any" / "session")
    widget.reload()
    assert widget.table.rowCount() > 0


def test_no_session_is_said_in_words(qtbot, tmp_path):
    widget = PastSessions(roots=(tmp_path,))
    qtbot.addWidget(widget)
    widget.reload()
    assert widget.about.text() == "No session here yet."


@pytest.mark.parametrize(
    ("state", "verdict", "level", "words"),
    [
        ("complete", "PASS", Level.GOOD, "● PASS"),
        ("complete", "WARN", Level.WATCH, "▲ WARN"),
        ("complete", "FAIL", Level.BAD, "■ FAIL"),
        ("salvaged", "WARN", Level.WATCH, "▲ WARN, salvaged"),
        ("recording", None, None, "○ recording"),
        ("cut off", None, Level.BAD, "■ cut off"),
        ("damaged", "PASS", Level.BAD, "■ damaged"),
    ],
)
def test_each_worth_has_a_shape_and_a_word_of_its_own(
    tmp_path, state, verdict, level, words
):
    session = PastSession(tmp_path, state, "m1", verdict=verdict)
    assert worth(session) == (level, words)
