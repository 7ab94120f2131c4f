"""Points in space inside the step: from poses of two cameras to decisions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.follow import MARKED, Follower
from inference.gates import compile_gates
from inference.rules import Feature, compile_rules
from inference.setup import setup_step
from inference.space import Space
from inference.step import (
    SignalInputs,
    StepConfig,
    StepInputs,
    begin,
    heard,
    overdue,
    step,
)
from rig.config.rig import RigConfig
from rig.config.rules import RuleConfig
from rig.config.task import GatesConfig, TaskConfig
from rig.errors import ConfigError
from rig.geometry import (
    Calibration,
    Triangulator,
    look_at,
    project,
    write_calibration,
)
from rig.geometry.views import ViewsConfig

MS = 1_000_000
BODYPARTS = ("hip", "knee", "toe")
ACTION = {"line": "laser", "pulse_width_us": 500}
CAMERAS = tuple(
    look_at(
        name,
        position_mm=(x, -300, 60),
        target_mm=(0, 0, 40),
        width_px=640,
        height_px=480,
        focal_px=900,
    )
    for name, x in (("left", -150), ("right", 150))
)
RULES = tuple(
    RuleConfig.model_validate({"action": ACTION, **rule})
    for rule in (
        {
            "name": "high",
            "when": {
                "kind": "crosses",
                "keypoint": "hip",
                "axis": "z",
                "direction": "rising",
                "threshold_mm": 50,
            },
        },
        {
            "name": "stretched",
            "when": {
                "kind": "angle",
                "joint": ["hip", "knee", "toe"],
                "space": "mm",
                "above_deg": 150,
            },
        },
        {
            "name": "high_in_the_picture",
            "camera": "left",
            "when": {
                "kind": "crosses",
                "keypoint": "hip",
                "axis": "y",
                "direction": "falling",
                "threshold_px": 200,
            },
        },
    )
)
SPACE = Space(
    ViewsConfig(("left", "right"), period_ns=10 * MS, wait_ns=4 * MS),
    Triangulator(CAMERAS, engine="numpy"),
)
CONFIG = StepConfig(compile_rules(RULES, BODYPARTS, seed=1), space=SPACE)


def body(hip_z, knee_x=20.0):
    return np.array([[0.0, 0.0, hip_z], [knee_x, 0.0, hip_z / 2], [0.0, 0.0, 0.0]])


def seen(camera, points_mm, likelihood=0.9):
    pixels = [project(camera, point) for point in points_mm]
    return np.array([[*place, likelihood] for place in pixels], np.float32)


def inputs(k, camera, late_ms=0, **others):
    now_ns = 10**9 + (10 * k + late_ms) * MS
    return StepInputs(
        camera=camera,
        pose_seq=k,
        frame_seq=k,
        frame_id=k,
        exposure_ns=10**9 + 10 * k * MS - 6 * MS,
        arrival_ns=now_ns - 4 * MS,
        dequeued_ns=now_ns - 3 * MS,
        inferred_ns=now_ns - MS,
        now_ns=now_ns,
        armed=True,
        **others,
    )


def watch(bodies, config=CONFIG, cameras=CAMERAS):
    """All poses of both cameras; return results, and points by moment."""
    state, results = begin(config), []
    for k, points_mm in enumerate(bodies):
        for late_ms, camera in enumerate(cameras):
            result = step(
                seen(camera, points_mm),
                inputs(k, camera.name, late_ms),
                state,
                config,
            )
            state = result.state
            results.append(result)
    return results, [point for result in results for point in result.points]


def test_points_are_where_the_body_is():
    bodies = [body(30 + 3 * k) for k in range(8)]
    results, points = watch(bodies)
    assert [point.record.seq for point in points] == list(range(8))
    for k, point in enumerate(points):
        np.testing.assert_allclose(point.points[:, :3], bodies[k], atol=0.01)
        assert (point.points[:, 4] == 2).all()
        np.testing.assert_allclose(point.points[:, 5], 0.9, rtol=1e-6)
        assert point.record.exposure_ns == point.record.oldest_ns
        assert point.record.exposure_ns == 10**9 + 10 * k * MS - 6 * MS
        assert point.record.views == 2
    assert results[-1].state.points_seq == 8


def test_rules_in_space_are_asked_once_a_moment():
    results, _ = watch([body(30 + 3 * k) for k in range(12)])
    decisions = [d for result in results for d in result.decisions]
    (high,) = [d for d in decisions if d.rule == "high"]
    assert high.camera == "3d"
    assert high.pose_seq == 7  # 51 mm
    assert high.frame_id == -1
    assert high.age_ns == 7 * MS  # 6 at the exposure, and the second camera's turn
    assert high.cause == "z of hip rose from 48.0 to 51.0 mm, past 50.0 mm"
    assert {d.camera for d in decisions if d.rule == "high_in_the_picture"} == {"left"}


def test_a_joint_that_stretches():
    bodies = [body(60, knee_x) for knee_x in (30, 20, 10, 2)]
    results, _ = watch(bodies)
    found = [d for r in results for d in r.decisions if d.rule == "stretched"]
    assert [(d.pose_seq, d.outcome) for d in found] == [(3, "fired")]


def test_a_moment_that_waits_in_vain_is_let_go():
    state = begin(CONFIG)
    result = step(seen(CAMERAS[0], body(30)), inputs(0, "left"), state, CONFIG)
    assert result.points == ()
    views = result.state.views
    assert views is not None
    assert views.deadline_ns == inputs(0, "left").now_ns + 4 * MS
    state, points, _ = overdue(
        SignalInputs(views.deadline_ns, armed=True), result.state, CONFIG
    )
    assert points == ()  # one view makes no point
    assert state.views is not None
    assert state.views.deadline_ns is None
    assert state.views.alone == 1


def test_nothing_in_space_without_a_calibration():
    config = StepConfig(compile_rules(RULES[2:], BODYPARTS, seed=1))
    results, points = watch([body(30)], config)
    assert points == []
    state = results[-1].state
    assert overdue(SignalInputs(0, armed=True), state, config) == (state, (), ())


def test_what_one_camera_marks_is_not_used():
    gates = compile_gates(GatesConfig(likelihood=0.5), BODYPARTS)
    config = StepConfig(CONFIG.rules, Follower(gates), SPACE)
    state = begin(config)
    bad = seen(CAMERAS[1], body(30))
    bad[0] = (5, 5, 0.2)
    for camera, found in zip(CAMERAS, (seen(CAMERAS[0], body(30)), bad), strict=True):
        result = step(found, inputs(0, camera.name), state, config)
        state = result.state
    (point,) = result.points
    assert np.isnan(point.points[0, :3]).all()
    assert np.isfinite(point.points[1:, :3]).all()
    assert result.followed.seen(0)["raw"].points[0][2] == MARKED


def test_a_processor_shows_rules_another_pose():
    shown = seen(CAMERAS[0], body(30))
    shown[0, 1] = 100
    state = begin(CONFIG)
    for k, other in enumerate((None, shown)):
        found = seen(CAMERAS[0], body(30))
        result = step(found, inputs(k, "left", shown=other), state, CONFIG)
        state = result.state
    assert [d.rule for d in result.decisions] == ["high_in_the_picture"]
    assert result.keypoints is found
    estimate = result.followed.estimate()
    np.testing.assert_array_equal(estimate[:, :3], shown)
    assert np.isnan(estimate[:, 4:6]).all()
    assert np.isinf(estimate[:, 6]).all()


def test_rules_about_signals_alone():
    when = {
        "kind": "feature",
        "feature": "weight",
        "direction": "falling",
        "threshold": 20,
    }
    config = StepConfig(
        compile_rules(
            [
                RuleConfig.model_validate(
                    {"name": "off", "when": when, "action": ACTION}
                )
            ],
            BODYPARTS,
            seed=1,
        )
    )
    state, found = begin(config), []
    for k, value in enumerate((250.0, 10.0)):
        now_ns = 10**9 + k * 10 * MS
        given_inputs = SignalInputs(
            now_ns, armed=True, features={"weight": Feature(value, now_ns - MS)}
        )
        state, decisions = heard(given_inputs, state, config)
        found += decisions
    (decision,) = found
    assert (decision.rule, decision.camera, decision.pose_seq) == ("off", "", -1)
    assert decision.age_ns == MS
    assert heard(SignalInputs(0, armed=True), state, config) == (state, ())


moves = st.lists(
    st.tuples(st.floats(20, 80), st.booleans(), st.booleans()), max_size=25
)


@given(moves)
def test_the_same_poses_give_the_same_decisions(journey):
    """Whatever is lost on the way: step by step, bit by bit."""

    def run():
        state, found = begin(CONFIG), []
        for k, (z, left, right) in enumerate(journey):
            for camera, there in zip(CAMERAS, (left, right), strict=True):
                if not there:
                    continue
                result = step(
                    seen(camera, body(z)), inputs(k, camera.name), state, CONFIG
                )
                state = result.state
                found += result.decisions
                found += [point.points.tobytes() for point in result.points]
        return found

    assert run() == run()


@pytest.fixture
def rig():
    camera = {
        "kind": "video",
        "source": "none.mp4",
        "width_px": 640,
        "height_px": 480,
        "rate_hz": 100,
        "pixel_format": "Mono8",
    }
    return {
        "format": "springhare-rig/1",
        "name": "two",
        "data_root": "sessions",
        "devices": {"left": camera, "right": {**camera, "rate_hz": 50}},
    }


@pytest.fixture
def task(tmp_path):
    path = tmp_path / "calibration.toml"
    write_calibration(path, Calibration(CAMERAS))
    return TaskConfig.model_validate(
        {
            "format": "springhare-task/1",
            "name": "two",
            "inference": {
                "model": "bundled:mouse",
                "cameras": ["left", "right"],
                "prediction": {},
                "space": {"calibration": str(path), "noise_px": 2.0},
            },
        }
    )


def test_setup_reads_the_calibration(task, rig):
    config = setup_step(task, task.inference, BODYPARTS, RigConfig.model_validate(rig))
    assert config.space.views == ViewsConfig(
        ("left", "right"), period_ns=20 * MS, wait_ns=5 * MS
    )
    assert config.space.triangulator.cameras == CAMERAS
    assert config.space.triangulator.config.noise_px == 2.0
    assert config.follower.predictor is not None


def test_a_calibration_of_other_pictures_is_refused(task, rig):
    rig["devices"]["right"]["height_px"] = 400
    with pytest.raises(ConfigError, match="right's pictures of 640 x 400 px, got 640"):
        setup_step(task, task.inference, BODYPARTS, RigConfig.model_validate(rig))
