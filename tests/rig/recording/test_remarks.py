from __future__ import annotations

import pytest

from rig.messages import Loss, NodeEvent
from rig.recording.ledger import AWAY, OVERRUN
from rig.recording.remarks import DIED, RESTARTED, STOPPED_EARLY, remarks_of

BACK = "died (signal 9) and was restarted after 0.8 s"


def event(host_ns, state, detail="signal 9", node="recorder"):
    return NodeEvent(host_ns=host_ns, node=node, state=state, detail=detail)


def loss(host_ns, count, stream="cameras/left", cause=AWAY):
    return Loss(
        host_ns=host_ns,
        stream=stream,
        stage="recorder",
        first_id=0,
        count=count,
        cause=cause,
    )


def test_an_ordinary_session_calls_for_none():
    events = [event(1, "running"), event(2, "stopped"), event(3, DIED, node="left")]
    assert remarks_of(events, [loss(2, 5)]) == []


def test_a_recorder_that_came_back_says_what_was_lost_meanwhile():
    events = [event(10, DIED), event(20, RESTARTED, BACK)]
    assert remarks_of(events, []) == [f"recorder {BACK}; nothing lost"]
    assert remarks_of(events, [loss(15, 4, cause=OVERRUN), loss(5, 4)]) == [
        f"recorder {BACK}; nothing lost"
    ]
    losses = [loss(19, 3), loss(21, 4), loss(21, 9, "events/daq")]
    assert remarks_of(events, losses) == [
        f"recorder {BACK}; lost meanwhile: 9 of events/daq, 7 of cameras/left"
    ]


@pytest.mark.parametrize(("listed", "shares"), [((21, 41), (1, 2)), ((39, 45), (1, 2))])
def test_each_absence_has_its_own_losses(listed, shares):
    events = [
        event(10, DIED),
        event(20, RESTARTED, BACK),
        event(40, DIED),
        event(44, RESTARTED, BACK),
    ]
    losses = [loss(ns, n) for ns, n in zip(listed, shares, strict=True)]
    assert remarks_of(events, losses) == [
        f"recorder {BACK}; lost meanwhile: {n} of cameras/left" for n in shares
    ]


def test_many_streams_are_counted():
    losses = [loss(15, 9 - k, f"cameras/cam{k}") for k in range(5)]
    [remark] = remarks_of([event(10, DIED), event(20, RESTARTED, BACK)], losses)
    assert remark.endswith("7 of cameras/cam2, more of 2 other streams")


def test_an_early_end_and_another_node_that_came_back():
    events = [
        event(5, RESTARTED, "died (x) and was restarted after 1.0 s", node="scope"),
        event(9, STOPPED_EARLY, "the disk is nearly full", node="supervisor"),
    ]
    assert remarks_of(events, [loss(6, 2)]) == [
        "scope died (x) and was restarted after 1.0 s",
        "stopped early: the disk is nearly full",
    ]
