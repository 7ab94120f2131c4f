import ast
import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import inference.by_hand
import inference.follow
import inference.rules.engine
import inference.space
import inference.step
from inference.rules import compile_rules
from inference.step import StepConfig, StepInputs, begin, step
from rig.config.rules import RuleConfig
from rig.messages import Decision, Frame, Pose, from_row, row_dtype, to_row

MS = 1_000_000
BODYPARTS = ("nose", "hip")
ACTION = {"line": "laser", "pulse_width_us": 500}
RULES = tuple(
    RuleConfig.model_validate({"camera": camera, "action": ACTION, **rule})
    for camera in ("left", "right")
    for rule in (
        {
            "name": f"falls_{camera}",
            "when": {
                "kind": "crosses",
                "keypoint": "hip",
                "minus": "nose",
                "axis": "y",
                "direction": "falling",
                "threshold_px": 0,
            },
            "sham_probability": 0.5,
        },
        {
            "name": f"runs_{camera}",
            "when": {"kind": "speed", "keypoint": "nose", "above_px_per_s": 2000},
            "refractory_ms": 200,
            "debounce_frames": 2,
            "max_pose_age_ms": 12,
        },
    )
)
CONFIG = StepConfig(compile_rules(RULES, BODYPARTS, seed=4))


def test_makes_the_record_of_the_frame():
    frame = Frame(seq=7, host_ns=20, frame_id=1007, device_ns=3, exposure_ns=10)
    inputs = StepInputs.of_frame(
        "left",
        frame,
        pose_seq=5,
        dequeued_ns=30,
        inferred_ns=40,
        now_ns=50,
        armed=True,
        box_px=(8, 0, 40, 32),
    )
    keypoints = np.zeros((2, 3), np.float32)
    result = step(keypoints, inputs, begin(CONFIG), CONFIG)
    assert result.pose == Pose(
        seq=5,
        host_ns=50,
        frame_seq=7,
        frame_id=1007,
        exposure_ns=10,
        arrival_ns=20,
        dequeued_ns=30,
        inferred_ns=40,
        box_x0_px=8,
        box_y0_px=0,
        box_x1_px=40,
        box_y1_px=32,
    )
    assert result.keypoints is keypoints


steps = st.lists(
    st.tuples(
        st.sampled_from(["left", "right"]),
        st.integers(1, 40),  # ms since the step before
        st.integers(0, 20),  # age in ms
        st.booleans(),  # armed
        st.lists(st.floats(0, 100, width=32), min_size=4, max_size=4),
        st.sampled_from([0.2, 1.0]),
    ),
    max_size=80,
)


def live(journey):
    """Steps as the node takes them; what it publishes, as rows in a session."""
    state = begin(CONFIG, first_decision_id=3)
    seq = {"left": 0, "right": 0}
    now_ns = 10**9
    rows, decisions = [], []
    for camera, later_ms, age_ms, armed, (x0, y0, x1, y1), likelihood in journey:
        now_ns += later_ms * MS
        frame = Frame(
            seq=2 * seq[camera],
            host_ns=now_ns - MS,
            frame_id=seq[camera],
            device_ns=-1,
            exposure_ns=now_ns - age_ms * MS,
        )
        inputs = StepInputs.of_frame(
            camera,
            frame,
            pose_seq=seq[camera],
            dequeued_ns=now_ns - 3,
            inferred_ns=now_ns - 2,
            now_ns=now_ns,
            armed=armed,
            box_px=(seq[camera], 0, 64, 48),
        )
        keypoints = np.array([[x0, y0, likelihood], [x1, y1, 1]], np.float32)
        given_state, given_keypoints = repr(state), keypoints.copy()
        result = step(keypoints, inputs, state, CONFIG)
        assert repr(state) == given_state
        np.testing.assert_array_equal(keypoints, given_keypoints)
        state = result.state
        seq[camera] += 1
        rows.append((camera, _row(result.pose), keypoints.copy()))
        decisions += [_row(decision) for decision in result.decisions]
    return rows, decisions, state


def replay(rows, decisions):
    """The same from the session alone: poses, keypoints, and the armed flags."""
    armed = {
        (row["camera"][0].decode(), int(row["pose_seq"][0])): bool(row["armed"][0])
        for row in decisions
    }
    state = begin(CONFIG, first_decision_id=3)
    found = []
    for camera, row, keypoints in rows:
        pose = from_row(Pose, row[0])
        inputs = StepInputs.of_pose(
            camera, pose, armed=armed.get((camera, pose.seq), False)
        )
        result = step(keypoints, inputs, state, CONFIG)
        state = result.state
        assert result.pose == pose
        found += [_row(decision) for decision in result.decisions]
    return found, state


def _row(record):
    row = np.zeros(1, row_dtype(type(record)))
    row[0] = to_row(record)
    return row


@given(steps)
def test_replay_from_recorded_rows_decides_the_same(journey):
    rows, decisions, state = live(journey)
    again, state_again = replay(rows, decisions)
    assert [row.tobytes() for row in again] == [row.tobytes() for row in decisions]
    assert state_again == state


def test_replay_of_a_long_journey_has_every_kind_of_outcome():
    rng = np.random.default_rng(0)
    journey = [
        (
            str(rng.choice(["left", "right"])),
            int(rng.integers(1, 20)),
            int(rng.integers(0, 20)),
            bool(rng.random() < 0.8),
            rng.uniform(0, 100, 4).tolist(),
            float(rng.choice([0.2, 1.0], p=[0.2, 0.8])),
        )
        for _ in range(2000)
    ]
    rows, decisions, _ = live(journey)
    again, _ = replay(rows, decisions)
    assert [row.tobytes() for row in again] == [row.tobytes() for row in decisions]
    outcomes = {from_row(Decision, row[0]).outcome for row in decisions}
    assert outcomes == {
        "fired",
        "sham",
        "disarmed",
        "suppressed_age",
        "suppressed_debounce",
        "suppressed_likelihood",
        "suppressed_refractory",
    }


@pytest.mark.parametrize(
    "module",
    [
        inference.by_hand,
        inference.follow,
        inference.rules.engine,
        inference.rules.keypoints,
        inference.rules.combined,
        inference.rules.progress,
        inference.rules.features,
        inference.space,
        inference.step,
    ],
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
