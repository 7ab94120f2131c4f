import errno
import os

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rig.bus.reader import RingReader
from rig.bus.ring import Ring, RingWriter
from rig.errors import StreamError, VersionError
from rig.messages import (
    CONTRACT_VERSION,
    ClockRecord,
    Event,
    Frame,
    PayloadSpec,
    StreamSpec,
)


@pytest.fixture
def ring(tmp_path, make_spec):
    return Ring.create(tmp_path / "left.ring", make_spec())


def test_describes_itself(ring, make_spec):
    again = Ring(ring.path)
    assert again.spec == make_spec()
    assert again.slots == 8
    assert again.payload.shape == (8, 6, 8)
    assert (again.head, again.generation, again.closed) == (0, 0, False)


def test_gives_back_what_was_put_in(ring, publish, check_batch):
    writer, reader = RingWriter(ring), RingReader(Ring(ring.path))
    publish(writer, 5)
    assert check_batch(reader.read(3)) == [0, 1, 2]
    assert check_batch(reader.read(99)) == [3, 4]
    assert len(reader.read(99)) == 0
    assert (reader.taken, reader.lost, reader.skipped) == (5, 0, 0)


def test_a_stream_without_payload(tmp_path):
    spec = StreamSpec(name="events/daq", kind="events", node="daq", slots=4)
    writer = RingWriter(Ring.create(tmp_path / "e.ring", spec))
    reader = RingReader(Ring(tmp_path / "e.ring"))
    writer.append(Event(host_ns=5, device_ns=7, device_seq=0, line="start", edge=1))
    batch = reader.read(1)
    assert batch.rows["line"][0] == b"start"
    assert batch.payload.shape == (1, 0)


def test_a_frame_is_filled_in_place(ring, frame):
    writer, reader = RingWriter(ring), RingReader(ring)
    pixels = writer.claim()
    pixels[:] = 7
    assert len(reader.read(9)) == 0, "claimed is not published"
    assert writer.publish(frame(0)) == 0
    assert (reader.read(9).payload == 7).all()


def test_a_claim_that_is_not_published_is_claimed_again(ring, publish, check_batch):
    writer, reader = RingWriter(ring), RingReader(ring)
    publish(writer, 2)
    writer.claim()[:] = 9999
    publish(writer, 1)
    assert check_batch(reader.read(9)) == [0, 1, 2]


@pytest.mark.parametrize("shape", [(6, 7), (8, 6), (6, 8, 1)])
def test_refuses_a_payload_of_another_shape(ring, frame, shape):
    with pytest.raises(StreamError, match=r"shape \(6, 8\) on cameras/left, got"):
        RingWriter(ring).append(frame(0), np.zeros(shape, np.uint16))


def test_refuses_a_record_of_another_kind(ring):
    event = Event(host_ns=5, device_ns=7, device_seq=0, line="start", edge=1)
    with pytest.raises(StreamError, match="a Frame on cameras/left, got a Event"):
        RingWriter(ring).append(event)


def test_newest_wins_and_the_others_are_counted(ring, publish, check_batch):
    writer, reader = RingWriter(ring), RingReader(ring)
    assert reader.latest() is None
    publish(writer, 5)
    assert check_batch(reader.latest()) == [4]
    assert reader.latest() is None
    publish(writer, 30)
    assert check_batch(reader.latest()) == [34]
    assert (reader.taken, reader.skipped, reader.lost) == (2, 33, 0)


def test_an_overrun_reader_counts_what_it_lost(ring, publish, check_batch):
    writer, reader = RingWriter(ring), RingReader(ring)
    publish(writer, 20)
    # slots 8: the newest seven are whole, the slot behind may be being written
    assert check_batch(reader.read(99)) == [13, 14, 15]
    assert check_batch(reader.read(99)) == [16, 17, 18, 19]
    assert reader.losses == [(0, 13)]
    publish(writer, 8)
    assert check_batch(reader.read(99))[0] == 21
    assert reader.losses == [(0, 13), (20, 1)]


def test_losses_side_by_side_are_one(ring, publish):
    writer, reader = RingWriter(ring), RingReader(ring)
    publish(writer, 20)
    view = reader.peek(4)
    publish(writer, 40)
    reader.advance(len(view), view.intact())
    reader.read(1)
    assert len(reader.losses) == 1
    assert reader.losses[0][1] == reader.lost == reader.cursor - reader.taken


