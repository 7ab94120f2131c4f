"""The online clock against clocks whose truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.online import OnlineClock

MS = 1_000_000
SECOND = 1_000_000_000
START = 1_234_567_890_123


class Link:
    """A device and the way from it: a clock with an error, delays that never hurry.

    Times are in ns. The transport takes at least `least` each way.
    """

    def __init__(self, ppm=0.0, least=100_000, mean=300_000, seed=0, start=START):
        self.ppm, self.least, self.mean, self.start = ppm, least, mean, start
        self._random = np.random.default_rng(seed)
        self.base = 0

    def device(self, host):
        return self.base + round((host - self.start) * (1 + self.ppm * 1e-6))

    def host(self, device):
        return self.start + (device - self.base) / (1 + self.ppm * 1e-6)

    def delay(self):
        return round(self.least + self._random.exponential(self.mean))

    def message(self, clock, host):
        clock.update(self.device(host), host + self.delay())

    def exchange(self, clock, host):
        there = host + self.delay()
        clock.update_two_way(self.device(there), host, there + self.delay())

    def run(self, clock, seconds, rate_hz=100, ask_hz=0, begin=0.0):
        for k in range(int(seconds * rate_hz)):
            host = self.start + round((begin + k / rate_hz) * SECOND)
            self.message(clock, host)
            if ask_hz and k % (rate_hz // ask_hz) == 0:
                self.exchange(clock, host)

    def error(self, clock, at):
        """Return how far the model's host time of a moment is from the truth, in ns."""
        device = self.device(self.start + round(at * SECOND))
        return clock.to_host(device)[0] - self.host(device)


@pytest.fixture
def clock():
    return OnlineClock()


def test_before_the_first_message_there_is_no_answer(clock):
    assert clock.model is None
    with pytest.raises(ValueError, match="at least one message"):
        clock.to_host(5)


@pytest.mark.parametrize("ppm", [-80.0, 0.0, 60.0])
def test_one_way_errs_by_the_least_delay_and_little_more(clock, ppm):
    link = Link(ppm)
    link.run(clock, 30)
    errors = [link.error(clock, at) for at in (5, 15, 29.9)]
    assert all(80_000 < error < 160_000 for error in errors)
    assert clock.model.skew_ppb == pytest.approx(-ppm * 1000, abs=1500)


@pytest.mark.parametrize("ppm", [-80.0, 60.0])
def test_two_way_has_no_delay_left(clock, ppm):
    link = Link(ppm)
    link.run(clock, 30, ask_hz=10)
    at = 29.9
    assert abs(link.error(clock, at)) < 30_000
    sd = clock.to_host(link.device(link.start + round(at * SECOND)))[1]
    assert abs(link.error(clock, at)) < 2 * sd
    assert sd < 150_000


def test_a_difference_of_the_two_ways_stays_within_the_error_bar(clock):
    link = Link(ppm=20)
    for k in range(200):
        host = link.start + k * 100 * MS
        there = host + 50_000
        clock.update_two_way(link.device(there), host, there + 450_000)
    error = link.error(clock, 19.9)
    assert error == pytest.approx(200_000, abs=20_000)
    assert abs(error) < 2 * clock.model.sd_ns


def test_late_messages_do_not_move_it(clock):
    link = Link(ppm=30)
    link.run(clock, 20)
    before = link.error(clock, 20)
    link.mean = 50 * MS  # a busy machine
    link.run(clock, 10, begin=20)
    assert abs(link.error(clock, 30) - before) < 2 * MS
    assert clock.model.segment == 0


def test_it_knows_little_at_first_and_says_so(clock):
    link = Link()
    link.message(clock, link.start)
    assert clock.model.sd_ns >= 500_000
    link.run(clock, 5)
    assert clock.model.sd_ns < 100_000


def test_the_error_bar_grows_away_from_what_was_seen(clock):
    Link().run(clock, 10)
    model = clock.model
    near = clock.to_host(model.device_ns)[1]
    far = clock.to_host(model.device_ns + 3600 * SECOND)[1]
    assert far > near + 3_000_000


def test_a_clock_that_begins_anew_is_a_new_segment(clock):
    link = Link(ppm=25)
    link.run(clock, 10)
    again = Link(ppm=25, start=link.start + 10 * SECOND)
    again.run(clock, 5)
    assert clock.model.segment == 1
    assert abs(again.error(clock, 5)) < 300_000


def test_a_counter_of_32_bits_that_wraps_is_a_new_segment(clock):
    link = Link(ppm=5)
    for k in range(600):
        host = link.start + k * 10 * MS
        raw = (link.device(host) + (1 << 32) - 3 * SECOND) % (1 << 32)
        clock.update(raw, host + link.delay())
    assert clock.model.segment == 1
    host, _ = clock.to_host(raw)
    assert host == pytest.approx(link.start + 599 * 10 * MS, abs=300_000)


def test_a_clock_that_leaps_ahead_is_a_new_segment(clock):
    link = Link()
    link.run(clock, 5)
    link.base = 50 * MS
    link.run(clock, 5, begin=5)
    assert clock.model.segment == 1
    assert abs(link.error(clock, 10)) < 300_000


def test_a_clock_that_was_set_back_a_little_is_found_after_some_blocks(clock):
    link = Link()
    link.run(clock, 10)
    link.base = -50 * MS
    link.run(clock, 12, begin=10)
    assert clock.model.segment == 1
    assert abs(link.error(clock, 22)) < 300_000


def test_a_pause_is_no_jump(clock):
    link = Link(ppm=40)
    link.run(clock, 10)
    link.run(clock, 10, begin=600)
    assert clock.model.segment == 0
    assert abs(link.error(clock, 610)) < 2 * MS


def test_messages_that_overtake_one_another_are_no_jump(clock):
    link = Link()
    for k in range(1000):
        host = link.start + k * 10 * MS
        clock.update(link.device(host), host + link.delay())
        clock.update(link.device(host - 15 * MS), host + link.delay())
    assert clock.model.segment == 0
    assert abs(link.error(clock, 10)) < 300_000


def test_restart_forgets_everything(clock):
    Link().run(clock, 5)
    clock.restart()
    assert clock.model is None
    clock.update(5, 1005)
    assert clock.model.segment == 1
    assert clock.to_host(5)[0] == 1005


@given(
    ppm=st.floats(-200, 200),
    least=st.integers(0, 2_000_000),
    mean=st.integers(1000, 5_000_000),
    seed=st.integers(0, 100),
    start=st.integers(1, 10**16),
)
def test_it_is_late_by_the_least_delay_for_any_link(ppm, least, mean, seed, start):
    clock = OnlineClock()
    link = Link(ppm, least, mean, seed, start)
    link.run(clock, 12, rate_hz=50)
    # the smallest of 100 exponential delays, with room for what the line adds to it
    error = link.error(clock, 12)
    assert least - 0.2 * mean - 20_000 < error < least + 0.4 * mean + 50_000
    assert clock.model.segment == 0


@pytest.mark.parametrize("two_way", [False, True])
def test_a_clock_that_is_given_up_begins_anew_with_the_same_message(clock, two_way):
    """Whoever hands a message over may ask for its time: the answer is never none."""
    segments = set()
    for k in range(600):
        device_ns = k * 100_000_000
        late_ns = 1_000_000 if k < 100 else 1_000_000_000
        host_ns = device_ns + 5_000_000_000
        if two_way:
            clock.update_two_way(device_ns, host_ns, host_ns + late_ns)
        else:
            clock.update(device_ns, host_ns + late_ns)
        assert clock.to_host(device_ns)
        segments.add(clock.model.segment)
    assert segments >= {0, 1}
