"""Regular trains: unique by their dither, ambiguous without, and never guessed."""

import numpy as np
import pytest

MINUTES_10 = 60_000


def regular_pair(trains, seed, *, count=MINUTES_10, rate=100.0, dither=0.0, **how):
    """Two logs of a trigger line, the target's begun 20 pulses late."""
    rng = np.random.default_rng(seed)
    times = trains.regular(rng, count, rate, dither)
    elsewhere = trains.crystal(times, rng, -45.0, offset_s=3e5)
    ids = np.arange(count)
    how = {"miss": 0.001, **how}
    return (
        trains.log(rng, times, **how),
        trains.log(rng, elsewhere[20:], ids[20:], **how),
    )


def every_tenth(times, by):
    times = times.copy()
    times[::10] += by
    return times


def pairs_of(trains, rng, times, ids=None, cut=slice(None), **how):
    elsewhere = trains.crystal(times, rng, 60.0, offset_s=-50.0)
    ids = np.arange(times.size) if ids is None else ids
    return (
        trains.log(rng, times, ids, **how),
        trains.log(rng, elsewhere[cut], ids[cut], **how),
    )


def ambiguous(trains, source, target):
    match = trains.judge(source, target).match
    assert match.verdict == "ambiguous", match.reason
    assert match.source_index.size == match.target_index.size == 0
    assert match.segments == ()
    assert "ambiguous" in match.reason
    return match


@pytest.mark.parametrize("rate", [1.0, 30.0, 100.0])
@pytest.mark.parametrize("faults", [0.0, 0.002, 0.2, 0.4])
def test_periodic_trains_are_ambiguous(trains, rate, faults):
    source, target = regular_pair(
        trains, 0, count=6000, rate=rate, miss=faults, spurious=faults
    )
    match = ambiguous(trains, source, target)
    shifts = {candidate.shift_pulses for candidate in match.candidates}
    assert shifts >= {-1, 0, 1}
    assert match.z < 10


@pytest.mark.parametrize(
    "cut", [slice(None), slice(500, None), slice(None, -3), slice(700, 1500)]
)
def test_periodic_trains_are_ambiguous_wherever_they_are_cut(trains, cut):
    rng = np.random.default_rng(1)
    ambiguous(trains, *pairs_of(trains, rng, np.arange(2000.0), cut=cut))


def test_extra_pulses_at_the_end_do_not_decide(trains):
    rng = np.random.default_rng(2)
    source, target = pairs_of(trains, rng, np.arange(3000) / 30, cut=slice(4, None))
    ambiguous(trains, source, target)
    ambiguous(trains, target, source)


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_the_same_pulses_missing_in_both_do_not_decide(trains, share):
    rng = np.random.default_rng(3)
    kept = rng.random(3000) >= share
    times = np.arange(3000.0)[kept]
    ambiguous(trains, *pairs_of(trains, rng, times, np.flatnonzero(kept)))


@pytest.mark.parametrize(("period", "by"), [(1.0, 0.05), (0.01, 0.0005)])
def test_every_tenth_pulse_displaced(trains, period, by):
    rng = np.random.default_rng(4)
    times = every_tenth(np.arange(5000) * period, by)
    ambiguous(trains, *pairs_of(trains, rng, times, cut=slice(30, None)))


def test_a_played_loop_is_ambiguous(trains):
    rng = np.random.default_rng(5)
    loop = trains.random(rng, 60)
    times = np.concatenate([loop, loop + 61, loop + 122])
    source, target = pairs_of(trains, rng, times)
    ambiguous(trains, source, target)
    ambiguous(trains, source, target[60:120])
    ambiguous(trains, source[:120], target[60:])


@pytest.mark.parametrize("tick", [1_000, 32_000, 33_333, 100_000])
def test_rounding_alone_marks_nothing(trains, tick):
    # both logs' sawteeth of rounding drift alike: they correlate, at a wrong shift
    source, target = regular_pair(trains, 6, jitter_s=0.0, tick_ns=tick)
    ambiguous(trains, source, target)


@pytest.mark.parametrize("tick", [32_000, 33_333])
def test_not_even_when_the_generator_drifts_against_both(trains, tick):
    # the two sawteeth are chirps then, which do fit at one wrong shift, sharply
    for seed in range(3):
        rng = np.random.default_rng(seed)
        count = 60_000
        times = trains.crystal(
            np.arange(count) / 100, rng, wander_ppm=1.0 + 9 * seed, offset_s=0.0
        )
        how = {"miss": 0.001, "jitter_s": 0.0, "tick_ns": tick}
        source, target = pairs_of(trains, rng, times, cut=slice(500, None), **how)
        ambiguous(trains, source, target)


def test_a_dither_that_repeats_itself(trains):
    rng = np.random.default_rng(14)
    for length in (127, 10_050):
        dither = np.resize(rng.choice([-1e-4, 1e-4], length), 20_000)
        times = np.arange(20_000) / 100 + dither
        source, target = pairs_of(trains, rng, times, cut=slice(5_000, None))
        ambiguous(trains, source[:15_000], target)


