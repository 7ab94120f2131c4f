from itertools import pairwise
from types import SimpleNamespace

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rig.messages import Acknowledgement, Decision, Pose, row_dtype, to_row
from rig.recording.latency import (
    COMMAND_STAGES,
    POSE_STAGES,
    STAGES,
    WORDS,
    Latency,
    command_moments,
    durations,
    latencies,
)

MS = 1_000_000


class Rows:
    """Stands for an opened session: streams and their rows."""

    def __init__(self, **rows):
        self._rows = {name.replace("__", "/"): value for name, value in rows.items()}
        self.streams = {
            name: SimpleNamespace(kind=name.split("/")[0]) for name in self._rows
        }

    def rows(self, name):
        return self._rows[name]


def _table(record, *rows):
    table = np.zeros(len(rows), row_dtype(record))
    for k, row in enumerate(rows):
        table[k] = to_row(row)
    return table


def _pose(seq, exposure_ms, dequeued_ms=2, inferred_ms=5, published_ms=6):
    """After its exposure: arrival 1 ms, and what is given."""
    return Pose(
        seq=seq,
        host_ns=(exposure_ms + published_ms) * MS,
        frame_seq=seq,
        frame_id=seq,
        exposure_ns=exposure_ms * MS,
        arrival_ns=(exposure_ms + 1) * MS,
        dequeued_ns=(exposure_ms + dequeued_ms) * MS,
        inferred_ns=(exposure_ms + inferred_ms) * MS,
    )


def _decision(number, pose, camera="left", outcome="fired", pose_seq=None, rule="jump"):
    return Decision(
        host_ns=pose.host_ns,
        decision_id=number,
        rule=rule,
        camera=camera,
        frame_id=pose.frame_id,
        pose_seq=pose.seq if pose_seq is None else pose_seq,
        outcome=outcome,
        cause="",
        exposure_ns=pose.exposure_ns,
        age_ns=pose.host_ns - pose.exposure_ns,
        max_age_ns=50 * MS,
        latency_ns=0,
        value=0,
        threshold=0,
        likelihood=1,
        sham_draw=1,
        armed=1,
        line="laser",
        pulse_width_us=1000,
        pulse_count=1,
        pulse_period_us=0,
    )


def _answer(decision, sent_ms=1, edge_ms=3, answered_ms=4):
    """After the decision; `edge_ms` None for a command that was not sent."""
    at = decision.host_ns
    done = edge_ms is not None
    return Acknowledgement(
        host_ns=at + answered_ms * MS,
        decision_id=decision.decision_id,
        sent_ns=at + sent_ms * MS if done else -1,
        edge_device_ns=7 if done else -1,
        edge_host_ns=at + edge_ms * MS if done else -1,
        line="laser",
        status="done" if done else "stale",
        age_ns=at + sent_ms * MS - decision.exposure_ns,
    )


def test_the_stages_of_a_fire_follow_one_another_without_a_gap():
    chain = [stage for stage in STAGES if stage not in {"pose", "total"}]
    for one, other in pairwise(chain):
        assert STAGES[one][1] == STAGES[other][0]
    assert set(WORDS) == set(STAGES) == {*POSE_STAGES, *COMMAND_STAGES}


def test_each_stage_is_told_apart():
    poses = _table(Pose, _pose(0, 10), _pose(1, 20, 3, 8, 9))
    found = latencies(Rows(poses__left=poses))["left"]
    assert {stage: one.max_ms for stage, one in found.items()} == {
        "camera": 1.0,
        "wait": 2.0,
        "network": 5.0,
        "decide": 1.0,
        "pose": 9.0,
    }
    assert found["pose"].p50_ms == 6.0, "a percentile is a time that was measured"


def test_only_edges_that_came_count():
    poses = [_pose(k, 10 * k) for k in range(4)]
    decisions = [
        _decision(0, poses[0]),
        _decision(1, poses[1], outcome="sham"),
        _decision(2, poses[2]),
        _decision(3, poses[3]),
    ]
    answers = [
        _answer(decisions[2], edge_ms=None),
        _answer(decisions[0], sent_ms=2, edge_ms=5),
    ]
    found = latencies(
        Rows(
            poses__left=_table(Pose, *poses),
            decisions=_table(Decision, *decisions),
            acknowledgements=_table(Acknowledgement, *answers),
        )
    )["left"]
    assert found["pose"].count == 4
    assert found["total"].count == 1
    assert [found[stage].p50_ms for stage in COMMAND_STAGES] == [2.0, 3.0, -1.0, 11.0]


def test_a_pulse_by_hand_answers_nothing_that_was_exposed():
    pose = _pose(0, 10)
    decisions = [_decision(0, pose), _decision(1, pose, "", rule="by_hand")]
    answers = [_answer(each) for each in decisions]
    found = latencies(
        Rows(
            poses__left=_table(Pose, pose),
            decisions=_table(Decision, *decisions),
            acknowledgements=_table(Acknowledgement, *answers),
        )
    )
    assert set(found) == {"left"}
    assert found["left"]["total"].count == 1


def test_an_edge_that_was_told_after_the_timeout_is_in_time_or_late_as_it_was():
    pose = _pose(0, 10)
    decision = _decision(0, pose)
    done = _answer(decision, answered_ms=400)
    given_up = msgspec.structs.replace(
        done, status="timeout", edge_device_ns=-1, edge_host_ns=-1
    )
    found = latencies(
        Rows(
            poses__left=_table(Pose, pose),
            decisions=_table(Decision, decision),
            acknowledgements=_table(Acknowledgement, given_up, done),
        )
    )["left"]
    told = [(found[stage].count, found[stage].max_ms) for stage in COMMAND_STAGES]
    assert told == [(1, 1.0), (1, 2.0), (1, 397.0), (1, 9.0)]


def test_a_decision_whose_pose_was_not_recorded_still_has_a_total():
    poses = [_pose(0, 0), _pose(2, 20)]
    lost = _decision(5, _pose(1, 10), pose_seq=1)
    found = command_moments(
        _table(Decision, _decision(4, poses[0]), lost),
        _table(Acknowledgement, _answer(lost), _answer(_decision(4, poses[0]))),
        {"left": _table(Pose, *poses)},
    )
    assert found.pose.tolist() == [0, -1]
    took = durations(found.moments)
    assert (took["total"] / MS).tolist() == [9.0, 9.0]
    assert (took["network"] / MS)[0] == 3.0


def test_what_is_decided_in_space_or_on_signals_stands_apart():
    pose = _pose(0, 10)
    decisions = [_decision(0, pose, "3d", pose_seq=9), _decision(1, pose, "")]
    found = latencies(
        Rows(
            poses__left=_table(Pose, pose),
            decisions=_table(Decision, *decisions),
            acknowledgements=_table(Acknowledgement, *map(_answer, decisions)),
        )
    )
    assert set(found) == {"left", "3d", "features"}
    assert set(found["3d"]) == set(found["features"]) == set(COMMAND_STAGES)
    assert found["3d"]["total"].p50_ms == 9.0


def test_nothing_recorded_is_left_out():
    empty = {"decisions": _table(Decision), "acknowledgements": _table(Acknowledgement)}
    assert latencies(Rows(poses__left=_table(Pose), **empty)) == {}


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=300))
def test_percentiles_are_by_rank(values):
    found = Latency.of(np.array(values))
    expected = np.percentile(values, [50, 95, 99, 100], method="inverted_cdf") / 1e6
    told = [found.p50_ms, found.p95_ms, found.p99_ms, found.max_ms]
    np.testing.assert_allclose(told, expected, atol=5.1e-4)
