"""Shams are blind: what only a fire leaves behind is not shown."""

from functools import partial

import pytest

from rig.config.rig import RigConfig
from rig.config.task import TaskConfig
from rig.recording.latency import COMMAND_STAGES, POSE_STAGES
from rig.supervisor.blinding import blind_of
from rig.supervisor.status import NodeFigures, Status, StreamFigures

figures = partial(StreamFigures, kind="events", slots=64)
ACTUATOR = {"lines": {"laser": {"pin": 1, "max_width_us": 1000, "max_rate_hz": 40}}}


@pytest.fixture
def rig():
    def make(actuator=ACTUATOR):
        daq = {"kind": "harp", "port": "/dev/x", "camera_trigger": {"rate_hz": 50}}
        daq |= {"actuator": actuator} if actuator else {}
        left = {"kind": "basler", "serial": "1", "width_px": 640, "height_px": 480}
        left |= {"trigger": {"mode": "hardware", "source": "daq"}}
        return RigConfig.model_validate(
            {
                "format": "springhare-rig/1",
                "name": "test",
                "data_root": "/data",
                "devices": {"daq": daq, "left": left},
            }
        )

    return make


@pytest.fixture
def task():
    def make(sham):
        when = {"kind": "enters", "keypoint": "hip", "region_px": [0, 0, 9, 9]}
        rule = {"name": "in", "camera": "left", "when": when, "sham_probability": sham}
        rule |= {"action": {"line": "laser", "pulse_width_us": 100}}
        return TaskConfig.model_validate(
            {
                "format": "springhare-task/1",
                "name": "t",
                "inference": {"model": "bundled:mouse", "cameras": ["left"]},
                "rules": [rule],
            }
        )

    return make


def test_what_a_fire_leaves_behind_is_hidden(rig, task):
    blind = blind_of(rig(), task(0.5), unblind=False)
    inference = {"decided": 3.0, "fired": 2.0, "armed": 1.0}
    for stage in (*POSE_STAGES, *COMMAND_STAGES):
        for prefix in ("", "over_", "budget_"):
            inference[f"{prefix}{stage}_p99_ms"] = 1.0
    daq = {"commands_waiting": 1.0, "clock_sd_us": 20.0, "key_on": 1.0}
    shown = blind.status(
        Status(
            "recording",
            "s",
            1.0,
            [
                NodeFigures("inference", "running", 0.1, inference),
                NodeFigures("daq", "running", 0.1, daq),
            ],
            [
                figures("acknowledgements", 7, 1.0, None, 1, 2, 3),
                figures("events/daq", 70, 50.0, 50, 1, 2, 3),
                figures("decisions", 9, 1.0, None, 0, 0, 0),
            ],
        )
    )
    assert shown.blind
    names = set(shown.nodes[0].metrics)
    assert {"decided", "armed", "pose_p99_ms", "over_pose_p99_ms"} <= names
    assert not {"fired", "total_p99_ms", "over_total_p99_ms", "send_p99_ms"} & names
    assert not any(
        name.split("_")[-3] in COMMAND_STAGES for name in names if "_p99_" in name
    )
    assert set(shown.nodes[1].metrics) == {"clock_sd_us", "key_on"}
    answers, events, decisions = shown.streams
    for stream in (answers, events):
        assert stream.blind
        assert (stream.published, stream.rate_hz, stream.waiting) == (0, 0.0, 0)
        assert (stream.lost, stream.unrecorded) == (1, 2)  # a loss is always told
    assert decisions == figures("decisions", 9, 1.0, None, 0, 0, 0)


def test_without_shams_there_is_nothing_to_hide(rig, task):
    assert blind_of(rig(), task(0), unblind=False) is None
    assert blind_of(rig(), None, unblind=False) is None
    assert blind_of(rig(None), task(0.5), unblind=False) is None


def test_who_asks_for_it_sees_all(rig, task):
    assert blind_of(rig(), task(0.5), unblind=True) is None
