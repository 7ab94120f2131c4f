"""The machine that decides where to look, on animals whose place is known."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.view.box import Box, sides_px
from inference.view.tracking import Tracking, begin, look_next, looked, near_most

FRAME_NS = 10_000_000
PICTURE = Box(0, 0, 640, 480)
BODY_PX = 120.0
BODY = np.array([[0, 0], [-20, 12], [-20, -12], [-100, 0]], float)


def config(within=PICTURE, **changes):
    return Tracking(
        **{
            "within": within,
            "widths_px": sides_px(within.width, 16, 1.125),
            "heights_px": sides_px(within.height, 16, 1.125),
            "align_px": 16,
            "margin_px": 64.0,
            "border_px": 16.0,
            "body_px": BODY_PX,
            "whole_every_ns": 1_000_000_000,
            "longest_gap_ns": 100_000_000,
            **changes,
        }
    )


def animal(x, y, heading=0.0):
    turn = np.array(
        [[np.cos(heading), -np.sin(heading)], [np.sin(heading), np.cos(heading)]]
    )
    return BODY @ turn.T + (x, y)


def seen(places, box, hidden=()):
    """What an honest network gives: likely where the part is seen, else unlikely."""
    x, y = places[:, 0], places[:, 1]
    inside = (x >= box.x0) & (x < box.x1) & (y >= box.y0) & (y < box.y1)
    inside[list(hidden)] = False
    keypoints = np.column_stack([places, np.where(inside, 0.9, 0.1)])
    middle = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    keypoints[~inside, :2] = middle  # and it says something all the same
    return keypoints.astype(np.float32)


@dataclass
class Watched:
    box: Box
    looks: int
    keypoints: np.ndarray


class Watcher:
    """A camera's frames, looked at one after the other."""

    def __init__(self, tracking):
        self.config = tracking
        self.state = begin(4)
        self.now_ns = 0

    def look(self, places, hidden=(), after=1):
        self.now_ns += after * FRAME_NS
        box = look_next(self.config, self.state, self.now_ns)
        looks = 1
        while True:
            keypoints = seen(places, box, hidden)
            found = looked(
                self.config, self.state, box, keypoints, keypoints[:, 2] > 0.5,
                self.now_ns,
            )  # fmt: skip
            self.state = found.state
            if not found.again:
                return Watched(box, looks, keypoints)
            assert looks == 1, "a whole look never asks for another"
            box, looks = self.config.within, 2


def holds(box, places):
    x, y = places.T
    return bool(((x >= box.x0) & (x < box.x1) & (y >= box.y0) & (y < box.y1)).all())


def test_first_look_is_whole_the_next_is_a_box_around_the_animal():
    watcher = Watcher(config())
    assert watcher.look(animal(300, 200)).box == PICTURE
    watched = watcher.look(animal(302, 201))
    assert watched.looks == 1
    assert watched.box.width < 320
    assert holds(watched.box, animal(302, 201))


def test_box_follows():
    watcher = Watcher(config())
    for x in range(120, 560, 10):
        watched = watcher.look(animal(x, 240))
        assert holds(watched.box, animal(x, 240))
    assert watched.looks == 1
    assert watched.box.x0 > 250


def test_an_animal_that_is_elsewhere_is_found_in_the_same_frame():
    watcher = Watcher(config())
    watcher.look(animal(150, 120))
    watcher.look(animal(150, 120))
    watched = watcher.look(animal(500, 400))
    assert (watched.looks, watched.box) == (2, PICTURE)
    assert (watched.keypoints[:, 2] > 0.5).all()
    assert watcher.look(animal(500, 400)).box != PICTURE


def test_near_the_border_is_as_good_as_lost():
    watcher = Watcher(config())
    watcher.look(animal(300, 200))
    box = watcher.look(animal(300, 200)).box
    at_the_border = animal(box.x1 - 5, 200)
    assert holds(box, at_the_border)
    assert watcher.look(at_the_border).looks == 2


def test_the_pictures_own_border_is_none():
    watcher = Watcher(config())
    for _ in range(5):
        watched = watcher.look(animal(104, 20))
    assert watched.looks == 1
    assert watched.box[:2] == (0, 0)


def test_a_lost_part_is_looked_for_once():
    watcher = Watcher(config())
    for _ in range(3):
        watcher.look(animal(300, 200))
    assert watcher.look(animal(300, 200), hidden=[3]).looks == 2
    # the whole picture does not show it either: no reason to look twice any more
    looks = [watcher.look(animal(300, 200), hidden=[3]).looks for _ in range(8)]
    assert looks == [1] * 8


def test_a_missing_part_may_be_anywhere_within_the_animals_length():
    watcher = Watcher(config())
    for _ in range(12):  # until its last place is too old
        watched = watcher.look(animal(300, 240), hidden=[3])
    for heading in np.linspace(0, 2 * np.pi, 16):
        tail = (300, 240) + 100 * np.array([np.cos(heading), np.sin(heading)])
        assert holds(watched.box, tail[None])


