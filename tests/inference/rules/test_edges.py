import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.rules import (
    NO_DRAW,
    Scene,
    Seen,
    compile_rules,
    evaluate,
    initial_state,
    sham_draw,
)
from rig.config.rules import RuleConfig
from rig.errors import ConfigError
from rig.messages import from_row, row_dtype, to_row

MS = 1_000_000
BODYPARTS = ("nose", "hip", "toe")


def rule(when, **others):
    return RuleConfig.model_validate(
        {
            "name": "jump",
            "camera": "left",
            "when": when,
            "action": {"line": "laser", "pulse_width_us": 500},
            **others,
        }
    )


FALLS = {"kind": "crosses", "keypoint": "hip", "axis": "y", "direction": "falling",
         "threshold_px": 100}  # fmt: skip
RISES = {**FALLS, "direction": "rising"}
CROUCHES = {**FALLS, "minus": "toe", "threshold_px": -40}
CORNER = {"kind": "enters", "keypoint": "hip", "region_px": [10, 20, 30, 40]}
RUNS = {"kind": "speed", "keypoint": "hip", "above_px_per_s": 500}


def scene_of(seq, pose, exposure_ns):
    """A pose of the left camera, as a network gives it (float32)."""
    points = np.array(pose, np.float32).tolist()
    seen = {"raw": Seen(points, exposure_ns)}
    return Scene("left", exposure_ns, seen, pose_seq=seq, frame_id=seq)


def hips(*places, likelihood=1.0):
    """Poses with the hip at (x, y) or (x, y, likelihood); the rest far away."""
    return [
        [[500, 500, 1], [*place, likelihood][:3], [500, 500, 1]] for place in places
    ]


def heights(*ys):
    return hips(*((0, y) for y in ys))


def play(config, poses, *, period_ms=10, age_ms=5, armed=True, seed=1, state=None):
    """Show poses to one rule; return its decisions and the state at the end."""
    rules = compile_rules([config], BODYPARTS, seed)
    state = state or initial_state(rules)
    found = []
    for k, pose in enumerate(poses):
        now_ns = 10**9 + round(k * period_ms * MS)
        age = age_ms[k] if isinstance(age_ms, list) else age_ms
        state, decisions = evaluate(
            rules,
            state,
            scene_of(k, pose, now_ns - round(age * MS)),
            now_ns=now_ns,
            armed=armed,
        )
        found += decisions
    return found, state


@dataclass
class Case:
    """Poses that a rule sees, and where it decides what."""

    config: RuleConfig
    poses: list
    expected: dict[int, str]
    """Outcome by number of the pose."""
    others: dict = field(default_factory=dict)


