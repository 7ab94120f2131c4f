import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from rig.monitor.feed import Mark, PointsNow, Series
from rig.monitor.health import Health
from rig.monitor.window.sheet import ValueRange
from rig.monitor.window.space import SpaceView, turned
from rig.monitor.window.style import MARK_COLOURS, trace_colour
from rig.monitor.window.traces import Traces


class MemoryFeed:
    """Ten minutes of which all is known: 200 Hz poses, EMG, forces, pulses, marks."""

    now_s, health = 100.0, Health()

    def __init__(self, shown, marks=()):
        self.shown, self.marks = shown, list(marks)

    def samples(self, signal, start_s, end_s):
        rate_hz = self.shown.signal(signal).rate_hz
        times_s = np.arange(max(start_s, 0), min(end_s, self.now_s), 1 / rate_hz)
        n = len(self.shown.signal(signal).channels)
        values = np.sin(20 * times_s)[:, None] * np.arange(1, n + 1) * 100
        return Series(times_s, values)

    def poses(self, camera, start_s, end_s):
        times_s = np.arange(max(start_s, 0), min(end_s, self.now_s), 1 / 200)
        poses = np.ones((len(times_s), 3, 3), np.float32)
        poses[:, :, :2] = 100 + 50 * np.sin(times_s)[:, None, None]
        return Series(times_s, poses)

    def feature(self, name, start_s, end_s):
        return Series(np.zeros(0), np.zeros(0))

    def pulses(self, device, line, start_s, end_s):
        times_s = np.arange(max(start_s, 0), min(end_s, self.now_s), 1 / 30)
        return Series(times_s, np.diff(times_s, prepend=np.nan))

    def happened(self, start_s, end_s):
        return [mark for mark in self.marks if start_s <= mark.at_s <= end_s]

    def points(self):
        points = np.array([[0, 0, 10], [10, 0, 20], [np.nan] * 3], np.float32)
        return PointsNow(self.now_s, points, np.array([0.4, 0.5, np.nan], np.float32))


@pytest.fixture
def traces(qtbot, shown):
    traces = Traces(shown)
    traces.resize(900, 420)
    qtbot.addWidget(traces)
    traces.show()
    return traces


def colours(widget):
    image = widget.grab().toImage()
    return {
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(image.height())
    }


def test_every_lane_draws_what_it_has(traces, shown):
    marks = [
        Mark(98.0, "fired", "up fired", "up"),
        Mark(97.0, "sham", "up sham", "up"),
        Mark(96.0, "suppressed", "up suppressed age"),
        Mark(95.0, "note", "licked"),
    ]
    traces.refresh(MemoryFeed(shown, marks))
    seen = colours(traces)
    for number in (0, 1, 2, 3):
        assert trace_colour(number) in seen
    for kind in ("fired", "sham", "note"):
        assert MARK_COLOURS[kind] in seen


def test_the_same_picture_of_nothing_is_no_fault(traces, shown):
    feed = MemoryFeed(shown)
    feed.now_s = -1.0
    traces.refresh(feed)
    traces.grab()


def test_paused_the_time_stands_still_while_the_session_goes_on(traces, shown):
    feed = MemoryFeed(shown)
    traces.refresh(feed)
    traces.pause(paused=True)
    feed.now_s = 120.0
    traces.refresh(feed)
    assert traces.end_s == 100.0
    traces.pause(paused=False)
    traces.refresh(feed)
    assert traces.end_s == 120.0


def test_dragging_looks_back_and_tells(qtbot, traces, shown):
    traces.refresh(MemoryFeed(shown))
    with qtbot.waitSignal(traces.scrolled):
        qtbot.mousePress(traces, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
        qtbot.mouseMove(traces, QPoint(650, 200))
        qtbot.mouseRelease(traces, Qt.MouseButton.LeftButton, pos=QPoint(650, 200))
    assert traces.paused
    assert traces.end_s == pytest.approx(95.0, abs=0.1)


def test_the_span_has_limits(traces):
    for _ in range(30):
        traces.widen(1)
    assert traces.span_s == 300.0
    for _ in range(30):
        traces.widen(-1)
    assert traces.span_s == 0.5


def test_a_range_does_not_tremble():
    shown = ValueRange(1.0)
    assert shown.show(0, 10) == (0, 10)
    assert shown.show(1, 9.5) == (0, 10)
    assert shown.show(1, 11) == (1, 11)
    assert shown.show(5, 5.2) == (4.6, 5.6)


def test_from_the_front_right_is_right_and_up_is_up():
    corner = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_allclose(turned(corner, 0, 0)[0], [1, 3, -2], atol=1e-12)
    np.testing.assert_allclose(turned(corner, 90, 0)[0], [2, 3, 1], atol=1e-12)
    np.testing.assert_allclose(turned(corner, 0, 90)[0], [1, 2, 3], atol=1e-12)


def test_the_skeleton_in_space_is_drawn(qtbot, shown):
    view = SpaceView(shown)
    view.resize(300, 300)
    qtbot.addWidget(view)
    view.refresh(MemoryFeed(shown))
    assert "#56b4e9" in colours(view)