def test_a_part_that_comes_back_makes_the_box_small_again():
    watcher = Watcher(config())
    for _ in range(12):
        large = watcher.look(animal(300, 240), hidden=[3]).box
    watcher.look(animal(300, 240))
    small = watcher.look(animal(300, 240)).box
    assert small.width * small.height < 0.7 * large.width * large.height


def test_half_an_animal_is_none():
    watcher = Watcher(config())
    for _ in range(5):
        watched = watcher.look(animal(300, 200), hidden=[1, 2])
        assert watched.box == PICTURE
        assert watched.looks == 1


def test_a_part_in_a_far_corner_does_not_count():
    watcher = Watcher(config())
    far = animal(200, 300)
    far[3] = 603, 66
    for _ in range(3):
        watched = watcher.look(far)
    assert watched.box != PICTURE
    assert not holds(watched.box, far[3:])
    assert holds(watched.box, animal(200, 300))


def test_whole_picture_from_time_to_time():
    watcher = Watcher(config(whole_every_ns=20 * FRAME_NS))
    whole = [watcher.look(animal(300, 200)).box == PICTURE for _ in range(61)]
    assert np.flatnonzero(whole).tolist() == [0, 20, 40, 60]


def test_whole_picture_after_a_pause():
    watcher = Watcher(config())
    watcher.look(animal(300, 200))
    watcher.look(animal(300, 200))
    assert watcher.look(animal(300, 200), after=12).box == PICTURE
    assert watcher.look(animal(300, 200), after=2).box != PICTURE


def test_stays_inside_a_fixed_crop():
    within = Box(100, 50, 420, 290)
    watcher = Watcher(config(within))
    for x in range(210, 400, 4):
        watched = watcher.look(animal(x, 150))
        assert within.holds(watched.box)
    assert watched.box != within
    assert (watched.box.x0 - 100) % 16 == 0 or watched.box.x1 == 420


def test_nothing_that_was_given_is_changed():
    tracking, state = config(), begin(4)
    keypoints = seen(animal(300, 200), PICTURE)
    kept = keypoints.copy()
    looked(tracking, state, PICTURE, keypoints, np.ones(4, bool), 5)
    np.testing.assert_array_equal(keypoints, kept)
    assert not state.followed.any()


walks = st.lists(
    st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-0.5, 0.5)),
    min_size=3,
    max_size=40,
)


@given(
    walk=walks,
    start=st.tuples(st.floats(0, 640), st.floats(0, 480)),
    hidden=st.lists(st.sets(st.integers(0, 3), max_size=4), max_size=40),
    jumps=st.sets(st.integers(0, 39), max_size=3),
)
def test_whatever_it_does_it_is_seen(walk, start, hidden, jumps):
    """Steps, turns, hidden parts, leaps anywhere: no frame goes by unseen."""
    watcher = Watcher(config())
    x, y, heading = *start, 0.0
    for k, (dx, dy, turn) in enumerate(walk):
        if k in jumps:
            x, y = (x + 331) % 640, (y + 247) % 480
        x = float(np.clip(x + 40 * dx, 0, 639))
        y = float(np.clip(y + 40 * dy, 0, 479))
        heading += turn
        places = animal(x, y, heading)
        away = hidden[k] if k < len(hidden) else ()
        watched = watcher.look(places, away)
        assert PICTURE.holds(watched.box)
        # a look ends with the whole picture, or with most of the animal in the box
        whole = watched.box == PICTURE
        assert whole or int((watched.keypoints[:, 2] > 0.5).sum()) >= 3


@given(walk=walks, start=st.tuples(st.floats(150, 500), st.floats(150, 330)))
def test_slower_than_the_margin_needs_no_second_look(walk, start):
    watcher = Watcher(config(margin_px=96.0, border_px=16.0))
    x, y = start
    for k, (dx, dy, _) in enumerate(walk):
        x = float(np.clip(x + 50 * dx, 120, 520))
        y = float(np.clip(y + 50 * dy, 120, 360))
        watched = watcher.look(animal(x, y))
        assert watched.looks == 1
        assert holds(watched.box, animal(x, y))
        assert (watched.box == PICTURE) == (k == 0)


@pytest.mark.parametrize("parts", [1, 2, 3, 9])
def test_any_number_of_parts(parts):
    tracking, state = config(), begin(parts)
    places = 200 + 10 * np.arange(parts)[:, None].repeat(2, 1)
    keypoints = np.column_stack([places, np.full(parts, 0.9)]).astype(np.float32)
    state = looked(tracking, state, PICTURE, keypoints, np.ones(parts, bool), 0).state
    assert look_next(tracking, state, FRAME_NS) != PICTURE


def test_the_animal_is_where_most_parts_are():
    keypoints = np.array(
        [[10, 10, 0.9], [20, 10, 0.9], [600, 400, 0.95], [15, 15, 0.2]], np.float32
    )
    trusted = keypoints[:, 2] > 0.5
    assert near_most(keypoints, trusted, 50).tolist() == [True, True, False, True]
    # two against two: the likelier
    keypoints = keypoints[[0, 2]]
    assert near_most(keypoints, np.ones(2, bool), 50).tolist() == [False, True]
