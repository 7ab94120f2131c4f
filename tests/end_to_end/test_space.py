"""The whole loop in space: two cameras, a force plate, and rules on both."""

from pathlib import Path

import numpy as np
import pytest

from rig.recording.reader import Recording
from rig.sim.picture_code import read_code
from rig.sim.pictures import PictureSet
from rig.sim.world import World

pytestmark = pytest.mark.slow

CONFIGS = Path(__file__).parents[2] / "configs"
SLOW = 4
PERIOD_S = 4.0
TASK = """
format: springhare-task/1
name: space
inference:
  model: bundled:mouse
  cameras: [left, right]
  gates: {likelihood: 0.3}
  prediction: {}
  # the demo's rig file has its cameras' calibration; their software triggers tremble
  space: {wait_ms: 20}
features:
  weight: {stream: daq/force_plate, channels: [Fz], kind: level, window_ms: 4}
rules:
  - name: high
    when: {kind: crosses, keypoint: hip, axis: z, direction: rising, threshold_mm: 60}
    max_pose_age_ms: 1000
    refractory_ms: 500
    action: {line: laser, pulse_width_us: 10000}
  - name: off_the_ground
    when:
      kind: sequence
      steps:
        - when: {kind: feature, feature: weight, direction: rising, threshold: 400}
        - when: {kind: feature, feature: weight, direction: falling, threshold: 20}
          within_ms: 2000
    max_pose_age_ms: 1000
    refractory_ms: 500
    action: {line: laser, pulse_width_us: 10000}
"""


@pytest.fixture
def session(springhare):
    place = springhare.place
    (place / "task.yaml").write_text(TASK, encoding="utf-8")
    result = springhare.result(
        "run",
        f"--rig={CONFIGS / 'rig/demo.yaml'}",
        "--task=task.yaml",
        f"--session={CONFIGS / 'session/demo.yaml'}",
        "--simulate",
        f"--slow={SLOW}",
        f"--seconds={SLOW * 5}",
        "--out=out",
    )
    assert result["ledger"]["closes"], result["ledger"]["reason"]
    with Recording.open(Path(place, result["folder"])) as recording:
        yield recording


@pytest.fixture
def world():
    return World(1, "jump", PERIOD_S)


def test_points_and_decisions_are_the_worlds(session, world):
    frames = session.payload("cameras/left")
    exposures_ns = session.rows("cameras/left")["exposure_ns"]
    pictures = PictureSet(Path(), 400, 100.0, 0.002)
    codes = np.array([read_code(frame) for frame in frames])
    times_s = np.array([pictures.time_s(code) for code in codes.tolist()])
    moments = session.rows("points/space")
    points = session.payload("points/space")
    assert len(moments) > 50  # a busy machine looks at few
    frame = np.abs(exposures_ns[:, None] - moments["exposure_ns"]).argmin(axis=0)
    off_mm = points[:, :, :3] - world.keypoints_mm(times_s[frame])
    off_mm = np.linalg.norm(off_mm, axis=2)
    assert np.isfinite(off_mm).mean() > 0.8
    assert np.nanmedian(off_mm) < 2.0

    decisions = session.rows("decisions")
    fired = decisions[decisions["outcome"] == b"fired"]
    assert set(fired["camera"][fired["rule"] == b"high"]) == {b"3d"}
    assert set(fired["camera"][fired["rule"] == b"off_the_ground"]) == {b""}
    rows = session.rows("features")
    assert set(rows["feature"]) == {b"weight"}
    for rule, allowed_s in ((b"high", 0.1), (b"off_the_ground", 0.04)):
        mine = fired[fired["rule"] == rule]
        assert len(mine) >= 1, rule
        at = np.abs(exposures_ns[:, None] - mine["exposure_ns"]).argmin(axis=0)
        late_s = times_s[at] - world.take_off_s
        assert (np.abs(late_s) < allowed_s).all(), (rule, late_s)