@pytest.mark.parametrize(("written", "whole"), [(0, 6), (2, 6), (3, 5), (7, 1), (9, 0)])
def test_a_view_tells_what_was_overtaken(ring, publish, written, whole):
    writer, reader = RingWriter(ring), RingReader(ring)
    publish(writer, 6)
    view = reader.peek(99)
    assert len(view) == 6
    publish(writer, written)
    assert view.intact() == whole
    reader.advance(6, view.intact())
    assert (reader.taken, reader.lost, reader.cursor) == (whole, 6 - whole, 6)


def test_a_view_of_one_tells_too(ring, publish):
    writer, reader = RingWriter(ring), RingReader(ring)
    publish(writer, 1)
    view = reader.peek(1)
    publish(writer, 7)
    assert view.intact() == 1
    writer.claim()
    assert view.intact() == 0, "being written is not whole"


def test_a_view_lies_in_the_ring(ring, publish):
    writer, reader = RingWriter(ring), RingReader(ring)
    publish(writer, 3)
    view = reader.peek(99)
    assert np.shares_memory(view.payload, reader.ring.payload)
    assert reader.read(99).payload.base is not ring.payload


def test_a_late_reader_begins_with_what_comes_next(ring, publish, check_batch):
    writer = RingWriter(ring)
    publish(writer, 5)
    late, early = RingReader(ring), RingReader(ring, start=0)
    publish(writer, 1)
    assert check_batch(late.read(9)) == [5]
    assert check_batch(early.read(9)) == [0, 1, 2, 3, 4, 5]


def test_a_restarted_writer_is_noticed_once(ring, publish, check_batch):
    before_any = RingReader(ring)
    first = RingWriter(ring)
    assert not before_any.restarted(), "the first writer is no restart"
    reader = RingReader(ring)
    publish(first, 3)
    first.close()
    assert ring.closed
    second = RingWriter(Ring(ring.path))
    assert not ring.closed
    publish(second, 2)
    assert reader.restarted()
    assert not reader.restarted()
    assert check_batch(reader.read(9)) == [0, 1, 2, 3, 4], "the numbering goes on"


def test_finished_is_closed_and_read(ring, publish):
    writer, reader = RingWriter(ring), RingReader(ring)
    publish(writer, 2)
    writer.close()
    writer.close()
    assert not reader.finished
    reader.read(9)
    assert reader.finished


def test_counters_outlive_their_writer(ring):
    writer = RingWriter(ring)
    writer.count("missing_ids")
    writer.count("missing_ids", 4)
    del writer
    again = RingWriter(Ring(ring.path))
    again.count("failed_grabs")
    assert ring.counters == {"failed_grabs": 1, "missing_ids": 5}
    assert ring.writer_pid == os.getpid()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slots": 1}, "at least 2 slots"),
        ({"counters": tuple(f"c{k}" for k in range(33))}, "at most 32 counters"),
    ],
)
def test_refuses_a_wrong_description(tmp_path, make_spec, changes, message):
    with pytest.raises(StreamError, match=message):
        Ring.create(tmp_path / "x.ring", make_spec(**changes))


def test_refuses_a_second_ring_of_one_name(ring, make_spec):
    with pytest.raises(StreamError, match="is another session running"):
        Ring.create(ring.path, make_spec())


@pytest.mark.parametrize("content", [b"", b"SPRH", b"x" * 4096, b"x" * 9000])
def test_refuses_what_is_no_ring(tmp_path, content):
    path = tmp_path / "x.ring"
    path.write_bytes(content)
    with pytest.raises(StreamError, match=r"Expected a ring in .*x\.ring"):
        Ring(path)


def test_refuses_a_ring_that_was_cut_short(ring):
    with ring.path.open("r+b") as file:
        file.truncate(4096 * 2)
    with pytest.raises(StreamError, match="Expected a ring"):
        Ring(ring.path)


def test_refuses_another_layout(ring):
    with ring.path.open("r+b") as file:
        file.seek(8)
        file.write((1).to_bytes(4, "little"))
    with pytest.raises(VersionError, match=r"layout 2 .*got 1"):
        Ring(ring.path)


def test_refuses_another_contract(ring):
    data, here = ring.path.read_bytes(), b'"version":%d' % CONTRACT_VERSION
    assert here in data
    ring.path.write_bytes(data.replace(here, b'"version":9'))
    with pytest.raises(VersionError, match=r"contract version .*, got 9"):
        Ring(ring.path)