NAN = math.nan
CASES = {
    "falls": Case(rule(FALLS), heights(110, 101, 99, 90), {2: "fired"}),
    "rises": Case(rule(RISES), heights(90, 99, 101, 110), {2: "fired"}),
    "touching_the_line_is_crossing": Case(
        rule(FALLS), heights(101, 100, 100), {1: "fired"}
    ),
    "there_from_the_start_is_no_crossing": Case(rule(FALLS), heights(90, 80, 70), {}),
    "again_only_after_coming_back": Case(
        rule(FALLS), heights(110, 90, 80, 110, 90), {1: "fired", 4: "fired"}
    ),
    "jump_over_the_line_between_poses": Case(
        rule(FALLS), heights(300, 0), {1: "fired"}
    ),
    "difference_of_two": Case(
        rule(CROUCHES),
        [[[0, 0, 1], [0, y, 1], [0, 200, 1]] for y in (180, 161, 159)],
        {2: "fired"},
    ),
    "difference_needs_both": Case(
        rule(CROUCHES),
        [[[0, 0, 1], [0, y, 1], [0, 200, p]] for y, p in ((180, 1), (150, 0.2))],
        {1: "suppressed_likelihood"},
    ),
    "enters": Case(
        rule(CORNER), hips((0, 30), (9, 30), (10, 30), (20, 30)), {2: "fired"}
    ),
    "starts_inside": Case(rule(CORNER), hips((20, 30), (21, 31)), {}),
    "leaves_and_enters": Case(
        rule(CORNER), hips((20, 30), (40, 30), (30, 40)), {2: "fired"}
    ),
    "passes_beside": Case(rule(CORNER), hips((0, 30), (20, 41), (20, 19)), {}),
    "speeds_up": Case(rule(RUNS), hips((0, 0), (3, 4), (6, 8), (12, 16)), {3: "fired"}),
    "fast_from_the_start_is_no_edge": Case(
        rule(RUNS), hips((0, 0), (30, 0), (60, 0)), {}
    ),
    "at_the_limit_is_not_above": Case(
        rule(RUNS), hips((0, 0), (1, 0), (6, 0), (11, 0)), {}
    ),
    "exposures_that_stand_still_give_no_speed": Case(
        rule(RUNS, max_pose_age_ms=1000),
        hips((0, 0), (1, 0), (90, 0), (180, 0)),
        {},
        {"age_ms": [5, 5, 15, 25]},
    ),
    "bad_pose_on_the_far_side": Case(
        rule(FALLS),
        hips((0, 110, 1), (0, 90, 0.5), (0, 110, 1)),
        {1: "suppressed_likelihood"},
    ),
    "bad_poses_in_a_row_are_one_edge": Case(
        rule(FALLS),
        hips((0, 110, 1), (0, 90, 0.1), (0, 80, 0.1), (0, 70, 0.1)),
        {1: "suppressed_likelihood"},
    ),
    "bad_poses_to_and_fro_are_one_edge": Case(
        rule(FALLS),
        hips((0, 110, 1), *[(0, 90 + 20 * (k % 2), 0.1) for k in range(8)]),
        {1: "suppressed_likelihood"},
    ),
    "bad_poses_to_and_fro_after_a_run_are_one_edge": Case(
        rule(FALLS, debounce_frames=3),
        hips((0, 110, 1), (0, 90, 1), *[(0, 90 + 20 * (k % 2), 0.1) for k in range(8)]),
        {2: "suppressed_likelihood"},
    ),
    "bad_poses_after_a_good_one_are_another_edge": Case(
        rule(FALLS),
        hips((0, 110, 1), (0, 90, 0.1), (0, 110, 1), (0, 110, 0.1), (0, 90, 0.1)),
        {1: "suppressed_likelihood", 4: "suppressed_likelihood"},
    ),
    "crossing_is_seen_after_bad_poses": Case(
        rule(FALLS),
        hips((0, 110, 1), (0, 90, 0.1), (0, 80, 1)),
        {1: "suppressed_likelihood", 2: "fired"},
    ),
    "bad_pose_on_the_near_side_is_no_way_back": Case(
        rule(FALLS),
        hips((0, 110, 1), (0, 90, 1), (0, 110, 0.1), (0, 90, 1)),
        {1: "fired"},
    ),
    "likelihood_at_the_gate_passes": Case(
        rule(FALLS, min_likelihood=0.5), hips((0, 110, 0.5), (0, 90, 0.5)), {1: "fired"}
    ),
    "nan_is_not_trusted": Case(
        rule(FALLS),
        hips((0, 110, 1), (0, NAN, 1), (0, 90, NAN), (NAN, 90, 1), (0, 90, 1)),
        {2: "suppressed_likelihood", 4: "fired"},
    ),
    "debounce": Case(
        rule(FALLS, debounce_frames=3), heights(110, 90, 90, 90, 90), {3: "fired"}
    ),
    "debounce_broken_by_the_near_side": Case(
        rule(FALLS, debounce_frames=3),
        heights(110, 90, 90, 110, 90, 90, 90),
        {3: "suppressed_debounce", 6: "fired"},
    ),
    "debounce_broken_by_a_bad_pose_begins_anew": Case(
        rule(FALLS, debounce_frames=2),
        hips((0, 110, 1), (0, 90, 1), (0, 90, 0), (0, 90, 1), (0, 90, 1)),
        {2: "suppressed_likelihood", 4: "fired"},
    ),
    "refractory": Case(
        rule(FALLS, refractory_ms=30),
        heights(110, 90, 110, 90, 110, 90),
        {1: "fired", 3: "suppressed_refractory", 5: "fired"},
    ),
    "suppressed_edge_is_used_up": Case(
        rule(FALLS, refractory_ms=30),
        heights(110, 90, 110, 90, 90, 90, 90),
        {1: "fired", 3: "suppressed_refractory"},
    ),
    "too_old": Case(
        rule(FALLS, max_pose_age_ms=20),
        heights(110, 90, 90),
        {1: "suppressed_age"},
        {"age_ms": [5, 20.001, 5]},
    ),
    "just_young_enough": Case(
        rule(FALLS, max_pose_age_ms=20), heights(110, 90), {1: "fired"}, {"age_ms": 20}
    ),
    "age_comes_before_the_rest": Case(
        rule(FALLS, max_pose_age_ms=20),
        heights(110, 90),
        {1: "suppressed_age"},
        {"age_ms": 21, "armed": False},
    ),
    "too_old_is_no_fire_for_the_refractory_time": Case(
        rule(FALLS, max_pose_age_ms=20, refractory_ms=100),
        heights(110, 90, 110, 90),
        {1: "suppressed_age", 3: "fired"},
        {"age_ms": [5, 50, 5, 5]},
    ),
    "disarmed": Case(rule(FALLS), heights(110, 90), {1: "disarmed"}, {"armed": False}),
    "all_sham": Case(
        rule(FALLS, sham_probability=1, refractory_ms=30),
        heights(110, 90, 110, 90),
        {1: "sham", 3: "suppressed_refractory"},
    ),
    "another_camera": Case(rule(FALLS, camera="right"), heights(110, 90), {}),
}


