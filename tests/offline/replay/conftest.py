"""Sessions of the simulated mouse whose every decision is known; see `live_loop`."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ACTION = {"line": "laser", "pulse_width_us": 500}


def _live_loop():
    """Load what makes sessions, once for all that use it."""
    name = "live_loop_of_tests"
    if name not in sys.modules:
        path = Path(__file__).with_name("live_loop.py")
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def take_off(**changes):
    """A rule that fires when the hip is up."""
    rule = {
        "name": "take_off",
        "camera": "left",
        "when": {
            "kind": "crosses",
            "keypoint": "hip",
            "axis": "y",
            "direction": "falling",
            "threshold_px": 240,
        },
        "refractory_ms": 300,
        "max_pose_age_ms": 60,
        "action": ACTION,
    }
    return {**rule, **changes}


def task(*rules, features=None, **inference):
    """A task of some rules."""
    return {
        "format": "springhare-task/1",
        "name": "bench",
        "inference": {
            "model": "bundled:mouse",
            "cameras": ["left", "right"],
            **inference,
        },
        "features": features or {},
        "rules": list(rules),
        "seed": 3,
    }


FEATURES = {
    "weight": {
        "stream": "daq/force_plate",
        "channels": ["Fz"],
        "kind": "level",
        "window_ms": 5,
    }
}
DROP = {
    "name": "drop",
    "when": {
        "kind": "feature",
        "feature": "weight",
        "direction": "falling",
        "threshold": 20,
    },
    "refractory_ms": 300,
    "sham_probability": 0.5,
    "action": ACTION,
}
HIGH = {
    "name": "high",
    "when": {
        "kind": "crosses",
        "keypoint": "hip",
        "axis": "z",
        "direction": "rising",
        "threshold_mm": 40,
    },
    "max_pose_age_ms": 80,
    "sham_probability": 0.5,
    "action": ACTION,
}


def everything():
    """A task that uses all that there is."""
    ahead = take_off(name="ahead", debounce_frames=2, sham_probability=0.5)
    ahead["when"] = {**ahead["when"], "points": "predicted"}
    quick = {
        "name": "quick",
        "camera": "right",
        "when": {
            "kind": "sequence",
            "steps": [
                {"when": {**DROP["when"], "direction": "rising", "threshold": 300}},
                {
                    "when": {
                        "kind": "speed",
                        "keypoint": "toe",
                        "above_px_per_s": 300,
                        "points": "smoothed",
                    },
                    "within_ms": 300,
                },
            ],
        },
        "max_pose_age_ms": 25,
        "action": ACTION,
    }
    return task(
        ahead,
        DROP,
        HIGH,
        quick,
        features=FEATURES,
        gates={"likelihood": 0.3, "max_speed_px_per_s": 9000},
        prediction={},
        space={},
    )


@pytest.fixture(scope="session")
def live():
    """Make a session; a test says how it goes."""
    return _live_loop().Live


@pytest.fixture(scope="session")
def tasks():
    """What tasks are made of."""
    return SimpleNamespace(
        of=task,
        take_off=take_off,
        everything=everything,
        drop=DROP,
        high=HIGH,
        features=FEATURES,
        start_ns=_live_loop().START_NS,
    )


@pytest.fixture(scope="session")
def whole(live, tmp_path_factory):
    """A session that uses all that there is, with late and lost views."""
    folder = tmp_path_factory.mktemp("sessions") / "whole"
    made = live(
        everything(),
        seconds=10.2,
        unsure=0.02,
        lost=0.2,
        disarmed_s=(4.0, 8.0),
        pulses_s=(0.1, 1.4, 2.61, 2.62, 5.0, 8.7),
        died_s=8.5,
    )
    return made.write(folder)


@pytest.fixture(scope="session")
def plain(live, tmp_path_factory):
    """A session with one rule: take_off."""
    kept = _live_loop().KEPT
    if "plain" not in kept:
        folder = tmp_path_factory.mktemp("sessions") / "plain"
        kept["plain"] = live(task(take_off())).write(folder)
    return kept["plain"]
