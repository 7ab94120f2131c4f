"""A session that used all that rules can ask for, recorded and replayed."""

import json
import re

import pytest

from offline.commands.sessions import rules
from rig.config.examples import examples_folder
from rig.geometry import Calibration, write_calibration
from rig.sim.cameras import cameras_for

pytestmark = pytest.mark.slow

TASK = """\
format: springhare-task/1
name: everything
inference:
  model: bundled:mouse
  cameras: [left, right]
  gates: {likelihood: 0.3, max_speed_px_per_s: 6000}
  prediction: {hold_ms: 80}
  space: {calibration: CALIBRATION, wait_ms: 40}
features:
  weight: {stream: daq/force_plate, channels: [Fz], kind: level, window_ms: 5}
  gl: {stream: daq/emg, channels: [GL], kind: envelope, window_ms: 30}
rules:
  - name: ahead
    camera: left
    when: {kind: crosses, keypoint: hip, axis: y, direction: falling,
           threshold_px: 240, points: predicted}
    refractory_ms: 1000
    max_pose_age_ms: 300
    sham_probability: 0.3
    action: {line: laser, pulse_width_us: 10000}
  - name: drop
    when: {kind: feature, feature: weight, direction: falling, threshold: 20}
    refractory_ms: 1000
    max_pose_age_ms: 200
    action: {line: laser, pulse_width_us: 5000}
  - name: high
    camera: left
    when:
      kind: sequence
      steps:
        - when: {kind: feature, feature: gl, direction: rising, threshold: 20}
        - when: {kind: crosses, keypoint: hip, axis: z, direction: rising,
                 threshold_mm: 45}
          within_ms: 900
    max_pose_age_ms: 300
    action: {line: laser, pulse_width_us: 5000}
"""


def test_what_was_decided_live_is_decided_again(springhare, tmp_path, capsys):
    rig = (examples_folder() / "rig" / "demo.yaml").read_text(encoding="utf-8")
    rig = re.sub(r"(?m)^ *(emulator|led): .*$", "", rig).replace(
        "mode: software", "mode: hardware"
    )
    rig = re.sub(r"rate_hz: 100 ", "rate_hz: 30 ", rig)
    (tmp_path / "rig.yaml").write_text(rig, encoding="utf-8")
    calibration = tmp_path / "cameras.toml"
    write_calibration(calibration, Calibration(cameras=cameras_for("jump", 2)))
    (tmp_path / "task.yaml").write_text(TASK.replace("CALIBRATION", str(calibration)))
    recorded = springhare.result(
        "run",
        "--rig=rig.yaml",
        "--task=task.yaml",
        "--simulate",
        "--truth",
        f"--session={examples_folder() / 'session' / 'demo.yaml'}",
        "--out=out",
        "--slow=2",
        "--seconds=20",
    )
    arguments = ["check", "task.yaml", recorded["folder"], "--json"]
    arguments[1] = str(tmp_path / "task.yaml")
    status = rules.main([*arguments, "--truth", "drop=take_off"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)["sessions"][0]
    assert status == 0, found["sameness"]
    assert found["own"]
    same = {each["stream"]: each for each in found["sameness"]}
    assert set(same) == {
        "decisions",
        "estimates/left",
        "estimates/right",
        "points/space",
    }
    assert all(e["same"] == e["recorded"] == e["replayed"] for e in same.values())
    assert same["decisions"]["recorded"] >= 3
    drop = next(rule for rule in found["rules"] if rule["rule"] == "drop")
    assert drop["truth"]["events"] >= 2
    assert drop["truth"]["found"] >= drop["truth"]["events"] - 1
