import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent

from rig.monitor.feed import Look
from rig.monitor.window.canvas import Canvas
from rig.monitor.window.style import RULE, TEXT, part_colour


def look(step=1, **known):
    picture = np.full((240, 320), 60, np.uint8)[::step, ::step]
    return Look(picture, step, 7, 1.0, **known)


def keypoints(*likelihoods):
    places = [(50.0, 60.0), (160.0, 90.0), (250.0, 200.0)]
    return np.array(
        [(*at, p) for at, p in zip(places, likelihoods, strict=True)], np.float32
    )


@pytest.fixture
def canvas(qtbot, camera):
    canvas = Canvas(camera)
    canvas.overlay.show_rules = False
    canvas.resize(640, 480)
    qtbot.addWidget(canvas)
    canvas.show()
    return canvas


def colour_at(canvas, x, y):
    image = canvas.grab().toImage()
    at = canvas.place.point(x, y) * image.devicePixelRatio()
    return image.pixelColor(round(at.x()), round(at.y()))


def distance(one, other):
    other = QColor(other)
    return max(
        abs(one.red() - other.red()),
        abs(one.green() - other.green()),
        abs(one.blue() - other.blue()),
    )


def test_the_picture_fills_the_canvas_and_keeps_its_shape(canvas):
    canvas.resize(900, 480)
    place = canvas.place
    assert place.scale == 2.0
    assert place.rect(0, 0, 320, 240).height() == 480
    assert place.rect(0, 0, 320, 240).center() == QPointF(450, 240)


def test_a_keypoint_is_drawn_in_its_colour_where_it_is(canvas):
    canvas.show_look(look(keypoints=keypoints(1, 1, 1)))
    for part, (x, y, _) in enumerate(keypoints(1, 1, 1).tolist()):
        assert distance(colour_at(canvas, x, y), part_colour(part)) < 12


def test_an_unlikely_keypoint_is_faint(canvas):
    canvas.show_look(look(keypoints=keypoints(1, 1, 0.05)))
    seen = colour_at(canvas, 250, 200)
    assert distance(seen, part_colour(2)) > 60
    assert distance(seen, QColor(60, 60, 60)) < 60


def test_a_keypoint_that_is_not_trusted_is_hollow(canvas):
    marks = np.array([0, 0, 2], np.uint8)
    canvas.show_look(look(keypoints=keypoints(1, 1, 1), marks=marks))
    assert distance(colour_at(canvas, 250, 200), QColor(60, 60, 60)) < 12
    assert distance(colour_at(canvas, 250 + 2, 200), part_colour(2)) < 90


def test_one_that_is_nowhere_is_left_out(canvas):
    lost = keypoints(1, 1, 1)
    lost[1] = np.nan
    canvas.show_look(look(keypoints=lost))
    assert distance(colour_at(canvas, 50, 60), part_colour(0)) < 12


def test_bones_join_what_is_seen(canvas):
    canvas.show_look(look(keypoints=keypoints(1, 1, 1)))
    middle = colour_at(canvas, 105, 75)
    assert distance(middle, QColor(60, 60, 60)) > 40


def test_each_nth_pixel_lies_where_it_was_taken_from(canvas, camera):
    picture = np.zeros((240, 320), np.uint8)
    picture[120, 160] = 255
    canvas.show_look(Look(picture, 1, 7, 1.0))
    whole = colour_at(canvas, 160, 120).red()
    canvas.show_look(Look(picture[::4, ::4], 4, 7, 1.0))
    assert whole == colour_at(canvas, 160, 120).red() == 255


def test_thresholds_and_the_box_are_drawn(canvas):
    canvas.overlay.show_rules = True
    canvas.show_look(look(box_px=(100, 100, 200, 180)))
    assert distance(colour_at(canvas, 300, 120), RULE) < 12
    edge = [colour_at(canvas, x, 99.5) for x in range(120, 150)]
    assert min(distance(seen, TEXT) for seen in edge) < 12


def test_the_wheel_zooms_about_the_pointer_and_zooms_out_again(canvas):
    canvas.show_look(look())
    at = QPointF(500, 100)
    before = canvas.place
    under = (at.x() - before.left) / before.scale, (at.y() - before.top) / before.scale
    canvas.wheelEvent(
        QWheelEvent(
            at,
            at,
            QPoint(),
            QPoint(0, 480),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
    )
    assert canvas.place.scale > before.scale
    again = canvas.place.point(*under)
    assert (again - at).manhattanLength() < 1e-6
    canvas.show_all()
    assert canvas.place == before


def test_no_more_pixels_are_asked_for_than_the_screen_shows(canvas):
    assert canvas.step == 1
    canvas.resize(110, 80)
    assert canvas.step == 3


def test_levels_and_deep_pictures(canvas):
    deep = np.full((240, 320), 2048, np.uint16)
    deep[0, 0] = 4096
    canvas.show_look(Look(deep, 1, 7, 1.0))
    assert abs(colour_at(canvas, 100, 100).red() - 127) <= 1
    canvas.levels = (2000.0, 2100.0)
    canvas.update()
    assert abs(colour_at(canvas, 100, 100).red() - 122) <= 2
    canvas.levels = None
    canvas.show_look(Look(np.full((240, 320, 3), (10, 200, 30), np.uint8), 1, 7, 1.0))
    assert colour_at(canvas, 100, 100) == QColor(10, 200, 30)
