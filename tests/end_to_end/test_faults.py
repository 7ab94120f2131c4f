"""Everything goes wrong on a script, and the ledger still closes."""

from pathlib import Path

import pytest

from rig.recording.reader import Recording

pytestmark = pytest.mark.slow

RIG = """\
format: springhare-rig/1
name: faulty
data_root: {place}/data
devices:
  left:
    kind: basler
    serial: "24000001"
    width_px: 320
    height_px: 240
    exposure_us: 1000
    trigger: {{mode: {mode}, source: daq}}
  daq:
    kind: harp
    port: /dev/ttyACM0
    emg: {{rate_hz: 2000, channels: [GL, TA, VL, BF, GL2, TA2, VL2, BF2]}}
    force_plate: {{rate_hz: 1000}}
    camera_trigger: {{rate_hz: 50}}
    actuator: {{lines: {{laser: {{pin: 1, max_width_us: 50000, max_rate_hz: 40}}}}}}
  scope:
    kind: harp
    port: /dev/ttyACM1
    inputs: {{lines: {{frame_clock: {{pin: 0, edges: rising, rate_hz: 30}}}}}}
ledger: {{fail_lost_fraction: 1}}
"""
TASK = """\
format: springhare-task/1
name: jump
inference: {model: "bundled:mouse", cameras: [left]}
rules:
  - name: up
    camera: left
    when: {kind: crosses, keypoint: hip, axis: y, direction: falling, threshold_px: 125}
    action: {line: laser, pulse_width_us: 5000}
"""
CAMERA = [
    "{device: left, at_s: 1.0, fault: lost_frame, count: 3}",
    "{device: left, at_s: 1.5, fault: failed_grab, count: 2}",
    "{device: daq, at_s: 2.0, fault: missed_trigger, count: 2}",
    "{device: daq, at_s: 2.5, fault: extra_trigger}",
    "{device: left, at_s: 3.0, fault: unplug, seconds: 1}",
    "{device: left, at_s: 5.0, fault: clock_reset}",
]
BOARDS = [
    "{device: daq, at_s: 1.0, fault: corrupt_bytes, count: 3}",
    "{device: scope, at_s: 1.2, fault: drop_message, count: 2}",
    "{device: daq, at_s: 1.6, fault: drop_message, count: 5}",
    "{device: scope, at_s: 2.2, fault: clock_reset}",
    "{device: daq, at_s: 3.0, fault: unplug, seconds: 1}",
]
PROCESSES = [
    "{device: recorder, at_s: 0.5, fault: stall, seconds: 2}",
    "{device: inference, at_s: 3.0, fault: stall, seconds: 1}",
]


@pytest.mark.parametrize("mode", ["software", "hardware"])
@pytest.mark.parametrize(
    ("faults", "losing"),
    [
        pytest.param(CAMERA, {"cameras/left"}, id="camera"),
        pytest.param(BOARDS, {"signals/daq/emg", "events/scope"}, id="boards"),
        pytest.param(PROCESSES, set(), id="processes"),
    ],
)
def test_the_ledger_closes(springhare, tmp_path, mode, faults, losing):
    (tmp_path / "rig.yaml").write_text(RIG.format(place=tmp_path, mode=mode), "utf-8")
    (tmp_path / "task.yaml").write_text(TASK, "utf-8")
    (tmp_path / "session.yaml").write_text(
        "format: springhare-session-plan/1\nsubject: m1\nplanned_minutes: 1\n", "utf-8"
    )
    script = "".join(f"  - {fault}\n" for fault in faults)
    (tmp_path / "faults.yaml").write_text(
        f"format: springhare-faults/1\nfaults:\n{script}", "utf-8"
    )
    result = springhare.result(
        "run",
        "--rig=rig.yaml",
        "--task=task.yaml",
        "--session=session.yaml",
        "--faults=faults.yaml",
        "--simulate",
        "--seconds=7",
    )
    ledger = result["ledger"]
    assert ledger["closes"], ledger["reason"]
    for stream in losing:
        missing = ledger["streams"][stream]["missing"]
        assert missing, stream
        assert all(item["cause"] for item in missing)
    checked = springhare("check", result["folder"])
    assert checked.returncode == 0, checked.stdout
    with Recording.open(Path(result["folder"])) as recording:
        assert recording.count("cameras/left") > 100
