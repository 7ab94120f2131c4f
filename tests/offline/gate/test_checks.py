from dataclasses import replace

import numpy as np
import pytest

from inference.convert.proof import Proof
from offline.gate.checks import latency, parity, passed
from rig.config.task import TaskConfig


def task(budget=None, age_ms=50):
    rule = {
        "name": "r",
        "camera": "cam",
        "when": {
            "kind": "crosses",
            "keypoint": "nose",
            "axis": "y",
            "direction": "rising",
            "threshold_px": 10,
        },
        "max_pose_age_ms": age_ms,
        "action": {"line": "laser", "pulse_width_us": 1000},
    }
    plain = {
        "format": "springhare-task/1",
        "name": "t",
        "inference": {"model": "rig", "cameras": ["cam"]},
        "rules": [rule] if age_ms else [],
        "latency_budget": budget,
    }
    return TaskConfig.model_validate(plain)


def took(ms, slow_ms=None):
    times = np.full(200, ms * 1e6, np.int64)
    if slow_ms is not None:
        times[:3] = slow_ms * 1e6  # 1.5 % of them
    return times


@pytest.mark.parametrize(
    ("budget", "age_ms", "state", "words"),
    [
        (None, 50, "PASS", "10.0 ms, p99 20.0 ms"),
        (None, 20, "FAIL", "poses of at most 20 ms"),
        ({"network": {"p99_ms": 25}}, 50, "PASS", ""),
        ({"network": {"p99_ms": 15}}, 50, "FAIL", "network allows 15 ms (p99)"),
        ({"network": {"p50_ms": 15}}, 50, "PASS", ""),
        ({"total": {"max_ms": 15}}, 50, "FAIL", "total allows 15 ms (max)"),
        ({"camera": {"max_ms": 1}}, 50, "PASS", ""),
        (None, None, "WARN", "no latency_budget"),
    ],
)
def test_the_time_that_a_task_allows(budget, age_ms, state, words):
    check = latency(took(10, slow_ms=20), None, task(budget, age_ms))
    assert check.state == state
    assert words in check.told


def test_slower_than_before_is_said():
    check = latency(took(10), took(5), task())
    assert (check.state, "2.00 times the current" in check.told) == ("WARN", True)
    assert latency(took(5), took(10), task()).state == "PASS"


def test_a_limit_that_the_current_one_breaks_too_is_said():
    budget = {"network": {"max_ms": 15}}
    both = latency(took(10, slow_ms=20), took(10, slow_ms=20), task(budget))
    assert (both.state, "is the machine busy?" in both.told) == ("FAIL", True)
    alone = latency(took(10, slow_ms=20), took(10), task(budget))
    assert (alone.state, "is the machine busy?" in alone.told) == ("FAIL", False)


def test_parity_is_told_and_one_failure_is_enough():
    proof = Proof("dlclive 1", "cpu", 24, "drawn", ("64x48",), 0.02, 0.001, 1e-5)
    good, none = parity(proof), parity(None)
    assert (good.state, "0.02 px off dlclive 1" in good.told) == ("PASS", True)
    assert none.state == "WARN"
    assert passed([good, none])
    assert not passed([good, replace(good, state="FAIL")])
