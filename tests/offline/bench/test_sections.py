"""What is counted as right, wrong, lost and met."""

from types import SimpleNamespace

import numpy as np
import pytest

from offline.bench.aligning import frames, matching, models, verdicts
from offline.bench.aligning.clocks import TYPICAL, Crystal, run_clock
from offline.bench.aligning.figures import mean, rms, spread
from offline.bench.aligning.puzzles import Puzzle
from offline.bench.aligning.targets import targets
from offline.bench.aligning.trains import Log

S = 1_000_000_000


def log(times_s, numbers):
    return Log(np.rint(np.array(times_s) * S).astype(np.int64), np.array(numbers))


def test_figures():
    assert spread([3, 1, 2]) == {"median": 2, "least": 1, "most": 3}
    assert mean([1, 3]) == {"mean": 2, "standard_error": 1, "least": 1, "most": 3}
    assert mean([1])["standard_error"] is None
    assert rms([3, -4, 0, 0]) == 2.5


# -- clock models


def test_a_trial_is_the_same_again_and_peers_see_the_same_pulses():
    row = models.Row(1, 50, TYPICAL)
    one, two = (models.trial(row, 3, 900.0, ("exact", "line")) for _ in range(2))
    alone = models.trial(row, 3, 900.0, ())
    for trial in (one, two, alone):
        trial["ours"].pop("seconds")
    assert one == two
    assert alone["ours"] == one["ours"]
    assert models.trial(row, 4, 900.0, ())["ours"] != alone["ours"]
    # what is left between two pulses of 50 µs each: two thirds of their variance
    assert one["peers"]["exact"]["whole_ns"] == pytest.approx(40.8e3, rel=0.1)
    assert one["ours"]["whole_ns"] < 0.3 * one["peers"]["exact"]["whole_ns"]
    assert 0.9 < one["ours"]["jitter_ns"] / 50e3 < 1.1


def test_a_summary_counts_over_seeds():
    row = models.Row(1, 50, TYPICAL)

    def trial(interior, peer):
        ours = {"interior_ns": interior, "whole_ns": 1.0, "nis": 1.0}
        ours |= {"coverage": 0.9, "coverage_interior": 1.0}
        return {"ours": ours, "peers": {"line": {"interior_ns": peer, "whole_ns": 2.0}}}

    limit = row.limit_ns()
    found = models.summary(row, [trial(limit, 2 * limit), trial(7 * limit, 7 * limit)])
    assert found["over_limit"]["median"] == pytest.approx(4)
    assert found["over_limit_together"] == pytest.approx(5)
    ratios = found["over_peers"]["interior"]["line"]
    assert ratios == {"median": 0.75, "least": 0.5, "most": 1.0}


# -- matching


def test_pairs_are_counted():
    source = log([1, 2, 3, 4, 5], [0, 1, 2, -1, 3])
    target = log([1, 2, 3, 4], [0, 2, -1, 3])
    pairs = np.array([0, 1, 2, 3]), np.array([0, 1, 1, 2])
    found = matching.score(source, target, pairs)
    assert found == {"common": 3, "right": 2, "wrong": 2}


def test_who_knows_both_clocks_pairs_all_but_chance():
    clock = run_clock(Crystal(name="", walk_ppm=0.0), 4000.0, np.random.default_rng(0))
    times = np.arange(1000) * S
    number = np.arange(1000)
    moved = np.random.default_rng(1).normal(0, 1e6, 1000).astype(np.int64)
    source, target = Log(times, number), Log(clock(times) + moved, number)
    found = matching.score(source, target, matching.oracle(source, target, clock))
    assert found == {"common": 1000, "right": 999, "wrong": 0}
    lone = log([10.5], [-1])
    source = Log(np.append(times, lone.time_ns), np.append(number, -1))
    order = np.argsort(source.time_ns)
    source = Log(source.time_ns[order], source.number[order])
    beside = clock(lone.time_ns) + 500_000
    order = np.argsort(np.append(target.time_ns, beside))
    target = Log(np.append(target.time_ns, beside)[order], np.append(number, -1)[order])
    found = matching.score(source, target, matching.oracle(source, target, clock))
    assert found == {"common": 1000, "right": 999, "wrong": 1}


