import numpy as np
import pytest

from offline.evaluation.errors import (
    GateLimits,
    errors_px,
    in_parts_of,
    is_kept,
    lone_parts,
    require_shared,
)
from rig.errors import ModelError

NAN = np.nan


def test_errors_are_distances_and_nan_where_nothing_is_known():
    labels = np.array([[[0.0, 0.0], [1.0, 1.0]], [[NAN, NAN], [2.0, 2.0]]])
    poses = np.array([[[3, 4, 1], [1, 1, 1]], [[5, 5, 1], [NAN, 0, 1]]], np.float32)
    expected = [[5.0, 0.0], [NAN, NAN]]
    np.testing.assert_allclose(errors_px(poses, labels), expected)


def test_parts_are_matched_by_name():
    poses = np.arange(6.0).reshape(1, 2, 3)
    found = in_parts_of(poses, ["hip", "nose"], ["nose", "tail", "hip"])
    np.testing.assert_array_equal(found[0], [[3, 4, 5], [NAN] * 3, [0, 1, 2]])


def test_lone_parts_are_named():
    remarks = lone_parts("m", ["nose", "ear"], ["nose", "tail"])
    assert ["ear" in remarks[0], "tail" in remarks[1]] == [True, True]
    assert lone_parts("m", ["nose"], ["nose"]) == []


def test_no_part_in_common_is_refused():
    with pytest.raises(ModelError, match=r"\(nose, tail\), got one of wheel"):
        require_shared(["wheel"], ["nose", "tail"])


def test_gates():
    pose = [[10, 10, 0.9], [14, 10, 0.9], [12, 14, 0.3], [300, 10, 0.9], [NAN, 1, 1]]
    poses = np.array([pose])
    cases = {
        GateLimits(): [1, 1, 1, 1, 0],
        GateLimits(likelihood=0.5): [1, 1, 0, 1, 0],
        GateLimits(jump_px=50): [1, 1, 1, 0, 0],
        GateLimits(0.5, 50): [1, 1, 0, 0, 0],
    }
    for limits, expected in cases.items():
        assert is_kept(poses, limits)[0].tolist() == list(map(bool, expected)), limits


def test_of_two_parts_neither_has_jumped():
    poses = np.array([[[0.0, 0, 1], [500, 0, 1]]])
    assert is_kept(poses, GateLimits(jump_px=10)).all()
