"""Every kind of rule, live and then again: bit for bit, with and without the network.

A short session in CI, and one of five minutes by hand: ``pytest -m long -o
faulthandler_timeout=0``.
"""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from ruamel.yaml import YAML

from offline.rules_check.walk import every
from rig.config.examples import examples_folder
from rig.config.rules import When
from rig.config.task import TaskConfig

KINDS = {get_args(one.model_fields["kind"].annotation)[0]
         for one in get_args(get_args(When)[0])}  # fmt: skip
"""Of conditions, as a task file can have them."""
OWN = """\
class Leaning:
    def __init__(self, bodyparts, *, by_px):
        self.nose, self.hip = bodyparts.index("nose"), bodyparts.index("hip")
        self.by_px, self.before = by_px, 0.0

    def look(self, scene):
        points = scene.seen["raw"].points
        now = points[self.nose][1] - points[self.hip][1]
        moved, self.before = now - self.before, now
        return moved > self.by_px
"""
TASK = """\
format: springhare-task/1
name: every_kind
inference:
  model: bundled:mouse
  cameras: [left, right]
  dynamic_crop: {body_px: 300}
  gates: {likelihood: 0.3, max_speed_px_per_s: 6000, jitter_px: 20}
  prediction: {hold_ms: 80}
  space: {wait_ms: 40}
features:
  weight: {stream: daq/force_plate, channels: [Fz], kind: level, window_ms: 5}
  gl: {stream: daq/emg, channels: [GL], kind: envelope, window_ms: 30}
rules:
  - name: ahead
    camera: left
    when: {kind: crosses, keypoint: hip, axis: y, direction: falling,
           threshold_px: 240, points: predicted}
    sham_probability: 0.3
  - name: inside
    camera: right
    when: {kind: enters, keypoint: toe, polygon_px: [[0, 0], [640, 0], [640, 260],
           [0, 300]]}
    debounce_frames: 2
  - name: quick
    camera: left
    when: {kind: speed, keypoint: toe, above_px_per_s: 150, points: smoothed}
    refractory_ms: 400
  - name: stretched
    when: {kind: distance, between: [hip, toe], above_mm: 30}
  - name: bent
    camera: left
    when: {kind: angle, joint: [hip, knee, ankle], below_deg: 80}
    refractory_ms: 900
  - name: drop
    when: {kind: feature, feature: weight, direction: falling, threshold: 20}
  - name: both
    camera: right
    when:
      kind: all
      of:
        - {kind: any, of: [
            {kind: crosses, keypoint: hip, axis: y, direction: falling,
             threshold_px: 250},
            {kind: distance, between: [nose, tail_base], below_px: 20}]}
        - {kind: not, of: {kind: feature, feature: weight, direction: rising,
                           threshold: 100}}
  - name: stays
    camera: left
    when: {kind: held, for_ms: 120, of: {kind: crosses, keypoint: hip, axis: y,
           direction: rising, threshold_px: 250}}
  - name: then
    camera: left
    when:
      kind: sequence
      steps:
        - when: {kind: feature, feature: gl, direction: rising, threshold: 20}
        - when: {kind: crosses, keypoint: hip, axis: z, direction: rising,
                 threshold_mm: 45}
          within_ms: 900
  - name: jumping
    camera: left
    when:
      kind: states
      start: ground
      holds_in: air
      states:
        ground:
          - {to: air, when: {kind: crosses, keypoint: hip, axis: y,
                             direction: falling, threshold_px: 245}}
        air:
          - {to: ground, after_ms: 100, when: {kind: crosses, keypoint: hip, axis: y,
                                               direction: rising, threshold_px: 250}}
  - name: own
    camera: left
    when: {kind: custom, use: "rules_of_ours:Leaning", arguments: {by_px: 4}}
"""


def task() -> TaskConfig:
    plain = YAML(typ="safe").load(TASK)
    for rule in plain["rules"]:
        rule.setdefault("refractory_ms", 300)
        rule["max_pose_age_ms"] = 300
        rule["action"] = {"line": "laser", "pulse_width_us": 1000}
    return TaskConfig.model_validate(plain)


def test_the_task_has_every_kind_of_rule():
    """A new kind of condition has to be put into the task above."""
    found = {when.kind for rule in task().rules for _, when in every(rule.when)}
    assert found == KINDS


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(20, marks=pytest.mark.slow),
        pytest.param(300, marks=pytest.mark.long),
    ],
)
def test_every_kind_of_rule_decides_again_as_it_did(springhare, tmp_path, seconds):
    folder = recorded(springhare, tmp_path, seconds)
    found = springhare.result("replay", folder)
    assert found["must_be_same"]
    streams = {each["stream"]: each for each in found["sameness"]}
    decisions = {"decisions", "estimates/left", "estimates/right", "points/space"}
    assert set(streams) == decisions
    assert all(whole(each) for each in streams.values()), streams
    # of each rule there is something to be the same
    assert {rule["rule"] for rule in found["rules"] if rule["recorded"]} == {
        rule.name for rule in task().rules
    }
    assert streams["decisions"]["recorded"] >= seconds

    looked = springhare.result("replay", folder, "--model=bundled:mouse")
    assert looked["looked"]["differs"] == []
    streams = {each["stream"]: each for each in looked["sameness"]}
    assert set(streams) == decisions | {"keypoints/left", "keypoints/right"}
    assert all(whole(each) for each in streams.values()), streams
    assert streams["keypoints/left"]["recorded"] >= 10 * seconds


def recorded(springhare, place: Path, seconds: float) -> str:
    """Record a session of the task; return its folder."""
    rig = (examples_folder() / "rig" / "demo.yaml").read_text(encoding="utf-8")
    rig = re.sub(r"(?m)^ *(emulator|led): .*$", "", rig)
    rig = rig.replace("mode: software", "mode: hardware")
    rig = re.sub(r"rate_hz: 100 ", "rate_hz: 30 ", rig)
    (place / "rig.yaml").write_text(rig, encoding="utf-8")
    YAML(typ="safe").dump(task().model_dump(mode="json"), place / "task.yaml")
    (place / "rules_of_ours.py").write_text(OWN, encoding="utf-8")
    springhare.env["PYTHONPATH"] = str(place)
    process = springhare.start(
        "run",
        "--rig=rig.yaml",
        "--task=task.yaml",
        "--simulate",
        f"--session={examples_folder() / 'session' / 'demo.yaml'}",
        "--out=out",
        "--slow=2",
        f"--seconds={seconds}",
        "--json",
    )
    out, err = process.communicate(timeout=seconds + 200)
    assert out, err
    return json.loads(out)["folder"]


def whole(stream: dict) -> bool:
    return stream["same"] == stream["recorded"] == stream["replayed"] > 0
