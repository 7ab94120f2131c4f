"""The other machine's clock: what its answers tell, and how surely."""

from hypothesis import given
from hypothesis import strategies as st

from rig.monitor.remote.clock import RemoteClock
from sync.clock import ManualClock

SECOND = 1_000_000_000


def test_the_middle_of_an_exchange_is_when_it_was_answered():
    here = ManualClock(10_000)
    there = RemoteClock(here)
    there.take(sent_ns=9_000, received_ns=10_000, host_ns=1_009_500)
    assert there.now() == 1_010_000
    assert there.error_ns == 500


def test_the_shortest_exchange_tells_best():
    here = ManualClock(0)
    there = RemoteClock(here)
    there.take(0, 100, 5_050)
    there.take(200, 1_200, 5_210)
    assert (there.now(), there.error_ns) == (5_000, 50)
    there.take(1_300, 1_310, 6_304)
    assert (there.now(), there.error_ns) == (5_000, 5)


def test_an_exchange_of_long_ago_is_forgotten():
    """The clocks have drifted apart since."""
    here = ManualClock(0)
    there = RemoteClock(here)
    there.take(0, 10, 5_005)
    there.take(31 * SECOND, 31 * SECOND + 400, 31 * SECOND + 9_200)
    assert (there.now(), there.error_ns) == (9_000, 200)


def test_it_never_runs_backwards():
    here = ManualClock(0)
    there = RemoteClock(here)
    there.take(0, 1_000, 9_000)
    assert there.now() == 8_500
    there.take(1_000, 1_100, 3_000)
    assert there.now() == 8_500
    here.advance(10_000)
    assert there.now() == 11_950


@given(
    offset=st.integers(-(10**15), 10**15),
    exchanges=st.lists(
        st.tuples(st.integers(0, 10**8), st.integers(0, 10**7), st.integers(0, 10**7)),
        min_size=1,
        max_size=50,
    ),
)
def test_it_is_never_further_off_than_it_says(offset, exchanges):
    """Whatever the way there and the way back take."""
    here = ManualClock(2 * 10**15)
    there = RemoteClock(here)
    for pause_ns, go_ns, back_ns in exchanges:
        here.advance(pause_ns)
        sent_ns = here.now()
        here.advance(go_ns)
        host_ns = here.now() + offset
        here.advance(back_ns)
        there.take(sent_ns, here.now(), host_ns)
    best = RemoteClock(here)
    best.take(*_shortest(exchanges, offset))
    assert there.error_ns <= best.error_ns
    assert abs(there.now() - (here.now() + offset)) <= there.error_ns + 1


def _shortest(exchanges, offset):
    _, go_ns, back_ns = min(exchanges, key=lambda way: way[1] + way[2])
    return 0, go_ns + back_ns, go_ns + offset
