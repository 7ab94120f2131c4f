from __future__ import annotations

import pytest

from rig.messages import Loss, NodeEvent
from rig.recording.ledger import AWAY, OVERRUN
from rig.recording.remarks import (
    DIED,
    OVER_BUDGET,
    RESTARTED,
    STOPPED_EARLY,
    WITHIN_BUDGET,
    remarks_of,
)

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


def over(at_s, figure="network p99"):
    detail = f"{figure} {at_s:.1f} ms, budget 8 ms"
    return event(round(at_s * 1e9), OVER_BUDGET, detail, "inference")


def within(at_s, figure="network p99"):
    detail = f"{figure} within 8 ms again after 2 s, worst 9.0 ms"
    return event(round(at_s * 1e9), WITHIN_BUDGET, detail, "inference")


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (
            [over(10), within(12.4)],
            "over the latency budget once, 2 s in all: network p99 10.0 ms, "
            "budget 8 ms",
        ),
        (
            [over(10)],
            "over the latency budget once, and at the end: network p99 10.0 ms, "
            "budget 8 ms",
        ),
        (
            [over(10), within(12), over(20), within(23), over(30)],
            "over the latency budget 3 times, 5 s in all, and at the end: first "
            "network p99 10.0 ms, budget 8 ms",
        ),
    ],
)
def test_a_budget_that_was_broken_is_told_once(events, words):
    assert remarks_of(events, []) == [words]


def test_each_figure_has_its_own_remark():
    events = [over(1), over(2, "total p95"), within(3), within(4, "total p95")]
    assert [remark.split(": ")[1] for remark in remarks_of(events, [])] == [
        "network p99 1.0 ms, budget 8 ms",
        "total p95 2.0 ms, budget 8 ms",
    ]