@pytest.mark.parametrize("name", CASES)
def test_named_case(name):
    case = CASES[name]
    decisions, _ = play(case.config, case.poses, **case.others)
    assert {d.pose_seq: d.outcome for d in decisions} == case.expected
    assert [d.decision_id for d in decisions] == list(range(len(decisions)))


@pytest.mark.parametrize("name", CASES)
def test_a_decision_fits_its_row_whole(name):
    case = CASES[name]
    for decision in play(case.config, case.poses, **case.others)[0]:
        row = np.zeros(1, row_dtype(type(decision)))
        row[0] = to_row(decision)
        back = from_row(type(decision), row[0])
        assert repr(back) == repr(decision)  # NaN is not equal to itself


def test_a_decision_says_all_it_was_given():
    (decision,), _ = play(
        rule(
            FALLS,
            max_pose_age_ms=30,
            action={
                "line": "cuff",
                "pulse_width_us": 200,
                "count": 10,
                "period_us": 1000,
            },
        ),
        hips((0, 110, 0.9), (0, 95.5, 0.75)),
        age_ms=7,
    )
    assert decision.cause == "y of hip fell from 110.0 to 95.5 px, past 100.0 px"
    assert decision.rule == "jump"
    assert decision.camera == "left"
    assert (decision.pose_seq, decision.frame_id) == (1, 1)
    assert decision.host_ns == 10**9 + 10 * MS
    assert decision.exposure_ns == 10**9 + 3 * MS
    assert (decision.age_ns, decision.max_age_ns) == (7 * MS, 30 * MS)
    assert (decision.value, decision.threshold, decision.likelihood) == (
        95.5,
        100,
        0.75,
    )
    assert decision.armed == 1
    assert decision.sham_draw == sham_draw(1, "jump", 0)
    assert (decision.line, decision.pulse_width_us) == ("cuff", 200)
    assert (decision.pulse_count, decision.pulse_period_us) == (10, 1000)


CAUSES = {
    "too_old": "age 20.00 ms above 20.00 ms: y of hip fell",
    "refractory": "20.0 ms since the last fire, below 30.0 ms: y of hip fell",
    "disarmed": "not armed: y of hip fell from 110.0 to 90.0 px",
    "bad_pose_on_the_far_side": "likelihood 0.500 below 0.600: y of hip fell to 90.0",
    "debounce_broken_by_the_near_side": "held on 2 of 3 poses: 110.0 px, threshold",
    "debounce": "past 100.0 px, on 3 poses in a row",
    "difference_of_two": "y of hip - toe fell from -39.0 to -41.0 px, past -40.0 px",
    "enters": "depth of hip in the region went from -1.0 to 0.0 px, past 0.0 px",
    "speeds_up": "speed of hip went from 500.0 to 1000.0 px/s, past 500.0 px/s",
}


@pytest.mark.parametrize("name", CAUSES)
def test_cause_has_words_and_numbers(name):
    case = CASES[name]
    decisions, _ = play(case.config, case.poses, **case.others)
    assert any(CAUSES[name] in d.cause for d in decisions), [d.cause for d in decisions]


def test_only_candidates_that_may_fire_draw():
    case = CASES["refractory"]
    draws = [d.sham_draw for d in play(case.config, case.poses)[0]]
    assert draws == [sham_draw(1, "jump", 0), NO_DRAW, sham_draw(1, "jump", 1)]


def test_draws_are_uniform_and_differ_by_seed_and_rule():
    draws = np.array([sham_draw(3, "jump", n) for n in range(4000)])
    counts, _ = np.histogram(draws, bins=10, range=(0, 1))
    assert draws.min() >= 0
    assert draws.max() < 1
    assert np.abs(counts - 400).max() < 80  # four standard deviations
    others = [
        np.array([sham_draw(*key, n) for n in range(4000)])
        for key in ((4, "jump"), (3, "land"))
    ]
    for other in others:
        assert abs(np.corrcoef(draws, other)[0, 1]) < 0.07


