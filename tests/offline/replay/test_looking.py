"""A network that looks again is shown the very frames that became poses."""

import numpy as np
import pytest

from offline.replay import play, recorded_session
from offline.replay.anew import retimed, seen_by, time_looks
from offline.replay.frames import Frames
from offline.replay.keypoints import keypoint_sameness
from offline.replay.looking import NetworkSight
from rig.config.task import TaskConfig
from rig.errors import ConfigError, SessionError
from rig.recording.reader import Recording


class Reads:
    """A network that knows each frame by what stands in its pixels."""

    name, sha256, provider = "reads", "0" * 64, "none"

    def __init__(self, session, frames, off_px=0.0, batches=False):
        self.bodyparts, self.batches = session.bodyparts, batches
        self.known = {}
        self.together = []
        for camera, each in session.poses.items():
            rows = zip(each.rows["frame_id"].tolist(), each.keypoints, strict=True)
            for frame_id, pose in rows:
                self.known[camera == "right", frame_id] = pose + np.float32(
                    [off_px, 0, 0]
                )

    def warm_up(self, height, width, channels):
        assert (height, width, channels) == (4, 4, 1)

    def infer(self, frame):
        right, high, low = frame[0, :3].tolist()
        nobody = np.zeros((len(self.bodyparts), 3), np.float32)
        return self.known.get((bool(right), 256 * high + low), nobody).copy()

    def infer_together(self, frames):
        self.together.append(len(frames))
        return [self.infer(frame) for frame in frames]

    def close(self):
        pass


@pytest.fixture(scope="module")
def short(live, tasks, tmp_path_factory):
    made = live(tasks.everything(), seconds=2.4, unsure=0.02, lost=0.2)
    return made.write(tmp_path_factory.mktemp("sessions") / "short")


@pytest.fixture
def opened(short):
    with Recording.open(short) as recording:
        session = recorded_session(recording)
        yield recording, session, Frames(recording, ["left", "right"])


def seen(opened, model, shown=None, task=None, told=lambda _more: None):
    recording, session, frames = opened
    task = task or session.task
    shown = shown or session
    sight = NetworkSight(model, task.inference, frames, shown.poses, told)
    return sight, play(recording, shown, task, sight=sight)


def test_the_same_network_sees_and_decides_the_same(opened):
    session = opened[1]
    told = []
    sight, replay = seen(opened, Reads(session, opened[2]), told=told.append)
    assert all(each.whole for each in keypoint_sameness(session, sight.keypoints))
    assert len(told) == sum(len(each.rows) for each in session.poses.values())
    assert sight.without_frame == 0
    names = [(d.decision_id, d.outcome.encode()) for d in replay.played.decisions]
    assert names == session.decisions[["decision_id", "outcome"]].tolist()


def test_one_that_sees_otherwise_is_told_of_by_pose_and_part(opened):
    session = opened[1]
    sight, _ = seen(opened, Reads(session, opened[2], off_px=0.5))
    left, right = keypoint_sameness(session, sight.keypoints)
    assert not left.whole
    assert left.same == 0
    assert left.first.startswith("pose 0 (frame 0, at ")
    assert "0.5 px away" in left.first
    assert right.stream == "keypoints/right"


def test_cameras_that_looked_together_look_together_again(opened):
    session = opened[1]
    task = session.task.model_dump(mode="json")
    task["inference"]["batch"] = True
    task = TaskConfig.model_validate(task)
    model = Reads(session, opened[2], batches=True)
    shown = retimed(session, task, task.inference, model, opened[2], 3_000_000)
    sight, _ = seen(opened, model, shown, task)
    together = sum(model.together)
    assert set(model.together) == {2}
    assert len(sight.keypoints["left"]) == len(shown.poses["left"].rows)
    right = len(shown.poses["right"].rows)
    assert 0.7 * right <= together / 2 <= right
    # whatever went together, each has its own frame's pose
    for camera, found in sight.keypoints.items():
        ids = shown.poses[camera].rows["frame_id"].tolist()
        for frame_id, pose in zip(ids, found, strict=True):
            known = model.known.get((camera == "right", frame_id))
            assert known is None or np.array_equal(pose, known)


def test_a_slower_network_decides_later_on_other_frames(opened):
    _, session, frames = opened
    model = Reads(session, frames)
    task = session.task
    counts, first = [], []
    for network_ns in (1_000_000, 30_000_000):
        shown = retimed(session, task, task.inference, model, frames, network_ns)
        assert shown.bodyparts == session.bodyparts
        sight, replay = seen(opened, model, shown)
        counts.append(len(sight.keypoints["left"]))
        mine = [d.host_ns for d in replay.played.decisions if d.rule == "ahead"]
        first.append(mine[0])
    assert counts[0] > 2 * counts[1]
    assert first[0] < first[1]


def test_poses_without_a_frame(opened):
    _, session, frames = opened
    frames.rows["left"]["seq"][:10] -= 10  # so there are none of these numbers
    lost = 10
    model = Reads(session, frames)
    sight, _ = seen(opened, model)
    assert sight.without_frame == lost
    assert all(each.whole for each in keypoint_sameness(session, sight.keypoints))
    other = seen_by(session, model, frames)
    assert len(other.poses["left"].rows) == len(session.poses["left"].rows) - lost
    assert np.isnan(other.poses["left"].keypoints).all()


def test_a_look_is_timed(opened):
    _, session, frames = opened
    assert time_looks(Reads(session, frames), session.task.inference, frames) > 0


def test_what_cannot_be_looked_at_is_said(opened):
    recording, session, frames = opened
    with pytest.raises(SessionError, match=r"frames of paw.*those of left, right"):
        Frames(recording, ["left", "paw"])
    model = Reads(session, frames)
    model.bodyparts = ("nose", "tail")
    shown = seen_by(session, model, frames)
    with pytest.raises(ConfigError, match=r"does not fit the model[^$]*nose, tail"):
        seen(opened, model, shown)
