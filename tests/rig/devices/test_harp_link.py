from types import SimpleNamespace

import pytest

from rig.devices.harp_link import HarpLink
from sync.clock import ManualClock


@pytest.fixture
def port():
    """Hands out what it is given; then it is unplugged."""

    class Port:
        def __init__(self):
            self.chunks = []

        def read(self):
            if not self.chunks:
                raise OSError("gone")
            return self.chunks.pop(0)

        def more(self):
            return bool(self.chunks)

        def write(self, data):
            pass

    return Port()


def test_a_port_that_ends_while_it_is_asked_is_no_fault_of_ours(port):
    """A message is being taken when one looks; then the port is gone."""
    link = HarpLink(port, "it", ManualClock(), lambda *_: None)
    link._tee.failed = True

    class Ending:
        @property
        def reading(self):
            link._tee.failed = False  # the message was taken; the thread ended later
            return False

    link._client = Ending()
    assert not link.failed


def test_what_is_raised_on_a_message_is_a_fault(port):
    link = HarpLink(port, "it", ManualClock(), lambda *_: None)
    link._client = SimpleNamespace(reading=False)

    def feed(_):
        raise ZeroDivisionError

    link._tee.framer = SimpleNamespace(feed=feed)
    port.chunks = [b"x"]
    with pytest.raises(ZeroDivisionError):
        link._tee.read()
    assert link.failed


def test_what_had_come_is_taken_once_nothing_waits_any_more(port):
    """After a stall there is more than one read takes: its end vouches for all."""
    clock = ManualClock(5)
    link = HarpLink(port, "it", clock, lambda *_: None)
    link._client = SimpleNamespace(reading=True)
    port.chunks = [b"", b"", b""]
    taken = []
    for _ in range(3):
        link._tee.read()
        taken.append(link.taken_ns)
        clock.advance(10)
    assert taken == [0, 0, 25]
    link._client.reading = False
    assert link.taken_ns == 35, "nothing can come any more"
