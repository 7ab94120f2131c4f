import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.loop_latency.figures import over_time

MS, S = 1_000_000, 1_000_000_000


def poses(seconds, rate_hz, took_ms):
    """Poses over time; `took_ms` says how long by the time of the pose in s."""
    at_s = np.arange(0, seconds, 1 / rate_hz)
    rng = np.random.default_rng(1)
    took = (took_ms(at_s) * rng.uniform(0.95, 1.05, len(at_s)) * MS).astype(np.int64)
    return (10**12 + at_s * S).astype(np.int64), took


def test_a_latency_that_grows_is_found():
    found = over_time(*poses(600, 50, lambda s: 10 + 0.02 * s)).trend
    assert found.seconds == 60
    assert found.grows
    assert found.p50_ratio == pytest.approx(21.4 / 10.6, rel=0.02)
    assert found.p99_ratio == pytest.approx(22.6 / 11.6, rel=0.05)


@pytest.mark.parametrize(
    ("seconds", "told"), [(600, False), (60, False), (30, None), (5, "too short")]
)
def test_one_that_stays_is_not_said_to_grow(seconds, told):
    trend = over_time(*poses(seconds, 60, lambda s: np.full(len(s), 12.0))).trend
    assert (trend.grows if trend else "too short") == told


def test_a_short_session_has_ends_of_a_third():
    trend = over_time(*poses(90, 50, lambda s: np.full(len(s), 12.0))).trend
    assert trend.seconds == 30.0
    assert trend.first.count == pytest.approx(1500, abs=2)


@given(st.lists(st.integers(1, 5 * S), min_size=1, max_size=200))
def test_windows_hold_every_pose_once(steps_ns):
    at_ns = np.cumsum(steps_ns)
    found = over_time(at_ns, np.arange(len(at_ns)))
    assert sum(window.count for window in found.windows) == len(at_ns)
    assert len(found.windows) <= 61
    starts = [window.start_s for window in found.windows]
    assert starts == sorted(set(starts))


def test_nothing_has_no_figures():
    none = np.empty(0, np.int64)
    assert over_time(none, none) is None
