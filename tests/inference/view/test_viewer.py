import numpy as np
import pytest

from inference.view.box import Box
from inference.view.viewer import Glance, Viewer, look_together
from rig.config.task import InferenceConfig
from rig.errors import ModelError

FRAME_NS = 10_000_000


class Spots:
    """Finds the brightest pixel and calls it by two names, three apart."""

    name, sha256, bodyparts, provider = "spots", "0" * 64, ("nose", "tail"), "test"
    align_px = 16

    def __init__(self):
        self.shapes = []
        self.warmed = []

    def warm_up(self, height, width, channels):
        self.warmed.append((height, width, channels))

    def infer(self, frame):
        self.shapes.append(frame.shape[:2])
        flat = frame if frame.ndim == 2 else frame.max(axis=2)
        y, x = np.unravel_index(flat.argmax(), flat.shape)
        likelihood = flat.max() / 255
        return np.array([[x, y, likelihood], [x + 3, y, likelihood]], np.float32)

    def close(self):
        pass


class BatchSpots(Spots):
    batches = True

    def __init__(self):
        super().__init__()
        self.together = []

    def infer_together(self, frames):
        self.together.append([frame.shape for frame in frames])
        return [self.infer(frame) for frame in frames]


DYNAMIC = {"body_px": 20, "margin_px": 40, "whole_every_s": 10}


def viewer(model, dynamic=DYNAMIC, height=480, width=640, channels=1, **others):
    config = InferenceConfig(
        model="m.onnx", cameras=("left",), dynamic_crop=dynamic, **others
    )
    return Viewer(model, config, height, width, channels)


def frame(x, y, height=480, width=640):
    pixels = np.zeros((height, width), np.uint8)
    pixels[y, x] = 255
    return pixels


