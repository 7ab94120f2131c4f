"""Restarts, late stamps and epochs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.alignment.foreign import Train
from offline.alignment.foreign.describe import describe
from offline.alignment.foreign.order import epochs_of, laid_out, order_of, runs_of
from rig.errors import SessionError

S = 1_000_000_000


def _train(times_ns, tick_ns=1):
    times = np.asarray(times_ns, np.int64)
    return Train(name="a", clock="a", file="a.csv", times_ns=times, tick_ns=tick_ns)


def _lengths(order):
    return [run.stop - run.start for run in order.runs]


def test_a_clock_that_began_anew_makes_a_run():
    times = np.concatenate([np.arange(100), np.arange(50), np.arange(70)]) * S
    order = order_of(_train(times))
    assert _lengths(order) == [100, 50, 70]
    assert order.restarts == 2


def test_a_few_late_stamps_are_no_restart():
    times = np.arange(100) * S
    times[[40, 41]] = times[[41, 40]]
    times[70] = times[60] + 7
    order = order_of(_train(times))
    assert _lengths(order) == [100]
    assert order.late == 2


def test_the_last_stamps_may_be_those_of_a_new_start():
    assert _lengths(order_of(_train(np.append(np.arange(100), [3, 4]) * S))) == [100, 2]


def test_small_steps_are_counted_by_the_tick():
    times = np.arange(10) * S
    times[5] = times[4] - 32_000
    times[8] = times[7] - 64_000
    times[9] = times[8]
    order = order_of(_train(times, 32_000))
    assert (order.within_tick, order.small_steps, order.doubles) == (1, 1, 1)
    assert order.restarts == 0


def test_no_order_at_all_is_refused():
    rng = np.random.default_rng(0)
    for times in (rng.permutation(1000) * S, np.arange(300)[::-1] * S):
        with pytest.raises(SessionError, match="steps back"):
            order_of(_train(times))


def test_trains_that_are_empty_or_single_have_an_order():
    assert order_of(_train([])).runs == ()
    assert _lengths(order_of(_train([5]))) == [1]


_RUNS = st.lists(
    st.tuples(st.integers(0, 10**12), st.integers(5, 40)), min_size=1, max_size=6
)


@given(_RUNS)
def test_epochs_stand_one_behind_the_other(starts):
    parts = [first + S * np.arange(count) for first, count in starts]
    times = np.concatenate(parts)
    runs = runs_of(times)
    epochs = epochs_of(times, runs)
    laid, which = laid_out(times, runs, epochs)
    assert np.all(np.diff(laid) > 0)
    assert np.all(which >= 0)
    assert any(epoch.added_ns == 0 for epoch in epochs)
    for run in runs:
        assert np.array_equal(np.diff(laid[run]), np.diff(times[run]))


def test_a_train_that_slept_through_an_epoch_is_laid_where_it_belongs():
    clock = np.concatenate([np.arange(100) + 5000, np.arange(80) + 700, np.arange(90)])
    epochs = epochs_of(clock * S, runs_of(clock * S))
    other = np.concatenate([np.arange(5010, 5090), np.arange(5, 75)]) * S
    laid, which = laid_out(other, runs_of(other), epochs)
    assert np.unique(which[:80]).tolist() == [0]
    assert np.unique(which[80:]).tolist() == [2]
    assert np.all(np.diff(laid) > 0)
    far = np.arange(90_000, 90_010) * S
    assert np.all(laid_out(far, runs_of(far), epochs)[1] == -1)


def test_a_late_stamp_is_no_loss_and_a_pause_neither():
    times = np.arange(1000) * 10_000_000
    late = times.copy()
    late[500] += 7_000_000
    assert describe(late, [slice(0, 1000)], late * 1e-9).lost == 0
    paused = np.where(np.arange(1000) < 500, times, times + 60 * S)
    about = describe(paused, [slice(0, 1000)], paused * 1e-9)
    assert (about.lost, about.pauses) == (0, 1)
    gone = np.delete(times, [10, 11, 700])
    about = describe(gone, [slice(0, 997)], gone * 1e-9)
    assert (about.lost, [run.count for run in about.losses]) == (3, [2, 1])
