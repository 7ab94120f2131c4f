import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.training.split import split_frames
from rig.errors import LabelError


@given(
    st.lists(st.integers(0, 6), min_size=2, max_size=60),
    st.booleans(),
    st.floats(0.05, 0.9),
    st.integers(0, 5),
)
def test_each_frame_is_on_one_side_and_no_group_on_both(groups, known, share, seed):
    videos = [f"v{k}" for k in groups]
    animals = [f"a{k // 2}" if known else "" for k in groups]
    split = split_frames(videos, animals, share, seed)
    both = np.concatenate([split.train, split.test])
    assert sorted(both) == list(range(len(videos)))
    assert len(split.train)
    assert len(split.test)
    apart = {"animal": animals, "video": videos}.get(split.by)
    if apart is not None:
        train = {apart[k] for k in split.train}
        assert not train & {apart[k] for k in split.test}
    again = split_frames(videos, animals, share, seed)
    assert np.array_equal(split.test, again.test)


def test_animals_before_videos_before_frames():
    videos = [f"v{k // 5}" for k in range(30)]
    animals = [f"a{k // 10}" for k in range(30)]
    assert split_frames(videos, animals, 0.3, 0).by == "animal"
    assert split_frames(videos, [*animals[:-1], ""], 0.3, 0).by == "video"
    alone = split_frames(["v"] * 30, animals[:10] * 3, 0.3, 0)
    assert alone.by == "frame"
    assert "the next animal will be harder" in alone.remark
    assert len(alone.test) == 9


def test_whole_groups_come_near_to_the_share():
    videos = [f"v{k // 10}" for k in range(100)]
    split = split_frames(videos, [""] * 100, 0.2, 3)
    assert len(split.test) == 20


def test_too_few():
    with pytest.raises(LabelError, match="two labelled frames, to learn and to test"):
        split_frames(["v"], [""], 0.2, 0)
