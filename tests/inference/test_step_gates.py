"""Gates and prediction inside the step: what the rules see, and the same in replay."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.follow import MARKED, Follower
from inference.gates import JUMP, LIKELIHOOD, compile_gates
from inference.prediction import Predictor
from inference.rules import compile_rules
from inference.step import (
    StepConfig,
    StepInputs,
    begin,
    foresee,
    step,
)
from rig.config.rules import RuleConfig
from rig.config.task import GatesConfig
from rig.messages import Pose, from_row, row_dtype, to_row

MS = 1_000_000
BODYPARTS = ("nose", "hip")
RULES = tuple(
    RuleConfig.model_validate(
        {
            "name": f"falls_{camera}",
            "camera": camera,
            "when": {
                "kind": "crosses",
                "keypoint": "hip",
                "axis": "y",
                "direction": "falling",
                "threshold_px": 50,
            },
            "min_likelihood": 0,
            "action": {"line": "laser", "pulse_width_us": 500},
        }
    )
    for camera in ("left", "right")
)
GATES = compile_gates(
    GatesConfig(likelihood=0.3, max_speed_px_per_s=2000, reacquire_poses=3), BODYPARTS
)
PREDICTOR = Predictor(hold_ns=100 * MS)
CONFIG = StepConfig(compile_rules(RULES, BODYPARTS, seed=4), Follower(GATES, PREDICTOR))


def inputs(k, camera="left", latency_ms=0.0, age_ms=8):
    now_ns = 10**9 + 10 * k * MS
    return StepInputs(
        camera=camera,
        pose_seq=k,
        frame_seq=k,
        frame_id=k,
        exposure_ns=now_ns - age_ms * MS,
        arrival_ns=now_ns - 5 * MS,
        dequeued_ns=now_ns - 4 * MS,
        inferred_ns=now_ns - MS,
        now_ns=now_ns,
        armed=True,
        latency_ns=round(latency_ms * MS),
    )


def keypoints(hip, likelihood=0.9):
    return np.array([[10, 10, 0.9], [*hip, likelihood]], np.float32)


def whole_step(found, given_inputs, state, config):
    """A step and what it left for later, as the node does it."""
    result = step(found, given_inputs, state, config)
    return foresee(result, given_inputs, config)


def run(hips, config=CONFIG, likelihood=0.9, **others):
    state, results = begin(config), []
    for k, hip in enumerate(hips):
        row = keypoints(hip, likelihood)
        result = whole_step(row, inputs(k, **others), state, config)
        assert result.keypoints is row
        np.testing.assert_array_equal(row, keypoints(hip, likelihood))
        state = result.state
        results.append(result)
    return results


STANDS, THERE = (100, 100), (100, 20)


def test_a_jump_fires_no_rule_until_enough_poses_agree():
    results = run([STANDS] * 6 + [THERE] * 4)
    assert [int(result.followed.marks[1]) for result in results] == [0] * 6 + [
        JUMP
    ] * 2 + [0] * 2
    outcomes = [[d.outcome for d in result.decisions] for result in results]
    assert outcomes == [[]] * 6 + [["suppressed_likelihood"], [], ["fired"], []]
    assert results[6].decisions[0].likelihood == MARKED
    without = run([STANDS] * 6 + [THERE] * 4, StepConfig(CONFIG.rules))
    assert [d.outcome for d in without[6].decisions] == ["fired"]
    assert not without[6].followed.marks.any()
    assert without[6].followed.prediction is None


def test_a_marked_keypoint_is_not_trusted_whatever_the_rule_asks_for():
    results = run([STANDS] * 6 + [THERE], likelihood=0.2)
    assert {int(result.followed.marks[1]) for result in results} == {LIKELIHOOD}
    assert not any(result.decisions for result in results)  # never on the near side


def test_the_prediction_is_for_when_the_action_lands():
    hips = [(100 + 5 * k, 100) for k in range(100)]  # 500 px/s
    result = run(hips, latency_ms=7)[-1]
    prediction = result.followed.prediction
    assert prediction is not None
    assert prediction.at_ns == inputs(99).now_ns + 7 * MS
    # 8 ms since the exposure, and 7 to come
    np.testing.assert_allclose(prediction.points_px[1], (595 + 7.5, 100), atol=0.1)
    assert prediction.points_px.shape == (2, 2)
    assert prediction.sd_px.shape == (2,)


def test_decisions_record_the_latency_that_was_bridged():
    results = run([STANDS] * 6 + [(100, 45)], latency_ms=7)
    assert [d.latency_ns for d in results[-1].decisions] == [7 * MS]
    only_rules = run([STANDS] * 6 + [(100, 45)], StepConfig(CONFIG.rules), latency_ms=7)
    assert [d.latency_ns for d in only_rules[-1].decisions] == [0]


def test_a_predictor_without_gates_does_not_look_at_what_is_not_finite():
    config = StepConfig(follower=Follower(predictor=PREDICTOR))
    results = run([STANDS] * 5 + [(np.nan, 3)] * 2, config)
    assert results[-1].followed.marks.tolist() == [0, LIKELIHOOD]
    np.testing.assert_allclose(
        results[-1].followed.prediction.points_px[1], STANDS, atol=0.01
    )


def test_gates_without_a_predictor():
    results = run([STANDS] * 6 + [THERE], StepConfig(CONFIG.rules, Follower(GATES)))
    assert results[-1].followed.marks.tolist() == [0, JUMP]
    assert results[-1].followed.prediction is None


def test_cameras_have_nothing_to_do_with_each_other():
    alone = run([STANDS] * 8)
    state = begin(CONFIG)
    for k in range(8):
        row = keypoints((400 + 30 * k, 300))
        state = whole_step(row, inputs(k, camera="right"), state, CONFIG).state
        result = whole_step(keypoints(STANDS), inputs(k), state, CONFIG)
        state = result.state
        assert result.state.cameras["left"] == alone[k].state.cameras["left"]
        np.testing.assert_array_equal(
            result.followed.prediction.points_px, alone[k].followed.prediction.points_px
        )
    assert set(state.cameras) == {"left", "right"}


journeys = st.lists(
    st.tuples(
        st.sampled_from(["left", "right"]),
        st.floats(0, 100, width=32),
        st.floats(0, 100, width=32),
        st.sampled_from([0.1, 0.9]),
        st.floats(0, 30),
    ),
    max_size=40,
)


@given(journeys)
def test_replay_from_recorded_rows_gives_the_same_bits(journey):
    state, rows, results = begin(CONFIG), [], []
    for k, (camera, x, y, likelihood, latency_ms) in enumerate(journey):
        given_inputs = inputs(k, camera, latency_ms)
        before = deepcopy(state)
        result = whole_step(keypoints((x, y), likelihood), given_inputs, state, CONFIG)
        assert state == before
        state = result.state
        row = np.zeros(1, row_dtype(Pose))
        row[0] = to_row(result.pose)
        rows.append((camera, row, result.keypoints.copy(), given_inputs.latency_ns))
        results.append(result)
    again = begin(CONFIG)
    for (camera, row, found, latency_ns), result in zip(rows, results, strict=True):
        pose = from_row(Pose, row[0])
        replayed = whole_step(
            found,
            StepInputs.of_pose(camera, pose, armed=True, latency_ns=latency_ns),
            again,
            CONFIG,
        )
        again = replayed.state
        assert replayed.decisions == result.decisions
        assert replayed.followed.marks.tobytes() == result.followed.marks.tobytes()
        for name in ("points_px", "sd_px"):
            one, other = (
                getattr(r.followed.prediction, name) for r in (replayed, result)
            )
            assert one.tobytes() == other.tobytes()
    assert again == state


@pytest.mark.parametrize("config", [CONFIG, StepConfig()])
def test_a_new_session_knows_no_camera(config):
    assert begin(config).cameras == {}


def test_a_late_pose_of_predicted_points_is_not_fast_live_or_in_replay():
    """It is predicted further ahead, but for later too."""
    runs = RuleConfig.model_validate(
        {
            "name": "runs",
            "camera": "left",
            "when": {
                "kind": "speed",
                "keypoint": "hip",
                "above_px_per_s": 400,
                "points": "predicted",
            },
            "action": {"line": "laser", "pulse_width_us": 500},
        }
    )
    config = StepConfig(
        compile_rules([runs], BODYPARTS, seed=4),
        Follower(predictor=PREDICTOR, forms=frozenset({"predicted"})),
    )
    states, late_ns = [begin(config), begin(config)], 25 * MS
    for k in range(60):
        given_inputs = inputs(k, latency_ms=3)
        if k == 50:
            times = {
                name: getattr(given_inputs, name) + late_ns
                for name in ("dequeued_ns", "inferred_ns", "now_ns")
            }
            given_inputs = replace(given_inputs, **times)
        if k in {51, 52}:
            continue  # the newest is looked at
        place = keypoints((100 + 2 * k, 50))
        live = whole_step(place, given_inputs, states[0], config)
        row = np.zeros(1, row_dtype(Pose))
        row[0] = to_row(live.pose)
        again = whole_step(
            place,
            StepInputs.of_pose(
                "left",
                from_row(Pose, row[0]),
                armed=True,
                latency_ns=live.estimate.at_ns - live.pose.host_ns,
            ),
            states[1],
            config,
        )
        states = [live.state, again.state]
        assert live.decisions == again.decisions == ()
        assert states[0] == states[1]
