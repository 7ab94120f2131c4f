"""One contract for every way of following a stream."""

import threading

import pytest

from rig.bus.reader import KEPT_LOSSES, RingReader
from rig.bus.remote import RemoteReader
from rig.bus.server import StreamServer


class StreamReaderContract:
    """What every `StreamReader` must do; subclass it and give `follow`."""

    @pytest.fixture
    def follow(self):
        """A function from `start` to a reader of ``cameras/left``."""
        raise NotImplementedError

    @pytest.fixture
    def writer(self, streams, make_spec):
        streams.create_ring(make_spec())
        writer = streams.writer("cameras/left")
        yield writer
        writer.close()

    def test_knows_the_stream(self, writer, follow, make_spec):
        assert follow().spec == make_spec()

    def test_every_one_in_order(self, writer, follow, publish, check_batch):
        reader = follow()
        assert len(reader.read(9)) == 0
        publish(writer, 5)
        assert check_batch(reader.read(2)) == [0, 1]
        assert check_batch(reader.read(0)) == []
        publish(writer, 1)
        seqs = [2]
        assert check_batch(reader.read(1)) == seqs
        while len(batch := reader.read(9)):
            seqs += check_batch(batch)
        assert seqs == [2, 3, 4, 5]
        assert (reader.cursor, reader.taken) == (6, 6)
        assert (reader.lost, reader.skipped) == (0, 0)

    def test_an_empty_batch_has_the_right_shape(self, writer, follow):
        batch = follow().read(9)
        assert batch.rows.dtype == writer.spec.row
        assert batch.payload.shape == (0, 6, 8)

    def test_a_late_reader(self, writer, follow, publish, check_batch):
        publish(writer, 4)
        late, early = follow(), follow(start=1)
        publish(writer, 1)
        assert check_batch(late.read(9)) == [4]
        assert check_batch(early.read(9)) == [1, 2, 3, 4]

    def test_the_newest(self, writer, follow, publish, check_batch):
        reader = follow()
        assert reader.latest() is None
        publish(writer, 5)
        assert check_batch(reader.latest()) == [4]
        assert reader.latest() is None
        publish(writer, 20)
        assert check_batch(reader.latest()) == [24]
        assert (reader.taken, reader.skipped, reader.lost) == (2, 23, 0)

    def test_one_reader_may_do_both(self, writer, follow, publish, check_batch):
        reader = follow()
        publish(writer, 5)
        assert check_batch(reader.read(2)) == [0, 1]
        assert check_batch(reader.latest()) == [4]
        publish(writer, 3)
        assert check_batch(reader.read(2)) == [5, 6]
        assert (reader.taken, reader.skipped, reader.lost) == (5, 2, 0)

    def test_an_overrun_is_counted(self, writer, follow, publish, check_batch):
        reader = follow()
        publish(writer, 50)
        seqs = check_batch(reader.read(99))
        assert seqs[0] == reader.lost
        assert reader.losses == [(0, reader.lost)]
        assert len(seqs) >= 1
        assert seqs == list(range(seqs[0], seqs[-1] + 1))

    def test_every_account_is_kept(self, writer, follow, publish, check_batch):
        reader = follow()
        for step in range(60):
            publish(writer, step * 7 % 13)
            if step % 5 == 4:
                if (batch := reader.latest()) is not None:
                    check_batch(batch)
            else:
                check_batch(reader.read(step % 4))
            known = reader.taken + reader.skipped + reader.lost
            assert reader.cursor == known
        while len(reader.read(3)):
            pass
        assert reader.cursor == writer.seq
        assert reader.taken + reader.skipped + reader.lost == writer.seq
        assert reader.lost > 0
        assert reader.skipped > 0

    def test_the_end(self, writer, follow, publish):
        reader = follow()
        publish(writer, 3)
        writer.close()
        taken = 0
        while not reader.finished:
            taken += len(reader.read(2))
        assert taken == 3

    def test_a_restart(self, writer, follow, streams, publish, check_batch):
        reader = follow()
        publish(writer, 2)
        assert check_batch(reader.read(9)) == [0, 1]
        assert not reader.restarted()
        writer.close()
        second = streams.writer("cameras/left")
        publish(second, 2)
        assert check_batch(reader.read(9)) == [2, 3]
        assert reader.restarted()
        assert not reader.restarted()
        second.close()

    def test_readers_do_not_touch_each_other(self, writer, follow, publish):
        quick, slow, third = follow(), follow(), follow()
        publish(writer, 6)
        assert len(quick.read(99)) == 6
        assert third.latest() is not None
        publish(writer, 6)
        assert len(quick.read(99)) + len(quick.read(99)) == 6
        assert len(slow.read(99)) > 0
        assert (quick.lost, third.lost) == (0, 0)
        assert slow.lost > 0


class TestRingReader(StreamReaderContract):
    @pytest.fixture
    def follow(self, streams):
        def follow(start=None) -> RingReader:
            return streams.reader("cameras/left", start)

        return follow

    def test_one_that_is_always_too_slow_does_not_grow(self, writer, follow, publish):
        reader = follow()
        for _ in range(KEPT_LOSSES + 20):
            publish(writer, 50)
            reader.read(1)
        assert len(reader.losses) == KEPT_LOSSES
        assert sum(reader.losses[-1]) == reader.cursor - 1
        assert reader.lost == reader.cursor - reader.taken


class TestRemoteReader(StreamReaderContract):
    @pytest.fixture
    def follow(self, writer, streams):
        server = StreamServer(streams, "tcp://127.0.0.1:*")
        ending = threading.Event()

        def serve():
            while not ending.is_set():
                server.step(20)

        thread = threading.Thread(target=serve)
        thread.start()
        readers = []

        def follow(start=None) -> RemoteReader:
            readers.append(RemoteReader(server.address, "cameras/left", start=start))
            return readers[-1]

        yield follow
        for reader in readers:
            reader.close()
        ending.set()
        thread.join()
        server.close()
