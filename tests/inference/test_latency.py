import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.latency import LatencyMeter, RateMeter
from rig.messages import Pose

MS = 1_000_000


def pose(latency_ms, arrival_ms, inference_ms):
    now = 10**12
    return Pose(
        host_ns=now,
        frame_seq=0,
        frame_id=0,
        exposure_ns=now - round(latency_ms * MS),
        arrival_ns=now - round(arrival_ms * MS),
        dequeued_ns=now - round(inference_ms * MS),
        inferred_ns=now,
    )


def test_says_nothing_before_a_pose():
    assert LatencyMeter().figures() == {}


@given(st.lists(st.floats(0.1, 500), min_size=1, max_size=700))
def test_figures_are_of_the_last_512(latencies_ms):
    meter = LatencyMeter()
    for latency_ms in latencies_ms:
        meter.add(pose(latency_ms, latency_ms / 2, latency_ms / 4))
    p50, p99 = np.percentile(latencies_ms[-512:], (50, 99), method="inverted_cdf")
    figures = meter.figures()
    assert figures["latency_p50_ms"] == pytest.approx(p50, abs=1e-5)
    assert figures["latency_p99_ms"] == pytest.approx(p99, abs=1e-5)
    assert figures["arrival_to_pose_p50_ms"] == pytest.approx(p50 / 2, abs=1e-5)
    assert figures["inference_p50_ms"] == pytest.approx(p50 / 4, abs=1e-5)


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
