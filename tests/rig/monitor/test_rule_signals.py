import numpy as np
import pytest

from rig.config.task import TaskConfig
from rig.monitor.rule_signals import rule_signals, signal_values

PARTS = ["hip", "knee", "ankle"]
ACTION = {"line": "laser", "pulse_width_us": 5000}


def task(*conditions, features=None):
    rules = [
        {"name": f"r{k}", "camera": "left", "when": when, "action": ACTION}
        for k, when in enumerate(conditions)
    ]
    return TaskConfig.model_validate(
        {
            "format": "springhare-task/1",
            "name": "t",
            "inference": {"model": "bundled:mouse", "cameras": ["left"]},
            "features": features or {},
            "rules": rules,
        }
    )


def poses(*frames):
    """(n, bodyparts, 3) from x, y of hip, knee and ankle."""
    found = np.ones((len(frames), len(PARTS), 3), np.float32)
    found[:, :, :2] = frames
    return found


CROSSES = {
    "kind": "crosses",
    "keypoint": "hip",
    "axis": "y",
    "direction": "falling",
    "threshold_px": 240,
}
STRAIGHT = [(0, 0), (0, 10), (0, 20)]
BENT = [(0, 0), (0, 10), (10, 10)]


@pytest.mark.parametrize(
    ("when", "text", "values"),
    [
        pytest.param(CROSSES, "hip y < 240 px", [0, 3], id="a coordinate"),
        pytest.param(
            CROSSES | {"minus": "knee", "direction": "rising"},
            "hip - knee y > 240 px",
            [-10, -7],
            id="a difference",
        ),
        pytest.param(
            {"kind": "speed", "keypoint": "hip", "above_px_per_s": 100},
            "hip speed > 100 px/s",
            [np.nan, 500],
            id="a speed",
        ),
        pytest.param(
            {"kind": "distance", "between": ["hip", "ankle"], "below_px": 15},
            "hip - ankle < 15 px",
            [20, np.hypot(6, 7)],
            id="a distance",
        ),
        pytest.param(
            {"kind": "angle", "joint": ["hip", "knee", "ankle"], "above_deg": 120},
            "knee angle > 120 deg",
            [180, np.degrees(np.arctan2(7, 4))],
            id="an angle",
        ),
    ],
)
def test_what_a_condition_is_made_of(when, text, values):
    [signal] = rule_signals(task(when))
    assert signal.text == f"r0: {text}"
    assert (signal.rule, signal.camera, signal.feature) == ("r0", "left", "")
    second = [(4, 3), (0, 10), (10, 10)]
    found = signal_values(signal, np.array([1.0, 1.01]), poses(STRAIGHT, second), PARTS)
    assert found == pytest.approx(values, abs=1e-3, nan_ok=True)


def test_only_a_coordinate_is_a_line_in_the_picture():
    speed = {"kind": "speed", "keypoint": "hip", "above_px_per_s": 100}
    axes = [s.line_axis for s in rule_signals(task(CROSSES, speed))]
    assert axes == ["y", ""]
    [difference] = rule_signals(task(CROSSES | {"minus": "knee"}))
    assert difference.line_axis == ""


def test_a_feature_has_its_own_trace():
    features = {
        "push": {"stream": "daq/force_plate", "channels": ["Fz"], "kind": "level"}
    }
    when = {
        "kind": "feature",
        "feature": "push",
        "direction": "rising",
        "threshold": 0.25,
    }
    [signal] = rule_signals(task(when, features=features))
    assert (signal.feature, signal.camera) == ("push", "")
    assert signal.text == "r0: push > 0.25"
    values = signal_values(signal, np.zeros(2), poses(BENT, BENT), PARTS)
    assert np.isnan(values).all()


def test_every_part_of_a_condition_has_a_trace_of_its_own():
    inside = {"kind": "enters", "keypoint": "hip", "region_px": [0, 0, 9, 9]}
    held = {"kind": "held", "of": CROSSES, "for_ms": 50}
    other = {"kind": "not", "of": CROSSES | {"keypoint": "knee", "axis": "x"}}
    when = {"kind": "all", "of": [inside, held, other]}
    texts = [signal.text for signal in rule_signals(task(when))]
    assert texts == ["r0: hip y < 240 px", "r0: knee x < 240 px"]


def test_a_body_part_that_nobody_sees_is_not_known():
    [signal] = rule_signals(task(CROSSES))
    values = signal_values(signal, np.zeros(1), poses(BENT), ["a", "b", "c"])
    assert np.isnan(values).all()


def test_no_pose_has_no_value():
    for when in (CROSSES, {"kind": "speed", "keypoint": "hip", "above_px_per_s": 1}):
        [signal] = rule_signals(task(when))
        assert signal_values(signal, np.zeros(0), poses(BENT)[:0], PARTS).shape == (0,)


def test_two_poses_of_one_moment_have_no_speed():
    speed = {"kind": "speed", "keypoint": "hip", "above_px_per_s": 1}
    [signal] = rule_signals(task(speed))
    values = signal_values(signal, np.array([1.0, 1.0]), poses(BENT, STRAIGHT), PARTS)
    assert np.isnan(values).all()