def test_every_unknown_keypoint_is_told_with_the_nearest():
    configs = [
        rule({**FALLS, "keypoint": "hips", "minus": "tow"}),
        rule({**CORNER, "keypoint": "wing"}, name="corner"),
    ]
    with pytest.raises(ConfigError) as caught:
        compile_rules(configs, BODYPARTS, 1)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("(nose, hip, toe), got 'hips': did you mean 'hip'?")
    assert lines[1].endswith("got 'tow': did you mean 'toe'?")
    assert lines[2] == (
        "rules.corner.when: expected a keypoint of the model (nose, hip, toe), "
        "got 'wing'"
    )


def test_rules_are_numbered_together():
    rules = compile_rules([rule(FALLS), rule(CORNER, name="corner")], BODYPARTS, 1)
    state = initial_state(rules, first_id=7)
    found = []
    for k, place in enumerate([(0, 110), (20, 30)]):
        scene = scene_of(k, hips(place)[0], k * 10 * MS)
        state, decisions = evaluate(
            rules, state, scene, now_ns=k * 10 * MS + MS, armed=True
        )
        found += decisions
    assert [(d.decision_id, d.rule) for d in found] == [(7, "jump"), (8, "corner")]
    assert state.next_id == 9


places = st.tuples(
    st.floats(0, 60, width=32) | st.just(math.nan),
    st.floats(60, 140, width=32),
    st.floats(0, 1, width=32),
)
rules_ = st.builds(
    rule,
    st.sampled_from([FALLS, RISES, CROUCHES, CORNER, RUNS]),
    debounce_frames=st.integers(1, 4),
    refractory_ms=st.sampled_from([0, 15, 200]),
    max_pose_age_ms=st.sampled_from([6, 20]),
    sham_probability=st.sampled_from([0, 0.5, 1]),
    min_likelihood=st.sampled_from([0, 0.6]),
)
journeys = st.lists(
    st.tuples(places, st.floats(0, 30), st.booleans()), min_size=1, max_size=60
)


def follow(config, journey):
    """Decisions and states on a journey of (hip, age in ms, armed)."""
    rules = compile_rules([config], BODYPARTS, 5)
    state = initial_state(rules)
    found, states = [], [state]
    for k, (place, age_ms, armed) in enumerate(journey):
        now_ns = 10**9 + k * 10 * MS
        state, decisions = evaluate(
            rules,
            state,
            scene_of(k, hips(place)[0], now_ns - round(age_ms * MS)),
            now_ns=now_ns,
            armed=armed,
        )
        found += decisions
        states.append(state)
    return found, states


@given(rules_, journeys)
def test_never_fires_on_what_it_must_not(config, journey):
    found, _ = follow(config, journey)
    for decision in found:
        fired = decision.outcome in {"fired", "sham"}
        assert decision.age_ns == decision.host_ns - decision.exposure_ns
        if not fired:
            assert decision.sham_draw == NO_DRAW
            continue
        assert decision.age_ns <= config.max_pose_age_ms * MS
        assert decision.likelihood >= config.min_likelihood
        assert decision.armed == 1
        assert (decision.outcome == "sham") == (
            decision.sham_draw < config.sham_probability
        )


@given(rules_, journeys)
def test_fires_are_apart_and_each_is_a_new_edge(config, journey):
    found, states = follow(config, journey)
    fires = [d for d in found if d.outcome in {"fired", "sham"}]
    for first, second in pairwise(fires):
        assert second.host_ns - first.host_ns >= config.refractory_ms * MS
        between = states[first.pose_seq + 1 : second.pose_seq + 1]
        assert not between[0].rules[0].near
        assert any(state.rules[0].near for state in between)


@given(rules_, journeys)
def test_at_most_one_decision_a_pose_and_the_state_given_is_kept(config, journey):
    found, states = follow(config, journey)
    assert len({d.pose_seq for d in found}) == len(found)
    again, states_again = follow(config, journey)
    assert repr(again) == repr(found)
    assert repr(states_again) == repr(states)


@given(rules_, journeys, st.data())
def test_goes_on_from_any_state(config, journey, data):
    cut = data.draw(st.integers(0, len(journey)))
    found, states = follow(config, journey)
    rules = compile_rules([config], BODYPARTS, 5)
    state, rest = states[cut], []
    for k, (place, age_ms, armed) in list(enumerate(journey))[cut:]:
        now_ns = 10**9 + k * 10 * MS
        state, decisions = evaluate(
            rules,
            state,
            scene_of(k, hips(place)[0], now_ns - round(age_ms * MS)),
            now_ns=now_ns,
            armed=armed,
        )
        rest += decisions
    assert repr(rest) == repr([d for d in found if d.pose_seq >= cut])
