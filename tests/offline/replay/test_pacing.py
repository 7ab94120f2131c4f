"""A replay takes as long as it happened, or some times less."""

import pytest

from offline.replay import play, recorded_session
from offline.replay.pacing import Pacer
from rig.recording.reader import Recording
from sync.clock import ManualClock

S = 1_000_000_000


class Listener:
    """Notes when each decision was told."""

    def __init__(self, clock, factor):
        self.clock, self.heard = clock, []
        self.pacer = Pacer(clock, factor, lambda s: clock.advance(round(s * S)))

    def await_moment(self, now_ns):
        self.pacer.await_moment(now_ns)

    def hear(self, decisions):
        self.heard += [(self.clock.now(), each.host_ns) for each in decisions]


@pytest.mark.parametrize("factor", [0.5, 1.0, 4.0])
def test_each_decision_comes_when_it_is_due(plain, factor):
    listener = Listener(ManualClock(99 * S), factor)
    with Recording.open(plain) as recording:
        session = recorded_session(recording)
        play(recording, session, session.task, audience=listener)
    first_ns = min(each.rows["host_ns"][0] for each in session.poses.values())
    assert len(listener.heard) == 2
    for at_ns, decided_ns in listener.heard:
        assert abs(at_ns - 99 * S - (decided_ns - first_ns) / factor) < 100


def test_what_takes_too_long_is_behind_and_not_held_back():
    clock = ManualClock()
    pacer = Pacer(clock, 1.0, lambda s: clock.advance(round(s * S)))
    pacer.await_moment(5 * S)
    clock.advance(3 * S)  # somebody was busy
    pacer.await_moment(6 * S)
    assert clock.now() == 3 * S
    assert pacer.behind_ns == 2 * S
    pacer.await_moment(10 * S)
    assert clock.now() == 5 * S


def test_as_fast_as_it_goes():
    clock = ManualClock()
    pacer = Pacer(clock, None)
    pacer.await_moment(5 * S)
    pacer.await_moment(500 * S)
    assert clock.now() == 0
