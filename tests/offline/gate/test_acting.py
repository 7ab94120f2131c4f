from offline.gate.acting import acted_parts, likelihood
from rig.config.task import TaskConfig


def task(rules=(), gates=None):
    return TaskConfig.model_validate(
        {
            "format": "springhare-task/1",
            "name": "t",
            "inference": {"model": "rig", "cameras": ["cam"], "gates": gates},
            "rules": rules,
        }
    )


def rule(when, **more):
    action = {"line": "laser", "pulse_width_us": 1000}
    return {"name": "r", "camera": "cam", "when": when, "action": action, **more}


CROSSES = {
    "kind": "crosses",
    "keypoint": "hip",
    "minus": "toe",
    "axis": "y",
    "direction": "rising",
    "threshold_px": 10,
}


def test_the_parts_of_all_conditions():
    speed = {"kind": "speed", "keypoint": "nose", "above_px_per_s": 100}
    both = {"kind": "all", "of": [CROSSES, speed]}
    assert acted_parts(task([rule(both)])) == {"hip", "toe", "nose"}
    assert acted_parts(task()) == frozenset()


def test_a_point_must_be_likely_enough_for_every_rule_and_the_gate():
    assert likelihood(task()) == 0.5
    assert likelihood(task(gates={"likelihood": 0.3})) == 0.3
    rules = [rule(CROSSES, min_likelihood=0.9)]
    assert likelihood(task(rules, {"likelihood": 0.3})) == 0.9
    rules = [rule(CROSSES, min_likelihood=0.1)]
    assert likelihood(task(rules, {"likelihood": 0.3})) == 0.3
