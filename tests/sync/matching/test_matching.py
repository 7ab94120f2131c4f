"""Irregular trains: who is who, in every case of the notes' table and a few more."""

import numpy as np
import pytest

SECONDS_2H = 7_200
DAY_S = 86_400.0


def pair(
    trains, seed, *, count=SECONDS_2H, ppm=30.0, wander=1.0, offset=-1234.0, **how
):
    rng = np.random.default_rng(seed)
    times = trains.random(rng, count)
    elsewhere = trains.crystal(times, rng, ppm, wander, offset_s=offset)
    return trains.log(rng, times, **how), trains.log(rng, elsewhere, **how)


CASES = {
    "clean": {},
    "no jitter at all": {"jitter_s": 0.0},
    "half a per cent": {"miss": 0.005, "spurious": 0.005},
    "coarse ticks": {"jitter_s": 0.0, "tick_ns": 32_000, "miss": 0.05},
    "5 % miss, 2 % spurious, 500 µs": {
        "jitter_s": 5e-4,
        "miss": 0.05,
        "spurious": 0.02,
    },
    "20 % + 20 %, +200 ppm": {"miss": 0.2, "spurious": 0.2, "ppm": 196.0},
    "20 % + 20 %, -200 ppm": {"miss": 0.2, "spurious": 0.2, "ppm": -199.0},
    "20 % + 20 %, 40 days": {"miss": 0.2, "spurious": 0.2, "offset": 40 * DAY_S},
    "20 % + 20 %, wild crystal": {"miss": 0.2, "spurious": 0.2, "wander": 20.0},
}


@pytest.mark.parametrize("name", CASES)
def test_pulses_of_a_random_train_are_found(trains, name):
    result = trains.judge(*pair(trains, 0, **CASES[name]))
    assert result.match.verdict == "unique"
    assert result.recall >= 0.999
    assert result.false_share < 0.001


@pytest.mark.parametrize(
    ("jitter", "miss", "most_false"), [(5e-5, 0.4, 0.003), (5e-4, 0.2, 0.004)]
)
def test_beyond_the_limit_chance_pairs_are_few(trains, jitter, miss, most_false):
    # here lone pulses of both trains lie within the jitter of each other by chance,
    # which nothing can tell from a pair
    how = {"jitter_s": jitter, "miss": miss, "spurious": miss}
    result = trains.judge(*pair(trains, 1, **how))
    assert result.match.verdict == "unique"
    assert result.recall >= 0.998
    assert result.false_share < most_false


@pytest.mark.parametrize("jitter", [5e-5, 5e-4])
@pytest.mark.parametrize("count", [30, 60, 120])
def test_sparse_trains(trains, count, jitter):
    for seed in range(8):
        how = {"jitter_s": jitter, "miss": 0.05, "spurious": 0.05}
        result = trains.judge(*pair(trains, seed, count=count, **how))
        assert result.match.verdict == "unique"
        # a spurious pulse may come nearer than the true one, within the jitter
        assert result.recall >= 0.99
        assert result.false <= 1


def test_a_short_piece_of_a_long_train(trains):
    source, target = pair(trains, 2)
    result = trains.judge(source, target[3000:3040])
    assert result.match.verdict == "unique"
    assert result.recall == 1.0
    assert result.match.source_only == result.match.target_only == 0


def test_an_outage(trains):
    source, target = pair(trains, 3, miss=0.05, spurious=0.02)
    lost = (target.ids > 2000) & (target.ids < 2300)
    result = trains.judge(source, target[~lost])
    assert result.recall >= 0.999
    assert result.match.source_only > 285


def test_figures_of_a_segment(trains):
    source, target = pair(trains, 4, ppm=120.0, miss=0.01)
    match = trains.judge(source, target).match
    (segment,) = match.segments
    assert (segment.start, segment.stop) == (0, match.source_index.size)
    assert segment.matched == match.source_index.size
    assert segment.drift_ppm == pytest.approx(120.0, abs=5.0)
    assert segment.residual_ns == pytest.approx(70_700, rel=0.1)
    first = target.ns[match.target_index[0]] - source.ns[match.source_index[0]]
    assert segment.offset_ns == pytest.approx(first, abs=2e7)
    lone = match.source_index[-1] - match.source_index[0] + 1 - segment.matched
    assert match.source_only == lone


def restarted(trains, seed, fault):
    """A log that restarts, with a train of 7,200 pulses: (source, target, segments)."""
    rng = np.random.default_rng(seed)
    times = trains.random(rng, SECONDS_2H)
    elsewhere = trains.crystal(times, rng, 60.0)
    ids = np.arange(times.size)
    how = {"miss": 0.005, "spurious": 0.005}
    cut = 4800
    late = ids >= cut
    if fault == "restart":
        parts = [
            trains.log(rng, elsewhere[~late], ids[~late], **how),
            trains.log(rng, elsewhere[late] - elsewhere[cut] + 3.0, ids[late], **how),
        ]
        return trains.log(rng, times, **how), trains.join(*parts)
    return (
        trains.log(rng, times, **how),
        trains.log(rng, elsewhere + fault * late, ids, **how),
    )


