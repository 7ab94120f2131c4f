import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.monitor.history import History

CAPACITY = 7
BATCHES = st.lists(st.lists(st.integers(0, 50), max_size=20), max_size=12)


def model_of(batches):
    """All that was ever added, as a list; a time never goes back."""
    found, newest = [], None
    for batch in batches:
        for time in batch:
            newest = time if newest is None else max(newest, time)
            found.append((newest, len(found)))
    return found


def filled(batches, capacity=CAPACITY):
    history, n = History(capacity), 0
    for batch in batches:
        history.add(batch, np.arange(n, n + len(batch), dtype=float))
        n += len(batch)
    return history


def as_list(stretch):
    return [*zip(stretch.times_ns.tolist(), stretch.values.tolist(), strict=True)]


@given(BATCHES)
def test_it_is_the_end_of_all_that_was_added(batches):
    # only the last of a batch that is longer than the history are looked at
    model = model_of(batch[-CAPACITY:] for batch in batches)
    cut = [batch[-CAPACITY:] for batch in batches]
    history = filled(cut)
    kept = as_list(history.between(-1, 100))
    assert len(kept) == len(history)
    assert len(kept) >= min(CAPACITY, len(model))
    assert kept == model[len(model) - len(kept) :]
    assert history.newest_ns == (model[-1][0] if model else None)


@given(BATCHES, st.integers(0, 50), st.integers(0, 50))
def test_any_stretch_has_both_its_ends(batches, start, end):
    history = filled(batches)
    everything = as_list(history.between(-1, 100))
    wanted = [(time, value) for time, value in everything if start <= time <= end]
    assert as_list(history.between(start, end)) == wanted


@given(BATCHES)
def test_a_batch_of_any_length_ends_with_its_newest(batches):
    history = filled(batches)
    count = sum(map(len, batches))
    if count and batches[-1]:
        assert as_list(history.between(-1, 100))[-1][1] == count - 1


def test_memory_stays_what_it_was():
    history = History(100, (3,), np.float32)
    sizes = set()
    for k in range(200):
        history.add(np.arange(k * 37, (k + 1) * 37), np.ones((37, 3)))
        stretch = history.between(0, 1 << 60)
        sizes.add((stretch.values.base.nbytes, stretch.times_ns.base.nbytes))
        assert len(history) <= 200
    assert sizes == {(200 * 3 * 4, 200 * 8)}


def test_nothing_added_is_nothing_found():
    history = History(3, (2,))
    assert history.newest_ns is None
    history.add([], np.zeros((0, 2)))
    assert len(history) == 0
    assert history.between(0, 10).values.shape == (0, 2)


def test_it_can_be_cleared():
    history = filled([[1, 2, 3]])
    history.clear()
    assert len(history) == 0
    history.add([1], [7.0])
    assert as_list(history.between(0, 9)) == [(1, 7.0)]


@pytest.mark.parametrize("shape", [(), (8,), (5, 3)])
def test_values_keep_their_shape_and_type(shape):
    history = History(4, shape, np.int16)
    history.add([1, 2], np.full((2, *shape), 3))
    found = history.between(0, 9).values
    assert (found.shape, found.dtype) == ((2, *shape), np.int16)