# -- verdicts


@pytest.mark.parametrize(("shifted", "wrong"), [(0, 0), (2, 0), (3, 1), (50, 1)])
def test_a_segment_is_wrong_where_chance_is_no_excuse(shifted, wrong):
    number = np.arange(100)
    pair = Puzzle("", log(number, number), log(number, number))
    other = number.copy()
    other[:shifted] = (other[:shifted] + 1) % 100
    match = SimpleNamespace(
        source_index=number,
        target_index=other,
        segments=[SimpleNamespace(start=0, stop=100, matched=100)],
    )
    assert verdicts.wrong_segments(pair, match) == wrong
    number = np.where(number < 40, -1, number)
    pair = Puzzle("", pair.source, Log(pair.target.time_ns, number))
    if shifted <= 3:
        assert not verdicts.wrong_segments(pair, match), "spurious pulses by chance"


# -- frames


def test_frames_that_are_lost():
    pulses = np.arange(6) * 10 * S
    number = np.array([0, 1, 3, 4, 5])
    assert frames.truncated(pulses, number).tolist() == pulses[:5].tolist()
    assert frames.by_number(pulses, number).tolist() == pulses[number].tolist()
    stretched = frames.stretched(pulses, number) / S
    assert stretched.tolist() == [0.0, 12.5, 25.0, 37.5, 50.0]


def test_frame_times_are_as_good_as_the_stamps():
    found = frames.trial(0, 300.0)
    assert found["frames"] + found["lost"] == 30_000
    assert found["lost"] > 0
    assert found["rms_ns"]["by_number"] == pytest.approx(50e3, rel=0.02)
    assert 9.9e3 < found["rms_ns"]["ours"] < 12e3
    assert found["rms_ns"]["truncated"] > 10e6
    assert 0.92 < found["coverage"] < 0.98


# -- targets


def model_row(over, peer, coverage):
    ratio = {"median": peer, "least": 0.0, "most": 9.0}
    return {
        "title": "1 Hz",
        "crystal": "typical",
        "over_limit_together": over,
        "over_peers": {
            "interior": {"line": {**ratio, "median": 0.1}, "exact": ratio},
            "whole": {},
        },
        "coverage": {"mean": coverage},
    }


@pytest.mark.parametrize(
    ("over", "peer", "coverage", "met"),
    [
        (1.3, 0.99, 0.92, [True, True, True, True]),
        (1.31, 1.0, 0.919, [False, False, True, False]),
        (0.9, 0.5, 0.981, [True, True, True, False]),
    ],
)
def test_what_clock_models_are_to_reach(over, peer, coverage, met):
    found = targets({"models": [model_row(over, peer, coverage)]})
    assert [target["met"] for target in found] == met
    assert found[1]["found"] == peer, "the peer that comes nearest"


def test_what_matching_is_to_reach():
    case = {
        "title": "50 µs",
        "ours": {"recall_together": 0.9995, "false_together": 0.001},
        "oracle": {"false_together": 0.0008},
    }
    recall, false = targets({"matching": [case]})
    assert recall["met"]
    assert not false["met"]
    assert false["best"] == 0.0008


def test_what_speed_is_to_reach():
    def fit(pulses, seconds):
        return {"pulses": pulses, "seconds": {"median": seconds}}

    section = {
        "fits": [fit(108_000, 0.5), fit(216_000, 1.1), fit(432_000, 2.0)],
        "doubling": [{"median": 2.3}, {"median": 1.9}],
    }
    found = targets({"speed": section})
    assert [target["met"] for target in found] == [False, False, True]
    section["fits"] = [fit(10, 0.5), fit(20, 1.1), fit(40, 2.0)]
    assert len(targets({"speed": section})) == 2, "of fewer pulses nothing is wanted"


def test_one_wrong_verdict_is_a_miss():
    section = {"trains": 1000, "together": {"wrong": 1}}
    [target] = targets({"verdicts": section})
    assert not target["met"]
