"""The sessions of the replay's tests, and rules in few words."""

import importlib.util
from pathlib import Path

import pytest

from rig.config.task import TaskConfig

_path = Path(__file__).parents[1] / "replay" / "conftest.py"
_spec = importlib.util.spec_from_file_location("sessions_of_replay", _path)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

live, tasks = _module.live, _module.tasks
plain, whole = _module.plain, _module.whole


@pytest.fixture(scope="session")
def rule_of(tasks):
    """Make a task of one rule with a condition; return both."""

    def make(when, features=None, inference=None, **changes):
        rule = {
            "name": "r",
            "camera": "left",
            "when": when,
            "action": {"line": "laser", "pulse_width_us": 500},
            "refractory_ms": 100,
            **changes,
        }
        more = {"prediction": {}, "space": {}} if inference is None else inference
        task = TaskConfig.model_validate(
            tasks.of(rule, features=features or tasks.features, **more)
        )
        return task.rules[0], task

    return make


@pytest.fixture(scope="session")
def crosses():
    """A condition on a coordinate."""

    def make(threshold, direction="falling", keypoint="hip", axis="y", **more):
        return {
            "kind": "crosses",
            "keypoint": keypoint,
            "axis": axis,
            "direction": direction,
            "threshold_px": threshold,
            **more,
        }

    return make