def test_mains_hum_on_the_line(trains):
    rng = np.random.default_rng(15)
    times = np.arange(20_000) / 100
    hum = 2e-5 * np.sin(2 * np.pi * 50.013 * times)
    ambiguous(trains, *pairs_of(trains, rng, times + hum, jitter_s=1e-6))


def test_identical_perfect_trains_are_ambiguous(trains):
    times = np.arange(5000, dtype=np.int64) * 10_000_000
    log = trains.Log(times, np.arange(5000))
    ambiguous(trains, log, log)


DITHERED = {
    "100 Hz, 100 µs": {"dither": 1e-4},
    "100 Hz, coarse ticks": {"dither": 1e-4, "tick_ns": 32_000},
    "30 Hz, 100 µs": {"dither": 1e-4, "rate": 30.0, "count": 20_000},
    "1 Hz, 1 ms": {"dither": 1e-3, "rate": 1.0, "count": 7_200},
    "no jitter": {"dither": 1e-4, "jitter_s": 0.0},
}


@pytest.mark.parametrize("name", DITHERED)
def test_dithered_trains_are_unique(trains, name):
    result = trains.judge(*regular_pair(trains, 7, **DITHERED[name]))
    assert result.match.verdict == "unique", result.match.reason
    assert result.recall >= 0.999
    assert result.false == 0
    assert result.match.z > 10
    assert result.match.ratio < 0.5
    assert {c.shift_pulses for c in result.match.candidates} >= set(range(-5, 6))


def test_a_dithered_train_that_loses_and_invents_a_fifth(trains):
    how = {"miss": 0.2, "spurious": 0.2}
    source, target = regular_pair(trains, 8, rate=1.0, count=7_200, dither=1e-3, **how)
    result = trains.judge(source, target)
    assert result.recall >= 0.999
    assert result.false_share < 0.001


@pytest.mark.parametrize(("common", "noise"), [(2e-6, 1e-5), (2e-5, 5e-5)])
@pytest.mark.slow
def test_the_generators_own_jitter_is_enough(trains, common, noise):
    rng = np.random.default_rng(9)
    times = np.arange(300_000) / 100 + common * rng.normal(size=300_000)
    cut = slice(20, None)
    result = trains.judge(*pairs_of(trains, rng, times, cut=cut, jitter_s=noise))
    assert result.match.verdict == "unique"
    assert result.recall == 1.0
    assert result.false == 0


def test_the_jitter_of_one_log_alone_marks_nothing(trains):
    rng = np.random.default_rng(10)
    times = np.arange(20_000) / 100
    own = times + rng.choice([-1e-4, 1e-4], times.size)
    source = trains.log(rng, own)
    ambiguous(trains, source, trains.log(rng, times[20:]))


def test_a_camera_that_pauses_restarts_or_skips(trains):
    rng = np.random.default_rng(11)
    count = 30_000
    pauses = np.searchsorted([5_000, 16_000], np.arange(count), side="right")
    times = trains.regular(rng, count, 100.0, 1e-4) + 17.3456 * pauses
    source, target = pairs_of(trains, rng, times, cut=slice(20, None), miss=0.001)
    late = target.ids >= 20_000
    restarted = trains.join(
        target[~late],
        trains.Log(target.ns[late] - target.ns[late][0], target.ids[late]),
    )
    for other in (target, restarted, target[target.ids % 2 == 0]):
        result = trains.judge(source, other)
        assert result.match.verdict == "unique", result.match.reason
        assert result.recall >= 0.99
        assert result.false == 0


def test_different_rates_do_not_match(trains):
    source, _ = regular_pair(trains, 12, rate=30.0, count=3_000)
    _, target = regular_pair(trains, 12, rate=100.0, count=9_000)
    assert trains.judge(source, target).match.verdict == "no_match"


def test_too_few_pulses_decide_nothing(trains):
    source, target = regular_pair(trains, 13, count=80, dither=1e-4)
    assert trains.judge(source, target).match.verdict == "ambiguous"


def false_answers(trains, seeds):
    """Return the seeds whose verdict is "unique" with wrong pairs, and the verdicts."""
    wrong, unique = [], 0
    for seed in seeds:
        _, source, target = trains.any_pair(seed)
        result = trains.judge(source, target)
        if result.match.verdict == "unique":
            unique += 1
            if result.false > max(0.02 * result.match.source_index.size, 2):
                wrong.append(seed)
    return wrong, unique


def test_no_wrong_answer_in_forty_trains(trains):
    wrong, unique = false_answers(trains, range(45))
    assert wrong == []
    assert unique >= 4


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))  # each well below the time limit of a test
def test_no_wrong_answer_in_a_thousand_trains(trains, part):
    first = 10_000 + 126 * part
    wrong, unique = false_answers(trains, range(first, first + 126))
    assert wrong == []
    assert unique > 15
