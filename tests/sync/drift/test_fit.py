import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.drift import fit_clock, held_out, smoothing_limit_ns

SPAN_S = 2400
S = 1_000_000_000


def errors(model, truth, span_s=SPAN_S, edge_s=5):
    at = np.arange(edge_s * S, (span_s - edge_s) * S, 370_000_000)
    target, sd = model(at)
    return (target - truth.target_ns(at)).astype(float), sd


@pytest.mark.parametrize("walk_ppm", [0.1, 1.0, 10.0])
@pytest.mark.parametrize(("rate_hz", "jitter_us"), [(None, 50), (None, 500), (30, 50)])
def test_is_as_near_as_anybody_can_be(crystals, pulses, walk_ppm, rate_hz, jitter_us):
    squares, inside, share = [], [], []
    for seed in range(5):
        truth = crystals(SPAN_S, seed, walk_ppm)
        seen = pulses(truth, SPAN_S, seed, jitter_us, rate_hz)
        error, sd = errors(fit_clock(*seen), truth)
        limit = smoothing_limit_ns(jitter_us * 1e3, rate_hz or 1, truth.wander)
        middle = slice(len(error) // 4, -len(error) // 4)
        squares.append(np.mean((error[middle] / limit) ** 2))
        inside.append(np.mean(np.abs(error) <= 1.96 * sd))
        share.append(sd[middle].mean() / limit)
    assert np.mean(squares) ** 0.5 < 1.3
    assert 0.88 < np.mean(inside) <= 1
    assert 0.7 < np.mean(share) < 1.6, "what is stated is not far from what is possible"


@pytest.mark.parametrize("tail", [2.5, 4.0])
def test_heavy_tails_are_seen_and_told(crystals, pulses, tail):
    inside, tails = [], []
    for seed in range(5):
        truth = crystals(SPAN_S, seed)
        model = fit_clock(*pulses(truth, SPAN_S, seed, tail=tail))
        error, sd = errors(model, truth)
        inside.append(np.mean(np.abs(error) <= 1.96 * sd))
        [segment] = model.segments
        tails.append(segment.jitter.tail)
        assert 40e3 < segment.jitter.scale_ns < 60e3
        assert 0.7 < segment.nis < 1.4
    assert 0.88 < np.mean(inside) <= 1
    assert 0.6 * tail < np.median(tails) < 2 * tail


def test_wrong_pulses_do_next_to_no_harm(crystals, pulses):
    truth = crystals(SPAN_S, 0)
    source, target = pulses(truth, SPAN_S, 0)
    good, _ = errors(fit_clock(source, target), truth)
    rng = np.random.default_rng(0)
    wrong = rng.choice(len(source), len(source) // 50, replace=False)
    spoilt = target.copy()
    spoilt[wrong] += rng.integers(-900_000, 900_000, len(wrong))
    bad, sd = errors(fit_clock(source, spoilt), truth)
    assert np.std(bad) < 1.5 * np.std(good)
    assert np.mean(np.abs(bad) <= 1.96 * sd) > 0.88


def test_nothing_is_known_of_a_gap_and_that_is_said(crystals, pulses):
    inside = []
    for seed in range(20):
        truth = crystals(SPAN_S, seed, walk_ppm=5)
        source, target = pulses(truth, SPAN_S, seed)
        gap = (source > 1000 * S) & (source < 1600 * S)
        model = fit_clock(source[~gap], target[~gap])
        middle = np.array([500, 1300, 2000]) * S
        found, sd = model(middle)
        assert sd[1] > 5 * sd[0]
        assert sd[1] > 5 * sd[2]
        inside.append(abs(found[1] - truth.target_ns(middle)[1]) <= 1.96 * sd[1])
    assert np.mean(inside) >= 0.8


def test_the_future_is_less_sure_the_farther_it_is(crystals, pulses):
    truth = crystals(SPAN_S, 3, walk_ppm=5)
    source, target = pulses(truth, SPAN_S, 3)
    known = source < 1200 * S
    model = fit_clock(source[known], target[known])
    ahead = np.array([1199, 1260, 1500, 2300]) * S
    found, sd = model(ahead)
    assert (np.diff(sd) > 0).all()
    assert (np.abs(found - truth.target_ns(ahead)) < 4 * sd).all()
    _, before = model(np.array([-600, -60, 0]) * S)
    assert (np.diff(before) < 0).all()


def test_the_skew_is_the_crystals(crystals, pulses):
    truth = crystals(SPAN_S, 1, skew_ppm=-73, warm_ppm=5)
    [segment] = fit_clock(*pulses(truth, SPAN_S, 1)).segments
    at = np.arange(100, SPAN_S - 100) * S
    true = np.gradient(truth.target_ns(at) - at, 1.0) / 1e3
    assert np.abs(segment.skew_ppm(at) - true).max() < 1.5


@pytest.mark.parametrize("jitter_ns", [1, 10, 1_000, 1_000_000])
def test_how_exact_pulses_are_makes_the_first_no_less_sure(jitter_ns):
    rng = np.random.default_rng(0)
    source = np.cumsum(rng.integers(S // 10, 2 * S, 600))
    target = source + np.rint(rng.normal(0, jitter_ns, 600)).astype(np.int64)
    _, sd = fit_clock(source, target)(source)
    assert sd.max() < jitter_ns + 1
    assert sd[0] < 4 * np.median(sd)


def test_two_clocks_that_agree_agree():
    source = np.arange(0, 600 * S, S)
    target, sd = fit_clock(source, source + 7)(np.array([300 * S, 300 * S + 1]))
    assert (target == [300 * S + 7, 300 * S + 8]).all()
    assert (sd < 1).all()


@pytest.mark.parametrize("n", [2, 3, 4, 8])
def test_a_few_pulses_are_better_than_none(n):
    source = np.arange(n) * 10 * S
    target = source + 12 * S + source // 20_000
    found, sd = fit_clock(source, target)(source + S)
    assert (np.abs(found - (source + S) * (1 + 5e-5) - 12 * S) <= 5 * sd + 1).all()
    assert np.isfinite(sd).all()


@given(
    st.integers(-(10**17), 10**17),
    st.integers(-(10**17), 10**17),
    st.integers(0, 2**32 - 1),
)
def test_when_the_clocks_were_set_makes_no_difference(shift, other, seed):
    rng = np.random.default_rng(seed)
    source = np.cumsum(rng.integers(S // 10, 2 * S, 60))
    target = source + source // 30_000 + rng.integers(-50_000, 50_000, 60)
    at = rng.integers(0, source[-1], 10)
    found, sd = fit_clock(source, target)(at)
    moved, same = fit_clock(source + shift, target + other)(at + shift)
    assert (moved - found == other).all()
    assert (same == sd).all()


@given(st.integers(0, 2**32 - 1))
def test_what_was_seen_twice_as_exactly_is_known_better(seed):
    rng = np.random.default_rng(seed)
    source = np.cumsum(rng.integers(S // 10, 2 * S, 400))
    error = rng.normal(0, 50_000, 400)
    at = source[50:-50:10] + S // 20
    _, sd = fit_clock(source, source + np.rint(error).astype(np.int64))(at)
    _, less = fit_clock(source, source + np.rint(error / 4).astype(np.int64))(at)
    assert less.mean() < sd.mean()


def test_pulses_that_were_left_out_lie_where_they_should(crystals, pulses):
    shares, rms = [], []
    for seed in range(5):
        truth = crystals(SPAN_S, seed)
        found = held_out(*pulses(truth, SPAN_S, seed))
        assert len(found.error_ns) > 200
        shares.append(found.coverage)
        rms.append(found.rms_ns)
    assert 0.92 < np.mean(shares) < 0.98
    assert 45e3 < np.mean(rms) < 55e3


def test_left_out_of_too_few_is_none():
    source = np.arange(10) * S
    found = held_out(source, source)
    assert len(found.error_ns) == 0


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ([1, 2, 3], [1, 2], "3 and 2"),
        ([1.0, 2.0], [1.0, 2.0], "float64"),
        ([[1, 2]], [[1, 2]], r"shape \(1, 2\)"),
        ([], [], "int"),
        ([5], [7], "got 1"),
    ],
)
def test_what_is_no_pulses_is_refused(source, target, said):
    with pytest.raises(ValueError, match=said if source else "Expected"):
        fit_clock(np.array(source), np.array(target))
