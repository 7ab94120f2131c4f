import ast
import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import inference.gates.gate
import inference.gates.jumps
import inference.gates.lengths
from inference.gates import (
    GOOD,
    JUMP,
    LENGTH,
    LIKELIHOOD,
    begin,
    compile_gates,
    gate,
)
from rig.config.task import GatesConfig
from rig.errors import ConfigError

MS = 1_000_000
PARTS = ("nose", "ear", "hip", "tail")
SPEED, JITTER = 1000.0, 10.0


def make(parts=PARTS, **config):
    return compile_gates(GatesConfig.model_validate(config), parts)


def jumps(poses=5, **config):
    return make(
        max_speed_px_per_s=SPEED, jitter_px=JITTER, reacquire_poses=poses, **config
    )


def run(gates, poses, times_ms=None, state=None):
    """Marks (m, n) of poses (m, n, 2 or 3), 10 ms apart unless told."""
    poses = np.asarray(poses, np.float32)
    if poses.shape[2] == 2:
        poses = np.concatenate([poses, np.ones((*poses.shape[:2], 1))], axis=2)
    poses = poses.astype(np.float32)
    times_ms = np.arange(len(poses)) * 10 if times_ms is None else times_ms
    state = begin(gates) if state is None else state
    marks = []
    for pose, time_ms in zip(poses, times_ms, strict=True):
        given_pose, given_state = pose.copy(), state
        state, found = gate(gates, state, pose, round(1e9 + time_ms * MS))
        np.testing.assert_array_equal(pose, given_pose)  # marked, never replaced
        assert found.dtype == np.uint8
        again = gate(gates, given_state, pose, round(1e9 + time_ms * MS))
        assert again[0] == state
        np.testing.assert_array_equal(again[1], found)
        marks.append(found)
    return np.array(marks)


def still(count, places=((100, 100), (120, 100), (200, 110), (260, 115))):
    return np.tile(np.array(places, float), (count, 1, 1))


# -- likelihood


def test_each_keypoint_has_its_own_least_likelihood():
    gates = make(likelihood=0.6, likelihoods={"tail": 0.3})
    pose = [[1, 1, 0.6], [1, 1, 0.59], [1, 1, 0.99], [1, 1, 0.31]]
    np.testing.assert_array_equal(run(gates, [pose]), [[0, LIKELIHOOD, 0, 0]])


def test_what_is_not_finite_is_never_good():
    pose = [[np.nan, 1, 1], [1, np.inf, 1], [1, 1, np.nan], [1, 1, 0]]
    np.testing.assert_array_equal(run(make(), [pose]), [[1, 1, 1, 0]])


# -- jumps


@pytest.mark.parametrize("poses", [2, 3, 5, 8])
def test_a_teleport_is_marked_at_once_and_released_once_enough_poses_agree(poses):
    there = still(12)
    there[:, 3] += (0, 300)
    marks = run(jumps(poses), np.concatenate([still(10), there]))
    assert not marks[:, :3].any()
    expected = [GOOD] * 10 + [JUMP] * (poses - 1) + [GOOD] * (13 - poses)
    np.testing.assert_array_equal(marks[:, 3], expected)


def test_one_pose_is_enough_where_one_is_asked_for():
    there = still(3)
    there[:, 3] += (0, 300)
    assert not run(jumps(1), np.concatenate([still(5), there])).any()


def test_who_comes_back_is_trusted_at_once_and_the_count_begins_anew():
    poses = still(40)
    away = [10, 11, 12, 14, 15, 16, 18]
    poses[away, 0] += (400, 0)
    marks = run(jumps(4), poses)
    np.testing.assert_array_equal(np.flatnonzero(marks[:, 0]), away)


def test_a_pose_at_a_third_place_begins_a_new_count():
    poses = still(20)
    poses[10:13, 0] += (400, 0)
    poses[13:, 0] += (0, 400)
    marks = run(jumps(4), poses)
    np.testing.assert_array_equal(np.flatnonzero(marks[:, 0]), range(10, 16))


def test_a_wrong_first_pose_is_put_right_by_the_next_two():
    poses = still(10)
    poses[0, 2] = (600, 20)
    marks = run(jumps(5), poses)
    np.testing.assert_array_equal(marks[:, 2], [0, JUMP, *[0] * 8])


