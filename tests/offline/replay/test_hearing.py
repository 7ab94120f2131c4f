"""Features are as they were, or are made as they would have been."""

import numpy as np

from offline.replay import play, recorded_session
from offline.replay.hearing import MadeHearing, RecordedHearing
from rig.config.task import TaskConfig
from rig.messages import Pose, from_row
from rig.recording.reader import Recording


def test_made_features_are_those_that_were_recorded(whole):
    with Recording.open(whole) as recording:
        session = recorded_session(recording)
        made = MadeHearing(session.task.features, recording)
        recorded = RecordedHearing(session.features)
        rows = session.poses["left"].rows
        poses = [from_row(Pose, row) for row in rows]
    pairs = [(made.at_pose(pose), recorded.at_pose(pose)) for pose in poses]
    known = [(one, other) for one, other in pairs if other]
    assert len(known) > 0.9 * len(pairs)
    same = [one == other for one, other in known]
    # a block may come between listening and the pose's time
    assert np.mean(same) > 0.95


def test_a_rule_about_signals_on_a_session_that_knew_none(live, plain, tasks):
    asked = tasks.of({**tasks.drop, "sham_probability": 0}, features=tasks.features)
    with Recording.open(plain) as recording:
        session = recorded_session(recording)
        replay = play(recording, session, TaskConfig.model_validate(asked))
        took_off = live({}).host_ns(live({}).world.take_off_s)
    assert [each.outcome for each in replay.played.decisions] == ["fired", "fired"]
    late_ns = [each.host_ns for each in replay.played.decisions] - took_off[:2]
    # a window of 5 ms, and blocks of 10
    assert (late_ns > 0).all()
    assert (late_ns < 20e6).all()