def test_sees_everything_without_a_crop():
    eye = viewer(Spots(), dynamic=None)
    look = eye.look(frame(300, 200), 0)
    assert look.keypoints.tolist() == [[300, 200, 1], [303, 200, 1]]
    assert (look.box, look.looks) == ((0, 0, 640, 480), 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_fixed_crop_answers_in_pixels_of_the_frame(channels):
    model = Spots()
    eye = viewer(model, None, channels=channels, crop_px=(100, 50, 420, 290))
    eye.warm_up()
    pixels = frame(300, 200)
    if channels == 3:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    look = eye.look(pixels, 0)
    assert look.keypoints[0].tolist() == [300, 200, 1]
    assert look.box == (100, 50, 420, 290)
    assert model.warmed == [(240, 320, channels)]


def test_dynamic_crop_answers_in_pixels_of_the_frame_and_sees_less():
    model = Spots()
    eye = viewer(model)
    for k in range(20):
        look = eye.look(frame(200 + 5 * k, 100 + 4 * k), k * FRAME_NS)
        assert look.keypoints[0].tolist() == [200 + 5 * k, 100 + 4 * k, 1]
    assert model.shapes[0] == (480, 640)
    assert set(model.shapes[1:]) == {(128, 128)}
    assert (eye.whole_looks, eye.second_looks) == (1, 0)


def test_looks_again_at_the_same_frame():
    model = Spots()
    eye = viewer(model)
    eye.look(frame(100, 100), 0)
    eye.look(frame(100, 100), FRAME_NS)
    look = eye.look(frame(600, 400), 2 * FRAME_NS)
    assert look.keypoints[0].tolist() == [600, 400, 1]
    assert (look.box, look.looks) == ((0, 0, 640, 480), 2)
    assert model.shapes[-2:] == [(128, 128), (480, 640)]
    assert (eye.whole_looks, eye.second_looks) == (2, 1)


def test_both_crops_go_together():
    """dlclive's do not: its window is in the wrong coordinates then."""
    within = Box(100, 50, 420, 290)
    eye = viewer(Spots(), crop_px=within)
    for k in range(12):
        look = eye.look(frame(150 + 20 * k, 70 + 15 * k), k * FRAME_NS)
        assert look.keypoints[0].tolist() == [150 + 20 * k, 70 + 15 * k, 1]
        assert within.holds(look.box)
    assert look.box != within


def test_a_float_margin_is_as_good_as_any():
    eye = viewer(Spots(), {**DYNAMIC, "margin_px": 40.5})
    for k in range(3):
        assert eye.look(frame(200, 100), k * FRAME_NS).keypoints[0, 0] == 200


def test_the_gates_say_what_is_followed():
    model = Spots()
    asked = []

    def trust(keypoints, exposure_ns):
        asked.append(exposure_ns)
        return np.zeros(2, bool)

    config = InferenceConfig(model="m.onnx", cameras=("left",), dynamic_crop=DYNAMIC)
    eye = Viewer(model, config, 480, 640, 1, trust)
    for k in range(3):
        eye.look(frame(200, 100), k * FRAME_NS)
    assert asked == [0, FRAME_NS, 2 * FRAME_NS]
    assert set(model.shapes) == {(480, 640)}  # nothing can be trusted: no box


def test_keypoints_that_are_not_finite_are_not_followed():
    class Lost(Spots):
        def infer(self, frame):
            return np.full((2, 3), np.nan, np.float32)

    eye = viewer(Lost())
    for k in range(3):
        assert eye.look(frame(200, 100), k * FRAME_NS).box == (0, 0, 640, 480)


def test_nobody_else_moves_the_box():
    """What is done to a pose afterwards does not come back: dlclive's does."""
    eye = viewer(Spots())
    for k in range(3):
        look = eye.look(frame(200, 100), k * FRAME_NS)
        look.keypoints[:, :2] += 5000
    assert look.looks == 1
    assert eye.look(frame(200, 100), 3 * FRAME_NS).keypoints[0, 0] == 200


def test_warms_up_few_shapes_where_shapes_are_cheap_and_all_where_not():
    cheap, dear = Spots(), Spots()
    dear.dear_shapes = True
    eyes = [viewer(model) for model in (cheap, dear)]
    for eye in eyes:
        eye.warm_up()
    assert (480, 640, 1) in cheap.warmed
    assert len(cheap.warmed) <= 20
    sides = {height for height, _, _ in dear.warmed}
    widths = {width for _, width, _ in dear.warmed}
    assert len(dear.warmed) == len(sides) * len(widths)
    for k in range(30):
        eyes[1].look(frame(100 + 15 * k, 100), k * FRAME_NS)
    assert {(*shape, 1) for shape in dear.shapes} <= set(dear.warmed)


def test_usual_picture_is_that_of_an_animal_in_the_middle():
    assert viewer(Spots(), None).usual_picture().shape == (480, 640)
    usual = viewer(Spots(), {"body_px": 100, "margin_px": 60}, channels=3)
    height, width, channels = usual.usual_picture().shape
    assert channels == 3
    assert 220 <= height <= 260
    assert 220 <= width <= 260
    huge = viewer(Spots(), {"body_px": 2000})
    assert huge.usual_picture().shape == (480, 640)


BAD_CROPS = [(8, 4, 700, 28), (-1, 0, 64, 64), (8, 4, 8, 28), (0, 0, 64, 481)]


@pytest.mark.parametrize("crop", BAD_CROPS)
def test_refuses_a_crop_outside_the_frame(crop):
    with pytest.raises(ModelError, match=r"inside the picture of 640 x 480 px, got"):
        viewer(Spots(), None, crop_px=crop)


def test_corner_steps_fit_the_resized_picture():
    model = Spots()
    eye = viewer(model, resize=0.5)
    for k in range(40):
        box = eye.look(frame(100 + 10 * k, 240), k * FRAME_NS).box
        assert box.x0 % 32 == 0 or box.x1 == 640


class TestTogether:
    def test_one_batch_where_the_network_takes_one(self):
        model = BatchSpots()
        eyes = [viewer(model, None) for _ in range(3)]
        looks = look_together(
            [Glance(eye, frame(50 * k, 9), 0) for k, eye in enumerate(eyes)]
        )
        assert [look.keypoints[0, 0] for look in looks] == [0, 50, 100]
        assert model.together == [[(480, 640)] * 3]

    def test_one_after_the_other_where_not(self):
        model = BatchSpots()
        model.batches = False
        eyes = [viewer(model, None) for _ in range(2)]
        looks = look_together([Glance(eye, frame(7, 9), 0) for eye in eyes])
        assert [look.keypoints[0, 0] for look in looks] == [7, 7]
        assert model.together == []

    def test_only_who_lost_the_animal_looks_again(self):
        model = BatchSpots()
        eyes = [viewer(model) for _ in range(3)]
        for k in range(2):
            look_together([Glance(eye, frame(100, 100), k * FRAME_NS) for eye in eyes])
        places = [(105, 100), (600, 400), (96, 100)]
        looks = look_together(
            [
                Glance(eye, frame(*place), 2 * FRAME_NS)
                for eye, place in zip(eyes, places, strict=True)
            ]
        )
        assert [look.looks for look in looks] == [1, 2, 1]
        assert [tuple(look.keypoints[0, :2]) for look in looks] == places
        assert [eye.second_looks for eye in eyes] == [0, 1, 0]
