from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from rig.monitor.health import Health, Level, Light
from rig.monitor.window.banner import Banner
from rig.monitor.window.lights import Lights


def health(level=Level.GOOD, reason=""):
    return Health(
        [
            Light("session", "session", Level.GOOD, ("recording",)),
            Light("nodes", "left", level, ("running", "0.1 s", "20 %"), reason),
            Light("streams", "cameras/left", Level.GOOD, ("100", "3 ms", "0", "1 %")),
        ]
    )


def texts(lights):
    found = []
    for k in range(lights.topLevelItemCount()):
        group = lights.topLevelItem(k)
        if group.isHidden():
            continue
        found.append([group.text(0)])
        found += [
            [group.child(i).text(c) for c in range(5)]
            for i in range(group.childCount())
        ]
    return found


def test_each_light_is_a_row_in_its_group(qtbot):
    lights = Lights()
    qtbot.addWidget(lights)
    lights.show_health(health())
    rows = texts(lights)
    assert [row[0] for row in rows if len(row) == 1] == ["session", "nodes", "streams"]
    assert ["● left", "running", "0.1 s", "20 %", ""] in rows


def test_a_reason_comes_under_its_light_and_goes_again(qtbot):
    lights = Lights()
    qtbot.addWidget(lights)
    lights.show_health(health(Level.BAD, "died: signal 9"))
    rows = [row[0] for row in texts(lights)]
    assert rows[rows.index("■ left") + 1].strip() == "died: signal 9"
    lights.show_health(health())
    rows = [row[0] for row in texts(lights)]
    assert "● left" in rows
    assert not any("died" in row for row in rows)


def test_what_is_no_more_is_taken_away(qtbot):
    lights = Lights()
    qtbot.addWidget(lights)
    lights.show_health(health())
    lights.show_health(Health(health().lights[:1]))
    assert [row[0] for row in texts(lights)] == ["session", "● session"]


def test_all_of_it_is_text_for_the_clipboard(qtbot):
    lights = Lights()
    qtbot.addWidget(lights)
    lights.show_health(health(Level.WATCH, "silent for 2 s"))
    qtbot.keyClick(lights, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().text()
    assert "WATCH: left: silent for 2 s" in copied
    assert "cameras/left" in copied


def test_the_banner_says_the_worst_in_a_word_a_shape_and_a_sentence(qtbot):
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_health(health(Level.BAD, "died: signal 9"), 61.0, "m1")
    assert banner.text == "■ BAD left: died: signal 9"
    banner.show_health(health(), 62.0, "m1")
    assert banner.text.startswith("● all good")


def test_the_banner_is_green_only_while_something_is_recorded(qtbot):
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_health(health(), 61.0, "m1")
    green = banner.styleSheet()
    over = Light("session", "session", Level.GOOD, ("ended: PASS",))
    banner.show_health(Health([over, *health().of("streams")]), 62.0, "m1")
    assert banner.text.startswith("○ ended: PASS, ")
    assert banner.styleSheet() != green
    banner.rest("no session is running")
    assert banner.text == "○ no session is running"
    assert banner.styleSheet() != green
    banner.show_health(health(), 1.0, "m2")
    assert banner.styleSheet() == green
