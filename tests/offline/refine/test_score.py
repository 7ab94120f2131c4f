"""How much a frame is worth a label: each reason alone, and together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from offline.refine.score import REASONS, animal_px, score

FRAMES = np.arange(100)
NONE = np.empty(0, np.int64)


def test_nothing_is_wrong(course):
    found = score(100, [(FRAMES, course)], (FRAMES, course, course), NONE)
    assert not found.total.any()


def test_pixels_are_told_in_the_animals_size(course):
    other = course.copy()
    other[10, 0, 1] += 6  # of 60: a quarter is as wrong as can be
    other[20, 0, 1] += 600
    found = score(100, [(FRAMES, course)], (FRAMES, course, other), NONE)
    assert found.share["disagreement"][10] == pytest.approx(0.4)
    assert found.share["disagreement"][20] == 1
    assert found.reasons(20) == [("disagreement", pytest.approx(600))]
    large = [(FRAMES, course * (10, 10, 1))]
    both = (FRAMES, course * (10, 10, 1), other * (10, 10, 1))
    assert score(100, large, both, NONE).total == pytest.approx(found.total)


def test_the_worse_side_tells(course):
    other = course.copy()
    other[30, :, 2] = 0.4
    other[40, 1, 1] += 9
    found = score(100, [(FRAMES, course), (FRAMES, other)], None, NONE)
    assert found.share["likelihood"][30] == pytest.approx(0.6)
    assert found.reasons(40)[0] == ("jumps", pytest.approx(9))


def test_reasons_add_up_the_strongest_first(course):
    course[50, :, 2] = 0.7
    found = score(100, [(FRAMES, course)], None, np.array([50, 400, -1]))
    assert found.total[50] == pytest.approx(1.3)
    assert [name for name, _ in found.reasons(50)] == ["fires", "likelihood"]


def test_frames_that_one_side_did_not_see(course):
    seen = np.arange(0, 100, 2)
    other = course.copy()
    other[33, :, 2] = 0.1
    both = (seen, course[seen], other[seen])
    found = score(100, [(seen, course[seen]), (FRAMES, other)], both, NONE)
    assert found.total.argmax() == 33


def test_an_animal_of_which_nothing_is_likely(course):
    course[:, :, 2] = 0.2
    assert animal_px([course]) == 20
    assert animal_px([]) == 20


@given(
    arrays.arrays(
        np.float32,
        (12, 3, 3),
        elements=st.floats(-1e4, 1e4, width=32) | st.just(np.nan),
    ),
    arrays.arrays(np.float32, (12, 3, 3), elements=st.floats(0, 1, width=32)),
)
def test_no_reason_counts_for_more_than_one(wild, tame):
    frames = np.arange(12)
    sides = [(frames, wild), (frames, tame)]
    found = score(12, sides, (frames, wild, tame), frames[:3])
    assert np.isfinite(found.total).all()
    for name in REASONS:
        assert (found.share[name] >= 0).all()
        assert (found.share[name] <= 1).all()
