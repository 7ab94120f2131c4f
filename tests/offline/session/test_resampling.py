"""Values at other times: exact where they are known, and nothing where they are not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from offline.session.data import StreamData, StreamInfo
from offline.session.resampling import (
    Way,
    chosen,
    regular_period_ns,
    resample_at,
)
from offline.session.targets import Target, take_at
from rig.errors import SessionError

PERIOD = 1_000_000
METHODS = ["linear", "nearest", "previous", "mean"]


def _data(time_ns, values, present=None, element=None, rate_hz=1e9 / PERIOD):
    time_ns = np.asarray(time_ns, np.int64)
    count = len(time_ns)
    return StreamData(
        info=StreamInfo("signals/a/b", "samples", "a", count, rate_hz=rate_hz),
        time_ns=time_ns,
        sd_ns=np.full(count, 3, np.float32),
        values=np.reshape(np.asarray(values, np.float64), (count, -1 if count else 1)),
        present=np.ones(count, bool) if present is None else np.asarray(present),
        element=np.arange(count) if element is None else np.asarray(element),
        span_ns=(0, 1),
    )


def _way(method, gap=1.5, width=5.0):
    return Way(method, gap * PERIOD, width * PERIOD if method == "mean" else 0.0)


@st.composite
def jittered(draw, least=2):
    """Times about a period apart, with holes of lost elements and of pauses."""
    steps = draw(
        st.lists(
            st.one_of(
                st.integers(int(0.6 * PERIOD), int(1.4 * PERIOD)),
                st.integers(2 * PERIOD, 9 * PERIOD),
            ),
            min_size=least - 1,
            max_size=60,
        )
    )
    start = draw(st.integers(-(10**12), 10**13))
    return start + np.append(0, np.cumsum(np.array(steps, np.int64)))


def _targets(draw, times):
    low, high = int(times[0]) - 3 * PERIOD, int(times[-1]) + 3 * PERIOD
    anywhere = draw(st.lists(st.integers(low, high), max_size=40))
    return np.sort(np.array([*anywhere, *times[:3]], np.int64))


def _covered(times, begin, end, gap=1.5):
    """By the plain definition: is there an element at, or a step over, all of it?"""
    for point in (begin, end):
        left = np.searchsorted(times, point, "right") - 1
        if left < 0:
            return False
        if times[left] != point and (
            left + 1 == len(times) or times[left + 1] - times[left] > gap * PERIOD
        ):
            return False
    steps = [b - a for a, b in pairwise(times) if a < end and b > begin]
    return all(step <= gap * PERIOD for step in steps)


@given(st.data())
def test_a_line_is_resampled_exactly(data):
    times = data.draw(jittered())
    slope, offset = data.draw(st.tuples(st.floats(-50, 50), st.floats(-1e3, 1e3)))
    targets = _targets(data.draw, times)

    def line(time_ns):
        return offset + slope * (time_ns - times[0]) / PERIOD

    source = _data(times, line(times))
    for method in ("linear", "mean"):
        found = resample_at(source, targets, _way(method))
        known = found.present
        assert np.allclose(found.values[known, 0], line(targets[known]), atol=1e-6)
        assert np.isnan(found.values[~known]).all()


@given(st.data())
def test_nothing_is_made_up(data):
    times = data.draw(jittered())
    targets = _targets(data.draw, times)
    source = _data(times, np.arange(len(times)))
    found = {m: resample_at(source, targets, _way(m)) for m in METHODS}
    for k, target in enumerate(targets):
        inside = _covered(times, target, target)
        assert found["linear"].present[k] == inside
        half = 5 * PERIOD // 2
        assert found["mean"].present[k] == _covered(times, target - half, target + half)
        nearest = np.abs(times - target).min()
        assert found["nearest"].present[k] == (nearest <= 0.75 * PERIOD)
        ages = target - times[times <= target]
        assert found["previous"].present[k] == (ages.min(initial=2**60) <= 1.5 * PERIOD)
    for one in found.values():
        assert np.isnan(one.values[~one.present]).all()
        assert np.isnan(one.sd_ns[~one.present]).all()
        assert (one.sd_ns[one.present] == 3).all()


@given(st.data())
def test_nearest_and_previous_take_elements_as_they_are(data):
    times = data.draw(jittered())
    targets = _targets(data.draw, times)
    values = data.draw(
        st.lists(
            st.floats(allow_nan=False, allow_infinity=False, width=32),
            min_size=len(times),
            max_size=len(times),
        )
    )
    source = _data(times, values)
    nearest = resample_at(source, targets, _way("nearest"))
    previous = resample_at(source, targets, _way("previous"))
    for k, target in enumerate(targets):
        if nearest.present[k]:
            best = np.abs(times - target)
            assert nearest.values[k, 0] in np.asarray(values)[best == best.min()]
        if previous.present[k]:
            last = np.searchsorted(times, target, "right") - 1
            assert previous.values[k, 0] == values[last]


@given(st.data(), st.sampled_from(METHODS), st.integers(-(10**15), 10**15))
def test_what_is_shifted_in_time_gives_the_same_later(data, method, shift):
    times = data.draw(jittered())
    targets = _targets(data.draw, times)
    values = np.sin(np.arange(len(times)))
    ours = resample_at(_data(times, values), targets, _way(method))
    theirs = resample_at(_data(times + shift, values), targets + shift, _way(method))
    assert np.array_equal(ours.present, theirs.present)
    assert np.array_equal(ours.values, theirs.values, equal_nan=True)


@given(st.data(), st.sampled_from(["linear", "nearest", "previous"]))
def test_onto_itself_it_is_itself(data, method):
    times = data.draw(jittered(least=1))
    values = np.sin(1e3 * np.arange(2 * len(times)).reshape(-1, 2))
    values[::5, 0] = np.nan
    found = resample_at(_data(times, values), times, _way(method))
    assert found.present.all()
    assert np.array_equal(found.values, values, equal_nan=True)


@given(st.data(), st.sampled_from(METHODS))
def test_channels_do_not_touch_each_other(data, method):
    times = data.draw(jittered())
    targets = _targets(data.draw, times)
    a, b = np.cos(np.arange(len(times))), np.arange(len(times)) % 3.0
    a[::4] = np.nan
    both = resample_at(_data(times, np.stack([a, b], axis=1)), targets, _way(method))
    for k, one in enumerate((a, b)):
        alone = resample_at(_data(times, one), targets, _way(method))
        assert np.array_equal(both.values[:, k], alone.values[:, 0], equal_nan=True)


@given(st.data(), st.sampled_from(METHODS), st.integers(1, 20))
def test_in_pieces_it_is_the_same_as_in_one(data, method, at_once):
    times = data.draw(jittered())
    targets = _targets(data.draw, times)
    source = _data(times, np.sin(np.arange(len(times))))
    target = Target(targets, np.full(len(targets), 4, np.float32), 5 * PERIOD, (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("offline.session.targets._AT_ONCE", at_once)
        patch.setattr("offline.session.targets._HOLE_NS", 3 * PERIOD)
        pieces = take_at(source.between, target, method, None, None)
    whole = resample_at(source, targets, _way(method))
    assert np.array_equal(pieces.values, whole.values, equal_nan=True)
    assert np.array_equal(pieces.present, whole.present)
    assert (pieces.sd_ns[pieces.present] == 5).all()  # 3 and 4


def test_a_lost_element_is_lost_to_every_method():
    source = _data(
        PERIOD * np.arange(8), np.arange(8.0), present=[1, 1, 1, 0, 1, 1, 1, 1]
    )
    source = replace(source, present=source.present.astype(bool))
    targets = PERIOD * np.array([2, 3, 4]) + PERIOD // 10
    assert resample_at(source, targets, _way("linear")).present.tolist() == [
        False,
        False,
        True,
    ]
    for method in ("nearest", "previous"):
        present = resample_at(source, targets, _way(method)).present
        assert present.tolist() == [True, False, True]
    # an interval that only ends at the hole is whole
    way = _way("mean", width=1)
    present = resample_at(source, PERIOD * np.array([1, 2, 3, 5]), way).present
    assert present.tolist() == [True, False, False, True]


def test_elements_that_do_not_follow_one_another_are_not_joined():
    source = _data(PERIOD * np.arange(4), np.arange(4.0), element=[0, 1, 7, 8])
    targets = PERIOD * np.array([0, 1, 2]) + PERIOD // 2
    present = resample_at(source, targets, _way("linear")).present
    assert present.tolist() == [True, False, True]


def test_a_gap_may_be_crossed_when_one_says_so():
    times = PERIOD * np.array([0, 1, 5, 6])
    source = _data(times, times / PERIOD)
    target = np.array([3 * PERIOD])
    assert not resample_at(source, target, _way("linear", gap=3.9)).present[0]
    assert resample_at(source, target, _way("linear", gap=4.0)).values[0, 0] == 3.0


def test_a_mean_is_the_area_under_the_line():
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.integers(int(0.8 * PERIOD), int(1.2 * PERIOD), 500))
    values = rng.normal(size=500)
    targets = np.sort(rng.integers(times[20], times[-20], 50))
    way = _way("mean", width=7.3)
    found = resample_at(_data(times, values), targets, way).values[:, 0]
    for target, mean in zip(targets, found, strict=True):
        fine = target + np.linspace(-0.5, 0.5, 20_001) * way.width_ns
        wanted = np.interp(fine, times, values).mean()
        assert mean == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 1.0, 1.4, 1.9, 3.0])
def test_a_mean_damps_tones_as_it_says(share):
    """At 100 Hz, of a signal at 2 kHz."""
    times = 500_000 * np.arange(20_000)
    targets = 10_000_000 * np.arange(10, 900)
    frequency = 100 * share
    tone = np.exp(2j * np.pi * frequency * times / 1e9)
    source = _data(times, np.stack([tone.real, tone.imag], axis=1), rate_hz=2000)
    found = resample_at(source, targets, Way("mean", 750_000, 10_000_000)).values
    left = np.abs(found[:, 0] + 1j * found[:, 1])
    assert np.allclose(left, abs(np.sinc(share)), atol=0.02)
    linear = resample_at(source, targets, Way("linear", 750_000)).values
    assert np.allclose(np.hypot(*linear.T), 1)  # folded as it is


@pytest.mark.parametrize(
    ("rate_hz", "width_ns", "method"),
    [
        (1000, 5e6, "mean"),
        (1000, 2e6, "linear"),
        (1000, 0.5e6, "linear"),
        (1000, None, "linear"),
        (None, 5e6, "linear"),
    ],
)
def test_auto_takes_means_when_going_down(rate_hz, width_ns, method):
    data = _data([], [], rate_hz=rate_hz)
    assert chosen(data, "auto", 1.5e6, width_ns).method == method


def test_auto_takes_rows_and_numbers_that_are_names_from_the_nearest():
    data = _data([1, 2], [1, 2])
    for values in (np.zeros(2, np.int64), np.zeros(2, [("line", "S4")])):
        other = replace(data, values=values)
        assert chosen(other, "auto", 1e6, 1e9).method == "nearest"
        for method in ("linear", "mean"):
            with pytest.raises(SessionError, match=f"numbers to take a {method} of"):
                chosen(other, method, 1e6, 1e9)


def test_a_mean_of_irregular_times_wants_a_width():
    with pytest.raises(SessionError, match="give width_s"):
        chosen(_data([1], [1]), "mean", 1e6, None)


def test_what_is_empty_gives_nothing():
    for method in METHODS:
        found = resample_at(_data([], []), np.array([1, 2]), _way(method))
        assert not found.present.any()
        found = resample_at(_data([0, 1], [0, 1]), np.empty(0, np.int64), _way(method))
        assert len(found.values) == 0


@given(st.integers(1, 10**10), st.integers(3, 50), st.floats(0, 0.15))
def test_regular_times_are_told_from_others(period, count, jitter):
    assume(period * jitter > 1 or jitter == 0)
    rng = np.random.default_rng(count)
    steps = np.rint(period * (1 + jitter * rng.uniform(-1, 1, count))).astype(np.int64)
    found = regular_period_ns(np.cumsum(steps))
    assert found is None or found == pytest.approx(period, rel=0.2, abs=2)
    if jitter < 0.05 and period > 100:
        assert found is not None
    assert regular_period_ns(np.cumsum(rng.geometric(1e-6, 200))) is None