def test_what_an_older_version_left_is_read_and_not_written_to(tmp_path, make_spec):
    """A session that was cut off is salvaged also after an update."""
    frames = Ring.create(tmp_path / "left.ring", make_spec(version=1))
    assert RingWriter(frames).seq == 0  # these rows have not changed since
    spec = make_spec(name="clocks/left", kind="clocks", payload=None, version=1)
    clocks = Ring.create(tmp_path / "clocks.ring", spec)
    clocks.rows[0]["sd_ns"] = 7
    again = Ring(clocks.path)
    assert again.rows.dtype.itemsize == 64
    assert again.rows[0]["sd_ns"] == 7
    with pytest.raises(VersionError, match=f"version {CONTRACT_VERSION}, got 1"):
        RingWriter(again)
    assert again.generation == 0
    row = {"host_ns": 1, "device_ns": 2, "offset_ns": 3, "skew_ppb": 0.0, "sd_ns": 4}
    new = Ring.create(tmp_path / "new.ring", make_spec(kind="clocks", payload=None))
    RingWriter(new).append(ClockRecord(**row, segment=5))
    assert new.rows[0]["segment"] == 5


def test_a_missing_stream(tmp_path):
    with pytest.raises(StreamError, match="is the session running"):
        Ring(tmp_path / "none.ring")


def test_too_little_shared_memory_leaves_nothing(tmp_path, make_spec, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StreamError, match="lower ring_seconds"):
        Ring.create(tmp_path / "left.ring", make_spec())
    assert list(tmp_path.iterdir()) == []


class RingMachine(RuleBasedStateMachine):
    """Any mixture of writing, restarting and reading keeps every account."""

    SLOTS = 5

    def __init__(self):
        super().__init__()
        import tempfile
        from pathlib import Path

        self.folder = tempfile.TemporaryDirectory()
        spec = StreamSpec(
            name="cameras/c",
            kind="frames",
            node="c",
            payload=PayloadSpec("<i8", (3,)),
            slots=self.SLOTS,
        )
        self.path = Path(self.folder.name) / "c.ring"
        self.ring = Ring.create(self.path, spec)
        self.writer = RingWriter(self.ring)
        self.restarts = 0
        self.readers = []
        self.seen = []

    def teardown(self):
        self.folder.cleanup()

    def publish(self, n):
        for _ in range(n):
            k = self.writer.seq
            record = Frame(host_ns=k + 1, frame_id=k, device_ns=k, exposure_ns=k)
            self.writer.append(record, np.full(3, k))

    def check(self, k, rows, payload):
        _, begin, seqs = self.seen[k]
        for row, values in zip(rows, payload, strict=True):
            seq = int(row["seq"])
            assert row["host_ns"] == seq + 1
            assert (values == seq).all()
            assert seq >= begin
            assert not seqs or seq > seqs[-1], "in order, none twice"
            seqs.append(seq)

    @rule(n=st.integers(0, 3 * SLOTS), laps=st.integers(0, 2))
    def write(self, n, laps):
        self.publish(n + laps * self.SLOTS)

    @rule()
    def leave_a_slot_half_written(self):
        self.writer.claim()[:1] = -1

    @rule(close=st.booleans())
    def restart_the_writer(self, close):
        if close:
            self.writer.close()
        self.writer = RingWriter(Ring(self.path))
        self.restarts += 1

    @precondition(lambda self: len(self.readers) < 4)
    @rule(back=st.integers(0, 2 * SLOTS) | st.none())
    def begin_a_reader(self, back):
        start = None if back is None else max(0, self.ring.head - back)
        reader = RingReader(Ring(self.path), start)
        self.readers.append(reader)
        self.seen.append((self.restarts, reader.cursor, []))

    @precondition(lambda self: self.readers)
    @rule(data=st.data(), most=st.integers(0, 2 * SLOTS))
    def read(self, data, most):
        k = data.draw(st.integers(0, len(self.readers) - 1))
        batch = self.readers[k].read(most)
        assert len(batch) <= most
        self.check(k, batch.rows, batch.payload)

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def read_the_newest(self, data):
        k = data.draw(st.integers(0, len(self.readers) - 1))
        reader = self.readers[k]
        fresh = reader.available > 0
        batch = reader.latest()
        assert (batch is not None) == fresh
        if batch is not None:
            assert batch.rows["seq"][-1] == self.ring.head - 1
            self.check(k, batch.rows, batch.payload)

    @precondition(lambda self: self.readers)
    @rule(data=st.data(), most=st.integers(1, 2 * SLOTS), meanwhile=st.integers(0, 12))
    def look_while_the_writer_goes_on(self, data, most, meanwhile):
        k = data.draw(st.integers(0, len(self.readers) - 1))
        reader = self.readers[k]
        view = reader.peek(most)
        self.publish(meanwhile)
        intact = view.intact()
        n = len(view)
        self.check(k, view.rows[n - intact :], view.payload[n - intact :])
        reader.advance(n, intact)

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def ask_about_restarts(self, data):
        k = data.draw(st.integers(0, len(self.readers) - 1))
        told, begin, seqs = self.seen[k]
        assert self.readers[k].restarted() == (told != self.restarts)
        self.seen[k] = (self.restarts, begin, seqs)

    @invariant()
    def every_element_is_accounted_for(self):
        for reader, (_, begin, seqs) in zip(self.readers, self.seen, strict=True):
            published = self.ring.head - begin
            known = reader.taken + reader.skipped + reader.lost
            assert published == known + reader.available
            assert reader.taken == len(seqs)
            lost = [
                seq
                for first, count in reader.losses
                for seq in range(first, first + count)
            ]
            assert len(lost) == len(set(lost)) == reader.lost
            assert not set(lost) & set(seqs)


