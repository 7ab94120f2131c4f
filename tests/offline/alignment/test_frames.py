import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from offline.alignment.frames import hidden_losses


@given(
    lost=st.sets(st.integers(1, 198), max_size=20),
    jitter=st.integers(0, 300_000),
    seed=st.integers(0, 999),
)
def test_losses_that_a_writer_hid_are_found(lost, jitter, seed):
    rng = np.random.default_rng(seed)
    kept = np.setdiff1d(np.arange(200), list(lost))
    stamps = kept * 10_000_000 + rng.integers(-jitter, jitter + 1, len(kept))
    steps = np.ones(len(kept) - 1, np.int64)
    assert np.array_equal(hidden_losses(stamps, steps), np.diff(kept) - 1)


def test_losses_that_the_ids_tell_are_not_counted_twice():
    kept = np.setdiff1d(np.arange(100), [10, 50, 51])
    assert not hidden_losses(kept * 10_000_000, np.diff(kept)).any()


def test_irregular_frames_tell_nothing():
    stamps = np.cumsum(np.random.default_rng(0).integers(10**6, 10**8, 200))
    assert not hidden_losses(stamps, np.ones(199, np.int64)).any()


def test_few_frames_tell_nothing():
    assert not hidden_losses(np.array([0, 10, 30]), np.ones(2, np.int64)).any()
