import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.devices.camera import (
    COUNTERS,
    ExposureClock,
    FrameIds,
    camera_specs,
    payload_of,
)
from rig.devices.camera_driver import CameraInfo, Grab, IdRule
from rig.devices.clock_rows import Exchange

GIGE = IdRule(first=1, last=65535)
USB = IdRule(first=0)
STAMPED = CameraInfo("m", "1", USB, exposure_ns=2_000_000, stamp="exposure_start")


def raw_of(rule, n):
    """The transport's number of the n-th frame of an acquisition."""
    if rule.last is None:
        return rule.first + n
    return rule.first + n % (rule.last - rule.first + 1)


class TestFrameIds:
    @given(
        st.sampled_from([GIGE, USB]),
        st.integers(0, 200_000),
        st.lists(st.integers(0, 30_000), min_size=1, max_size=50),
    )
    def test_every_gap_is_found_whatever_wraps(self, rule, lead, gaps):
        ids, n = FrameIds(rule), -1
        for _ in range(lead // 20_000 + 1):  # up to the wrap, in steps it can tell
            n += 20_000
            ids.take(raw_of(rule, n))
        for gap in gaps:
            n += gap + 1
            assert ids.take(raw_of(rule, n)) == (rule.first + n, gap)

    def test_the_first_frames_may_be_missing(self):
        assert FrameIds(GIGE).take(4) == (4, 3)
        assert FrameIds(USB).take(4) == (4, 4)

    def test_an_invalid_number_is_taken_for_the_next_one(self):
        ids = FrameIds(GIGE)
        assert [ids.take(raw) for raw in (1, -1, 3)] == [(1, 0), (2, 0), (3, 0)]

    def test_a_camera_that_counts_anew_goes_on(self):
        ids = FrameIds(USB)
        ids.take(9)
        assert ids.take(0) == (10, 0)
        assert ids.take(2) == (12, 1)

    @given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 5))
    def test_goes_on_after_a_reconnection(self, n, missed, gap):
        ids = FrameIds(GIGE)
        ids.take(raw_of(GIGE, n))
        ids.restart(USB, missed)
        assert ids.take(gap) == (n + 2 + missed + gap, gap)


class TestExposureClock:
    def grab(self, device_ns, arrival_ns):
        return Grab(block_id=0, device_ns=device_ns, arrival_ns=arrival_ns)

    def test_without_stamps_it_is_half_an_exposure_before_the_arrival(self):
        info = CameraInfo("m", "1", USB, 2_000_000, "none")
        assert ExposureClock(info).midpoint_ns(self.grab(-1, 10**9)) == 10**9 - 10**6
        assert ExposureClock(STAMPED).midpoint_ns(self.grab(-1, 5_000_000)) == 4_000_000

    @given(
        st.integers(-(10**12), 10**12),
        st.lists(st.integers(300_000, 60_000_000), min_size=5, max_size=80),
        st.sampled_from(["exposure_start", "exposure_end"]),
    )
    def test_finds_the_midpoint_whatever_the_delays(self, offset_ns, delays, stamp):
        info = CameraInfo("m", "1", USB, 2_000_000, stamp)
        clock = ExposureClock(info)
        start_ns = 10**13
        clock.latched(
            Exchange(start_ns - 40_000, start_ns - offset_ns, start_ns + 60_000)
        )
        arrived_ns = 0
        for k, delay_ns in enumerate(delays):
            start_ns += 10_000_000
            stamped_ns = start_ns + (2_000_000 if stamp == "exposure_end" else 0)
            arrived_ns = max(start_ns + 2_000_000 + delay_ns, arrived_ns + 1)
            grab = self.grab(stamped_ns - offset_ns, arrived_ns)
            error_ns = clock.midpoint_ns(grab) - (start_ns + 1_000_000)
            assert abs(error_ns) <= 60_000
            if k % 5 == 4:  # asked while images are on their way
                at = start_ns + 9_000_000
                clock.latched(Exchange(at - 40_000, at - offset_ns, at + 60_000))

    def test_a_clock_that_was_set_back_is_asked_first(self):
        clock = ExposureClock(STAMPED)
        hour_ns = 3600 * 10**9
        clock.latched(Exchange(10**12, hour_ns, 10**12 + 50_000))
        assert not clock.is_foreign(self.grab(hour_ns - 100_000_000, 10**12))
        grab = self.grab(1_000_000, 10**12 + 20_000_000)
        assert clock.is_foreign(grab)
        asked_ns = 10**12 + 20_000_000
        clock.latched(Exchange(asked_ns, 20_000_000, asked_ns + 50_000))
        middle_ns = clock.midpoint_ns(grab)
        assert abs(middle_ns - (10**12 + 2_000_000)) < 60_000

    def test_never_after_it_could_have_been(self):
        clock = ExposureClock(STAMPED)
        clock.latched(Exchange(10**9, 0, 10**9 + 20_000_000))  # a poor answer
        assert clock.midpoint_ns(self.grab(0, 10**9 + 2_500_000)) <= 10**9 + 1_500_000

    def test_images_do_not_blur_what_a_camera_answers(self):
        """They take longer than an answer: all they say is that they are late."""
        alone, beside = ExposureClock(STAMPED), ExposureClock(STAMPED)
        for k in range(1000):
            at = 10**13 + k * 10_000_000
            if k % 20 == 0:
                for clock in (alone, beside):
                    clock.latched(Exchange(at - 40_000, at, at + 60_000))
            beside.midpoint_ns(self.grab(at - 5_000_000, at + 400_000))
        assert beside.clock.state == alone.clock.state
        assert beside.clock.state.sd_ns < 100_000


@pytest.mark.parametrize(
    ("pixel_format", "dtype", "shape"),
    [
        ("Mono8", np.uint8, (48, 64)),
        ("Mono10", np.uint16, (48, 64)),
        ("Mono12", np.uint16, (48, 64)),
        ("Mono16", np.uint16, (48, 64)),
        ("RGB8", np.uint8, (48, 64, 3)),
    ],
)
def test_payload_of_each_pixel_format(pixel_format, dtype, shape):
    payload = payload_of(pixel_format, 64, 48)
    assert np.dtype(payload.dtype) == dtype
    assert payload.shape == shape


def test_streams_of_a_camera():
    payload = payload_of("Mono8", 64, 48)
    specs = camera_specs("top", payload, 99.5, 4.0, {"serial": "1"}, clock_hz=5.0)
    frames, losses, clocks = specs
    assert [spec.name for spec in specs] == ["cameras/top", "losses/top", "clocks/top"]
    assert frames.slots - 1 >= 4 * 99.5
    assert frames.counters == COUNTERS
    assert (losses.kind, clocks.kind) == ("losses", "clocks")
    assert clocks.rate_hz == 5.0
    assert len(camera_specs("top", payload, 10, 4, {}, clock_hz=None)) == 2
