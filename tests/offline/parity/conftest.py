"""Sessions of the replay's tests in which frames are skipped, or seen badly, live."""

import importlib.util
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from offline.parity.chosen import Asked
from offline.parity.compare import compare
from offline.reanalysis.poses_file import PosesInfo, poses_folder, write_poses
from offline.reanalysis.sources import frames_digest
from rig import cli
from rig.recording.reader import Recording

_path = Path(__file__).parents[1] / "replay" / "conftest.py"
_spec = importlib.util.spec_from_file_location("sessions_of_replay", _path)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

tasks = _module.tasks
_Live = _module._live_loop().Live


@dataclass
class Live(_Live):
    """A session whose network did not see all that was recorded."""

    skipped: dict = field(default_factory=dict)
    """By camera, numbers of frames that it never took."""
    moved: dict = field(default_factory=dict)
    """By frame of the left camera, what it put onto the hip: x px, y px, likelihood."""

    def __post_init__(self):
        super().__post_init__()
        self.true = {"left": [], "right": []}
        """By camera, the pose of every recorded frame."""

    def _look(self, taken):
        at_ns, camera, frame, pose = taken
        self.true[camera].append(pose)
        if frame.frame_id in self.skipped.get(camera, ()):
            return
        if camera == "left" and frame.frame_id in self.moved:
            pose = pose.copy()
            pose[self.bodyparts.index("hip")] += self.moved[frame.frame_id]
        super()._look((at_ns, camera, frame, pose))


def write_offline(folder, camera, poses, bodyparts, name="other", sha="ab" * 32, **how):
    """Write poses as `springhare analyse` does."""
    with Recording.open(folder) as recording:
        digest = frames_digest(recording, camera)
    path = poses_folder(folder, camera) / f"{name}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "model": name,
        "model_sha256": sha,
        "engine": "onnx",
        "provider": "CPUExecutionProvider",
        "resize": 1.0,
        "batch": 1,
        "springhare": "0",
        "camera": camera,
        "source": folder.name,
        "source_xxh3": digest,
        "width_px": 4,
        "height_px": 4,
        "colour": False,
        "frames": len(poses),
        "complete": True,
        "analysed_utc": "2026-01-02T11:00:00+00:00",
        **how,
    }
    info = PosesInfo(**told)
    write_poses(path, bodyparts, np.stack(poses), scorer=f"DLC_{name}", info=info)
    return path


@pytest.fixture(name="write_offline")
def write_offline_fixture():
    """Write poses as `springhare analyse` does."""
    return write_offline


@pytest.fixture(scope="session")
def session_of(tmp_path_factory, tasks):
    """Record a session and the poses of all its frames; return its folder."""

    def make(*rules, cameras=("left",), offline=True, **how):
        more = {k: how.pop(k) for k in ("inference", "features") if k in how}
        task = tasks.of(
            *rules, features=more.get("features"), **more.get("inference", {})
        )
        live = Live(task, **how)
        folder = live.write(tmp_path_factory.mktemp("parity") / "session")
        for camera in cameras if offline else ():
            write_offline(folder, camera, live.true[camera], live.bodyparts)
        return folder

    return make


@pytest.fixture
def compared():
    """Compare a session's left camera; return what was found of it, and all."""

    def run(folder, **asked):
        with Recording.open(folder) as recording:
            found = compare(recording, Asked(cameras=("left",), **asked))
        return found.result.cameras[0], found

    return run


@pytest.fixture
def parity(capsys):
    """Run the command; return its status, what it said, and its errors."""

    def run(*words):
        status = cli.main(["parity", *map(str, words)])
        told = capsys.readouterr()
        if "--json" in words and status == 0:
            return status, json.loads(told.out), told.err
        return status, told.out, told.err

    return run


@pytest.fixture(scope="session")
def crossings(session_of, tasks):
    """Frames of the left camera on which the hip goes up, the same in each session."""
    folder = session_of(tasks.take_off(), offline=False)
    with Recording.open(folder) as recording:
        decisions, poses = recording.rows("decisions"), recording.rows("poses/left")
    fired = decisions[decisions["outcome"] == b"fired"]
    return poses["frame_seq"][np.isin(poses["seq"], fired["pose_seq"])].tolist()
