import pytest

from inference.pace import Pace, measure, pace_findings
from sync.clock import ManualClock

MS = 1_000_000


def test_measures_the_median_and_the_slow_ones():
    clock = ManualClock(0)
    times_ms = iter([5] * 18 + [40, 50])
    pace = measure("left", 100, lambda: clock.advance(next(times_ms) * MS), clock)
    assert (pace.p50_ms, pace.p95_ms) == (5, 40)


def test_a_slow_model_is_not_asked_for_long():
    clock = ManualClock(0)
    pace = measure("left", 100, lambda: clock.advance(400 * MS), clock)
    assert pace.p50_ms == 400
    assert clock.now() == 1200 * MS


def test_says_that_it_keeps_up():
    (finding,) = pace_findings([Pace("left", 100, 6.0, 8.0)])
    assert finding.ok
    assert finding.name == "pose of left"
    assert finding.detail == (
        "a frame every 10.0 ms and the model takes 6.0 ms (95 %: 8.0 ms)"
    )


def test_says_how_many_frames_are_seen_and_what_to_do():
    (finding,) = pace_findings([Pace("left", 100, 35.0, 40.0)])
    assert not finding.ok
    assert finding.detail.endswith("takes 35.0 ms (95 %: 40.0 ms): about one in 4 is "
                                   "seen")  # fmt: skip
    assert "springhare convert" in finding.remedy


def test_cameras_share_the_network():
    findings = pace_findings([Pace(name, 100, 6.0, 8.0) for name in ("left", "right")])
    assert [finding.ok for finding in findings] == [False, False]
    assert "about one in 2" in findings[0].detail


def test_usually_quick_enough_is_not_always():
    (finding,) = pace_findings([Pace("left", 100, 9.0, 14.0)])
    assert finding.ok  # said, and newest wins
    assert "95 %: 14.0 ms" in finding.detail


def test_of_an_unknown_rate_it_says_the_time():
    (finding,) = pace_findings([Pace("left", 0, 6.0, 8.0)])
    assert finding.ok
    assert finding.detail == "the model takes 6.0 ms (95 %: 8.0 ms)"


@pytest.mark.parametrize("rate_hz", [0, 30, 500])
def test_load_is_a_share(rate_hz):
    assert Pace("left", rate_hz, 10.0, 10.0).load == pytest.approx(rate_hz / 100)
