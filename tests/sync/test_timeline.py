import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sync.timeline import timeline_of

S = 1_000_000_000


def _stream(begins_s, starts_s, rate_hz, seconds, delay_ns, first_ns=0):
    """Stamps of a clock that begins anew at given host times; arrivals are late."""
    host = np.arange(int(seconds * rate_hz), dtype=np.int64) * int(S / rate_hz)
    device = host + first_ns
    for at_s, shows_s in zip(begins_s, starts_s, strict=True):
        again = host >= at_s * S
        device[again] = host[again] - at_s * S + shows_s * S
    return device, host + delay_ns


def test_a_clock_that_counts_on_is_one_epoch():
    device, host = _stream([], [], 100, 50, 300_000)
    timeline = timeline_of([(device, host)])
    assert timeline.restarts == 0
    assert timeline.unfold(device, host) is device


def test_nothing_recorded_is_one_epoch():
    none = np.empty(0, np.int64)
    assert timeline_of([(none, none)]).restarts == 0
    assert timeline_of([]).restarts == 0


def test_streams_of_one_device_share_its_starts():
    fast = _stream([20], [0], 100, 50, 300_000)
    slow = _stream([20], [0], 1, 50, 2_000_000)
    timeline = timeline_of([slow, fast])
    assert timeline.restarts == 1
    merged = np.concatenate([timeline.unfold(*slow), timeline.unfold(*fast)])
    arrived = np.concatenate([slow[1], fast[1]])
    again = arrived > 20 * S + 10_000_000
    assert merged[~again].max() < merged[again].min()


def test_a_stamp_out_of_its_order_is_no_start():
    device, host = _stream([], [], 100, 50, 300_000)
    device[1000] -= 50_000_000
    assert timeline_of([(device, host)]).restarts == 0


def test_a_sparse_stream_that_shows_no_step_back_is_put_right_by_another():
    # the board is away for 6 s and shows more than before when it is heard again
    fast = _stream([20], [0], 100, 60, 300_000, first_ns=5 * S)
    slow = fast[0][[100, 5_900]], fast[1][[100, 5_900]]
    assert slow[0][1] > slow[0][0]
    timeline = timeline_of([fast, slow])
    told = timeline.unfold(*fast)
    assert timeline.unfold(*slow).tolist() == told[[100, 5_900]].tolist()


@given(
    gaps=st.lists(st.integers(15, 200), min_size=1, max_size=5),
    shows=st.lists(st.integers(0, 5), min_size=5, max_size=5),
    seed=st.integers(0, 2**16),
)
def test_every_start_is_found_and_stamps_rise(gaps, shows, seed):
    begins = np.cumsum(gaps).tolist()
    device, host = _stream(begins, shows[: len(begins)], 50, begins[-1] + 20, 0, 10**15)
    late = np.random.default_rng(seed).exponential(2e6, len(host)).astype(np.int64)
    host = np.maximum.accumulate(host + late)
    timeline = timeline_of([(device, host)])
    assert timeline.restarts == len(begins)
    unfolded = timeline.unfold(device, host)
    assert np.all(np.diff(unfolded) > 0)
    # within an epoch nothing is moved against another
    same = np.diff(device) > 0
    assert np.array_equal(np.diff(unfolded)[same], np.diff(device)[same])
