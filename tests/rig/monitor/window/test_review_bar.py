import pytest

pytest.importorskip("PySide6")

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QMainWindow

from rig.monitor.health import Level
from rig.monitor.recorded import RecordedFeed
from rig.monitor.window.review_bar import SPEEDS, ReviewBar, parse_time
from rig.monitor.window.review_window import ReviewWindow
from rig.monitor.window.style import LEVEL_INKS, MARK_COLOURS
from sync.clock import ManualClock

Key, Shift, Control = (
    Qt.Key,
    Qt.KeyboardModifier.ShiftModifier,
    (Qt.KeyboardModifier.ControlModifier),
)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def feed(small_session, clock):
    feed = RecordedFeed(small_session, clock)
    feed.look_everywhere()
    yield feed
    feed.close()


@pytest.fixture
def bar(feed, qtbot):
    window = QMainWindow()
    bar = ReviewBar(feed)
    window.setCentralWidget(bar)
    qtbot.addWidget(window)
    window.resize(1000, bar.sizeHint().height())
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    bar.timeline.setFocus()
    yield bar
    window.close()


@pytest.fixture
def press(bar, qtbot):
    def press(key, modifier=Qt.KeyboardModifier.NoModifier):
        qtbot.keyClick(bar.window(), key, modifier)

    return press


def test_keys_jump_to_the_next_of_each_kind_and_back(bar, feed, known, press):
    feed.seek(0.0)
    for key, modifier, expected in (
        (Key.Key_F, None, known.fired_s),
        (Key.Key_F, None, known.sham_s),
        (Key.Key_F, Shift, known.fired_s),
        (Key.Key_G, None, known.exposed_s(119) + 0.003),
        (Key.Key_L, None, known.exposed_s(known.low[0])),
        (Key.Key_N, Shift, known.note_s),
    ):
        press(key, modifier or Qt.KeyboardModifier.NoModifier)
        assert feed.now_s == pytest.approx(float(expected), abs=2e-6), key
    assert "wet" in bar.found.text()
    press(Key.Key_N, Shift)
    assert feed.now_s == pytest.approx(known.note_s)
    assert bar.found.text() == "no note before 1.234 s"


def test_arrows_step_frames_and_with_shift_ten(bar, feed, press):
    feed.seek(0.5)
    frames = []
    for key, modifier in (
        (Key.Key_Right, None),
        (Key.Key_Right, Shift),
        (Key.Key_Left, None),
        (Key.Key_Left, Shift),
    ):
        press(key, modifier or Qt.KeyboardModifier.NoModifier)
        frames.append(feed.look("left").frame_id)
    assert frames == [46, 56, 55, 45]


def test_space_plays_and_pauses_at_the_chosen_speed(bar, feed, clock, press):
    feed.seek(1.0)
    press(Key.Key_Comma)  # slower
    assert SPEEDS[bar.speed.currentIndex()] == 0.5
    press(Key.Key_Space)
    assert feed.playing
    clock.advance(100_000_000)
    feed.poll()
    assert feed.now_s == pytest.approx(1.05)
    press(Key.Key_Period)
    press(Key.Key_Period)
    assert feed.speed == 2.0
    clock.advance(100_000_000)
    feed.poll()
    assert feed.now_s == pytest.approx(1.25)
    press(Key.Key_Space)
    assert not feed.playing


def test_at_the_end_space_begins_anew(bar, feed, press):
    press(Key.Key_End, Control)
    assert feed.now_s == feed.end_s
    press(Key.Key_Space)
    assert feed.playing
    assert feed.now_s == feed.begin_s
    press(Key.Key_Home, Control)
    assert feed.now_s == feed.begin_s


def test_a_time_is_typed_and_letters_in_it_jump_nowhere(bar, feed, press, qtbot):
    press(Key.Key_T)
    assert bar.go_to.hasFocus()
    qtbot.keyClicks(bar.go_to, "0:02.5")
    qtbot.keyClick(bar.go_to, Key.Key_Return)
    assert feed.now_s == 2.5
    press(Key.Key_T)
    qtbot.keyClicks(bar.go_to, "fgn")
    assert feed.now_s == 2.5
    qtbot.keyClick(bar.go_to, Key.Key_Return)
    assert "got 'fgn'" in bar.found.text()
    assert feed.now_s == 2.5


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12.5", 12.5),
        (" 3 s", 3.0),
        ("1:02.5", 62.5),
        ("1:00:02", 3602.0),
        ("1:2:3:4", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("", None),
    ],
)
def test_times_are_seconds_or_as_on_a_watch(text, seconds):
    assert parse_time(text) == seconds


