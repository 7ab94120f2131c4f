import av
import numpy as np
import pytest

pytest.importorskip("PySide6")

from PySide6.QtCore import Qt

from rig.monitor.feed import Look
from rig.monitor.recorded import RecordedFeed
from rig.monitor.recorded.clip import Still
from rig.monitor.shown import ShownCamera
from rig.monitor.window.clip import ClipDialog, ClipPainter
from sync.clock import ManualClock


@pytest.fixture
def dialog(small_session, tmp_path, qtbot):
    feed = RecordedFeed(small_session, ManualClock())
    feed.seek(1.0)
    dialog = ClipDialog(feed, tmp_path)
    qtbot.addWidget(dialog)
    dialog.show()
    yield dialog
    feed.close()


def test_it_proposes_half_a_second_around_this_moment(dialog, tmp_path):
    request = dialog.request
    assert (request.start_s, request.end_s) == (0.5, 1.5)
    assert request.cameras == ("left", "top")
    assert request.path == tmp_path / "small_1.0s.mp4"


def test_it_makes_the_film_that_was_asked_for(dialog, qtbot):
    dialog.speed.setValue(1.0)
    dialog.fps.setValue(10)
    dialog.cameras.item(1).setCheckState(Qt.CheckState.Unchecked)
    dialog.make.click()
    qtbot.waitUntil(lambda: dialog.words.text().startswith("written"))
    with av.open(str(dialog.request.path)) as film:
        pictures = [frame.width for frame in film.decode(video=0)]
    assert len(pictures) == 10
    assert pictures[0] < 2 * 64
    assert dialog.bar.value() == dialog.bar.maximum() == 10
    assert dialog.make.isEnabled()


def test_giving_up_leaves_nothing_and_the_second_time_closes(dialog, tmp_path):
    dialog.make.click()
    assert not dialog.make.isEnabled()
    dialog.shut.click()
    assert dialog.isVisible()
    assert "given up" in dialog.words.text()
    assert not list(tmp_path.iterdir())
    dialog.shut.click()
    assert not dialog.isVisible()


def test_what_is_wrong_is_said_in_the_dialog(dialog):
    dialog.end.setValue(0.1)
    dialog.make.click()
    assert "Expected a clip that ends after it begins" in dialog.words.text()
    assert dialog.make.isEnabled()


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (np.full((100, 120), 90, np.uint8), (90, 90, 90)),
        (np.full((100, 120, 3), (10, 200, 30), np.uint8), (10, 200, 30)),
        (np.full((100, 120), 1000, np.uint16), (255, 255, 255)),
    ],
)
def test_grey_colours_and_deep_pictures_are_painted(qapp, picture, expected):
    painter = ClipPainter([ShownCamera("a", 120, 100, 100.0)])
    look = Look(picture, 1, 0, 0.0)
    canvas = painter(Still(0.0, [look], ""))
    assert tuple(canvas[painter.border + 90, painter.border + 110]) == expected
    blank = painter(Still(0.0, [None], ""))
    assert blank.shape == canvas.shape
    assert tuple(blank[painter.border + 90, painter.border + 110]) != expected