class DeepRingMachine(RingMachine):
    """Deep enough for a head start after an overrun."""

    SLOTS = 37


TestRingMachine = RingMachine.TestCase
TestDeepRingMachine = DeepRingMachine.TestCase


_FLOOD = """
import sys, numpy as np
from pathlib import Path
from rig.bus.ring import Ring, RingWriter
from rig.messages import Frame
writer = RingWriter(Ring(Path(sys.argv[1])))
n = int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for k in range(n):
    pixels = writer.claim()
    pixels[:] = k
    writer.publish(Frame(host_ns=k + 1, frame_id=k, device_ns=k, exposure_ns=k))
writer.close()
"""


@pytest.mark.parametrize("way", ["read", "peek", "latest"])
def test_a_flood_from_another_process_is_never_torn(tmp_path, process, until, way):
    """The writer laps the reader again and again: what is read is whole."""
    spec = StreamSpec(
        name="cameras/c",
        kind="frames",
        node="c",
        payload=PayloadSpec("<i8", (4096,)),
        slots=4,
    )
    path = tmp_path / "c.ring"
    reader = RingReader(Ring.create(path, spec))
    n = 20_000
    child = process(_FLOOD, path, n)
    assert child.stdout.readline() == "ready\n"
    child.stdin.write("go\n")
    child.stdin.flush()

    def whole(rows, payload):
        np.testing.assert_array_equal(rows["seq"], rows["frame_id"])
        np.testing.assert_array_equal(
            payload, np.broadcast_to(rows["seq"][:, None], payload.shape)
        )

    def turn():
        if way == "peek":
            view = reader.peek(3)
            rows, payload = view.rows.copy(), view.payload.copy()
            intact = view.intact()
            reader.advance(len(rows), intact)
            whole(rows[len(rows) - intact :], payload[len(rows) - intact :])
        elif way == "read":
            batch = reader.read(3)
            whole(batch.rows, batch.payload)
        elif (batch := reader.latest()) is not None:
            whole(batch.rows, batch.payload)
        return reader.finished

    until(turn)
    assert reader.taken > 0
    assert reader.lost + reader.skipped > 0, "too slow a flood to test anything"
    assert reader.taken + reader.lost + reader.skipped == n


_MID_SLOT = """
import sys, time, numpy as np
from pathlib import Path
from rig.bus.ring import Ring, RingWriter
from rig.messages import Frame
writer = RingWriter(Ring(Path(sys.argv[1])))
for k in range(int(sys.argv[2])):
    record = Frame(host_ns=1000 + k, frame_id=k, device_ns=10 * k, exposure_ns=k)
    writer.append(record, np.full((6, 8), k % 251, np.uint16))
writer.claim()[:3] = 999
print("half", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("before", [3, 8, 21])
def test_a_writer_killed_in_the_middle_of_a_slot(
    ring, process, publish, check_batch, before
):
    follower, salvager = RingReader(ring), RingReader(ring)
    child = process(_MID_SLOT, ring.path, before)
    assert child.stdout.readline() == "half\n"
    child.kill()
    child.wait()

    whole = check_batch(follower.read(99)) + check_batch(follower.read(99))
    assert whole == list(range(before - len(whole), before))
    assert follower.lost == before - len(whole)
    assert not follower.finished
    assert len(whole) >= min(before, ring.slots - 1)

    publish(RingWriter(Ring(ring.path)), 2)
    assert follower.restarted()
    assert check_batch(follower.read(99))[0] == before
    assert salvager.peek(99).intact() == len(salvager.peek(99))