@pytest.mark.parametrize("fault", ["restart", 653.461, 20.0, 0.5, 0.05])
@pytest.mark.parametrize("swapped", [False, True])
def test_restarts_pauses_and_jumps_begin_segments(trains, fault, swapped):
    source, target = restarted(trains, 5, fault)
    if swapped:
        source, target = target, source
    result = trains.judge(source, target)
    assert result.match.verdict == "unique"
    assert result.recall >= 0.999
    assert result.false <= 2
    assert len(result.match.segments) >= 2
    assert all(np.diff(result.match.source_index) > 0)
    assert all(np.diff(result.match.target_index) > 0)
    for segment in result.match.segments:
        assert segment.residual_ns < 90_000


def test_both_logs_restart_at_different_moments(trains):
    rng = np.random.default_rng(6)
    times = trains.random(rng, 3000)
    elsewhere = trains.crystal(times, rng, -80.0)
    ids = np.arange(3000)

    def log(seconds, cut):
        return trains.join(
            trains.log(rng, seconds[:cut], ids[:cut], miss=0.01),
            trains.log(rng, seconds[cut:] - seconds[cut] + 1, ids[cut:], miss=0.01),
        )

    result = trains.judge(log(times, 1000), log(elsewhere, 2000))
    assert len(result.match.segments) == 3
    assert result.recall >= 0.999
    assert result.false == 0


def test_a_restart_after_few_pulses_leaves_these_unpaired(trains):
    rng = np.random.default_rng(7)
    times = trains.random(rng, 1000)
    ids = np.arange(1000)
    target = trains.join(
        trains.log(rng, times[:10], ids[:10]),
        trains.log(rng, times[10:] - times[10] + 0.5, ids[10:]),
    )
    result = trains.judge(trains.log(rng, times), target)
    assert result.match.verdict == "unique"
    assert result.match.target_index[0] == 10
    assert result.false == 0


def test_unrelated_trains_do_not_match(trains):
    for seed in range(5):
        source, _ = pair(trains, seed, count=3000)
        _, target = pair(trains, seed + 100, count=3000)
        match = trains.judge(source, target).match
        assert match.verdict == "no_match"
        assert match.source_index.size == match.target_index.size == 0
        assert match.segments == ()
        assert "chance" in match.reason


def test_more_drift_than_is_believed_does_not_match(trains):
    source, target = pair(trains, 8, ppm=400.0)
    assert trains.judge(source, target).match.verdict == "no_match"
    result = trains.judge(source, target, max_drift_ppm=500)
    assert result.match.verdict == "unique"
    assert result.recall >= 0.999


def test_both_edges_of_every_pulse(trains):
    rng = np.random.default_rng(9)
    rising = trains.random(rng, 300, 1.0, 3.0)
    times = np.sort(np.concatenate([rising, rising + 0.01]))
    elsewhere = trains.crystal(times, rng, 20.0)
    result = trains.judge(
        trains.log(rng, times, miss=0.02), trains.log(rng, elsewhere, miss=0.02)
    )
    assert result.match.verdict == "unique"
    assert result.recall >= 0.999


def test_the_alternatives_are_told(trains):
    match = trains.judge(*pair(trains, 10, count=500)).match
    shifts = [candidate.shift_pulses for candidate in match.candidates]
    assert set(range(-5, 6)) <= set(shifts)
    (best,) = [c for c in match.candidates if c.shift_ns == 0]
    assert best.matched == match.source_index.size
    for other in match.candidates:
        if other.shift_ns:
            assert other.residual_ns > 100 * best.residual_ns
            assert other.z >= match.z
            assert other.ratio <= match.ratio


@pytest.mark.slow
@pytest.mark.parametrize("ppm", [-200.0, 0.0, 200.0])
def test_recall_and_false_pairs_over_many_seeds(trains, ppm):
    right = paired = false = 0
    for seed in range(10):
        how = {"miss": 0.2, "spurious": 0.2, "ppm": ppm, "wander": 0.3}
        source, target = pair(trains, 1000 + seed, **how)
        result = trains.judge(source, target, max_drift_ppm=205)
        assert result.match.verdict == "unique"
        common = np.intersect1d(source.ids, target.ids).size - 1
        right += result.recall * common
        paired += common
        false += result.false
    assert right / paired >= 0.999
    assert false / paired < 0.001
