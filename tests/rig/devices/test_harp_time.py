"""Which answer belongs to which question, when some are late, lost, or seem wrong."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rig.devices.clock_rows import Exchange
from rig.devices.harp_time import TimeQuestions
from sync.clock import ManualClock
from sync.online import OnlineClock

MS = 1_000_000
SECOND = 1_000_000_000
AHEAD = 77 * SECOND
"""What the host's clock shows more than the board's."""


class Bench:
    """A board that is asked by a loop of 20 ms, over a line that is a queue."""

    def __init__(self, lag_ns=300_000):
        self.host = ManualClock(1000 * SECOND)
        self.clock = OnlineClock()
        self.questions = TimeQuestions(self.clock)
        self.lag_ns = lag_ns
        self.behind_ns = 0
        """By how much the board's clock was set back."""
        self.deaf = lambda _: False
        self.asked = []
        self.found = []
        self._coming = []

    def device_ns(self):
        return self.host.now() - AHEAD - self.behind_ns

    def messages(self, seconds):
        """Let the clock hear the board's messages for a while, one in 10 ms."""
        for _ in range(round(seconds * 100)):
            self.host.advance(10 * MS)
            self.clock.update(self.device_ns(), self.host.now() + 200_000)

    def run(self, seconds, turn_ns=20 * MS):
        end_ns = self.host.now() + round(seconds * SECOND)
        while self.host.now() < end_ns:
            now_ns = self.host.now()
            if self.questions.due(now_ns):
                self.questions.ask(now_ns)
                if not self.deaf(len(self.asked)):
                    answer = (now_ns + self.lag_ns, self.device_ns() + 100_000)
                    self._coming.append(answer)
                self.asked.append(now_ns)
            self.hear(now_ns + turn_ns)
            self.host.advance(now_ns + turn_ns - self.host.now())

    def hear(self, until_ns):
        while self._coming and self._coming[0][0] <= until_ns:
            arrival_ns, device_ns = self._coming.pop(0)
            self.host.advance(max(arrival_ns - self.host.now(), 0))
            exchange = self.questions.answered(device_ns, self.host.now())
            if exchange is not None:
                self.found.append(exchange)
                self.clock.update_two_way(device_ns, exchange.asked_ns, self.host.now())

    def truth_ns(self, exchange):
        return exchange.answered_ns + AHEAD + self.behind_ns


@pytest.fixture
def bench():
    return Bench()


def test_ten_a_second_whatever_the_loop(bench):
    for turn_ns in (20 * MS, 33 * MS, 7 * MS):
        before = len(bench.found)
        bench.run(20, turn_ns)
        assert len(bench.found) - before == pytest.approx(200, abs=2)
    assert bench.found[0] == Exchange(
        1000 * SECOND, 1000 * SECOND - AHEAD + 100_000, 1000 * SECOND + 300_000
    )


def test_what_nobody_asked_for_is_no_exchange(bench):
    assert bench.questions.answered(5, 1000 * SECOND) is None


def test_after_a_lost_answer_it_is_quiet_for_a_while(bench):
    bench.deaf = lambda k: k == 10
    bench.run(10)
    pause = bench.asked[11] - bench.asked[10]
    assert pause == pytest.approx(3 * SECOND, abs=60 * MS)
    assert len(bench.found) == len(bench.asked) - 1


def test_a_board_that_never_answers_is_asked_less_and_less(bench):
    bench.deaf = lambda _: True
    bench.run(60)
    gaps = [b - a for a, b in zip(bench.asked, bench.asked[1:], strict=False)]
    assert [round(gap / SECOND) for gap in gaps] == [3, 5, 9, 9, 9, 9, 9]
    bench.deaf = lambda _: False
    bench.run(10)
    assert bench.asked[-1] - bench.asked[-2] < 200 * MS


def test_an_answer_that_is_older_than_the_question_is_not_taken(bench):
    bench.run(5)
    asked_ns = bench.host.now() + 50 * MS
    bench.questions.ask(asked_ns)
    old_ns = asked_ns - AHEAD - 6 * MS
    assert bench.questions.answered(old_ns, asked_ns + MS) is None
    assert bench.clock.state.segment == 0
    assert not bench.questions.due(asked_ns + SECOND)
    assert bench.questions.due(asked_ns + 2 * SECOND + MS)


@pytest.mark.parametrize("set_back", [20 * MS, 200 * MS, 3 * SECOND])
def test_a_clock_that_is_wrong_is_believed_to_be_after_three(bench, set_back):
    """It was set back where nothing told so: one side alone takes a minute to see."""
    bench.messages(10)
    bench.behind_ns = set_back
    bench.host.advance(set_back + MS)
    bench.messages(0.5)
    believed = len(bench.found)
    bench.run(6)
    assert len(bench.found) == believed  # two were dropped
    bench.run(2)
    exchanges = bench.found[believed:]
    assert len(exchanges) > 5
    assert bench.clock.state.segment == 1
    host_ns = bench.clock.to_host(bench.device_ns())[0]
    assert abs(host_ns - bench.host.now()) < MS


def test_a_board_that_was_plugged_in_anew_is_believed_at_once(bench):
    bench.run(5)
    bench.behind_ns = 500 * SECOND
    bench.clock.restart()
    bench.questions.restart()
    believed = len(bench.found)
    bench.run(1)
    assert len(bench.found) - believed == pytest.approx(10, abs=1)


@given(
    heard_and_lag=st.one_of(
        st.tuples(st.just(True), st.integers(100_000, 30 * SECOND)),
        st.tuples(st.just(False), st.integers(100_000, 2 * SECOND)),
    ),
    lost=st.sets(st.integers(0, 40), max_size=20),
)
@example(heard_and_lag=(True, 9 * SECOND + 1), lost=set())
def test_no_answer_is_taken_for_another_one(heard_and_lag, lost):
    """However far the line falls behind: what is found was said between its ends."""
    heard, lag_ns = heard_and_lag
    bench = Bench(lag_ns)
    bench.deaf = lost.__contains__
    if heard:
        bench.messages(5)
    bench.run(60, turn_ns=100 * MS)
    for exchange in bench.found:
        truth_ns = bench.truth_ns(exchange)
        assert exchange.asked_ns <= truth_ns <= exchange.received_ns