def test_poses_below_the_likelihood_neither_confirm_nor_break_a_new_place():
    poses = np.concatenate([still(20), np.ones((20, 4, 1))], axis=2)
    poses[10:, 0, 0] += 400
    poses[[11, 13], 0] = (5, 5, 0.1)
    marks = run(jumps(3, likelihood=0.5), poses)
    expected = [JUMP, LIKELIHOOD, JUMP, LIKELIHOOD, *[GOOD] * 6]
    np.testing.assert_array_equal(marks[10:, 0], expected)


@pytest.mark.parametrize(("later_ms", "mark"), [(80, JUMP), (86, GOOD)])
def test_the_reach_grows_with_the_time_since_the_exposure(later_ms, mark):
    poses = still(6)
    poses[5, 0] += (95, 0)  # 10 px of jitter, and 85 ms of way
    marks = run(jumps(), poses, [0, 1, 2, 3, 4, 4 + later_ms])
    assert marks[5, 0] == mark


def test_a_pose_that_is_not_newer_has_no_time_to_move():
    poses = still(7)
    poses[6, 1] += (9, 0)
    assert not run(jumps(), poses, [0, 1, 2, 3, 4, 5, 5]).any()
    poses[6, 1] += (9, 0)
    assert run(jumps(), poses, [0, 1, 2, 3, 4, 5, 5])[6, 1] == JUMP
    assert run(jumps(), poses, [0, 1, 2, 3, 4, 5, 3])[6, 1] == JUMP


def test_after_a_long_time_any_place_is_as_good():
    poses = still(12)
    poses[10:, 1] = (5000, 5000)
    assert not run(jumps(), poses, [*range(10), 1020, 1030]).any()


intervals = st.lists(st.floats(0, 400), min_size=1, max_size=40)


@given(intervals, st.integers(0, 2**32 - 1))
def test_an_animal_that_stands_still_is_never_marked(intervals_ms, seed):
    rng = np.random.default_rng(seed)
    times = np.cumsum(intervals_ms)
    angle = rng.uniform(0, 2 * np.pi, (len(times), 4))
    around = np.stack([np.cos(angle), np.sin(angle)], axis=2)
    jitter = around * rng.uniform(0, 0.499 * JITTER, (len(times), 4, 1))
    assert not run(jumps(), still(len(times)) + jitter, times).any()


@given(st.integers(2, 60), st.integers(0, 2**32 - 1))
def test_an_animal_that_may_move_so_fast_is_not_marked_whatever_is_lost(count, seed):
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(count, 4, 2))
    steps *= rng.uniform(0, 0.999 * SPEED * 0.01, (count, 4, 1)) / np.linalg.norm(
        steps, axis=2, keepdims=True
    )
    poses = still(count) + np.cumsum(steps, axis=0)
    kept = np.flatnonzero(rng.random(count) < rng.uniform(0.05, 1))
    assert not run(jumps(), poses, np.arange(count) * 10).any()
    assert not run(jumps(), poses[kept], kept * 10).any()


# -- lengths

BODY = [
    {"between": ["nose", "tail"], "range_px": [100, 200]},
    {"between": ["ear", "tail"], "range_px": [80, 180]},
    {"between": ["hip", "tail"], "range_px": [20, 90]},
]


def test_the_keypoint_with_most_broken_lengths_is_to_blame():
    poses = still(3)
    poses[1, 3] = (600, 60)
    poses[2, 3] = poses[2, 2] - (110, 0)  # too near is wrong as well
    marks = run(make(lengths=BODY), poses)
    np.testing.assert_array_equal(
        marks, [[0] * 4, [0, 0, 0, LENGTH], [0, 0, 0, LENGTH]]
    )


def test_of_two_ends_the_one_that_jumped_is_to_blame_or_both():
    length = [{"between": ["nose", "hip"], "range_px": [50, 150]}]
    poses = still(6)
    poses[5, 2] = (600, 60)
    marks = run(jumps(lengths=length), poses)
    np.testing.assert_array_equal(marks[5], [0, 0, LENGTH, 0])
    marks = run(make(lengths=length), poses)  # nobody knows who jumped
    np.testing.assert_array_equal(marks[5], [LENGTH, 0, LENGTH, 0])


def test_a_marked_keypoint_breaks_no_length():
    pose = [[100, 100, 1], [120, 100, 1], [200, 110, 1], [600, 60, 0.1]]
    marks = run(make(likelihood=0.5, lengths=BODY), [pose])
    np.testing.assert_array_equal(marks, [[0, 0, 0, LIKELIHOOD]])


