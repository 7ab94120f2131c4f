"""A crop that loses the animal is found out, and one that does not is believed."""

import numpy as np
import pytest

from inference.bench.following import follow
from inference.view.box import Box
from inference.view.viewer import Look
from rig.errors import ModelError

WITHIN = Box(0, 0, 640, 480)
ANIMAL = np.array(
    [[300, 200, 0.9], [310, 205, 0.9], [305, 215, 0.9], [340, 220, 0.9]], np.float32
)


class Eye:
    """Says of each frame what it is told to."""

    within = WITHIN

    def __init__(self, looks):
        self.looks = iter(looks)

    def look(self, pixels, exposure_ns):
        return next(self.looks)


class Network:
    """Sees of each whole frame what it is told to."""

    def __init__(self, poses):
        self.poses = iter(poses)

    def infer(self, frame):
        return next(self.poses)


def followed(wholes, boxes, parts=None):
    frames = [(np.zeros((480, 640), np.uint8), k) for k in range(len(wholes))]
    looks = [
        Look(part.copy(), box, 1)
        for part, box in zip(parts or wholes, boxes, strict=True)
    ]
    return follow(Network(wholes), Eye(looks), frames, 200, 0.4)


AROUND, ELSEWHERE = Box(200, 100, 456, 356), Box(0, 0, 128, 128)


def test_an_animal_in_its_box_is_not_lost():
    found = followed([ANIMAL] * 3, [WITHIN, AROUND, AROUND])
    assert (found.frames, found.shown_frames, found.lost_frames) == (3, 3, 0)
    assert found.median_px == 0
    assert found.median_pixels == pytest.approx(256 * 256 / (640 * 480))


def test_an_animal_outside_is_lost():
    boxes = [WITHIN, ELSEWHERE, ELSEWHERE, AROUND, ELSEWHERE]
    found = followed([ANIMAL] * 5, boxes)
    assert (found.lost_frames, found.longest_lost) == (3, 2)


def test_a_part_in_a_corner_is_no_animal():
    corner = ANIMAL.copy()
    corner[3] = 605, 66, 0.9
    unsure = corner.copy()
    unsure[:3, 2] = 0.3
    found = followed([ANIMAL, corner, unsure], [WITHIN, AROUND, AROUND])
    assert (found.shown_frames, found.lost_frames) == (2, 0)


def test_a_film_without_an_animal():
    empty = ANIMAL * np.array([1, 1, 0], np.float32)
    with pytest.raises(ModelError, match=r"seen with likelihood 0\.4: lower"):
        followed([empty] * 2, [WITHIN] * 2)


def test_without_a_box_there_is_nothing_to_say_of_boxes():
    assert followed([ANIMAL], [WITHIN]).in_boxes_median_px is None


def test_distances_are_those_of_what_the_whole_picture_shows():
    moved = ANIMAL + np.array([3, 4, 0], np.float32)
    far = moved.copy()
    far[3] = 605, 66, 0.9
    found = followed([ANIMAL, far], [WITHIN, AROUND], [moved, far])
    assert found.median_px == pytest.approx(5.0)
    assert found.in_boxes_median_px == 0
