import numpy as np
import pytest

from offline.dataset.scores import (
    apart_px,
    disagreement_px,
    jumps_px,
    uncertainty,
)


@pytest.fixture
def course():
    """Ten poses of two parts that go straight on, sure of both."""
    poses = np.ones((10, 2, 3), np.float32)
    poses[:, :, 0] = 5 * np.arange(10)[:, None]
    poses[:, :, 1] = 100
    return poses


def test_uncertainty_is_of_all_parts_together(course):
    course[3, :, 2] = (0.5, 0.0)
    course[4, :, 2] = 1.001  # networks say such things
    found = uncertainty(course)
    assert found[3] == pytest.approx(0.75)
    assert found[4] == found[0] == 0


def test_who_goes_straight_on_does_not_leap(course):
    assert jumps_px(np.arange(10), course) == pytest.approx(np.zeros(10), abs=1e-5)


def test_a_leap_is_told_by_how_far_it_was(course):
    course[6, 1, 1] += 40
    found = jumps_px(np.arange(10), course)
    assert found.argmax() == 6
    assert found[6] == pytest.approx(40)
    assert found[5] == found[7] == pytest.approx(20)


def test_frames_that_were_passed_over_are_no_leap(course):
    kept = np.array([0, 1, 2, 6, 9])
    assert jumps_px(kept, course[kept]) == pytest.approx(np.zeros(5), abs=1e-5)


def test_a_place_that_means_nothing_does_not_leap(course):
    course[6, 1, 1:] = (400, 0.05)
    assert jumps_px(np.arange(10), course)[6] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_to_leap(course, count):
    assert not jumps_px(np.arange(count), course[:count]).any()


def test_two_models_disagree_by_the_part_they_agree_on_least(course):
    other = course.copy()
    other[2, 0, :2] += (3, 4)
    other[5, 1, 0] += 90
    other[5, 1, 2] = 0.01
    found = disagreement_px(course, other)
    assert found[2] == pytest.approx(5)
    assert found[5] == 0
    assert len(disagreement_px(course[:0], other[:0])) == 0


def test_apart_is_told_of_parts_that_both_find_likely(course):
    other = course.copy()
    other[2, :, 0] += 4
    other[2, 1, 2] = 0.3
    other[3, 0, 0] = np.nan
    found = apart_px(course, other, 0.5)
    assert found[2, 0] == pytest.approx(4)
    assert np.isnan(found[2, 1])
    assert np.isnan(found[3, 0])
    assert not np.isnan(apart_px(course, other, [0.5, 0.2])[2]).any()
