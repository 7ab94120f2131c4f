import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.latency import LatencyMeter, RateMeter
from rig.config.latency import LatencyBudget
from rig.messages import Acknowledgement, Decision, Pose

MS, S = 1_000_000, 1_000_000_000
START = 10**12


def pose(latency_ms, now=START, arrival=0.5, network=0.25):
    """A pose of that age; arrival and network are parts of it."""
    ago = round(latency_ms * MS)
    return Pose(
        host_ns=now,
        frame_seq=0,
        frame_id=0,
        exposure_ns=now - ago,
        arrival_ns=now - round(ago * arrival),
        dequeued_ns=now - round(ago * network),
        inferred_ns=now,
    )


def decision(number, at=START, outcome="fired", rule="r"):
    numbers = dict.fromkeys(
        ("frame_id", "pose_seq", "exposure_ns", "age_ns", "max_age_ns", "latency_ns",
         "pulse_width_us", "pulse_count", "pulse_period_us", "armed"), 0
    )  # fmt: skip
    floats = dict.fromkeys(("value", "threshold", "likelihood", "sham_draw"), 0.0)
    texts = {"rule": rule, "camera": "left", "cause": "", "line": "laser"}
    return Decision(
        host_ns=at, decision_id=number, outcome=outcome, **numbers, **floats, **texts
    )


def answer(number, at=START, edge=True):
    """Sent 1 ms after the decision, edge 2 ms later, heard of after another 3."""
    return Acknowledgement(
        host_ns=at + 6 * MS,
        decision_id=number,
        sent_ns=at + MS if edge else -1,
        edge_device_ns=5 if edge else -1,
        edge_host_ns=at + 3 * MS if edge else -1,
        line="laser",
        status="done" if edge else "stale",
        age_ns=11 * MS,
    )


def test_says_nothing_before_a_pose():
    assert LatencyMeter().figures() == {}


@given(st.lists(st.floats(0.1, 500), min_size=1, max_size=700))
def test_figures_are_of_the_last_512(latencies_ms):
    meter = LatencyMeter()
    for latency_ms in latencies_ms:
        meter.add(pose(latency_ms))
    percentiles = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    figures = meter.figures()
    for name, percent in percentiles.items():
        known = np.percentile(latencies_ms[-512:], percent, method="inverted_cdf")
        for stage, part in (
            ("pose", 1), ("camera", 0.5), ("wait", 0.25), ("network", 0.25),
            ("decide", 0),
        ):  # fmt: skip
            told = figures[f"{stage}_{name}_ms"]
            assert told == pytest.approx(known * part, abs=2e-6)
    assert not [name for name in figures if name.startswith("total")]


def test_an_edge_has_its_stages():
    meter = LatencyMeter()
    meter.decided(decision(7))
    meter.acknowledged(answer(7))
    figures = meter.figures()
    assert figures["send_p50_ms"] == 1.0
    assert figures["board_p99_ms"] == 2.0
    assert figures["answer_max_ms"] == 3.0
    assert figures["total_p95_ms"] == 13.0


def test_a_pulse_by_hand_is_left_out():
    meter = LatencyMeter()
    meter.decided(decision(0, rule="by_hand"))
    late = msgspec.structs.replace(answer(0, edge=False), status="timeout")
    meter.acknowledged(late)
    meter.acknowledged(answer(0))
    assert meter.figures() == {}
    meter.decided(decision(1))
    meter.acknowledged(answer(1))
    assert {"send_p50_ms", "total_p50_ms"} <= set(meter.figures())


def test_what_made_no_edge_has_none():
    meter = LatencyMeter()
    meter.decided(decision(7))
    meter.acknowledged(answer(7, edge=False))
    assert meter.figures() == {}


def test_an_edge_that_is_told_after_the_timeout_has_all_its_stages():
    meter = LatencyMeter()
    meter.decided(decision(7))
    given_up = {"status": "timeout", "edge_device_ns": -1, "edge_host_ns": -1}
    meter.acknowledged(msgspec.structs.replace(answer(7), **given_up))
    assert meter.figures() == {}
    meter.acknowledged(msgspec.structs.replace(answer(7), host_ns=START + 400 * MS))
    figures = meter.figures()
    assert figures["send_p50_ms"] == 1.0
    assert figures["answer_max_ms"] == 397.0
    assert figures["total_p95_ms"] == 13.0


def test_an_edge_of_a_decision_before_a_restart_still_has_a_total():
    meter = LatencyMeter()
    meter.decided(decision(6, outcome="sham"))
    meter.acknowledged(answer(6))
    figures = meter.figures()
    assert "send_p50_ms" not in figures
    assert figures["total_p50_ms"] == 13.0


def test_decisions_that_are_never_answered_are_forgotten():
    meter = LatencyMeter()
    for number in range(1000):
        meter.decided(decision(number))
    meter.acknowledged(answer(0))
    assert "send_p50_ms" not in meter.figures()


def test_what_is_older_than_a_minute_says_nothing_of_now():
    meter = LatencyMeter()
    meter.acknowledged(answer(1))
    meter.add(pose(5, START + 30 * S))
    assert "total_p50_ms" in meter.figures()
    meter.add(pose(5, START + 90 * S))
    assert "total_p50_ms" not in meter.figures()


def test_a_budget_is_judged_on_what_is_shown():
    budget = LatencyBudget.model_validate(
        {"network": {"p99_ms": 8}, "pose": {"p50_ms": 20}}
    )
    meter, told = LatencyMeter(budget), []
    for k in range(60):  # one second each: three of them have slow frames
        for j in range(100):
            slow = k in {20, 21, 22} and j % 10 == 0
            meter.add(pose(40 if slow else 10, START + k * S + 10 * j * MS))
        figures = meter.figures()
        assert figures["budget_network_p99_ms"] == 8
        assert figures["over_pose_p50_ms"] == 0
        told.append(figures["over_network_p99_ms"])
    assert told.index(1) == 20
    # 512 poses later the slow ones are out of the window, and then it must stay calm
    assert 28 <= told.index(0, 20) <= 34
    assert sum(told) == told.index(0, 20) - 20


@pytest.mark.parametrize("rate_hz", [1, 10, 100, 1000])
def test_rate(rate_hz):
    meter = RateMeter()
    now = 0
    for k in range(5 * rate_hz):
        now = 10**9 + round(k * 1e9 / rate_hz)
        meter.add(now)
    assert meter.rate_hz(now) == pytest.approx(rate_hz, rel=0.01)


def test_rate_falls_when_nothing_comes():
    meter = RateMeter()
    for k in range(100):
        meter.add(10**9 + k * 10 * MS)
    last = 10**9 + 990 * MS
    assert meter.rate_hz(last) == pytest.approx(100)
    assert meter.rate_hz(last + 500 * MS) == pytest.approx(66.4, abs=0.5)
    assert meter.rate_hz(last + 3000 * MS) == 0