def test_a_place_that_lengths_contradict_is_no_new_place():
    poses = still(60)
    poses[10:, 3] = (600, 60)
    assert set(run(jumps(3), poses)[12:, 3]) == {GOOD}
    assert set(run(jumps(3, lengths=BODY), poses)[10:, 3]) == {LENGTH}


def test_a_trusted_place_that_lengths_contradict_gives_way_at_once():
    poses = still(30)
    poses[:20, 3] = (600, 60)
    marks = run(jumps(5, lengths=BODY), poses)
    np.testing.assert_array_equal(marks[:, 3], [LENGTH] * 20 + [GOOD] * 10)
    # also where it was trusted before the lengths said so
    trusted = begin(jumps(5))
    for k in range(10):
        pose = np.concatenate([poses[k], np.ones((4, 1))], axis=1).astype(np.float32)
        trusted, _ = gate(jumps(5), trusted, pose, 10 * k * MS)
    state = type(trusted)(trusted.tracks, begin(jumps(5, lengths=BODY)).learnt)
    times = np.arange(30) * 10 - 900
    marks = run(jumps(5, lengths=BODY), poses, times, state=state)
    np.testing.assert_array_equal(marks[:, 3], [LENGTH] * 20 + [GOOD] * 10)


@pytest.mark.parametrize("wrong_share", [0.0, 0.3, 0.6])
def test_the_longest_is_learnt_also_where_most_poses_are_wrong(wrong_share):
    rng = np.random.default_rng(3)
    poses = still(600)
    poses[:, 3, 0] += rng.uniform(-50, 10, 600)  # it bends: the tail comes near
    wrong = rng.random(600) < wrong_share
    poses[wrong, 3] = rng.normal((620, 40), 30, (int(wrong.sum()), 2))
    lengths = [{"between": [part, "tail"]} for part in PARTS[:3]]
    marks = run(make(lengths=lengths), poses)
    late = np.arange(600) > 150
    missed = marks[late & wrong, 3] != LENGTH
    assert missed.sum() <= 0.01 * (late & wrong).sum()
    assert (marks[late & ~wrong] == GOOD).mean() > 0.99
    assert not marks[:32].any()  # nothing is known yet


@given(st.integers(0, 2**32 - 1))
def test_keypoints_in_another_order_are_marked_as_well(seed):
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 640, (3, 4, 2))[rng.integers(0, 3, (30, 4)), range(4)]
    poses = np.concatenate(
        [places + rng.normal(0, 3, places.shape), rng.uniform(0, 1, (30, 4, 1))], axis=2
    )
    config = {
        "likelihood": 0.3,
        "likelihoods": {"ear": 0.5},
        "lengths": [*BODY[:2], {"between": ["hip", "nose"]}],
    }
    order = rng.permutation(4)
    marks = run(jumps(3, **config), poses)
    parts = [PARTS[k] for k in order]
    again = run(jumps(3, parts=parts, **config), poses[:, order])
    np.testing.assert_array_equal(again, marks[:, order])


# -- config


def test_a_wrong_name_is_refused_with_the_nearest_one():
    config = {"likelihoods": {"nos": 0.5}, "lengths": [{"between": ["hip", "tial"]}]}
    with pytest.raises(ConfigError) as caught:
        make(**config)
    first, second = str(caught.value).splitlines()
    assert first.startswith("inference.gates.likelihoods: expected a keypoint")
    assert first.endswith("got 'nos': did you mean 'nose'?")
    assert second.endswith("got 'tial': did you mean 'tail'?")


@pytest.mark.parametrize(
    ("length", "told"),
    [
        ({"between": ["hip", "hip"]}, "two different keypoints"),
        ({"between": ["hip", "nose"], "range_px": [9, 3]}, "shortest before"),
    ],
)
def test_a_length_that_cannot_be_is_refused(length, told):
    with pytest.raises(ValidationError, match=told):
        GatesConfig.model_validate({"lengths": [length]})


@pytest.mark.parametrize(
    "module",
    [inference.gates.gate, inference.gates.jumps, inference.gates.lengths],
    ids=lambda m: m.__name__,
)
def test_has_no_clock_and_no_chance(module):
    tree = ast.parse(inspect.getsource(module))
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not imported & {"time", "random", "secrets", "datetime", "sync.clock", "zmq"}
