from pathlib import PurePosixPath

import numpy as np
import pytest

from offline.dataset.labels import Labels
from rig.errors import LabelError


def test_a_part_of_the_pictures(labels_of):
    labels = labels_of()
    assert labels.of([2, 0]).images == (labels.images[2], labels.images[0])
    some = labels.of(labels.is_labelled.all(axis=1))
    assert some.images == (labels.images[0], labels.images[2])
    assert np.array_equal(some.xy_px, labels.xy_px[[0, 2]])
    assert labels.videos == ("left",) * 3


def test_in_terms_of_other_parts_what_is_new_is_unlabelled(labels_of):
    labels = labels_of()
    more = labels.having(("hip", "tail", "nose"))
    assert np.array_equal(more.xy_px[:, 2], labels.xy_px[:, 0])
    assert np.array_equal(more.xy_px[:, 0], labels.xy_px[:, 1], equal_nan=True)
    assert not more.is_labelled[:, 1].any()


def test_a_part_that_is_not_of_the_project_is_refused(labels_of):
    with pytest.raises(LabelError, match="only, got also hip: add them to bodyparts"):
        labels_of().having(("nose", "tail"))


def test_folders_are_joined_in_their_order(labels_of):
    left, right = labels_of("left"), labels_of("right", bodyparts=("hip",))
    both = Labels.joined([left, right], ("nose", "hip"))
    assert both.images == left.images + right.images
    assert np.array_equal(both.xy_px[3:, 1], right.xy_px[:, 0], equal_nan=True)
    assert np.isnan(both.xy_px[3:, 0]).all()
    assert Labels.joined([], ("nose", "hip")).xy_px.shape == (0, 2, 2)


def test_what_does_not_fit_is_refused():
    image = PurePosixPath("labeled-data/left/img0000.png")
    with pytest.raises(LabelError, match=r"shape \(1, 1, 2\), got \(2, 1, 2\)"):
        Labels((image,), ("nose",), np.zeros((2, 1, 2)))
    with pytest.raises(LabelError, match=r"each picture once, got .*img0000"):
        Labels((image, image), ("nose",), np.zeros((2, 1, 2)))
    with pytest.raises(LabelError, match="each body part once, got nose"):
        Labels((image,), ("nose", "nose"), np.zeros((1, 2, 2)))