def test_the_time_is_the_sessions_and_the_walls(bar, feed):
    feed.seek(2.0)
    bar.refresh()
    assert bar.time.text().startswith(f"2.000 s of {feed.end_s:.1f} s")
    assert bar.time.text().endswith(":00:02.000")  # it began at the full hour


def test_marks_are_drawn_where_they_are_in_their_colours(bar, feed, known):
    line = bar.timeline
    feed.seek(0.0)
    bar.refresh()
    image = line.grab().toImage()
    ratio = image.devicePixelRatio()

    def colour(at_s, kind):
        point = QPointF(line.x_of(at_s), line.y_of(kind)) * ratio
        found = QColor(image.pixel(point.toPoint()))
        return found.getRgb()[:3]

    def drawn(name):
        return QColor(name).getRgb()[:3]

    low_s = float(known.exposed_s(sum(known.low) / 2))
    assert colour(known.fired_s, "fire") == drawn(MARK_COLOURS["fired"])
    assert colour(known.by_hand_s, "fire") == drawn(MARK_COLOURS["pulse"])
    assert colour(known.note_s, "note") == drawn(MARK_COLOURS["note"])
    gap_s = feed.jumps.of("gap")[0].at_s + 0.02
    assert colour(gap_s, "gap") == drawn(LEVEL_INKS[Level.BAD])
    assert colour(0.5, "fire") != drawn(MARK_COLOURS["fired"])
    assert line.near(QPointF(line.x_of(low_s), line.y_of("low"))).kind == "low"
    assert line.near(QPointF(line.x_of(0.3), line.y_of("low"))) is None
    words = "fired, sham, by hand, gap, low likelihood, note, event"
    assert bar.legend.accessibleName() == words


def test_a_click_on_the_line_goes_there_and_dragging_goes_on(bar, feed, qtbot):
    line = bar.timeline

    def at(seconds):
        return QPoint(round(line.x_of(seconds)), line.height() // 2)

    a_pixel_s = 2 * feed.end_s / line.width()
    qtbot.mouseClick(line, Qt.MouseButton.LeftButton, pos=at(1.5))
    assert feed.now_s == pytest.approx(1.5, abs=a_pixel_s)
    qtbot.mousePress(line, Qt.MouseButton.LeftButton, pos=at(0.5))
    qtbot.mouseMove(line, at(2.0))
    qtbot.mouseRelease(line, Qt.MouseButton.LeftButton, pos=at(2.0))
    assert feed.now_s == pytest.approx(2.0, abs=a_pixel_s)


def test_every_button_has_a_key_that_no_other_has(bar):
    keys = [action.shortcut().toString() for action in bar.actions()]
    assert len(set(keys)) == len(keys)
    assert all(keys)


def test_the_list_of_keys_has_the_bars_too(feed, bar, qtbot):
    window = ReviewWindow(feed)
    qtbot.addWidget(window)
    lines = window.keys.splitlines()
    assert "Space\tPlay or pause" in lines
    assert "F1\tKeys" in lines
    assert len(lines) > len(bar.actions())


def test_a_figure_is_asked_for_where_the_person_wants_it(
    bar, tmp_path, qtbot, monkeypatch
):
    path = tmp_path / "figure.svg"
    monkeypatch.setattr(
        "rig.monitor.window.review_bar.QFileDialog.getSaveFileName",
        lambda *_: (str(path), ""),
    )
    with qtbot.waitSignal(bar.figure_wanted) as told:
        bar.export_figure()
    assert told.args == [path]
    for nothing in ("", str(bar._feed.folder / "figure.png")):
        monkeypatch.setattr(
            "rig.monitor.window.review_bar.QFileDialog.getSaveFileName",
            lambda *_, nothing=nothing: (nothing, ""),
        )
        with qtbot.assertNotEmitted(bar.figure_wanted):
            bar.export_figure()
    assert "outside the recording" in bar.found.text()
