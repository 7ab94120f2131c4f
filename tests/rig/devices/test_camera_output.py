from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.devices.camera import camera_specs, payload_of
from rig.devices.camera_output import CameraOutput
from rig.devices.clock_rows import Exchange
from rig.messages import Frame, StreamSpec
from sync.clock import ManualClock
from sync.online import OnlineClock

MS = 1_000_000
CAUSES = ("unplugged", "busy")


@pytest.fixture
def output(camera_bench):
    specs = camera_specs("left", payload_of("Mono8", 4, 3), 10, 4, {}, clock_hz=5)
    for spec in specs:
        camera_bench.streams.create_ring(spec)
    clock = ManualClock(10**9)
    output = CameraOutput("left", camera_bench.streams, clock)
    yield output, clock
    output.close()


def test_a_frame_is_filled_in_place(camera_bench, output):
    writer, _ = output
    writer.claim()[...] = 9
    writer.publish(Frame(host_ns=5, frame_id=1, device_ns=2, exposure_ns=3))
    assert writer.published == 1
    assert camera_bench.frames().payload.tolist() == [[[9] * 4] * 3]


def test_a_loss_is_told_at_once(camera_bench, output):
    writer, _ = output
    writer.lose("failed_grabs", 2, "torn", 7, "transport")
    assert camera_bench.losses() == [(b"transport", 7, 2, b"torn")]
    assert camera_bench.counted() == {"failed_grabs": 2}


def test_nothing_is_no_loss(camera_bench, output):
    output[0].lose("missing_ids", 0, "torn", 7)
    assert camera_bench.losses() == []
    assert camera_bench.counted() == {}


def test_losses_that_go_on_become_one_row(camera_bench, output):
    writer, clock = output
    for k in range(30):
        writer.lose("triggers_ignored", 1, "unplugged", k)
        writer.flush()
        clock.advance(10 * MS)
    writer.close()
    rows = camera_bench.losses()
    assert len(rows) == 3
    assert [row[1:3] for row in rows] == [(0, 1), (1, 26), (27, 3)]


class TestClock:
    @pytest.fixture
    def state(self):
        clock = OnlineClock()
        clock.update(device_ns=2, host_ns=5)
        return clock.state

    def test_before_there_is_a_model_nothing_is_written(self, camera_bench, output):
        writer, _ = output
        writer.clock(None)
        writer.clock(None, Exchange(1, 2, 3))
        assert len(camera_bench.rows("clocks/left")) == 0

    def test_each_exchange_is_a_row(self, camera_bench, output, state):
        writer, _ = output
        for k in range(3):
            writer.clock(state, Exchange(k, k + 1, k + 2))
        rows = camera_bench.rows("clocks/left")
        assert rows["asked_ns"].tolist() == [0, 1, 2]
        assert rows["answered_ns"].tolist() == [1, 2, 3]
        assert rows["received_ns"].tolist() == [2, 3, 4]
        assert set(rows["offset_ns"].tolist()) == {3}

    def test_without_any_there_is_a_row_now_and_then(self, camera_bench, output, state):
        writer, clock = output
        for _ in range(100):
            writer.clock(state)
            clock.advance(20 * MS)
        rows = camera_bench.rows("clocks/left")
        assert len(rows) == 4
        assert set(rows["asked_ns"].tolist()) == {-1}


class Sink:
    """Streams in memory: what `CameraOutput` needs of a directory and of a writer."""

    def __init__(self, name=""):
        self.spec = StreamSpec(name=name, kind="losses", node="left")
        self.made = {}
        self.rows = []
        self.counters = Counter()

    def writer(self, name):
        return self.made.setdefault(name, Sink(name))

    def names(self):
        return []

    def append(self, record):
        self.rows.append(record)

    def count(self, name, n):
        self.counters[name] += n

    def close(self):
        pass


@given(
    st.lists(
        st.tuples(st.sampled_from(CAUSES), st.integers(1, 5), st.integers(0, 400)),
        max_size=40,
    )
)
def test_rows_and_counters_agree(happenings):
    sink, clock = Sink(), ManualClock(10**9)
    writer = CameraOutput("left", sink, clock)
    first = 0
    for cause, count, pause_ms in happenings:
        writer.lose("triggers_ignored", count, cause, first)
        first += count
        clock.advance(pause_ms * MS)
        writer.flush()
    writer.close()
    rows = sink.made["losses/left"].rows
    for cause in CAUSES:
        told = sum(row.count for row in rows if row.cause == cause)
        assert told == sum(count for name, count, _ in happenings if name == cause)
    assert sink.made["cameras/left"].counters["triggers_ignored"] == first
    assert all(row.stream == "cameras/left" for row in rows)
